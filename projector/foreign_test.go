package projector_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/eventim-go/eventim/internal/childtest"
	"github.com/eventim-go/eventim/projector"
)

// linesWith are the lines of a log that have the text.
func linesWith(log *childtest.Output, text string) (found []string) {
	for line := range strings.Lines(log.String()) {
		if strings.Contains(line, text) {
			found = append(found, line)
		}
	}
	return found
}

// tombstone is a record that deletes a key, as an operator writes it.
func (f *fixture) tombstone(key string) *kgo.Record {
	return &kgo.Record{Topic: f.topic, Partition: 0, Key: []byte(key)}
}

// compacted is the view of a topic that keeps the last record of each key.
func (f *fixture) compacted() projector.Projection[add] {
	view := f.counters()
	view.Topic.Compacted = true
	return view
}

// An operator deletes keys of a compacted topic, amid records and alone, as the
// last record and between two of one transaction: the view passes over each,
// says so once, and its rows stay.
func TestTombstonesOfACompactedTopicArePassedOver(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var log childtest.Output
	config := f.config()
	config.Logger = slog.New(slog.NewTextHandler(&log, nil))
	f.publish(t, 0, add{"a", 1})
	p, stop := start(t, f.pool, config, f.compacted())
	f.awaitFold(t)
	f.produce(t, kgo.TryCommit, f.tombstone("alone")) // at 2
	f.awaitPassed(t, p, 3)
	f.produce(t, kgo.TryCommit, f.tombstone("first"), f.record(0, []byte(`{"Key":"a","N":2}`), 1), f.tombstone("last")) // at 4, 5, 6
	f.fold["a"] += 2
	f.awaitFold(t)
	f.awaitPassed(t, p, 7)
	f.command[0] = 2
	f.publish(t, 0, add{"a", 3})
	f.awaitFold(t)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	start(t, f.pool, config, f.compacted())
	f.publish(t, 0, add{"a", 4})
	f.awaitFold(t)
	for key, offset := range map[string]int{"alone": 2, "first": 4, "last": 6} {
		said := linesWith(&log, "key="+key+"\n")
		if len(said) != 1 || !strings.Contains(said[0], "level=WARN") || !strings.Contains(said[0], "topic="+f.topic) ||
			!strings.Contains(said[0], "partition=0") || !strings.Contains(said[0], fmt.Sprint("offset=", offset)) {
			t.Errorf("of %s the log says %q, want one warning with topic, partition, offset %d and key", key, said, offset)
		}
	}
}

// awaitPassed waits until partition 0 is running at an offset, or behind it.
func (f *fixture) awaitPassed(t *testing.T, p *projector.Projector, offset int64) {
	t.Helper()
	eventually(t, func() error {
		for _, s := range p.Status() {
			if s.Partition == 0 && s.State == projector.Running && s.NextOffset >= offset {
				return nil
			}
		}
		return fmt.Errorf("status is %+v, want partition 0 running at %d", p.Status(), offset)
	})
}

// A tombstone between two records of one transaction is not the gap that its end
// would leave: what the commands of that transaction caused counts as applied
// when all of it is.
func TestATombstoneInsideATransactionDoesNotEndIt(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	config := f.config()
	config.MaxBatch = 1
	one := func() *kgo.Record { return f.record(0, []byte(`{"Key":"a","N":1}`), 7) }
	f.produce(t, kgo.TryCommit, one(), f.tombstone("b"), one(), one())
	f.fold["a"] = 3
	view := f.compacted()
	applied := make(chan int64, 100)
	write := view.Write
	view.Write = func(ctx context.Context, tx pgx.Tx, batch []add) error {
		var offset int64
		if err := tx.QueryRow(ctx, `select command_offset from projector.positions where partition = 0`).Scan(&offset); err != nil {
			return err
		}
		applied <- offset
		return write(ctx, tx, batch)
	}
	start(t, f.pool, config, view)
	f.awaitFold(t)
	if first, second := <-applied, <-applied; first != -1 || second != -1 {
		t.Errorf("while the transaction was applied, the commands up to %d and %d counted as applied, want -1: none", first, second)
	}
}

// Everywhere else a record without a value is one that nobody of ours has
// written, as is one that cannot be read: the partition stops and names it.
func TestForeignRecordsStopThePartition(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		view  func(*fixture) projector.Projection[add]
		value []byte
	}{
		"a tombstone in a topic that is not compacted":   {(*fixture).counters, nil},
		"a foreign record in a topic that is not either": {(*fixture).counters, []byte("what?")},
		"a foreign record in a compacted topic":          {(*fixture).compacted, []byte("what?")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.publish(t, 0, add{"a", 1})
			foreign := f.tombstone("strange")
			foreign.Value = c.value
			f.produce(t, kgo.TryCommit, foreign)
			f.publish(t, 1, add{"b", 1})
			p, _ := start(t, f.pool, f.config(), c.view(f))
			f.awaitFold(t)
			eventually(t, func() error {
				if stopped := stoppedAt(p); len(stopped) != 1 || stopped[0].NextOffset != 1 {
					return fmt.Errorf("stopped are %+v, want partition 0 behind its first record", stopped)
				}
				return nil
			})
			reason := stoppedAt(p)[0].Err.Error()
			for _, part := range []string{f.topic + " 0:2 cannot be read", `key "strange"`} {
				if !strings.Contains(reason, part) {
					t.Errorf("it stopped for %s, want that it says %s", reason, part)
				}
			}
			if c.value == nil && !strings.Contains(reason, "tombstone") {
				t.Errorf("it stopped for %s, want that it says what it is", reason)
			}
		})
	}
}
