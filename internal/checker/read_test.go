package checker

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// broker has the topics of the aggregate "counter".
func broker(t *testing.T) []string {
	t.Helper()
	l := newLog("counter")
	var names []string
	for _, topic := range l.topics() {
		names = append(names, topic.Name)
	}
	k, err := kfake.NewCluster(kfake.NumBrokers(2), kfake.SeedTopics(partitions, names...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k.ListenAddrs()
}

func client(t *testing.T, addrs []string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append(opts, kgo.SeedBrokers(addrs...), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func record(topic string, p int32, value string) *kgo.Record {
	return &kgo.Record{Topic: topic, Partition: p, Key: []byte("k"), Value: []byte(value), Headers: []kgo.RecordHeader{{Key: "h", Value: []byte("v")}}}
}

// produce writes the records in one transaction.
func produce(t *testing.T, c *kgo.Client, end kgo.TransactionEndTry, records ...*kgo.Record) {
	t.Helper()
	if err := c.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := c.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if err := c.EndTransaction(t.Context(), end); err != nil {
		t.Fatal(err)
	}
}

func values(records []Record) string {
	var list []string
	for _, r := range records {
		switch r.Control {
		case Commit:
			list = append(list, "commit")
		case Abort:
			list = append(list, "abort")
		default:
			list = append(list, string(r.Value))
		}
	}
	return strings.Join(list, " ")
}

func TestReadBothLevels(t *testing.T) {
	t.Parallel()
	addrs := broker(t)
	c := client(t, addrs, kgo.TransactionalID("t"))
	produce(t, c, kgo.TryCommit, record("counter-events", 1, "a"), record("counter-events", 1, "b"), record("counter-events", 2, "x"))
	produce(t, c, kgo.TryAbort, record("counter-events", 1, "c"))
	produce(t, c, kgo.TryCommit, record("counter-events", 1, "d"))
	produce(t, c, kgo.TryAbort, record("counter-events", 1, strings.Repeat("e", 100)))
	log, err := Read(t.Context(), Options{Brokers: addrs, Aggregate: "counter"})
	if err != nil {
		t.Fatal(err)
	}
	p := log.Events.Partitions[1]
	if got, want := values(p.Visible), "a b d"; got != want {
		t.Errorf("visible %q, want %q", got, want)
	}
	if got, want := values(p.All), "a b commit c abort d commit "+strings.Repeat("e", 100)+" abort"; got != want {
		t.Errorf("written %q, want %q", got, want)
	}
	if got, want := values(log.Events.Partitions[2].All), "x commit"; got != want {
		t.Errorf("written %q, want %q", got, want)
	}
	if r := p.Visible[0]; string(r.Key) != "k" || r.header("h") != "v" || !r.Transactional || r.Offset != 0 || r.Topic != "counter-events" {
		t.Errorf("record %+v, want the one that was written", r)
	}
}

// Reading waits for what is in flight.
func TestReadSettles(t *testing.T) {
	t.Parallel()
	addrs := broker(t)
	c := client(t, addrs, kgo.TransactionalID("t"))
	if err := c.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := c.ProduceSync(t.Context(), record("counter-events", 0, "open")).FirstErr(); err != nil {
		t.Fatal(err)
	}
	sender := client(t, addrs)
	if err := sender.ProduceSync(t.Context(), record("counter-commands", 2, "{}")).FirstErr(); err != nil {
		t.Fatal(err)
	}
	o := Options{Brokers: addrs, Aggregate: "counter", Settle: time.Millisecond}
	r, err := Check(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if r.Count()[Settled] != 2 {
		t.Errorf("want the open transaction and the command found\n%s", r)
	}

	o.Settle = time.Minute
	read := make(chan *Log, 1)
	go func() {
		log, err := Read(context.WithoutCancel(t.Context()), o)
		if err != nil {
			t.Error(err)
		}
		read <- log
	}()
	if err := c.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	select {
	case <-read:
		t.Fatal("the reading did not wait for the command")
	case <-time.After(200 * time.Millisecond):
	}
	offsets := kadm.Offsets{}
	offsets.Add(kadm.Offset{Topic: "counter-commands", Partition: 2, At: 1, LeaderEpoch: -1})
	if err := kadm.NewClient(sender).CommitAllOffsets(t.Context(), "counter-handler", offsets); err != nil {
		t.Fatal(err)
	}
	if log := <-read; log == nil || values(log.Events.Partitions[0].Visible) != "open" || log.Committed[2] != 1 {
		t.Errorf("read %+v, want the committed record and offset", log)
	}
}
