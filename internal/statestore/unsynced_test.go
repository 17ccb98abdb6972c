package statestore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"
)

// history is a store and what each of its writes made of it.
type history struct {
	*Store
	options Options
	states  []map[string]int64 // version by aggregate, after so many writes
}

func (h *history) change(t rapid.TB, aggregate string) {
	t.Helper()
	n := int64(len(h.states))
	w := h.write()
	w.SetParts('s', aggregate, []byte{byte(n)}, []byte("some data"))
	w.SetJSON(MetaKey('c'), n)
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	state := maps.Clone(h.states[n-1])
	state[aggregate] = n
	h.states = append(h.states, state)
}

func newHistory(t rapid.TB, fs vfs.FS, bulk bool) *history {
	t.Helper()
	h := &history{
		options: Options{Logger: slog.New(slog.DiscardHandler), FS: fs},
		states:  []map[string]int64{{}},
	}
	var err error
	if h.Store, err = Create("store", Identity{}, h.options, bulk); err != nil {
		t.Fatal(err)
	}
	return h
}

// open opens a copy of the files. What it holds must be what the store held
// after some write, and all of it: anything else is for the wipe.
func (h *history) open(fs vfs.FS) (usable bool, err error) {
	s, err := Open("store", Identity{}, Options{Logger: h.options.Logger, FS: fs})
	if err != nil {
		return false, refused(err)
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	var at int64
	if _, err := s.GetJSON(MetaKey('c'), &at); err != nil {
		return false, refused(err)
	}
	have := map[string]int64{}
	err = s.Scan([]byte{'s'}, []byte{'s' + 1}, func(key, value []byte) error {
		have[string(key[1:])] = int64(value[0])
		return nil
	})
	if err != nil {
		return false, refused(err)
	}
	if want := h.states[at]; !maps.Equal(have, want) {
		return true, fmt.Errorf("at checkpoint %d, the store has %v, and had %v", at, have, want)
	}
	return true, nil
}

func refused(err error) error {
	if errors.Is(err, ErrBroken) || pebble.IsCorruptionError(err) {
		return nil
	}
	return fmt.Errorf("a damaged store has to be refused as such: %w", err)
}

// A machine that loses its power keeps of each file what it likes, since
// nothing is synced. What is left is the store at an earlier checkpoint, or is
// refused.
func TestStoreAfterPowerFailure(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		fs := vfs.NewCrashableMem()
		h := newHistory(t, fs, rapid.Bool().Draw(t, "bulk"))
		t.Repeat(map[string]func(*rapid.T){
			"change": func(t *rapid.T) { h.change(t, rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "aggregate")) },
			"flush":  func(*rapid.T) { _, _ = h.db.AsyncFlush() },
			"reopen": func(t *rapid.T) {
				if err := errors.Join(h.db.Flush(), h.Close()); err != nil {
					t.Fatal(err)
				}
				var err error
				if h.Store, err = Open("store", Identity{}, h.options); err != nil {
					t.Fatal(err)
				}
			},
			"lose power": func(t *rapid.T) {
				seed := rapid.Uint64().Draw(t, "seed")
				kept := fs.CrashClone(vfs.CrashCloneCfg{
					UnsyncedDataPercent: rapid.SampledFrom([]int{50, 90, 99}).Draw(t, "percent"), RNG: rand.New(rand.NewPCG(seed, 0)),
				})
				if _, err := h.open(kept); err != nil {
					t.Fatal(err)
				}
			},
		})
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// A file that lost its end makes the store an earlier one, or unusable. The
// list of tables is the dangerous one: cut, it is the whole list of an earlier
// time, and the log of the latest writes would be put on top of it.
func TestStoreWithoutAnEnd(t *testing.T) {
	t.Parallel()
	fs := vfs.NewMem()
	h := newHistory(t, fs, false)
	for i := range 60 {
		h.change(t, fmt.Sprint("k", i%7))
		if i%4 == 3 { // often enough for old logs to be used again
			if err := h.db.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	h.db.TestOnlyWaitForCleaning() // of old files, which goes on beside
	// The process is killed: the files are what it has written.
	files := contents(t, fs)
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if ok, err := h.open(without(t, files, "", 0)); !ok || err != nil {
		t.Fatalf("the whole store is not usable: %v", err)
	}
	usable, refused := 0, 0
	for name, data := range files {
		for size := 0; size < len(data); size += 3 {
			ok, err := h.open(without(t, files, name, size))
			switch {
			case err != nil:
				t.Fatalf("%s cut to %d of %d bytes: %v", name, size, len(data), err)
			case ok:
				usable++
			default:
				refused++
			}
		}
	}
	if usable == 0 || refused == 0 {
		t.Errorf("%d cuts were usable, %d refused: the test shows nothing", usable, refused)
	}
}

// What a compaction cannot read is told to the worker, who waits for commands
// that may not come for long, while Pebble would try again and again.
func TestCompactionMeetsDamage(t *testing.T) {
	t.Parallel()
	fs := vfs.NewMem()
	h := newHistory(t, fs, false)
	h.change(t, "k")
	if err := errors.Join(h.db.Flush(), h.Close()); err != nil {
		t.Fatal(err)
	}
	files := contents(t, fs)
	for name, data := range files {
		if strings.HasSuffix(name, ".sst") {
			data[20] ^= 0xff // in the first block, which holds everything
		}
	}
	s, err := openPebble("store", pebbleOptions(Options{FS: without(t, files, "", 0), Logger: h.options.Logger}), h.options)
	if err != nil {
		t.Fatal(err)
	}
	h.Store = s
	h.change(t, "k") // to be merged with the first
	if err := s.db.Flush(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	compacted := make(chan error)
	go func() { compacted <- s.db.Compact(ctx, []byte{0}, []byte{0xff}, false) }()
	select {
	case <-s.Damaged:
	case <-time.After(time.Minute):
		t.Error("nobody is told of the damage")
	}
	cancel()
	if err := <-compacted; err == nil {
		t.Error("the compaction did not read the table")
	}
	if err := s.Close(); err != nil {
		t.Log(err) // broken as it is
	}
}

func contents(t *testing.T, fs vfs.FS) map[string][]byte {
	t.Helper()
	names, err := fs.List("store")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, name := range names {
		files[name] = readFile(t, fs, name)
	}
	return files
}

func readFile(t *testing.T, fs vfs.FS, name string) []byte {
	t.Helper()
	f, err := fs.Open(fs.PathJoin("store", name))
	if err != nil {
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	data := make([]byte, info.Size())
	if _, err := f.ReadAt(data, 0); err != nil && len(data) > 0 {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return data
}

// without returns a file system with the files, one of which is cut.
func without(t *testing.T, files map[string][]byte, cut string, size int) vfs.FS {
	t.Helper()
	fs := vfs.NewMem()
	if err := fs.MkdirAll("store", 0o755); err != nil {
		t.Fatal(err)
	}
	for name, data := range files {
		if name == cut {
			data = data[:size]
		}
		f, err := fs.Create(fs.PathJoin("store", name), vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(bytes.Clone(data)); err != nil { // which it scrambles
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return fs
}
