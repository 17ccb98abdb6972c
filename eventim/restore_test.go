package eventim_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
)

// restores counts the records that handlers read when they take over, by
// topic.
type restores struct {
	mu      sync.Mutex
	records map[string]int64
}

func (r *restores) watch(c *eventim.HandlerConfig) {
	c.OnRestore = func(p eventim.RestoreProgress) {
		if !p.Done() {
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.records == nil {
			r.records = map[string]int64{}
		}
		r.records[p.Topic] += p.Records
	}
}

func (r *restores) of(topic string) int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.records[topic]
}

// After a clean stop and after a kill, only what others have written since is
// read.
func TestRestoreReadsTheDelta(t *testing.T) {
	t.Parallel()
	for _, end := range []struct {
		name string
		end  func(*child)
	}{{"stop", (*child).stop}, {"kill", (*child).kill}} {
		t.Run(end.name, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, eventimtest.Kafka(t), 1)
			c := s.start(s.dir)
			for i := range 40 {
				s.do(fmt.Sprint("k", i), 100)
			}
			end.end(c)
			other := s.handle(in(t.TempDir()))
			for i := range 5 {
				s.do(fmt.Sprint("k", i), 100)
			}
			other.stop()

			var read restores
			h := s.handle(read.watch)
			s.running(h)
			for _, topic := range []string{s.agg.Topics().Snapshots, s.agg.Topics().Results} {
				// A killed process may have lost its last write or two.
				if n := read.of(topic); n < 5 || n > 7 {
					t.Errorf("read %d records of %s, want the 5 that another handler wrote", n, topic)
				}
			}
			if n := read.of(s.agg.Topics().Events); n != 0 {
				t.Errorf("read %d events, want none", n)
			}
			if res := s.do("k0", 100); res.Version != 3 {
				t.Errorf("afterwards: %+v, want version 3", res)
			}
			h.stop()
			s.check(s.dir)
		})
	}
}

// store is the directory of the store of partition 0.
func (s *system) store(dir string) string { return filepath.Join(dir, s.agg.Name, "0") }

// damageFiles changes the files of a store whose names have the suffix.
func (s *system) damageFiles(suffix string, damage func([]byte) []byte) {
	s.t.Helper()
	found := 0
	err := filepath.WalkDir(s.store(s.dir), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, suffix) {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil || len(data) == 0 {
			return err
		}
		found++
		return os.WriteFile(path, damage(data), 0o600)
	})
	if err != nil || found == 0 {
		s.t.Fatalf("damaged %d files *%s: %v", found, suffix, err)
	}
}

func flip(at func(size int) int) func([]byte) []byte {
	return func(b []byte) []byte {
		b[at(len(b))] ^= 0xff
		return b
	}
}

// A store that is damaged, foreign, or not of this log is wiped and filled
// again, never served.
func TestUnusableStores(t *testing.T) {
	t.Parallel()
	change := func(fn func(cluster *string, snapshots, results *int64)) func(*system) {
		return func(s *system) {
			s.t.Helper()
			if err := eventim.ChangeStore(s.store(s.dir), fn); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	for _, c := range []struct {
		name   string
		damage func(*system)
	}{
		{"deleted", func(s *system) { _ = os.RemoveAll(s.store(s.dir)) }},
		{"emptied", func(s *system) {
			_ = os.RemoveAll(s.store(s.dir))
			_ = os.MkdirAll(s.store(s.dir), 0o750)
		}},
		{"no manifest", func(s *system) { s.damageFiles("", func([]byte) []byte { return nil }) }},
		{"tables truncated", func(s *system) { s.damageFiles(".sst", func(b []byte) []byte { return b[:len(b)/2] }) }},
		{"first block flipped", func(s *system) { s.damageFiles(".sst", flip(func(int) int { return 20 })) }},
		{"tables flipped", func(s *system) { s.damageFiles(".sst", flip(func(n int) int { return n / 2 })) }},
		{"footer flipped", func(s *system) { s.damageFiles(".sst", flip(func(n int) int { return n - 20 })) }},
		{"tables gone", func(s *system) { s.damageFiles(".sst", func([]byte) []byte { return nil }) }},
		{"of another cluster", change(func(cluster *string, _, _ *int64) { *cluster = "another" })},
		{"ahead of the snapshots", change(func(_ *string, snapshots, _ *int64) { *snapshots = 1 << 40 })},
		{"ahead of the results", change(func(_ *string, _, results *int64) { *results = 1 << 40 })},
		{"of another partition", func(s *system) {
			_ = os.RemoveAll(s.store(s.dir))
			if err := os.CopyFS(s.store(s.dir), os.DirFS(filepath.Join(s.dir, s.agg.Name, "1"))); err != nil {
				s.t.Fatal(err)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, eventimtest.Kafka(t), 2)
			h := s.handle(in(t.TempDir()))
			var first []eventim.Command[Add]
			for i := range 20 {
				first = append(first, s.add(fmt.Sprint("k", i), 100))
				s.await(first[i].ID, 1)
			}
			h.stop()
			h = s.handle() // fills its stores, which makes tables
			s.running(h)
			h.stop()
			c.damage(s)

			h = s.handle()
			for i := range 20 {
				if res := s.do(fmt.Sprint("k", i), 100); res.Version != 2 || res.Snapshot.State.Sum != 200 {
					t.Errorf("k%d: %+v, want version 2 and the sum 200", i, res)
				}
			}
			for _, cmd := range first {
				s.send(cmd)
				if res := s.await(cmd.ID, 2); !res.Replayed {
					t.Errorf("a repeat got %+v, want the first answer", res)
				}
			}
			h.stop()
			s.check(s.dir)
		})
	}
}

// The store opens, and only a snapshot in it cannot be read: the first who does
// is the comparison with the last results.
func TestCorruptSnapshots(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 1)
	h := s.handle(in(t.TempDir()))
	ids := make([]string, 40)
	for i := range ids {
		ids[i] = fmt.Sprint(i) + strings.Repeat(uuid.NewString(), 3) // most of the store
		s.do(ids[i], 100)
	}
	h.stop()
	h = s.handle() // fills its store, which makes tables
	s.running(h)
	h.stop()
	s.damageFiles(".sst", flip(func(n int) int { return n / 2 }))

	h = s.handle()
	s.running(h)
	for _, id := range ids {
		if res := s.do(id, 100); res.Version != 2 {
			t.Errorf("%s: %+v, want version 2", id, res)
		}
	}
	h.stop()
	s.check(s.dir)
}

// Topics that were deleted and made anew are another log under the same names.
func TestRecreatedTopics(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 1)
	h := s.handle()
	for range 10 {
		s.do("a", 100)
	}
	h.stop()
	s.untail()
	admin, topics := kadm.NewClient(s.raw()), s.agg.Topics()
	if _, err := admin.DeleteTopics(t.Context(), topics.Commands, topics.Results, topics.Events, topics.Snapshots, topics.DeadLetters); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.DeleteGroups(t.Context(), s.agg.Group()); err != nil {
		t.Fatal(err)
	}
	again := recreated(t, s)
	for i := range 12 {
		if res := again.do("a", 100); res.Version != int64(i+1) {
			t.Fatalf("in the new log: %+v, want version %d", res, i+1)
		}
	}
	h.stop()
	again.check()
}

// recreated makes the topics of s anew, and runs a handler on its directory.
func recreated(t *testing.T, s *system) *system {
	t.Helper()
	again := &system{t: t, kafka: s.kafka, agg: s.agg, dir: s.dir, results: map[string][]eventim.Result[Count, Added]{}, arrived: make(chan struct{})}
	admin := kadm.NewClient(s.raw())
	eventually(t, "the topics are gone", func() bool {
		listed, err := admin.ListTopics(t.Context())
		return err == nil && !listed.Has(s.agg.Topics().Snapshots) && !listed.Has(s.agg.Topics().Commands)
	})
	eventually(t, "the topics are made anew", func() bool { return s.agg.CreateTopics(t.Context(), s.kafka, 1) == nil })
	again.connect()
	again.handle()
	return again
}

// A store whose checkpoint is beyond the results would miss answers: it is made
// anew, so that no command takes effect twice.
func TestStoreAheadOfTheResults(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 1)
	h := s.handle()
	s.do("a", 100)
	h.stop()
	other := s.handle(in(t.TempDir()))
	cmd := s.add("a", 100)
	s.await(cmd.ID, 1)
	other.stop()
	if err := eventim.ChangeStore(s.store(s.dir), func(_ *string, _, results *int64) { *results = 1 << 40 }); err != nil {
		t.Fatal(err)
	}
	h = s.handle()
	s.send(cmd)
	if res := s.await(cmd.ID, 2); !res.Replayed || res.Version != 2 {
		t.Errorf("a repeat got %+v, want the first answer", res)
	}
	h.stop()
	s.check(s.dir)
}

// A store that is behind, and older than deletions are kept, is made anew: it
// may have what was deleted meanwhile, and the log would not say so.
func TestStoreOlderThanDeletions(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 1)
	h := s.handle()
	for i := range 20 {
		s.do(fmt.Sprint("k", i), 100)
	}
	h.stop()
	other := s.handle(in(t.TempDir()))
	s.do("k0", 100)
	other.stop()
	if err := eventim.AgeStore(s.store(s.dir), 8*24*time.Hour); err != nil { // the topic keeps deletions for 7 days
		t.Fatal(err)
	}
	var read restores
	h = s.handle(read.watch)
	s.running(h)
	if n := read.of(s.agg.Topics().Snapshots); n < 20 {
		t.Errorf("read %d snapshots, want all of them", n)
	}
	h.stop()
	s.check(s.dir)
}

// A restore does not stop at a transaction that is open: what was committed
// behind it belongs to the state.
func TestOpenTransactionBelowTheEnd(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 2)
	home, other := string(keyIn(0)), string(keyIn(1))
	h := s.handle()
	s.do(home, 100)
	s.do(other, 100)
	foreign := s.raw(kgo.TransactionalID(eventimtest.Name(t, "foreign")), kgo.TransactionTimeout(5*time.Minute))
	if err := foreign.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	s.produce(foreign, &kgo.Record{Topic: s.agg.Topics().Snapshots, Partition: 0, Key: []byte("never"), Value: []byte("never")})
	s.do(home, 100)
	h.stop()

	h = s.handle(in(t.TempDir()))
	cmd := s.add(home, 100)
	for range 50 { // which takes longer than restoring partition 0 would
		s.do(other, 100)
	}
	if status := h.Status(); status[0].State != eventim.Restoring {
		t.Errorf("partition 0 is %+v while a transaction is open below its end, want it restoring", status[0])
	}
	if err := foreign.EndTransaction(t.Context(), kgo.TryAbort); err != nil {
		t.Fatal(err)
	}
	if res := s.await(cmd.ID, 1); res.Version != 3 || res.Snapshot.State.Sum != 300 {
		t.Errorf("afterwards: %+v, want version 3 and the sum 300", res)
	}
	h.stop()
	s.check()
}
