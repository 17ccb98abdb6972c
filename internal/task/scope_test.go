package task

import (
	"bytes"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"github.com/eventim-go/eventim/internal/statestore"
)

func newStore(t rapid.TB) *statestore.Store {
	t.Helper()
	s, err := statestore.Create("store", statestore.Identity{}, statestore.Options{Logger: slog.New(slog.DiscardHandler), FS: vfs.NewMem()}, false)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// What a batch has put, it gets and scans, beside what was committed before; what it
// has not committed, the next batch does not see.
func TestAScopeIsAStoreOfItsOwn(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		store := newStore(t)
		defer func() { _ = store.Close() }()
		committed := map[string]string{}
		s, now := NewScope(0, 1<<20, time.Now(), store), map[string]string{}
		keys := rapid.SampledFrom([]string{"k", "ka", "kb", "kbb", "kc", "kd", "l"})
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				key, value := keys.Draw(t, "key"), rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, "value")
				s.Put([]byte(key), []byte(value))
				now[key] = value
			},
			"delete": func(t *rapid.T) {
				key := keys.Draw(t, "key")
				s.Delete([]byte(key))
				delete(now, key)
			},
			"commit": func(t *rapid.T) {
				w := store.Begin(0)
				s.Commit().Write(w)
				if err := w.Commit(); err != nil {
					t.Fatal(err)
				}
				committed = maps.Clone(now)
				s = NewScope(0, 1<<20, time.Now(), store)
			},
			"abort": func(*rapid.T) {
				now = maps.Clone(committed)
				s = NewScope(0, 1<<20, time.Now(), store)
			},
			"": func(t *rapid.T) { holds(t, s, now) },
		})
	})
}

// holds wants a scope to hold what a model does.
func holds(t *rapid.T, s *Scope, model map[string]string) {
	t.Helper()
	for _, key := range []string{"k", "ka", "kb", "kbb", "kc", "kd", "l"} {
		value, found, err := s.Get([]byte(key))
		want, there := model[key]
		if err != nil || found != there || string(value) != want {
			t.Fatalf("%s is %q, %v, %v, want %q, %v", key, value, found, err, want, there)
		}
	}
	from, to := rapid.SampledFrom([]string{"k", "kb", "kbc"}).Draw(t, "from"), rapid.SampledFrom([]string{"kb", "kd", "l"}).Draw(t, "to")
	var got, want []string
	err := s.Scan([]byte(from), []byte(to), func(key, value []byte) error {
		got = append(got, fmt.Sprintf("%s=%s", bytes.Clone(key), value))
		return nil
	})
	for _, key := range slices.Sorted(maps.Keys(model)) {
		if key >= from && key < to {
			want = append(want, key+"="+model[key])
		}
	}
	if err != nil || !slices.Equal(got, want) {
		t.Fatalf("from %s to %s: %q, %v, want %q", from, to, got, err, want)
	}
}
