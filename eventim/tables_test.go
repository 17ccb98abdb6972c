package eventim

import (
	"log/slog"
	"os"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"github.com/eventim-go/eventim/internal/dedup"
	"github.com/eventim-go/eventim/internal/statestore"
)

func newStore(t rapid.TB) (_ *tables, done func()) {
	dir, err := os.MkdirTemp("", "store")
	if err != nil {
		t.Fatal(err)
	}
	s, closed := newStoreOn(t, nil, dir, 24*time.Hour)
	return s, func() {
		closed()
		_ = os.RemoveAll(dir)
	}
}

func newStoreOn(t rapid.TB, fs vfs.FS, dir string, window time.Duration) (_ *tables, done func()) {
	cache := pebble.NewCache(1 << 20)
	s, err := statestore.Create(dir, statestore.Identity{Partition: 1}, statestore.Options{Cache: cache, Logger: slog.New(slog.DiscardHandler), FS: fs}, false)
	if err != nil {
		t.Fatal(err)
	}
	answers, err := dedup.Open(s, window)
	if err != nil {
		t.Fatal(err)
	}
	return &tables{s, answers}, func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		cache.Unref()
	}
}

// What a store keeps comes back as it was.
func TestStoreKeeps(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := drawSnapshot(t)
		got, err := decodeStoredSnapshot(v.appendTo(nil))
		if err != nil || !reflect.DeepEqual(got, v) {
			t.Fatalf("got %+v, %v, want %+v", got, err, v)
		}
	})
}

func drawSnapshot(t *rapid.T) storedSnapshot {
	return storedSnapshot{
		version: rapid.Int64().Draw(t, "version"), revision: int(rapid.Int32().Draw(t, "revision")),
		schemaVersion: int(rapid.Int32().Draw(t, "schema")), time: rapid.Int64().Draw(t, "time"),
		commandOffset: rapid.Int64().Draw(t, "offset"), typ: rapid.String().Draw(t, "type"),
		command: rapid.String().Draw(t, "command"), data: notNil(rapid.SliceOf(rapid.Byte()).Draw(t, "data")),
	}
}

func notNil(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return b
}

// A command id is free again when the window has passed, by the clock of the
// records, and not before.
func TestWindow(t *testing.T) {
	t.Parallel()
	a := ticker()
	window := a.Deduplication.Milliseconds()
	for _, c := range []struct {
		later    int64
		replayed bool
	}{{0, true}, {window - 1, true}, {window, true}, {window + 1, false}, {10 * window, false}} {
		first := time.UnixMilli(1_700_000_000_000)
		d := decided(t, a, maxOutputBytes, tickRecord(t, a, "c", first), tickRecord(t, a, "c", first.Add(time.Duration(c.later)*time.Millisecond)))
		replays, version := 0, written(t, d[len(d)-1]).Header(headerVersion) // of the snapshot
		for _, m := range d {
			if m.Topic == a.Topics().Results && written(t, m).Header(headerReplay) != "" {
				replays++
			}
		}
		if (replays == 1) != c.replayed || version != strconv.Itoa(2-replays) {
			t.Errorf("a repeat %d ms later: %d replays, version %s; want a replay: %v", c.later, replays, version, c.replayed)
		}
	}
}
