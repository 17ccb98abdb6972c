package eventim_test

import (
	"strconv"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
)

// What somebody writes into the snapshots under a running handler is mended while
// it runs, whether commands come behind it or not: when compaction has done its
// work, the last record of the aggregate is its state, and whoever restores from
// it goes on with its version.
func TestSnapshotsTouchedUnderAHandlerAreWrittenAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		value  []byte
		behind bool
	}{
		"a tombstone, and no command behind it": {nil, false},
		"a tombstone amid commands":             {nil, true},
		"a foreign record":                      {[]byte("what?"), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, eventimtest.Kafka(t), 2)
			h := s.handle()
			key := string(keyIn(0))
			s.do(key, 1)
			s.do(key, 2)
			topic := s.agg.Topics().Snapshots
			s.produce(s.raw(), &kgo.Record{Topic: topic, Partition: 0, Key: []byte(key), Value: c.value})
			other := otherKeyIn(0, key)
			if c.behind {
				s.do(other, 1)
			}
			eventually(t, "the last record is the state", func() bool {
				rec, found := s.lastOf(topic, 0, key)
				return found && rec.Header("ce_version") == "2"
			})
			h.stop()
			dir := t.TempDir()
			var read restores
			h = s.handle(in(dir), read.watch)
			if res := s.do(key, 4); res.Version != 3 || res.Snapshot.State.Sum != 7 {
				t.Errorf("from a store that was lost: %+v, want version 3 and the sum 7", res)
			}
			if n := read.of(s.agg.Topics().Events); n != 0 {
				t.Errorf("it was folded from %d events, want that the snapshots are enough", n)
			}
			h.stop()
			h = s.handle()
			if res := s.do(key, 5); res.Version != 4 || res.Snapshot.State.Sum != 12 {
				t.Errorf("from a store that was kept: %+v, want version 4 and the sum 12", res)
			}
		})
	}
}

// A foreign record under a key that no aggregate has is mended by nobody here:
// the partition stops and names it, as it would when it is taken over.
func TestAForeignRecordUnderAHandlerStopsThePartition(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 2)
	h := s.handle()
	s.running(h)
	s.produce(s.raw(), &kgo.Record{Topic: s.agg.Topics().Snapshots, Partition: 0, Key: []byte("nobody"), Value: []byte("what?")})
	eventually(t, "partition 0 is stopped, and the other one is not", func() bool {
		status := h.Status()
		return len(status) == 2 && status[0].State == eventim.Stopped && says(status[0].Err, "a header of a snapshot is missing") && status[1].Ready()
	})
}

// otherKeyIn is a key of the partition, of two, that is not the given one.
func otherKeyIn(partition int32, not string) string {
	for i := 0; ; i++ {
		key := "other-" + strconv.Itoa(i)
		if key != not && kgo.StickyKeyPartitioner(nil).ForTopic("").Partition(&kgo.Record{Key: []byte(key)}, 2) == int(partition) {
			return key
		}
	}
}

// lastOf is the last committed record of a key.
func (s *system) lastOf(topic string, partition int32, key string) (last eventim.Record, found bool) {
	s.t.Helper()
	ends, err := eventim.Ends(s.t.Context(), s.kafka, topic)
	if err == nil {
		to := eventim.Positions{partition: ends[partition]}
		err = eventim.Read(s.t.Context(), s.kafka, topic, nil, to, func(rec eventim.Record) error {
			if string(rec.Key) == key {
				last, found = rec, true
			}
			return nil
		})
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return last, found
}
