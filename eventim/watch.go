package eventim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/internal/faultpoint"
	"github.com/eventim-go/eventim/internal/kafkalog"
)

// watch looks, until ctx ends, at what nobody else would notice: topics that an
// operator changes under the running handler, and partitions that do not move.
func (h *Handler[S, C, E]) watch(ctx context.Context) {
	seen := map[int32]place{}
	said := map[int32]time.Time{}
	for kafkalog.Sleep(ctx, min(lookEvery, h.config.StuckAfter/2)) {
		look, cancel := context.WithTimeout(ctx, lookEvery)
		h.watchTopics(look)
		cancel()
		h.lookAtEnds(ctx)
		h.askToLook()
		h.lookAtOldest(ctx)
		for _, s := range h.Status() {
			h.watchPartition(ctx, s, seen)
			h.sayWaiting(s, said)
		}
	}
}

// lookAtEnds enters where the commands end.
func (h *Handler[S, C, E]) lookAtEnds(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lookEvery)
	defer cancel()
	for _, s := range h.Status() {
		end, err := kafkalog.Offset(ctx, h.fencer.Client, h.agg.Topics().Commands, s.Partition, sarama.OffsetNewest)
		if err != nil { // Kafka is away: what was seen last stands
			return
		}
		h.update(s.Partition, func(now *PartitionStatus) { now.End = max(end, now.Position) })
	}
}

// lookAtOldest enters since when commands wait where no worker has said so: it
// is still taking the partition over, or has stopped.
func (h *Handler[S, C, E]) lookAtOldest(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lookEvery)
	defer cancel()
	for _, s := range h.Status() {
		if s.Lag() == 0 || !s.Oldest.IsZero() {
			continue
		}
		if first, found, _ := h.firstWaiting(ctx, s); found { // what is wrong shows in the next look
			h.waits(s.Partition, first.Position.Offset, first.Time)
		}
	}
}

// firstWaiting returns the command that a partition has to handle next: markers
// of a sender's transactions take offsets, too.
func (h *Handler[S, C, E]) firstWaiting(ctx context.Context, s PartitionStatus) (first Record, found bool, err error) {
	reader := kafkalog.Reader{
		Client: h.fencer.Client, Topic: h.agg.Topics().Commands, Partition: s.Partition, FetchBytes: resultFetchBytes,
	}
	_, err = reader.Read(ctx, s.Position, s.End, func(b *sarama.RecordBatch, r *sarama.Record) error {
		first, found = recordOf(reader.Topic, s.Partition, b, r), true
		return kafkalog.ErrFound
	})
	if found {
		err = nil
	}
	return first, found, err
}

// look returns where the worker of a partition is asked to look at its snapshots.
func (h *Handler[S, C, E]) look(partition int32) chan struct{} {
	asked := make(chan struct{}, 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.looks[partition] = asked
	return asked
}

// askToLook asks the workers to look, between two batches, at what they cannot
// see otherwise. One that has gone does not.
func (h *Handler[S, C, E]) askToLook() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, asked := range h.looks {
		select {
		case asked <- struct{}{}:
		default:
		}
	}
}

// watchTopics compares the topics with what they have to be. One that was
// deleted and made anew has another id: then no offset that is known means
// anything, and all partitions are taken over anew, where that is judged.
func (h *Handler[S, C, E]) watchTopics(ctx context.Context) {
	_, err := h.agg.inspectTopics(ctx, h.fencer.Admin)
	if _, differ := errors.AsType[*TopicsError](err); err == nil || differ {
		h.setTopics(err)
	}
	found, err := kafkalog.Describe(ctx, h.fencer.Client, h.agg.topicNames()...)
	if err != nil {
		return
	}
	h.mu.Lock()
	known, rejoin := h.restorer.cluster, h.rejoin
	h.mu.Unlock()
	for topic, id := range found.Topics {
		if found.Partitions[topic] > 0 && known.Topics[topic] != id && rejoin != nil {
			h.logger.Error("a topic was deleted and made anew, taking all partitions over again", slog.String("topic", topic))
			rejoin()
			return
		}
	}
}

func (h *Handler[S, C, E]) setTopics(err error) {
	h.mu.Lock()
	was := h.topics
	h.topics = err
	h.mu.Unlock()
	switch {
	case err != nil && (was == nil || was.Error() != err.Error()):
		h.logger.Error("the topics were changed; a handler does not start on them", slog.Any("error", err))
	case err == nil && was != nil:
		h.logger.Info("the topics are as they should be again")
	}
}

// place is where a partition was seen to wait, and since when.
type place struct {
	position int64
	since    time.Time
}

// watchPartition finds out whether a partition that should handle commands does.
func (h *Handler[S, C, E]) watchPartition(ctx context.Context, s PartitionStatus, seen map[int32]place) {
	at, waits := seen[s.Partition]
	if s.State != Running || s.End <= s.Position || !waits || at.position != s.Position {
		seen[s.Partition] = place{s.Position, faultpoint.Now()}
		return
	}
	if !s.StuckSince.IsZero() || faultpoint.Now().Sub(at.since) < h.config.StuckAfter {
		return
	}
	if !h.commandsWait(ctx, s) || ctx.Err() != nil {
		seen[s.Partition] = place{s.Position, faultpoint.Now()}
		return
	}
	h.update(s.Partition, func(now *PartitionStatus) {
		if now.State == Running && now.Position == at.position {
			now.StuckSince = at.since
		}
	})
	h.logger.Error("partition is stuck: there are commands, and none is finished", slog.Int("partition", int(s.Partition)),
		slog.Int64("offset", s.Position), slog.Int64("lag", s.Lag()), slog.Time("since", at.since))
}

// commandsWait tells whether there is something to handle from the position on.
// What cannot be read for as long as ctx lasts waits all the same.
func (h *Handler[S, C, E]) commandsWait(ctx context.Context, s PartitionStatus) bool {
	_, found, err := h.firstWaiting(ctx, s)
	return found || err != nil
}

// sayWaiting logs once that a partition takes long until it handles commands.
func (h *Handler[S, C, E]) sayWaiting(s PartitionStatus, said map[int32]time.Time) {
	if s.State != Restoring || faultpoint.Now().Sub(s.Since) < h.config.StuckAfter || said[s.Partition].Equal(s.Since) {
		return
	}
	said[s.Partition] = s.Since
	h.logger.Warn("partition is still restoring, and handles no commands", slog.Int("partition", int(s.Partition)),
		slog.Time("since", s.Since), slog.Any("error", s.Err))
}

// beyond is the error of a partition that the topic should not have.
func (w *worker[S, C, E]) beyond() error {
	return fmt.Errorf("%s: the aggregate has %d partitions, so that no command belongs into partition %d: "+
		"partitions were added to the topic, which cannot be undone; copy the topics to new ones (docs/topics.md)",
		w.claim.Topic(), w.agg.Partitions, w.partition)
}
