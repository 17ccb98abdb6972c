package eventim

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strconv"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/internal/kafkalog"
	"github.com/eventim-go/eventim/internal/member"
)

// verifyContinuity holds the committed offset against the last results: each
// command below it has one. Brokers that break a transaction may keep its offset
// and lose its records, or a leader may be behind; then an acknowledged command
// would never be answered.
//
// A command without a result is handled again when nothing else of it is there
// either, no event and no snapshot: it has had no effect, and its id was not
// answered. Otherwise the partition stops: to handle it again would give its
// aggregate two events of one version.
func (w *worker[S, C, E]) verifyContinuity(ctx context.Context) error {
	missing, _, err := w.unanswered(ctx)
	if err != nil || len(missing) == 0 {
		return err
	}
	from, to := missing[0].Offset, missing[len(missing)-1].Offset
	if !w.Marked {
		w.Logger.Warn("commands are skipped: the offset of the group was set forward",
			slog.Int("commands", len(missing)), slog.Int64("from", from), slog.Int64("to", to))
		return nil
	}
	// A leader that has just begun may not have all that it will show.
	if err := w.Restorer.Client.RefreshMetadata(); err != nil {
		return err
	}
	kafkalog.Sleep(ctx, member.PauseOfLooks)
	missing, last, err := w.unanswered(ctx)
	if err != nil || len(missing) == 0 {
		return err
	}
	if err := w.verifyWithoutEffect(ctx, missing, last); err != nil {
		return err
	}
	w.Logger.Warn("acknowledged commands have no result, and no effect: the brokers have lost a part of a transaction; handling them again",
		slog.Int("commands", len(missing)), slog.Int64("from", from), slog.Int64("to", to))
	w.Again = missing
	return nil
}

// unanswered returns the commands between the last one that has a result and the
// committed offset, and the offset of that last one.
func (w *worker[S, C, E]) unanswered(ctx context.Context) (missing []*sarama.ConsumerMessage, last int64, err error) {
	t := w.agg.Topics()
	last, found, err := w.lastCommand(ctx, t.Results)
	last = max(last, w.answeredBefore-1)
	if err != nil || !found || last >= w.Next-1 {
		return nil, last, err
	}
	start, _, err := w.Bounds(ctx, t.Commands)
	if err != nil {
		return nil, last, err
	}
	err = w.Each(ctx, t.Commands, max(start, last+1), w.Next, func(b *sarama.RecordBatch, r *sarama.Record) error {
		missing = append(missing, kafkalog.Message(t.Commands, w.Partition, b, r))
		return nil
	})
	return missing, last, err
}

// lastCommand is the highest offset of a command to which one of the last
// records of an output belongs, -1 when there never was a record. It is not
// found when there were some, and retention has removed them all.
func (w *worker[S, C, E]) lastCommand(ctx context.Context, topic string) (last int64, found bool, err error) {
	answer, found, err := w.lastAnswer(ctx, topic)
	if err != nil || found {
		return answer.offset, found, err
	}
	start, _, err := w.Bounds(ctx, topic)
	return -1, start == 0, err
}

// verifyWithoutEffect makes sure that commands without a result have left
// nothing else behind: whatever they did would come last in its partition.
func (w *worker[S, C, E]) verifyWithoutEffect(ctx context.Context, missing []*sarama.ConsumerMessage, answered int64) error {
	stop := func(what string, offset int64) error {
		return &historyError{Err: fmt.Errorf("%s/%d: the commands from offset %d to %d, below the committed offset, have no result, but %s: "+
			"the brokers have committed a part of a transaction; "+
			"once you know what holds, set the offset of group %s with kafka-consumer-groups --reset-offsets",
			w.agg.Topics().Commands, w.Partition, answered+1, w.Next-1, fmt.Sprintf(what, offset), w.agg.Group())}
	}
	event, found, err := w.lastCommand(ctx, w.agg.Topics().Events)
	if err != nil {
		return err
	}
	if found && event > answered {
		return stop("there is an event of the one at %d", event)
	}
	for _, rec := range missing {
		kept, found, err := w.store.snapshot(string(rec.Key))
		if err != nil {
			return err
		}
		if found && kept.commandOffset > answered {
			return stop("there is a snapshot of the one at %d", kept.commandOffset)
		}
	}
	return nil
}

// verifyUnique finds two results, or two events, of one version of an aggregate,
// and names them: a torn transaction has left them, before it was found. What
// was written for ever cannot be taken back, and the state is what the last one
// made of it, so the partition goes on.
func (w *worker[S, C, E]) verifyUnique(ctx context.Context) error {
	for topic, versions := range map[string]func(Record) []int64{
		w.agg.Topics().Events: versionOfEvent, w.agg.Topics().Results: versionsOfResult,
	} {
		start, end, err := w.Bounds(ctx, topic)
		if err != nil {
			return err
		}
		seen := map[string]Position{}
		err = w.each(ctx, topic, max(start, end-2*int64(w.config.MaxBatch)), end, func(rec Record) error {
			for _, v := range versions(rec) {
				key := fmt.Sprint(v, "/", string(rec.Key))
				if first, twice := seen[key]; twice {
					w.Logger.Error("two records of one version: the brokers have committed a transaction of which they had lost a part",
						slog.String("topic", topic), slog.String("aggregate_id", string(rec.Key)), slog.Int64("version", v),
						slog.Int64("first", first.Offset), slog.Int64("second", rec.Position.Offset))
				}
				seen[key] = rec.Position
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func versionOfEvent(rec Record) []int64 {
	v, err := strconv.ParseInt(rec.Header(headerVersion), 10, 64)
	if err != nil {
		return nil
	}
	return []int64{v}
}

// versionsOfResult are those of the events in a result; a repeat carries those
// of the first answer.
func versionsOfResult(rec Record) []int64 {
	if rec.Header(headerReplay) != "" {
		return nil
	}
	var value struct{ Events []struct{ Version int64 } }
	_ = json.Unmarshal(rec.Value, &value) // what cannot be read has no version
	var all []int64
	for _, e := range value.Events {
		all = append(all, e.Version)
	}
	return all
}
