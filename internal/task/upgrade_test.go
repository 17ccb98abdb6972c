package task_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/eventim/eventimtest"
	"github.com/eventim-go/eventim/internal/kafkalog"
	"github.com/eventim-go/eventim/internal/router"
	"github.com/eventim-go/eventim/internal/task"
	"github.com/eventim-go/eventim/internal/txn"
)

const partitions = 4

// party are the members of a group, each a task that copies records.
type party struct {
	t      *testing.T
	kafka  kafkalog.Kafka
	client sarama.Client
	router router.Router
	sent   int
}

func newParty(t *testing.T) *party {
	t.Helper()
	name := eventimtest.Name(t, "party")
	p := &party{t: t, kafka: kafkalog.Kafka(eventimtest.Kafka(t)), router: router.Router{
		Name: name, Input: name + "-in", Partitions: partitions, Target: name + "-out", Wide: 1, Route: copied,
	}}
	var err error
	if p.client, err = p.kafka.Client(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.client.Close() })
	admin, err := sarama.NewClusterAdminFromClient(p.client)
	if err != nil {
		t.Fatal(err)
	}
	for topic, n := range map[string]int32{p.router.Input: partitions, p.router.Target: 1} {
		if err := admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: n, ReplicationFactor: 1}, false); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func copied(m *sarama.ConsumerMessage) ([]*sarama.ProducerMessage, error) {
	return []*sarama.ProducerMessage{{Key: sarama.ByteEncoder(m.Key), Value: sarama.ByteEncoder(m.Value)}}, nil
}

// guest is a member, with what it says, and how many partitions it was given and lost.
type guest struct {
	*task.Runner
	stop func()
	mu   sync.Mutex
	said strings.Builder
	lost int
}

func (g *guest) Write(line []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.said.Write(line)
}

func (g *guest) says(what string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return strings.Contains(g.said.String(), what)
}

// losses are the partitions that were given up since it was asked last.
func (g *guest) losses() (n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	n, g.lost = g.lost, 0
	return n
}

func (*guest) Claimed(int32)            {}
func (*guest) TakenOver(task.TakenOver) {}
func (*guest) Decided(task.Decided)     {}
func (*guest) Transacted(txn.Report)    {}
func (*guest) Fenced(int32, error)      {}
func (*guest) Ended(string)             {}

func (g *guest) Released(int32) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lost++
}

func (p *party) join(change ...func(*task.Runner)) *guest {
	p.t.Helper()
	g := &guest{}
	g.Runner = task.New(p.router.Task(), task.Config{
		Kafka: p.kafka, Dir: p.t.TempDir(), Lanes: 1, MaxBatch: 7, CacheBytes: 1 << 20, Session: time.Minute, StuckAfter: time.Minute,
		Logger: slog.New(slog.NewTextHandler(g, nil)), Observer: g,
		Inspect: func(context.Context, sarama.ClusterAdmin) (task.Limits, error) {
			return task.Limits{OutputBytes: 1 << 20}, nil
		},
		Inspected: func(error) {},
	})
	for _, f := range change {
		f(g.Runner)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := g.Run(ctx); err != nil {
			p.t.Errorf("a member: %v", err)
		}
	})
	g.stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	p.t.Cleanup(g.stop)
	return g
}

func (p *party) eventually(what string, holds func() bool) {
	p.t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Fatalf("after a minute, still not: %s", what)
		}
	}
}

// share waits until each of the members runs n partitions.
func (p *party) share(n int, all ...*guest) {
	p.t.Helper()
	p.eventually(fmt.Sprintf("each of %d members has %d partitions", len(all), n), func() bool {
		return !slices.ContainsFunc(all, func(g *guest) bool {
			status := g.Status()
			return len(status) != n || slices.ContainsFunc(status, func(s task.Status) bool { return s.State != task.Running })
		})
	})
}

// send writes a record into each partition, and awaits all copies in their order.
func (p *party) send() {
	p.t.Helper()
	c := p.kafka.Config()
	c.Producer.Return.Successes, c.Producer.Partitioner = true, sarama.NewManualPartitioner
	producer, err := sarama.NewSyncProducer(p.kafka.Brokers, c)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = producer.Close() }()
	for in := range int32(partitions) {
		m := &sarama.ProducerMessage{
			Topic: p.router.Input, Partition: in, Key: sarama.StringEncoder(fmt.Sprint(in)), Value: sarama.StringEncoder(fmt.Sprint(p.sent)),
		}
		if _, _, err := producer.SendMessage(m); err != nil {
			p.t.Fatal(err)
		}
	}
	p.sent++
	p.eventually("all records are copied", func() bool { return len(p.copies()) >= p.sent*partitions })
	next := map[string]int{}
	for _, c := range p.copies() {
		key, value, _ := strings.Cut(c, "=")
		if value != fmt.Sprint(next[key]) {
			p.t.Fatalf("the copies of partition %s go on with %s, want %d", key, value, next[key])
		}
		next[key]++
	}
}

func (p *party) copies() (all []string) {
	p.t.Helper()
	end, err := kafkalog.Offset(p.t.Context(), p.client, p.router.Target, 0, sarama.OffsetNewest)
	if err != nil {
		p.t.Fatal(err)
	}
	_, err = kafkalog.Reader{Client: p.client, Topic: p.router.Target}.Read(p.t.Context(), 0, end,
		func(_ *sarama.RecordBatch, r *sarama.Record) error {
			all = append(all, string(r.Key)+"="+string(r.Value))
			return nil
		})
	if err != nil {
		p.t.Fatal(err)
	}
	return all
}

// before is a member of a version that only knew the eager protocol.
func before(r *task.Runner) { r.AsBefore() }

// A group is upgraded member by member, with no other step: new members share the
// partitions with old ones, and when the last of those is gone, a rebalance stops only
// what moves. Each record is copied once, whoever has its partition.
func TestUpgradeMemberByMember(t *testing.T) {
	t.Parallel()
	p := newParty(t)
	old1, old2 := p.join(before), p.join(before)
	p.share(2, old1, old2)
	p.send()

	old1.stop()
	new1 := p.join()
	p.share(2, old2, new1)
	p.send()
	if !new1.says("members of an older version") {
		t.Error("the new member does not say that it takes part as before")
	}
	old2.stop()
	new2 := p.join()
	p.share(2, new1, new2)
	p.send()

	new3 := p.join()
	p.eventually("the first new member finds that all are new", func() bool { return new1.says("no member of an older version is left") })
	p.eventually("three members share the partitions", func() bool { return p.running(new1, new2, new3) == partitions })
	p.send()
	for _, g := range []*guest{new1, new2, new3} {
		g.losses()
	}
	new4 := p.join()
	p.share(1, new1, new2, new3, new4)
	p.send()
	if n := new1.losses() + new2.losses() + new3.losses(); n != 1 {
		t.Errorf("%d partitions were given up when a new member joined, want the one that moved", n)
	}
}

// running counts the partitions that the members run, if each of them has some.
func (p *party) running(all ...*guest) (n int) {
	for _, g := range all {
		status := g.Status()
		if len(status) == 0 || slices.ContainsFunc(status, func(s task.Status) bool { return s.State != task.Running }) {
			return 0
		}
		n += len(status)
	}
	return n
}

// Going back: an old member waits until the last new one is gone, and then goes on where
// that one was.
func TestAnOldMemberWaitsForTheLastNewOne(t *testing.T) {
	t.Parallel()
	p := newParty(t)
	newer := p.join()
	p.share(partitions, newer)
	p.send()
	older := p.join(before)
	p.eventually("the old member is refused", func() bool { return older.says("session ended, joining again") })
	p.send()
	p.share(partitions, newer)
	newer.stop()
	p.share(partitions, older)
	p.send()
}
