package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// load sends the commands to one contender and reads its results as any client
// would: without a group, and only what is committed.
type load struct {
	*journal
	work     *workload
	producer *kgo.Client
	consumer *kgo.Client
	stateful bool
	taking   sync.Mutex        // guards samples
	samples  map[string]sample // by aggregate
	failed   atomic.Pointer[error]
	reading  sync.WaitGroup
	lasting  context.Context // of the records, see produce
	stop     context.CancelFunc
}

// sample is the last result of an aggregate of which the state is checked.
type sample struct {
	aggregate int
	result    []byte
	seq       int
}

const samples = 50

func newLoad(ctx context.Context, brokers []string, name string, partitions int32, aggregates int) (*load, error) {
	producer, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)),
		kgo.ProducerLinger(time.Millisecond), kgo.MaxBufferedRecords(1<<20), kgo.ProducerBatchCompression(kgo.NoCompression()))
	if err != nil {
		return nil, err
	}
	offsets := map[int32]kgo.Offset{}
	for p := range partitions {
		offsets[p] = kgo.NewOffset().AtStart()
	}
	consumer, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{name + "-results": offsets}))
	if err != nil {
		producer.Close()
		return nil, err
	}
	l := &load{
		journal: newJournal(), work: newWorkload(name+"-commands", aggregates), producer: producer, consumer: consumer,
		samples: map[string]sample{}, lasting: context.WithoutCancel(ctx),
	}
	for i := 0; i < aggregates; i += max(1, aggregates/samples) {
		l.samples[aggregateID(i)] = sample{aggregate: i, seq: -1}
	}
	reading, stop := context.WithCancel(ctx)
	l.stop = stop
	l.reading.Go(func() { l.read(reading) })
	return l, nil
}

func (l *load) close() {
	l.producer.Close()
	l.stop()
	l.reading.Wait()
	l.consumer.Close()
}

// fail keeps the first error.
func (l *load) fail(err error) { l.failed.CompareAndSwap(nil, &err) }

func (l *load) err() error {
	if err := l.failed.Load(); err != nil {
		return *err
	}
	return nil
}

func (l *load) read(ctx context.Context) {
	for {
		fetches := l.consumer.PollFetches(ctx)
		if ctx.Err() != nil {
			return
		}
		now := time.Now()
		fetches.EachError(func(topic string, p int32, err error) {
			l.fail(fmt.Errorf("read %s/%d: %w", topic, p, err))
		})
		l.taking.Lock()
		fetches.EachRecord(func(r *kgo.Record) { l.take(r, now) })
		l.taking.Unlock()
	}
}

func (l *load) take(r *kgo.Record, now time.Time) {
	seq, ok := l.work.sequence(header(r, "ce_commandid"))
	if !ok || seq >= int(l.sent.Load()) {
		l.fail(fmt.Errorf("a result for a command that was not sent: %q", header(r, "ce_commandid")))
		return
	}
	if !l.answer(seq, r.Partition, now) {
		return
	}
	if typ := header(r, "ce_type"); l.stateful && string(typ) != "CommandAccepted" {
		l.refused.Add(1)
		l.fail(fmt.Errorf("%s: %s", typ, r.Value))
	}
	if s, sampled := l.samples[string(r.Key)]; sampled && seq > s.seq {
		s.result, s.seq = r.Value, seq
		l.samples[string(r.Key)] = s
	}
}

func header(r *kgo.Record, name string) []byte {
	for _, h := range r.Headers {
		if h.Key == name {
			return h.Value
		}
	}
	return nil
}

// verify compares the states of the sampled aggregates with what the domain
// says, and returns those that are wrong. All commands must be answered.
func (l *load) verify() (wrong []error, err error) {
	if err := l.err(); err != nil || !l.stateful {
		return nil, err
	}
	l.taking.Lock()
	defer l.taking.Unlock()
	for id, s := range l.samples {
		if n := l.work.counts[s.aggregate]; n > 0 {
			if err := check(s.result, n); err != nil {
				wrong = append(wrong, fmt.Errorf("%s: %w", id, err))
			}
		}
	}
	return wrong, nil
}

// checked is how many aggregates verify compares.
func (l *load) checked() int {
	if !l.stateful {
		return 0
	}
	return len(l.samples)
}

// produce takes no context that may end: a command is sent or was never made.
func (l *load) produce(r *kgo.Record) {
	l.producer.Produce(l.lasting, r, func(_ *kgo.Record, err error) {
		if err != nil && !errors.Is(err, kgo.ErrClientClosed) {
			l.fail(fmt.Errorf("send a command: %w", err))
		}
	})
}

func (l *load) send(at time.Time) { l.produce(l.work.any(l.next(at), at)) }

// open sends commands at a fixed rate until ctx ends.
func (l *load) open(ctx context.Context, rate int) { pace(ctx, rate, l.send) }

// pace calls send at a fixed rate until ctx ends, with the moment at which the
// call was due. Each is due at its own moment, whatever became of those before
// it, and its latency counts from there: a stall of the program under test, or
// of this one, is not omitted.
func pace(ctx context.Context, rate int, send func(due time.Time)) {
	start := time.Now()
	dueOf := func(n int) time.Time { return start.Add(time.Duration(n) * time.Second / time.Duration(rate)) }
	for n := 0; ctx.Err() == nil; {
		for now := time.Now(); !dueOf(n).After(now); n++ {
			send(dueOf(n))
		}
		time.Sleep(time.Until(dueOf(n)))
	}
}

// closed keeps a number of commands on their way until ctx ends.
func (l *load) closed(ctx context.Context, window int) {
	for ctx.Err() == nil {
		free := int64(window) - l.outstanding()
		if free <= 0 {
			time.Sleep(200 * time.Microsecond)
			continue
		}
		now := time.Now()
		for range free {
			l.send(now) //nolint:contextcheck // the producer outlives the phase
		}
	}
}

// preload sends n commands and waits until the broker has them. With each, the
// aggregates get one command after the other.
func (l *load) preload(ctx context.Context, n int, each bool) error {
	for i := range n {
		now := time.Now()
		if each {
			l.produce(l.work.command(l.next(now), i%len(l.work.counts), now)) //nolint:contextcheck // the producer outlives the phase
		} else {
			l.send(now) //nolint:contextcheck // the producer outlives the phase
		}
	}
	return errors.Join(l.producer.Flush(ctx), l.err())
}

// await waits until cond holds. It fails after the patience, or with the load.
func (l *load) await(ctx context.Context, patience time.Duration, cond func() bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("no answer after %s, %d commands are on their way", patience, l.outstanding()))
	defer cancel()
	for !cond() {
		if err := l.err(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(time.Millisecond):
		}
	}
	return l.err()
}

// drain waits until all commands are answered.
func (l *load) drain(ctx context.Context, patience time.Duration) error {
	return l.await(ctx, patience, func() bool { return l.outstanding() == 0 })
}
