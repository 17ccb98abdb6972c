package eventim

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/eventim-go/eventim/internal/faultpoint"
	"github.com/eventim-go/eventim/internal/kafkalog"
)

// verifyPosition refuses to guess where the commands go on. To start over would
// handle commands again whose ids are forgotten; to start later would lose some
// (promise 1). What the log itself tells is no guess.
func (w *worker[S, C, E]) verifyPosition(ctx context.Context) error {
	start, end, err := w.Bounds(ctx, w.agg.Topics().Commands)
	if err != nil {
		return err
	}
	switch {
	case w.Next < 0:
		return w.recoverPosition(ctx, start, end)
	case w.Next < start:
		return w.refuse("the commands from offset %d to %d were deleted (retention.ms) before they were handled", w.Next, start-1)
	case w.Next > end:
		return w.refuse("the group's offset %d is beyond the end %d: the topic was made anew or cut", w.Next, end)
	}
	return w.verifyRepeats(ctx, end)
}

// refuse is the error of a partition of which somebody must say where its
// commands go on.
func (w *worker[S, C, E]) refuse(format string, args ...any) error {
	return &historyError{Err: fmt.Errorf("%s/%d: %s; once you know where the commands go on, "+
		"set the offset of group %s with kafka-consumer-groups --reset-offsets",
		w.agg.Topics().Commands, w.Partition, fmt.Sprintf(format, args...), w.agg.Group())}
}

// recoverPosition finds where the commands go on when the group has no offset,
// because it is new, or was idle for offsets.retention.minutes, or because the
// topic was deleted. The last answer tells: the commands behind its command are
// not handled. That it is a command of this topic shows when the topic still has
// it, or begins right behind it.
func (w *worker[S, C, E]) recoverPosition(ctx context.Context, start, end int64) error {
	last, found, err := w.lastAnswer(ctx, w.agg.Topics().Results)
	if err == nil && !found {
		last, found, err = w.lastEffect(ctx, end)
	}
	if err != nil || !found {
		w.Next = start
		return err
	}
	next := last.offset + 1
	switch {
	case next > end:
		return w.refuse("the group's offset is gone, and the last answer is to offset %d, beyond the end %d: the topic was made anew or cut", last.offset, end)
	case next < start:
		return w.refuse("the group's offset is gone, and the commands from offset %d to %d were deleted (retention.ms) before they were handled", next, start-1)
	}
	same, err := w.answers(ctx, last, start)
	if err == nil && !same {
		err = w.refuse("the group's offset is gone, and the command at offset %d is not the one that was answered last: the topic was made anew", last.offset)
	}
	if err != nil {
		return err
	}
	w.Next = next
	w.Logger.Warn("the group's offset was forgotten; the commands go on behind the last answer", slog.Int64("offset", next))
	return nil
}

// lastEffect stands in for the last answer when no result is kept any more: the
// last event. Commands behind it were rejected, or were never handled. Which it
// was, nobody knows.
func (w *worker[S, C, E]) lastEffect(ctx context.Context, end int64) (lastAnswer, bool, error) {
	last, found, err := w.lastAnswer(ctx, w.agg.Topics().Events)
	if err != nil || !found {
		return last, false, err
	}
	unknown, behind, err := w.firstRecord(ctx, w.agg.Topics().Commands, last.offset+1, end)
	if err == nil && behind {
		err = w.refuse("there are events, but the group's offset is gone (offsets.retention.minutes), no result is kept, "+
			"and whether the commands from offset %d on were handled is not known", unknown.Position.Offset)
	}
	return last, true, err
}

// verifyRepeats refuses an offset that was set back to commands which were
// handled before the deduplication window: they would take effect again.
// Commands inside the window are answered as repeats.
func (w *worker[S, C, E]) verifyRepeats(ctx context.Context, end int64) error {
	last, found, err := w.lastAnswer(ctx, w.agg.Topics().Results)
	if err != nil || !found || last.offset < w.Next { // set forward: see verifyContinuity
		return err
	}
	first, found, err := w.firstRecord(ctx, w.agg.Topics().Commands, w.Next, min(last.offset+1, end))
	if err != nil || !found {
		return err
	}
	if age := faultpoint.Now().Sub(first.Time); age > w.agg.Deduplication {
		return w.refuse("the group's offset was set back to %d, but the commands up to %d are answered, and the one at %s is %v old: "+
			"answers are kept for %v, so that it would take effect again",
			w.Next, last.offset, first.Position, age.Round(time.Second), w.agg.Deduplication)
	}
	w.Logger.Warn("the group's offset was set back; the commands in between are answered as repeats",
		slog.Int64("offset", w.Next), slog.Int64("answered", last.offset+1-w.Next))
	return nil
}

// lastAnswer is the command that is known to be handled last.
type lastAnswer struct {
	offset  int64  // of the command
	command string // its id
}

// lastAnswer finds the command that an output was written for last: each command
// gets a result, and they are handled in their order.
func (w *worker[S, C, E]) lastAnswer(ctx context.Context, topic string) (last lastAnswer, found bool, err error) {
	start, end, err := w.Bounds(ctx, topic)
	if err != nil {
		return last, false, err
	}
	for back := 2 * int64(w.config.MaxBatch); ; back *= 16 { // what was aborted, and markers, may be many
		from := max(start, end-back)
		err = w.each(ctx, topic, from, end, func(rec Record) error {
			if at, ok := rec.CommandPosition(); ok && (!found || at.Offset > last.offset) {
				last, found = lastAnswer{at.Offset, rec.Header(headerCommandID)}, true
			}
			return nil
		})
		if err != nil || found || from == start {
			return last, found, err
		}
	}
}

// answers tells whether the topic of the commands is the one that the last
// answer is about. What retention has deleted right up to there shows nothing
// else.
func (w *worker[S, C, E]) answers(ctx context.Context, last lastAnswer, start int64) (bool, error) {
	if last.offset < start {
		return true, nil
	}
	topic := w.agg.Topics().Commands
	rec, found, err := w.firstRecord(ctx, topic, last.offset, last.offset+1)
	id := rec.Header(headerID)
	return found && (id == last.command || last.command == positionID(topic, rec.Position)), err
}

// firstRecord returns the first committed record in [from, to).
func (w *worker[S, C, E]) firstRecord(ctx context.Context, topic string, from, to int64) (first Record, found bool, err error) {
	start, _, err := w.Bounds(ctx, topic)
	if err != nil {
		return first, false, err
	}
	err = w.each(ctx, topic, max(from, start), to, func(rec Record) error {
		first, found = rec, true
		return kafkalog.ErrFound
	})
	if found {
		err = nil
	}
	return first, found, err
}

// each calls fn with the committed records of the partition in [from, to).
func (w *worker[S, C, E]) each(ctx context.Context, topic string, from, to int64, fn func(Record) error) error {
	return w.Each(ctx, topic, from, to, eachRecord(topic, w.Partition, fn))
}
