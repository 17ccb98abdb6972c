package projector_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
	"github.com/eventim-go/eventim/projector"
)

// advice is what every refusal of a foreign log ends with.
const advice = "the command `shop reanchor counters`"

func (f *fixture) follow(t *testing.T) {
	t.Helper()
	_, stop := start(t, f.pool, f.config(), f.counters())
	f.awaitFold(t)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

// moveTo lets the fixture write into another cluster.
func (f *fixture) moveTo(t *testing.T, k eventim.Kafka) {
	t.Helper()
	f.producer = transactional(t, k, f.topic)
	f.kafka.Brokers = k.Brokers
	f.fold, f.command = map[string]int64{}, map[int32]int64{}
	f.createTopic(t)
}

func TestForeignClusterIsRefusedUntilReanchored(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.publish(t, 0, add{"a", 1})
	f.follow(t)
	shown := maps.Clone(f.fold)
	f.moveTo(t, eventim.Kafka{Brokers: eventimtest.Embedded(t).ListenAddrs()})
	f.publish(t, 0, add{"b", 1}, add{"b", 1})
	if err := f.refused(t, f.kafka, f.counters()); !strings.Contains(err.Error(), advice) {
		t.Errorf("got %v, want the advice %s", err, advice)
	}
	if got, err := f.rows(t.Context()); err != nil || !maps.Equal(got, shown) {
		t.Errorf("the refusal changed the view to %v, error %v", got, err)
	}
	if err := projector.Reanchor(t.Context(), f.pool, "counters"); err != nil {
		t.Fatal(err)
	}
	f.follow(t)
}

// A broker dies while a projector starts: it waits until the partitions have
// another leader, which takes longer than some attempts.
func TestLeaderIsAwayAtTheStart(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	broker := eventimtest.Embedded(t)
	f.moveTo(t, eventim.Kafka{Brokers: broker.ListenAddrs()})
	f.publish(t, 0, add{"a", 1})
	away := broker.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.ListOffsets}, Err: kerr.NotLeaderForPartition, Count: 20})
	f.follow(t)
	if away.Hits() < 20 {
		t.Errorf("the leader was away for %d requests, want 20", away.Hits())
	}
}

func TestTopicCreatedAnewIsRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.publish(t, 0, add{"a", 1}, add{"a", 1})
	f.follow(t)
	f.recreateTopic(t)
	if err := f.refused(t, f.kafka, f.counters()); !strings.Contains(err.Error(), "created anew") || !strings.Contains(err.Error(), advice) {
		t.Errorf("got %v, want the reason and the advice", err)
	}
	// As long as the one before, and longer, it is no less another one.
	f.publish(t, 0, add{"b", 1}, add{"b", 1}, add{"b", 1})
	if err := f.refused(t, f.kafka, f.counters()); !strings.Contains(err.Error(), "created anew") || !strings.Contains(err.Error(), advice) {
		t.Errorf("got %v, want the reason and the advice", err)
	}
	if err := projector.Reanchor(t.Context(), f.pool, "counters"); err != nil {
		t.Fatal(err)
	}
	f.fold = map[string]int64{"b": 3}
	f.follow(t)
}

// Positions that were stored before topic ids were get theirs at the next
// start.
func TestTopicIDIsEntered(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.publish(t, 0, add{"a", 1}, add{"a", 1})
	f.follow(t)
	if _, err := f.pool.Exec(t.Context(), `update projector.positions set topic_id = ''`); err != nil {
		t.Fatal(err)
	}
	_, stop := start(t, f.pool, f.config(), f.counters())
	eventually(t, func() error {
		var missing int
		err := f.pool.QueryRow(t.Context(), `select count(*) from projector.positions where topic_id = ''`).Scan(&missing)
		if err == nil && missing > 0 {
			err = fmt.Errorf("%d positions have no topic id", missing)
		}
		return err
	})
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	f.recreateTopic(t)
	f.publish(t, 0, add{"b", 1}, add{"b", 1}, add{"b", 1})
	if err := f.refused(t, f.kafka, f.counters()); !strings.Contains(err.Error(), "created anew") {
		t.Errorf("got %v, want the reason", err)
	}
}

func (f *fixture) recreateTopic(t *testing.T) {
	t.Helper()
	if _, err := kadm.NewClient(f.producer).DeleteTopic(t.Context(), f.topic); err != nil {
		t.Fatal(err)
	}
	f.createTopic(t)
	f.producer = transactional(t, f.kafka, f.topic) // the other one knows the topic by its id
}

// The log is replaced under a running projector.
func TestTopicCreatedAnewStopsItsPartitions(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.publish(t, 0, add{"a", 1}, add{"a", 1})
	f.publish(t, 1, add{"b", 1})
	p, _ := start(t, f.pool, f.config(), f.counters())
	f.awaitFold(t)
	f.recreateTopic(t)
	eventually(t, func() error {
		stopped := stoppedAt(p)
		if len(stopped) != partitions || !strings.Contains(stopped[0].Err.Error(), advice) {
			return fmt.Errorf("stopped are %+v, want all partitions", stopped)
		}
		return nil
	})
}

func (f *fixture) deleteRecords(t *testing.T, partition int32, before int64) {
	t.Helper()
	var offsets kadm.Offsets
	offsets.Add(kadm.Offset{Topic: f.topic, Partition: partition, At: before})
	deleted, err := kadm.NewClient(f.producer).DeleteRecords(t.Context(), offsets)
	if err == nil {
		err = deleted.Error()
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestDeletedRecordsAreRefusedUnlessTheyExpire(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.publish(t, 0, add{"a", 1})
	f.follow(t)
	f.transact(t, 0, true, add{"lost", 1}) // offset 2, marker 3
	f.publish(t, 0, add{"b", 1})
	f.deleteRecords(t, 0, 4)
	if err := f.refused(t, f.kafka, f.counters()); !strings.Contains(err.Error(), "deleted") || !strings.Contains(err.Error(), advice) {
		t.Errorf("got %v, want the reason and the advice", err)
	}
	expiring := f.counters()
	expiring.Expires = true
	start(t, f.pool, f.config(), expiring)
	f.awaitFold(t)
}

func TestOtherDDLNeedsAnotherVersion(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.follow(t)
	view := f.counters()
	view.DDL += ` create index on counters (n);`
	if err := f.refused(t, f.kafka, view); !strings.Contains(err.Error(), "raise the version") {
		t.Errorf("got %v, want the advice to raise the version", err)
	}
}

func TestReanchorWhileRunningStopsVisibly(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.publish(t, 0, add{"a", 1})
	p, _ := start(t, f.pool, f.config(), f.counters())
	f.awaitFold(t)
	if err := projector.Reanchor(t.Context(), f.pool, "counters"); err != nil {
		t.Fatal(err)
	}
	f.publish(t, 0, add{"a", 1})
	eventually(t, func() error {
		if stopped := stoppedAt(p); len(stopped) != 1 || !strings.Contains(stopped[0].Err.Error(), "dropped") {
			return fmt.Errorf("stopped are %+v, want partition 0", stopped)
		}
		return nil
	})
}
