package dedup

import (
	"encoding/binary"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"github.com/eventim-go/eventim/internal/statestore"
)

const (
	window = 80 * time.Millisecond
	length = 10 // of a bucket
)

// disk is a window on a store in memory, which can crash.
type disk struct {
	fs *vfs.MemFS
	s  *statestore.Store
	w  *Window
}

var (
	options  = statestore.Options{Logger: slog.New(slog.DiscardHandler)}
	identity = statestore.Identity{Partition: 1}
)

func newDisk(t rapid.TB) *disk {
	d := &disk{fs: vfs.NewCrashableMem()}
	o := options
	o.FS = d.fs
	var err error
	if d.s, err = statestore.Create("store", identity, o, false); err != nil {
		t.Fatal(err)
	}
	d.w = d.opened(t)
	return d
}

func (d *disk) opened(t rapid.TB) *Window {
	w, err := Open(d.s, window)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (d *disk) close(t rapid.TB) {
	if err := d.s.Close(); err != nil {
		t.Fatal(err)
	}
}

// reopen opens what a process leaves that is stopped, or killed: then nobody closes
// the store, and all that was given to the operating system is there.
func (d *disk) reopen(t rapid.TB, killed bool) {
	if killed {
		left := d.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 1))})
		d.close(t)
		d.fs = left
	} else {
		d.close(t)
	}
	o := options
	o.FS = d.fs
	var err error
	if d.s, err = statestore.Open("store", identity, o); err != nil {
		t.Fatal(err)
	}
	d.w = d.opened(t)
}

func (d *disk) put(t rapid.TB, entries map[ID]Entry) {
	w := d.s.Begin(0)
	for id, e := range entries {
		d.w.Put(w, id, e)
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
}

// model is what a window remembers, the plain way: the last answer to a command in
// each bucket.
type model map[ID]map[int64]Entry

func endOfBucket(at int64) int64 { return at/length*length + length }

func (m model) put(id ID, e Entry) {
	if m[id] == nil {
		m[id] = map[int64]Entry{}
	}
	m[id][endOfBucket(e.Time)] = e
}

func (m model) last(id ID) (last Entry, found bool) {
	for _, e := range m[id] {
		if !found || e.Time > last.Time {
			last, found = e, true
		}
	}
	return last, found
}

func (m model) forget(before int64) {
	for _, answers := range m {
		for end := range answers {
			if end <= before {
				delete(answers, end)
			}
		}
	}
}

// A window is what a map is, whatever is written, discarded and forgotten in between,
// and however often its process is stopped or killed. What is not out of the window
// is found.
func TestWindowIsThatOfTheModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d, m := newDisk(t), model{}
		defer func() { d.close(t) }()
		var ids []ID
		for i := range 12 {
			ids = append(ids, IDOf("a", fmt.Sprint(i)))
		}
		now := int64(1000)
		draw := func(t *rapid.T) map[ID]Entry {
			entries := map[ID]Entry{}
			for _, id := range rapid.SliceOfNDistinct(rapid.SampledFrom(ids), 0, 4, rapid.ID).Draw(t, "ids") {
				late := rapid.SampledFrom([]int64{0, 0, 0, 1, length, 5 * length, 1000, -length, -40 * length}).Draw(t, "late")
				entries[id] = Entry{
					Time: max(now-late, 0), Version: rapid.Int64Range(0, 1<<40).Draw(t, "version"),
					Offset: rapid.Int64Range(-1, 1<<40).Draw(t, "offset"), Size: rapid.Int64Range(0, 1<<20).Draw(t, "size"),
					Check: Check{rapid.Byte().Draw(t, "check")},
				}
			}
			return entries
		}
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				entries := draw(t)
				d.put(t, entries)
				for id, e := range entries {
					m.put(id, e)
				}
			},
			"discard": func(t *rapid.T) {
				w := d.s.Begin(0)
				for id, e := range draw(t) {
					d.w.Put(w, id, e)
				}
				if err := w.Discard(); err != nil {
					t.Fatal(err)
				}
			},
			"later": func(t *rapid.T) { now += rapid.Int64Range(1, 3*length).Draw(t, "ms") },
			"forget": func(t *rapid.T) {
				before := now - window.Milliseconds()
				if err := d.w.Forget(time.UnixMilli(before)); err != nil {
					t.Fatal(err)
				}
				m.forget(before)
			},
			"unreadable": func(t *rapid.T) {
				err := d.w.Update(func(e Entry) Entry {
					e.Offset = -1
					return e
				})
				if err != nil {
					t.Fatal(err)
				}
				for _, answers := range m {
					for end, e := range answers {
						e.Offset = -1
						answers[end] = e
					}
				}
			},
			"reopen": func(t *rapid.T) { d.reopen(t, rapid.Bool().Draw(t, "killed")) },
			"": func(t *rapid.T) {
				for _, id := range ids {
					got, found, err := d.w.Get(id)
					if want, wanted := m.last(id); err != nil || found != wanted || got != want {
						t.Fatalf("the answer to %x is %+v, %v, %v, want %+v, %v", id, got, found, err, want, wanted)
					}
				}
			},
		})
	})
}

// What is forgotten is gone from the store, too, and not only from memory.
func TestForgottenIsGone(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	defer func() { d.close(t) }()
	for i := range int64(3) {
		d.put(t, map[ID]Entry{IDOf("a", fmt.Sprint(i)): {Time: i * length}})
	}
	if err := d.w.Forget(time.UnixMilli(2 * length)); err != nil {
		t.Fatal(err)
	}
	var left []int64
	for _, kind := range []byte{keyEntry, keyFilter} {
		err := d.s.Scan([]byte{kind}, []byte{kind + 1}, func(key, _ []byte) error {
			left = append(left, endOf(key))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(left) != 1 || left[0] != 3*length {
		t.Errorf("the store has something of the buckets that end at %v, want that of %d", left, 3*length)
	}
}

// numbered returns ids that are spread like digests.
func numbered(from, to int) []ID {
	var ids []ID
	for i := from; i < to; i++ {
		ids = append(ids, IDOf("a", fmt.Sprint(i)))
	}
	return ids
}

// A command that is new is known to be so without the store, however many there
// are, and however the window was filled: this one's store is closed.
func TestNewCommandsNeedNoStore(t *testing.T) {
	t.Parallel()
	const n = 100_000
	d := newDisk(t)
	begun := map[string]*Window{}
	w := d.s.Begin(0)
	for i, id := range numbered(0, n) {
		d.w.Put(w, id, Entry{Time: int64(i) * window.Milliseconds() / n})
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	begun["filled"] = d.w
	d.reopen(t, true)
	begun["opened"] = d.w
	d.close(t)
	for how, w := range begun {
		maybe := 0
		for _, id := range numbered(n, 2*n) {
			for _, b := range w.buckets {
				if b.filters.has(&id) {
					maybe++
					break
				}
			}
		}
		if maybe > n/50 {
			t.Errorf("%s: %d of %d new commands are looked up in the store, want 2 %% at most", how, maybe, n)
		}
	}
}

// Opening a store reads the filters of all buckets, and the entries of those that a
// killed process has not saved.
func TestOpeningReadsTheLastBucket(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	for i := range int64(4) {
		d.put(t, map[ID]Entry{IDOf("a", fmt.Sprint(i)): {Time: i * length}})
	}
	d.put(t, map[ID]Entry{IDOf("b", ""): {Time: length}}) // late: the filters of its bucket are not the last word
	defer func() { d.close(t) }()
	for _, c := range []struct {
		killed bool
		want   []int64
	}{{true, []int64{length, 3 * length}}, {false, []int64{length, 2 * length, 3 * length, 4 * length}}} {
		d.reopen(t, c.killed)
		var saved []int64
		for _, b := range d.w.buckets {
			if b.saved {
				saved = append(saved, b.end)
			}
		}
		if !slices.Equal(saved, c.want) {
			t.Errorf("killed %v: there were filters of the buckets that end at %v, want %v", c.killed, saved, c.want)
		}
	}
}

// After the window was changed, buckets of both lengths are known and forgotten.
func TestAnotherWindow(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	defer func() { d.close(t) }()
	d.put(t, map[ID]Entry{{1}: {Time: 95}})
	var err error
	if d.w, err = Open(d.s, 10*window); err != nil {
		t.Fatal(err)
	}
	d.put(t, map[ID]Entry{{2}: {Time: 105}})
	for _, c := range []struct {
		before int64
		found  int
	}{{99, 2}, {100, 1}, {199, 1}, {200, 0}} {
		if err := d.w.Forget(time.UnixMilli(c.before)); err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, id := range []ID{{1}, {2}} {
			if _, found, err := d.w.Get(id); err != nil {
				t.Fatal(err)
			} else if found {
				n++
			}
		}
		if n != c.found {
			t.Errorf("%d answers are there when those before %d are forgotten, want %d", n, c.before, c.found)
		}
	}
}

// Times that no key has room for are the nearest that it has.
func TestTimesBeyondAllBuckets(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	for i, at := range []int64{-1 << 63, -1, 0, maxTime - 1, maxTime, maxTime + 1, 1<<63 - 1} {
		id := ID{byte(i)}
		d.put(t, map[ID]Entry{id: {Time: at}})
		d.reopen(t, false)
		if e, found, err := d.w.Get(id); err != nil || !found || e.Time != min(max(at, 0), maxTime) {
			t.Errorf("one of the time %d is %+v, %v, %v", at, e, found, err)
		}
	}
	d.close(t)
}

// No two of many commands are one, whatever they have in common.
func TestIDsDiffer(t *testing.T) {
	t.Parallel()
	have := map[ID]string{}
	for _, aggregate := range []string{"", "a", "aa", "b"} {
		for i := range 50_000 {
			command := fmt.Sprintf("a%08d", i)
			id := IDOf(aggregate, command)
			if other, found := have[id]; found {
				t.Fatalf("%q of %q has the ID of %s", command, aggregate, other)
			}
			have[id] = command + " of " + aggregate
		}
	}
	if IDOf("a", "bc") == IDOf("ab", "c") {
		t.Error("what belongs to the aggregate may belong to the command")
	}
}

// What is kept comes back as it was, of any bucket.
func TestEntryComesBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		end := rapid.Int64Range(1, lastEnd).Draw(t, "end")
		e := Entry{
			Time: rapid.Int64Range(0, end-1).Draw(t, "time"), Version: rapid.Int64().Draw(t, "version"),
			Offset: rapid.Int64().Draw(t, "offset"), Size: rapid.Int64().Draw(t, "size"), Check: Check{rapid.Byte().Draw(t, "first"), 3: rapid.Byte().Draw(t, "last")},
		}
		if got, err := decodeEntry(e.appendTo(nil, end), end); err != nil || got != e {
			t.Fatalf("%+v comes back as %+v, %v", e, got, err)
		}
	})
}

// Whatever was added is there, and filters come back as they were.
func TestFiltersKeepAll(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var f filters
		n, expected := rapid.IntRange(0, 10_000).Draw(t, "ids"), rapid.IntRange(0, 5000).Draw(t, "expected")
		id := ID{}
		at := func(i int) *ID {
			binary.LittleEndian.PutUint64(id[:], uint64(i)*0x9e3779b97f4a7c15)
			binary.LittleEndian.PutUint64(id[8:], uint64(i)*0xc2b2ae3d27d4eb4f)
			return &id
		}
		for i := range n {
			f.add(at(i), expected)
		}
		again, err := decodeFilters(f.appendTo(nil))
		if err != nil || again.ids() != n || !reflect.DeepEqual(again, f) {
			t.Fatalf("filters of %d come back with %d, %v", n, again.ids(), err)
		}
		for i := range n {
			if !f.has(at(i)) {
				t.Fatalf("%d of %d is missing", i, n)
			}
		}
	})
}

func FuzzEntry(f *testing.F) {
	f.Add(Entry{Time: 5, Version: 3, Offset: 7, Size: 1, Check: Check{1}}.appendTo(nil, 10))
	f.Fuzz(func(t *testing.T, b []byte) {
		const end = 1 << 40
		e, err := decodeEntry(b, end)
		if err != nil {
			return
		}
		if again, err := decodeEntry(e.appendTo(nil, end), end); err != nil || again != e {
			t.Errorf("%+v comes back as %+v, %v", e, again, err)
		}
	})
}

func FuzzFilters(f *testing.F) {
	var some filters
	some.add(&ID{1, 15: 2}, 0)
	f.Add(some.appendTo(nil))
	f.Add([]byte{filterFormat})
	f.Fuzz(func(t *testing.T, b []byte) {
		have, err := decodeFilters(b)
		if err != nil {
			return
		}
		have.has(&ID{3})
		have.add(&ID{3}, 0)
		if !have.has(&ID{3}) {
			t.Error("what was added is missing")
		}
	})
}
