package eventim_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
)

// failing is a counter that cannot add 13 until it is mended.
type failing struct {
	*system
	mended atomic.Bool
	stop   func()
}

func newFailing(t *testing.T) *failing {
	t.Helper()
	f := &failing{}
	f.system = newSystem(t, eventimtest.Kafka(t), 2, func(a *eventim.Aggregate[Count, Add, Added]) {
		decide := a.Decide
		a.Decide = func(c Count, cmd eventim.Command[Add]) ([]Added, error) {
			if cmd.Payload.N == 13 && f.mended.Load() {
				return []Added{{N: 13}}, nil
			}
			return decide(c, cmd)
		}
	})
	f.stop = f.handle().stop
	return f
}

// fails sends a command that fails, and returns its dead letter.
func (f *failing) fails(cmd eventim.Command[Add]) *eventim.DeadLetter {
	f.t.Helper()
	cmd.Payload.N = 13
	sent := f.send(cmd)
	if res := f.await(sent.ID, 1); res.Outcome != eventim.Failed {
		f.t.Fatalf("%+v, want it failed", res)
	}
	return f.find(f.agg.Topics().Commands + "/" + sent.Position.String())
}

func (f *failing) find(id string) *eventim.DeadLetter {
	f.t.Helper()
	d, err := f.agg.DeadLetters().Find(f.t.Context(), f.kafka, id)
	if err != nil {
		f.t.Fatal(err)
	}
	return d
}

func (f *failing) retry(id string) eventim.Retried {
	f.t.Helper()
	res, err := f.agg.DeadLetters().Retry(f.t.Context(), f.kafka, id, "ops")
	if err != nil {
		f.t.Fatal(err)
	}
	return res
}

// unended are the ids that a new reader finds without an ending, the newest first.
func (f *failing) unended() (ids []string) {
	f.t.Helper()
	all, _, err := f.agg.DeadLetters().List(f.t.Context(), f.kafka)
	if err != nil {
		f.t.Fatal(err)
	}
	for _, d := range all {
		if d.Ending == nil {
			ids = append(ids, d.ID)
		}
	}
	return ids
}

// sum is what the counter is at, once it has added one more.
func (f *failing) sum(aggregate string) int {
	f.t.Helper()
	return f.do(aggregate, 1).Snapshot.State.Sum - 1
}

// What could not be handled is there as it was sent, with what the sender claims to be
// a dead letter's; what is discarded does not come back, for no reader.
func TestDeadLetters(t *testing.T) {
	t.Parallel()
	f := newFailing(t)
	first := f.fails(eventim.Command[Add]{Aggregate: "a/b", Metadata: eventim.Metadata{Actor: "Ada"}})
	if first.Code != eventim.CodePanic || !strings.Contains(first.Reason, "thirteen") || first.Aggregate != "a/b" || first.Type != "Add" ||
		first.Actor != "Ada" || string(first.Record.Value) != `{"N":13}` || first.Record.Header("deadletter-code") != "" {
		t.Errorf("%+v", first)
	}
	c, topics := f.raw(), f.agg.Topics()
	before := f.answered()
	f.produce(c, &kgo.Record{Topic: topics.Commands, Key: keyIn(0), Value: []byte("{"), Headers: head(
		"ce_id", "forged", "ce_type", "Add", "ce_schemaversion", "1", "deadletter-code", "none", "deadletter-id", first.ID, "deadletter-topic", "other",
		"ce_retryof", first.ID, "ce_retry", "0")})
	eventually(t, "the other fails, too", func() bool { return f.answered() > before })
	f.produce(c, &kgo.Record{Topic: topics.DeadLetters, Value: []byte("garbage")}, &kgo.Record{Topic: topics.DeadLetters, Headers: head("deadletter-id", first.ID)},
		&kgo.Record{Topic: topics.DeadLetters, Value: []byte(`{"state":"discarded"}`), Headers: head("deadletter-id", first.ID, "deadletter-digest", "of another")})
	all, foreign, err := f.agg.DeadLetters().List(t.Context(), f.kafka)
	if err != nil || len(all) != 2 || foreign != 2 || all[0].Command != "forged" || all[0].Code != eventim.CodeUndecodable || all[1].ID != first.ID {
		t.Fatalf("%v, %d foreign, error %v", all, foreign, err)
	}
	if all[0].Record.Value != nil {
		t.Error("a list has payloads")
	}
	d, err := f.agg.DeadLetters().Discard(t.Context(), f.kafka, first.ID, "ops", "a test")
	if err != nil || d.Ending == nil || d.Ending.State != eventim.DeadLetterDiscarded {
		t.Fatalf("%+v, error %v", d, err)
	}
	f.stop()
	f.handle(in(t.TempDir()))
	if ids := f.unended(); !slices.Equal(ids, []string{all[0].ID}) {
		t.Errorf("%q are left", ids)
	}
	if e := f.find(first.ID).Ending; e == nil || e.By != "ops" || e.Reason != "a test" {
		t.Errorf("on record is %+v", e)
	}
	if _, err := f.agg.DeadLetters().Discard(t.Context(), f.kafka, first.ID, "", ""); !errors.Is(err, eventim.ErrDeadLetterEnded) {
		t.Errorf("it is discarded twice: %v", err)
	}
	if _, err := f.agg.DeadLetters().Retry(t.Context(), f.kafka, first.ID, ""); !errors.Is(err, eventim.ErrDeadLetterEnded) {
		t.Errorf("what is discarded is retried: %v", err)
	}
}

// Where nothing has ever failed, and no topic is there, nothing is listed.
func TestNoDeadLetters(t *testing.T) {
	t.Parallel()
	a := counter
	a.Name = eventimtest.Name(t, "counter")
	all, foreign, err := a.DeadLetters().List(t.Context(), eventimtest.Kafka(t))
	if len(all) != 0 || foreign != 0 || err != nil {
		t.Errorf("%v, %d, error %v", all, foreign, err)
	}
	if _, err := a.DeadLetters().Find(t.Context(), eventimtest.Kafka(t), "x/0:0"); !errors.Is(err, eventim.ErrNoDeadLetter) {
		t.Error(err)
	}
}

// Many who retry at a time, and one who comes after the window and does not know of
// them, have one effect.
func TestARetryTakesEffectOnce(t *testing.T) {
	t.Parallel()
	f := newFailing(t)
	d := f.fails(eventim.Command[Add]{Aggregate: "a", Metadata: eventim.Metadata{Actor: "Ada", Origin: "page"}})
	f.mended.Store(true)
	var all sync.WaitGroup
	var accepted atomic.Int32
	for range 5 {
		all.Go(func() {
			res, err := f.agg.DeadLetters().Retry(t.Context(), f.kafka, d.ID, "ops")
			if res.Outcome == eventim.Accepted && err == nil {
				accepted.Add(1)
			} else if !errors.Is(err, eventim.ErrDeadLetterEnded) {
				t.Errorf("%+v, error %v", res, err)
			}
		})
	}
	all.Wait()
	if sum := f.sum("a"); sum != 13 || accepted.Load() == 0 {
		t.Errorf("%d are accepted, and the sum is %d", accepted.Load(), sum)
	}
	ended := f.find(d.ID)
	if ended.Ending == nil || ended.Ending.State != eventim.DeadLetterRetried || ended.Ending.Version != 1 || len(f.unended()) != 0 {
		t.Errorf("on record is %+v", ended.Ending)
	}
	if res := f.await(ended.Ending.Command, 1); res.Actor != "Ada" || res.Causation != d.Command || res.Origin != "" {
		t.Errorf("it was sent as %+v", res.Metadata)
	}
	f.stop()
	f.check()
}

// A retry whose record got lost is found by its effect, however long ago it was.
func TestARetryIsFoundByItsEffect(t *testing.T) {
	t.Parallel()
	f := newFailing(t)
	d := f.fails(eventim.Command[Add]{Aggregate: "a"})
	f.mended.Store(true)
	f.retry(d.ID)
	f.remake(f.agg.Topics().DeadLetters) // with the dead letter, and without what became of it
	f.produce(f.raw(), deadRecord(f.agg.Topics().DeadLetters, d))
	sent := f.answered()
	res, err := f.agg.DeadLetters().AfterTheWindow().Retry(t.Context(), f.kafka, d.ID, "ops")
	if err != nil || res.Outcome != eventim.Accepted || !res.Replayed || res.Version != 1 {
		t.Errorf("%+v, error %v", res, err)
	}
	if f.sum("a") != 13 || f.answered() != sent+1 || len(f.unended()) != 0 {
		t.Error("it was sent again, or is left")
	}
}

// deadRecord is a dead letter as the handler has written it.
func deadRecord(topic string, d *eventim.DeadLetter) *kgo.Record {
	r := &kgo.Record{Topic: topic, Partition: d.Position.Partition, Key: d.Record.Key, Value: d.Record.Value, Timestamp: d.Time}
	for _, h := range d.Record.Headers {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: string(h.Key), Value: h.Value})
	}
	name, at, _ := strings.Cut(d.ID, "/")
	partition, offset, _ := strings.Cut(at, ":")
	r.Headers = append(r.Headers, head("deadletter-code", d.Code, "deadletter-reason", d.Reason, "deadletter-topic", name,
		"deadletter-partition", partition, "deadletter-offset", offset, "ce_commandoffset", offset)...)
	return r
}

// A retry that fails again is an attempt of the first, which stays; the next one is
// another command, and ends it when the domain is mended.
func TestARetryThatFailsAgain(t *testing.T) {
	t.Parallel()
	f := newFailing(t)
	d := f.fails(eventim.Command[Add]{Aggregate: "a"})
	for n := range 2 {
		if res := f.retry(d.ID); res.Outcome != eventim.Failed || res.Code != eventim.CodePanic {
			t.Fatalf("%+v, want it failed", res)
		}
		again := f.find(d.ID)
		if len(again.Attempts) != n+1 || again.Attempts[n].By != "ops" || again.Attempts[n].Outcome != eventim.Failed || !slices.Equal(f.unended(), []string{d.ID}) {
			t.Fatalf("attempts are %+v", again.Attempts)
		}
	}
	f.mended.Store(true)
	if res := f.retry(d.ID); res.Outcome != eventim.Accepted || res.Replayed {
		t.Errorf("%+v, want it accepted", res)
	}
	if f.sum("a") != 13 || len(f.unended()) != 0 {
		t.Error("it has no effect, or is left")
	}
	f.stop()
	if r := f.check(); r.DeadLetters != 3 {
		t.Errorf("%s, want 3 dead letters", r)
	}
}

// An aggregate that moved on says no, which is on record, until it is discarded. What
// two do to one at the same time is there in the end, the effect before all.
func TestARetryThatIsRejected(t *testing.T) {
	t.Parallel()
	f := newFailing(t)
	d := f.fails(eventim.Command[Add]{Aggregate: "a", Expected: new(int64(0))})
	f.do("a", 2)
	f.mended.Store(true)
	for n := range 2 {
		if res := f.retry(d.ID); res.Outcome != eventim.Rejected || res.Code != eventim.CodeVersionConflict || res.Replayed {
			t.Fatalf("%+v, want it rejected", res)
		}
		if attempts := f.find(d.ID).Attempts; len(attempts) != n+1 || attempts[n].Code != eventim.CodeVersionConflict {
			t.Fatalf("attempts are %+v", attempts)
		}
	}
	if f.sum("a") != 2 || len(f.unended()) != 1 {
		t.Error("it has an effect, or is gone")
	}
}

// A sender that was mended has sent the command again, under its id, to where it
// belongs: the retry is that command.
func TestARetryOfWhatStoodInAWrongPartition(t *testing.T) {
	t.Parallel()
	f := newFailing(t)
	right := &kgo.Record{Topic: f.agg.Topics().Commands, Partition: 1, Key: keyIn(1), Value: []byte(`{"N":5}`), Headers: head("ce_id", "w", "ce_type", "Add", "ce_schemaversion", "1")}
	wrong := *right
	wrong.Partition = 0
	c := f.raw()
	f.produce(c, &wrong)
	f.await("w", 1)
	f.produce(c, right)
	f.await("w", 2)
	ids := f.unended()
	if len(ids) != 1 {
		t.Fatal(ids)
	}
	if res := f.retry(ids[0]); res.Outcome != eventim.Accepted || !res.Replayed || res.Command != "w" {
		t.Errorf("%+v, want the first answer", res)
	}
	if sum := f.sum(string(keyIn(1))); sum != 5 || len(f.unended()) != 0 {
		t.Errorf("the sum is %d", sum)
	}
}

// What did not fit into the dead letter is read from the commands.
func TestARetryOfWhatDidNotFit(t *testing.T) {
	t.Parallel()
	f := newFailing(t)
	f.stop()
	f.configure(f.agg.Topics().DeadLetters, "max.message.bytes", "20000")
	f.stop = f.handle().stop
	d := f.fails(eventim.Command[Add]{Aggregate: "a", Payload: Add{Note: strings.Repeat("x", 30_000)}})
	if !d.Truncated || d.Record.Value != nil {
		t.Fatalf("%+v is whole", d)
	}
	f.mended.Store(true)
	if res := f.retry(d.ID); res.Outcome != eventim.Accepted || f.sum("a") != 13 {
		t.Errorf("%+v, want it accepted", res)
	}
}

// Without a handler, a retry says that it is under way; asked again, what became of it.
func TestARetryThatNobodyAnswers(t *testing.T) {
	t.Parallel()
	f := newFailing(t)
	d := f.fails(eventim.Command[Add]{Aggregate: "a"})
	f.stop()
	sent := func() int64 { return lengthOf(t, f.kafka, f.agg.Topics().Commands) }
	before := sent()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	f.background(func(context.Context) error {
		defer cancel()
		if !comesTrue(func() bool { return sent() > before }) {
			return errors.New("nothing is sent")
		}
		return nil
	})
	if _, err := f.agg.DeadLetters().Retry(ctx, f.kafka, d.ID, "ops"); !errors.Is(err, eventim.ErrUnanswered) {
		t.Errorf("got %v, want that nobody answers", err)
	}
	f.mended.Store(true)
	f.handle()
	if res := f.retry(d.ID); res.Outcome != eventim.Accepted || f.sum("a") != 13 {
		t.Errorf("%+v, want one effect", res)
	}
}

// Whatever order the partitions are read in, readers see the same.
func TestDeadLettersInAnyOrder(t *testing.T) {
	t.Parallel()
	f := newFailing(t)
	d := f.fails(eventim.Command[Add]{Aggregate: "a"})
	f.retry(d.ID)
	f.fails(eventim.Command[Add]{Aggregate: "b"})
	f.mended.Store(true)
	f.retry(d.ID)
	var records []eventim.Record
	readAll(t, f.kafka, f.agg.Topics().DeadLetters, func(r eventim.Record) error { records = append(records, r); return nil })
	want, _ := eventim.FoldDeadLetters(records)
	if len(want) != 2 || len(want[1].Attempts) != 1 || want[1].Ending == nil {
		t.Fatalf("%+v", want)
	}
	for range 50 {
		rand.Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
		if got, _ := eventim.FoldDeadLetters(records); !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	}
}
