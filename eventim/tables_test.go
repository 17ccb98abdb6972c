package eventim

import (
	"bytes"
	"log/slog"
	"os"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"github.com/eventim-go/eventim/internal/statestore"
)

func newStore(t rapid.TB) (_ *tables, done func()) {
	dir, err := os.MkdirTemp("", "store")
	if err != nil {
		t.Fatal(err)
	}
	s, closed := newStoreOn(t, nil, dir)
	return s, func() {
		closed()
		_ = os.RemoveAll(dir)
	}
}

func newStoreOn(t rapid.TB, fs vfs.FS, dir string) (_ *tables, done func()) {
	cache := pebble.NewCache(1 << 20)
	s, err := statestore.Create(dir, statestore.Identity{Partition: 1}, statestore.Options{Cache: cache, Logger: slog.New(slog.DiscardHandler), FS: fs}, false)
	if err != nil {
		t.Fatal(err)
	}
	return &tables{Store: s}, func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		cache.Unref()
	}
}

// The answers in a store are those that were set last for each command id and
// are not older than what was forgotten, whatever the order.
func TestStoreForgets(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s, done := newStore(t)
		defer done()
		model := map[commandKey]int64{} // time by command
		all := []commandKey{{"", ""}, {"", "a"}, {"a", ""}, {"a", "b"}, {"ab", ""}, {"", "ab"}, {"b", "a"}, {"a\x00", "\xff"}, {"a", "\x00\xff"}}
		ids := rapid.SampledFrom(all)
		times := rapid.Int64Range(0, 50)
		t.Repeat(map[string]func(*rapid.T){
			"answer": func(t *rapid.T) {
				id, at := ids.Draw(t, "id"), times.Draw(t, "time")
				w := s.write()
				w.setAnswer(id, answer{time: at, version: at})
				if err := w.Commit(); err != nil {
					t.Fatal(err)
				}
				model[id] = at
			},
			"forget": func(t *rapid.T) {
				before, limit := times.Draw(t, "before"), rapid.IntRange(1, 5).Draw(t, "limit")
				for n := limit; n == limit; {
					var err error
					if n, err = s.forget(time.UnixMilli(before), limit); err != nil {
						t.Fatal(err)
					}
				}
				for id, at := range model {
					if at < before {
						delete(model, id)
					}
				}
			},
			"": func(t *rapid.T) {
				for _, id := range all {
					got, found, err := s.answer(id)
					at, want := model[id]
					if err != nil || found != want || (found && (got.time != at || got.version != at)) {
						t.Fatalf("answer to %+v: %+v, %v, %v; want one of %d: %v", id, got, found, err, at, want)
					}
				}
			},
		})
	})
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
		a := answer{
			time: rapid.Int64().Draw(t, "time"), version: rapid.Int64().Draw(t, "version"),
			offset: rapid.Int64().Draw(t, "offset"), size: rapid.Int64().Draw(t, "size"), digest: commandDigest{rapid.Byte().Draw(t, "first"), 15: rapid.Byte().Draw(t, "last")},
		}
		b, err := decodeAnswer(a.appendTo(nil))
		if err != nil || !reflect.DeepEqual(b, a) {
			t.Fatalf("got %+v, %v, want %+v", b, err, a)
		}
		id, at := commandKey{rapid.String().Draw(t, "aggregate"), rapid.String().Draw(t, "id")}.stored(), rapid.Int64Range(0, 1<<50).Draw(t, "at")
		if gotAt, gotID := parseAnswered(id.appendAnswered(nil, at)); gotAt != at || gotID != id {
			t.Fatalf("got %d %q, want %d %q", gotAt, gotID, at, id)
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

// Times sort the keys of what is to be forgotten.
func TestAnsweredKeysSortByTime(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Int64Range(0, 1<<60).Draw(t, "a"), rapid.Int64Range(0, 1<<60).Draw(t, "b")
		x := commandKey{"x", rapid.String().Draw(t, "x")}.stored().appendAnswered(nil, a)
		y := commandKey{"y", rapid.String().Draw(t, "y")}.stored().appendAnswered(nil, b)
		if a < b && bytes.Compare(x, y) >= 0 {
			t.Fatalf("the key of %d does not sort before that of %d", a, b)
		}
	})
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
