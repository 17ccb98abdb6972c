package task

import (
	"context"
	"log/slog"
	"time"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/internal/faultpoint"
	"github.com/eventim-go/eventim/internal/kafkalog"
)

// LookEvery is how often a running process looks at what an operator can change
// under it: a change is noticed after this time at most.
const LookEvery = 2 * time.Second

// watch looks, until ctx ends, at what nobody else would notice: topics that an
// operator changes under the running task, and partitions that do not move.
func (r *Runner) watch(ctx context.Context) {
	seen := map[int32]place{}
	said := map[int32]time.Time{}
	for kafkalog.Sleep(ctx, min(LookEvery, r.config.StuckAfter/2)) {
		look, cancel := context.WithTimeout(ctx, LookEvery)
		r.config.Inspected(r.inspect(look))
		r.watchTopics(look)
		cancel()
		r.lookAtEnds(ctx)
		r.askToLook()
		r.lookAtOldest(ctx)
		for _, s := range r.Status() {
			r.watchPartition(ctx, s, seen)
			r.sayWaiting(s, said)
		}
	}
}

// lookAtEnds enters where the input ends.
func (r *Runner) lookAtEnds(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, LookEvery)
	defer cancel()
	for _, s := range r.Status() {
		end, err := kafkalog.Offset(ctx, r.fencer.Client, r.task.Input, s.Partition, sarama.OffsetNewest)
		if err != nil { // Kafka is away: what was seen last stands
			return
		}
		r.update(s.Partition, func(now *Status) { now.End = max(end, now.Position) })
	}
}

// lookAtOldest enters since when records wait where no claim has said so: it
// is still taking the partition over, or has stopped.
func (r *Runner) lookAtOldest(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, LookEvery)
	defer cancel()
	for _, s := range r.Status() {
		if s.lag() == 0 || !s.Oldest.IsZero() {
			continue
		}
		if offset, at, found, _ := r.firstWaiting(ctx, s); found { // what is wrong shows in the next look
			r.waits(s.Partition, offset, at)
		}
	}
}

// aRecord is enough to find out that there is one.
const aRecord = 16 << 10

// firstWaiting returns where the record is that a partition has to process next:
// markers of a sender's transactions take offsets, too.
func (r *Runner) firstWaiting(ctx context.Context, s Status) (offset int64, at time.Time, found bool, err error) {
	reader := kafkalog.Reader{Client: r.fencer.Client, Topic: r.task.Input, Partition: s.Partition, FetchBytes: aRecord}
	_, err = reader.Read(ctx, s.Position, s.End, func(b *sarama.RecordBatch, rec *sarama.Record) error {
		offset, at, found = kafkalog.OffsetOf(b, rec), kafkalog.TimeOf(b, rec), true
		return kafkalog.ErrFound
	})
	if found {
		err = nil
	}
	return offset, at, found, err
}

// askToLook asks the claims to look, between two batches, at what they cannot
// see otherwise.
func (r *Runner) askToLook() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.claims {
		select {
		case c.looks <- struct{}{}:
		default:
		}
	}
}

// watchTopics finds a topic that was deleted and made anew. It has another id: then
// no offset that is known means anything, and all partitions are taken over anew,
// where that is judged.
func (r *Runner) watchTopics(ctx context.Context) {
	found, err := kafkalog.Describe(ctx, r.fencer.Client, r.task.Topics()...)
	if err != nil {
		return
	}
	r.mu.Lock()
	known, rejoin := r.restorer.Cluster, r.rejoin
	r.mu.Unlock()
	for topic, id := range found.Topics {
		if found.Partitions[topic] > 0 && known.Topics[topic] != id && rejoin != nil {
			r.logger.Error("a topic was deleted and made anew, taking all partitions over again", slog.String("topic", topic))
			rejoin()
			return
		}
	}
}

// place is where a partition was seen to wait, and since when.
type place struct {
	position int64
	since    time.Time
}

// watchPartition finds out whether a partition that should process records does.
func (r *Runner) watchPartition(ctx context.Context, s Status, seen map[int32]place) {
	at, waits := seen[s.Partition]
	if s.State != Running || s.End <= s.Position || !waits || at.position != s.Position {
		seen[s.Partition] = place{s.Position, faultpoint.Now()}
		return
	}
	if !s.StuckSince.IsZero() || faultpoint.Now().Sub(at.since) < r.config.StuckAfter {
		return
	}
	if !r.recordsWait(ctx, s) || ctx.Err() != nil {
		seen[s.Partition] = place{s.Position, faultpoint.Now()}
		return
	}
	r.update(s.Partition, func(now *Status) {
		if now.State == Running && now.Position == at.position {
			now.StuckSince = at.since
		}
	})
	r.logger.Error("partition is stuck: there are records, and none is finished", slog.Int("partition", int(s.Partition)),
		slog.Int64("offset", s.Position), slog.Int64("lag", s.lag()), slog.Time("since", at.since))
}

// recordsWait tells whether there is something to process from the position on.
// What cannot be read for as long as ctx lasts waits all the same.
func (r *Runner) recordsWait(ctx context.Context, s Status) bool {
	_, _, found, err := r.firstWaiting(ctx, s)
	return found || err != nil
}

// sayWaiting logs once that a partition takes long until it processes records.
func (r *Runner) sayWaiting(s Status, said map[int32]time.Time) {
	if s.State != Restoring || faultpoint.Now().Sub(s.Since) < r.config.StuckAfter || said[s.Partition].Equal(s.Since) {
		return
	}
	said[s.Partition] = s.Since
	r.logger.Warn("partition is still restoring, and processes no records", slog.Int("partition", int(s.Partition)),
		slog.Time("since", s.Since), slog.Any("error", s.Err))
}

// busyAfter is how long a call may take until it is named: it is, in Status and
// the log, before its partition is called stuck.
func (c Config) busyAfter() time.Duration { return c.StuckAfter / 2 }

// watchBusy names, until ctx ends, the calls that take long. It asks Kafka
// nothing: also when that is away, they are named in time.
func (r *Runner) watchBusy(ctx context.Context) {
	said := map[int32]time.Time{}
	for kafkalog.Sleep(ctx, r.config.busyAfter()/2) {
		for _, s := range r.Status() {
			r.sayBusy(s, said)
		}
	}
}

// sayBusy logs once that a call takes long, and once that it is back.
func (r *Runner) sayBusy(s Status, said map[int32]time.Time) {
	since, named := said[s.Partition]
	switch {
	case s.Busy == nil && named:
		delete(said, s.Partition)
		r.logger.Warn("the domain's code has returned", slog.Int("partition", int(s.Partition)), slog.Duration("after", faultpoint.Now().Sub(since)))
	case s.Busy != nil && !since.Equal(s.Busy.Since):
		said[s.Partition] = s.Busy.Since
		r.logger.Error("the domain's code does not return", slog.Int("partition", int(s.Partition)),
			slog.String("doing", s.Busy.Doing), slog.String("key", s.Busy.Key), slog.String("id", s.Busy.ID),
			slog.Int64("offset", s.Busy.Offset), slog.Time("since", s.Busy.Since))
	}
}
