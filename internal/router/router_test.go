package router_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/eventim-go/eventim/eventim/eventimtest"
	"github.com/eventim-go/eventim/internal/kafkalog"
	"github.com/eventim-go/eventim/internal/router"
	"github.com/eventim-go/eventim/internal/task"
	"github.com/eventim-go/eventim/internal/txn"
)

func TestMain(m *testing.M) {
	// sarama's metrics share one goroutine that never ends.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick"))
}

// byWord gives a record to each word that it has.
func byWord(m *sarama.ConsumerMessage) ([]*sarama.ProducerMessage, error) {
	var out []*sarama.ProducerMessage
	for i, word := range strings.Fields(string(m.Value)) {
		out = append(out, &sarama.ProducerMessage{
			Key: sarama.StringEncoder(word), Value: sarama.StringEncoder(fmt.Sprintf("%s/%d", m.Key, i)),
		})
	}
	return out, nil
}

// What a router does with records is a function of them: Kafka is not needed to see
// it. Each word goes to the partition of the word, in the order of the input.
func TestARouterWithoutKafka(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := router.Router{Target: "out", Wide: 5, Route: byWord}.Task().New(nil)
		s := task.NewScope(0, 1<<20, time.Now(), nil)
		var in []*sarama.ConsumerMessage
		want := map[string]string{}
		for i := range rapid.IntRange(1, 20).Draw(t, "records") {
			words := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "d"}), 0, 4).Draw(t, "words")
			in = append(in, &sarama.ConsumerMessage{Key: fmt.Append(nil, i), Offset: int64(i), Value: []byte(strings.Join(words, " "))})
			for at, word := range words {
				want[word] += fmt.Sprintf("%d/%d ", i, at)
			}
		}
		if err := s.Run(p, in); err != nil {
			t.Fatal(err)
		}
		c := s.Commit()
		got, home := map[string]string{}, map[string]int32{}
		for _, m := range c.Records {
			key, _ := m.Key.Encode()
			value, _ := m.Value.Encode()
			if before, known := home[string(key)]; known && before != m.Partition || m.Topic != "out" {
				t.Fatalf("%s went to %s/%d and to %d", key, m.Topic, m.Partition, before)
			}
			home[string(key)] = m.Partition
			got[string(key)] += string(value) + " "
		}
		if fmt.Sprint(got) != fmt.Sprint(want) || c.Next != int64(len(in)) || c.Inputs != len(in) {
			t.Fatalf("got %v up to %d, want %v", got, c.Next, want)
		}
	})
}

// A record that cannot be read stops its partition, and is never passed over.
func TestWhatCannotBeRoutedIsNotPassed(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	p := router.Router{Wide: 1, Route: func(*sarama.ConsumerMessage) ([]*sarama.ProducerMessage, error) { return nil, broken }}.Task().New(nil)
	err := task.NewScope(0, 1, time.Now(), nil).Run(p, []*sarama.ConsumerMessage{{}})
	if _, stops := errors.AsType[*task.UnreadableError](err); !stops || !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

// nobody is told nothing.
type nobody struct{}

func (nobody) Claimed(int32)            {}
func (nobody) Released(int32)           {}
func (nobody) TakenOver(task.TakenOver) {}
func (nobody) Decided(task.Decided)     {}
func (nobody) Transacted(txn.Report)    {}
func (nobody) Fenced(int32, error)      {}
func (nobody) Ended(string)             {}

const inputs, targets = 3, 5

// bench is a router on a cluster, as a test sees it.
type bench struct {
	t      *testing.T
	router router.Router
	kafka  kafkalog.Kafka
	client sarama.Client
	admin  sarama.ClusterAdmin
	fed    int // records in each partition of the input
}

func newBench(t *testing.T) *bench {
	t.Helper()
	name := eventimtest.Name(t, "router")
	b := &bench{t: t, kafka: kafkalog.Kafka(eventimtest.Kafka(t)), router: router.Router{
		Name: name, Input: name + "-in", Partitions: inputs, Target: name + "-out", Wide: targets, Route: byWord,
		Positions: task.Positions{Topic: name + "-positions", Partitions: 2},
	}}
	var err error
	if b.client, err = b.kafka.Client(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.client.Close() })
	if b.admin, err = sarama.NewClusterAdminFromClient(b.client); err != nil {
		t.Fatal(err)
	}
	b.create(b.router.Input, inputs)
	b.create(b.router.Target, targets)
	b.create(b.router.Positions.Topic, b.router.Positions.Partitions)
	return b
}

func (b *bench) create(topic string, partitions int32) {
	b.t.Helper()
	if err := b.admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: partitions, ReplicationFactor: 1}, false); err != nil {
		b.t.Fatal(err)
	}
}

// run runs a router until stop is called, which may be in the middle of anything.
func (b *bench) run(dir string) (stop func()) {
	_, stop = b.start(dir)
	return stop
}

func (b *bench) start(dir string) (r *task.Runner, stop func()) {
	ctx, cancel := context.WithCancel(b.t.Context())
	var running sync.WaitGroup
	r = task.New(b.router.Task(), task.Config{
		Kafka: b.kafka, Dir: dir, Lanes: 1, MaxBatch: 7, CacheBytes: 1 << 20, Session: 6 * time.Second, StuckAfter: time.Minute,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})), Observer: nobody{},
		Inspect: func(context.Context, sarama.ClusterAdmin) (task.Limits, error) {
			return task.Limits{OutputBytes: 1 << 20}, nil
		},
		Inspected: func(error) {},
	})
	running.Go(func() {
		if err := r.Run(ctx); err != nil {
			b.t.Errorf("the router: %v", err)
		}
	})
	return r, func() { cancel(); running.Wait() }
}

// feed writes n records into each partition of the input.
func (b *bench) feed(n int) {
	b.t.Helper()
	c := b.kafka.Config()
	c.Producer.Return.Successes, c.Producer.Partitioner = true, sarama.NewManualPartitioner
	producer, err := sarama.NewSyncProducer(b.kafka.Brokers, c)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = producer.Close() }()
	var all []*sarama.ProducerMessage
	for i := range n {
		for p := range int32(inputs) {
			all = append(all, &sarama.ProducerMessage{
				Topic: b.router.Input, Partition: p, Key: sarama.StringEncoder(fmt.Sprintf("%d-%06d", p, b.fed+i)), Value: sarama.StringEncoder("a b c"),
			})
		}
	}
	if err := producer.SendMessages(all); err != nil {
		b.t.Fatal(err)
	}
	b.fed += n
}

// routed reads the target: what there is for each word, in its order.
func (b *bench) routed() map[string][]string {
	b.t.Helper()
	all := map[string][]string{}
	for p := range int32(targets) {
		end, err := kafkalog.Offset(b.t.Context(), b.client, b.router.Target, p, sarama.OffsetNewest)
		if err != nil {
			b.t.Fatal(err)
		}
		_, err = kafkalog.Reader{Client: b.client, Topic: b.router.Target, Partition: p}.Read(b.t.Context(), 0, end,
			func(_ *sarama.RecordBatch, r *sarama.Record) error {
				all[string(r.Key)] = append(all[string(r.Key)], string(r.Value))
				return nil
			})
		if err != nil {
			b.t.Fatal(err)
		}
	}
	return all
}

// Whatever joins, leaves and starts again, each record is routed once, and those of
// one partition in their order.
func TestEachRecordIsRoutedOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const rounds, each = 4, 100
	other := b.run(t.TempDir())
	dir := t.TempDir()
	for range rounds {
		stop := b.run(dir)
		b.feed(each)
		stop()
	}
	b.awaits(rounds * each)
	other()
	b.once(rounds * each)
}

// awaits waits until so many records of each partition are routed.
func (b *bench) awaits(each int) {
	b.t.Helper()
	b.until(fmt.Sprintf("%d records are routed", each*inputs), func() bool { return len(b.routed()["a"]) >= each*inputs })
}

func (b *bench) until(what string, so func() bool) {
	b.t.Helper()
	deadline := time.After(time.Minute)
	for !so() {
		select {
		case <-deadline:
			b.t.Fatalf("it did not come to pass that %s", what)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// once wants so many records of each partition to be routed, each once and in order.
func (b *bench) once(each int) {
	b.t.Helper()
	all := b.routed()
	for word, at := range map[string]int{"a": 0, "b": 1, "c": 2} {
		next := map[byte]int{} // by partition of the input
		for _, value := range all[word] {
			p := value[0]
			if want := fmt.Sprintf("%c-%06d/%d", p, next[p], at); value != want {
				b.t.Fatalf("%s for %s, want %s", value, word, want)
			}
			next[p]++
		}
		for p := range inputs {
			if n := next[byte('0'+p)]; n != each {
				b.t.Errorf("%d records of partition %d for %s, want %d", n, p, word, each)
			}
		}
	}
}

// A group that Kafka has forgotten, which it does after a week of absence, goes on
// where it was.
func TestAForgottenGroupGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	stop := b.run(t.TempDir())
	b.feed(50)
	b.awaits(50)
	stop()
	for range 2 { // and when it is forgotten again before anything has come
		b.forget()
		r, stop := b.start(t.TempDir())
		b.until("it goes on", func() bool { return len(r.Status()) == inputs && all(r.Status(), task.Running) })
		b.until("its offset is there again", func() bool { return b.committed() == inputs })
		stop()
	}
	b.feed(20)
	stop = b.run(t.TempDir())
	b.awaits(70)
	stop()
	b.once(70)
}

// Where a group that is forgotten was, says nothing of another topic of that name.
func TestAForgottenGroupOfATopicThatIsMadeAnew(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	stop := b.run(t.TempDir())
	b.feed(5)
	b.awaits(5)
	stop()
	if err := b.admin.DeleteTopic(b.router.Input); err != nil {
		t.Fatal(err)
	}
	b.until("the topic is gone", func() bool {
		topics, err := b.admin.ListTopics()
		_, there := topics[b.router.Input]
		return err == nil && !there
	})
	b.create(b.router.Input, inputs)
	b.feed(9) // so that where the group was is no offset that there is not
	b.until("the group is gone", func() bool { _ = b.admin.DeleteConsumerGroup(b.router.Name); return b.committed() == 0 })
	r, stop := b.start(t.TempDir())
	b.until("it has stopped", func() bool { return len(r.Status()) == inputs && all(r.Status(), task.Stopped) })
	err := r.Status()[0].Err
	stop()
	if !strings.Contains(fmt.Sprint(err), "made anew") {
		t.Errorf("it says %v", err)
	}
}

func all(statuses []task.Status, state task.State) bool {
	return !slices.ContainsFunc(statuses, func(s task.Status) bool { return s.State != state })
}

// forget does what the broker does after offsets.retention.minutes.
func (b *bench) forget() {
	b.t.Helper()
	b.until("the group is forgotten", func() bool { return b.admin.DeleteConsumerGroup(b.router.Name) == nil })
}

// committed counts the partitions of which the group has an offset.
func (b *bench) committed() (n int) {
	b.t.Helper()
	found, err := b.admin.ListConsumerGroupOffsets(b.router.Name, nil)
	if err != nil && !errors.Is(err, sarama.ErrGroupIDNotFound) {
		b.t.Fatal(err)
	}
	if found == nil {
		return 0
	}
	for _, block := range found.Blocks[b.router.Input] {
		if block.Offset >= 0 {
			n++
		}
	}
	return n
}
