package projector_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/eventim-go/eventim/projector"
)

// send writes an add under its own key, in the partition of that, as handlers do.
func (f *fixture) send(t *testing.T, adds ...add) {
	t.Helper()
	partitioner := sarama.NewMurmur2Partitioner("")
	for _, a := range adds {
		partition, err := partitioner.Partition(&sarama.ProducerMessage{Key: sarama.StringEncoder(a.Key)}, partitions)
		if err != nil {
			t.Fatal(err)
		}
		value, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		r := f.record(partition, value, f.command[partition])
		r.Key = []byte(a.Key)
		f.produce(t, kgo.TryCommit, r)
		f.command[partition]++
		f.fold[a.Key] += a.N
	}
}

// The rows of one aggregate are made anew, others stay as they are, and the view
// goes on.
func TestOneAggregateIsProjectedAnew(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.send(t, add{"a", 1}, add{"b", 2}, add{"a", 3}, add{"c", 4})
	start(t, f.pool, f.config(), f.keyed())
	f.awaitFold(t)
	f.set(t, `update counters_v1.counters set n = n + 100 where key in ('a', 'b')`)
	records, err := projector.Reproject(t.Context(), f.pool, f.kafka, f.keyed(), "a")
	if err != nil || records != 2 {
		t.Errorf("applied %d records, error %v; want 2", records, err)
	}
	f.fold["b"] += 100
	f.awaitFold(t)
	f.send(t, add{"a", 5}, add{"b", 6})
	f.awaitFold(t)
}

func TestReprojectionsThatAreRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.send(t, add{"a", 1})
	start(t, f.pool, f.config(), f.keyed())
	f.awaitFold(t)
	f.set(t, `insert into counters_v1.counters values ('by hand', 9)`)
	f.fold["by hand"] = 9
	expiring, newer := f.keyed(), f.keyed()
	expiring.Expires, newer.Version = true, 2
	for want, call := range map[string]struct {
		view projector.View
		id   string
	}{
		"names no Key":    {f.counters(), "a"},
		"deletes old":     {expiring, "a"},
		"2 is not live":   {newer, "a"},
		"no record of it": {f.keyed(), "by hand"},
	} {
		if _, err := projector.Reproject(t.Context(), f.pool, f.kafka, call.view, call.id); err == nil || !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("got %v, want it to say: %s", err, want)
		}
	}
	f.awaitFold(t)
}
