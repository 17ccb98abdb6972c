package eventim_test

import (
	"bytes"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

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

// A foreign record under a key that no aggregate has is deleted again while a
// handler runs, which knows that there is none: the partition goes on, and whoever
// restores it later does not stop at what is not there any more.
func TestAForeignRecordUnderAHandlerIsDeleted(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 2)
	h := s.handle()
	key := string(keyIn(0))
	s.do(key, 1)
	topic, nobody := s.agg.Topics().Snapshots, otherKeyIn(0, key)
	s.produce(s.raw(), &kgo.Record{Topic: topic, Partition: 0, Key: []byte(nobody), Value: []byte("what?")})
	eventually(t, "it is deleted", func() bool {
		rec, found := s.lastOf(topic, 0, nobody)
		return found && rec.Value == nil
	})
	if res := s.do(key, 2); res.Version != 2 {
		t.Errorf("the next command: %+v, want version 2", res)
	}
	h.stop()
	s.handle(in(t.TempDir()))
	if res := s.do(key, 4); res.Version != 3 || res.Snapshot.State.Sum != 7 {
		t.Errorf("from a store that was lost: %+v, want version 3 and the sum 7", res)
	}
	if res := s.do(nobody, 1); res.Version != 1 {
		t.Errorf("the aggregate that was not there: %+v, want version 1", res)
	}
}

// Somebody has a transaction open in the snapshots, for as long as he likes. What
// is in it shows in the look after its end: none waits for that, since commands
// wait meanwhile.
func TestAnOpenTransactionDoesNotHoldALookUp(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 1)
	topic := s.agg.Topics().Snapshots
	var looks, fetches atomic.Int64
	h := s.handle(via(&wire{request: func(key int16, frame []byte) fate {
		if bytes.Contains(frame, []byte(topic)) {
			switch key {
			case keyListOffsets:
				looks.Add(1)
			case keyFetch:
				fetches.Add(1)
			}
		}
		return pass
	}}))
	s.do("k", 1)
	foreign := s.raw(kgo.TransactionalID(eventimtest.Name(t, "foreign")), kgo.TransactionTimeout(5*time.Minute))
	if err := foreign.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	s.produce(foreign, &kgo.Record{Topic: topic, Key: []byte("k")})
	looks.Store(0)
	fetches.Store(0)
	eventually(t, "it has looked three times", func() bool { return looks.Load() > 3 })
	if n, of := fetches.Load(), looks.Load(); n > 2*of {
		t.Errorf("%d looks took %d fetches, want one or two for each", of, n)
	}
	if res := s.do("k", 2); res.Version != 2 {
		t.Errorf("a command meanwhile: %+v, want version 2", res)
	}
	if err := foreign.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the last record is the state", func() bool {
		rec, found := s.lastOf(topic, 0, "k")
		return found && rec.Header("ce_version") == "2"
	})
	h.stop()
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
