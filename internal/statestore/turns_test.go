package statestore

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

const aTable, aLog = "000001.sst", "000002.log"

func mustCreate(t *testing.T, fs vfs.FS, name string) vfs.File {
	t.Helper()
	f, err := fs.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Error(err)
	}
	return f
}

// A table waits until the one before it is closed; nothing else does.
func TestTablesTakeTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fs := turnsFS{vfs.NewMem(), NewTurns(1), &atomic.Bool{}}
		opening := mustCreate(t, fs, "000004.sst") // takes no turn
		fs.serves.Store(true)
		first := mustCreate(t, fs, "000003.sst")
		var begun atomic.Bool
		var other sync.WaitGroup
		other.Go(func() {
			second := mustCreate(t, fs, aTable)
			begun.Store(true)
			_ = second.Close()
		})
		if err := mustCreate(t, fs, aLog).Close(); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if begun.Load() {
			t.Error("two tables were written at a time")
		}
		_ = opening.Close() // gives none back
		synctest.Wait()
		if begun.Load() {
			t.Error("a table that took no turn gave one back")
		}
		_ = first.Close()
		other.Wait()
		if n := len(fs.turns); n != 0 {
			t.Errorf("%d turns are still taken", n)
		}
	})
}

// noSpace fails to create tables.
type noSpace struct{ vfs.FS }

var errNoSpace = errors.New("no space left")

func (noSpace) Create(string, vfs.DiskWriteCategory) (vfs.File, error) { return nil, errNoSpace }

// A table that could not be made gives its turn back.
func TestTurnAfterFailure(t *testing.T) {
	t.Parallel()
	fs := turnsFS{noSpace{vfs.NewMem()}, NewTurns(1), &atomic.Bool{}}
	fs.serves.Store(true)
	for range 2 {
		if _, err := fs.Create(aTable, vfs.WriteCategoryUnspecified); !errors.Is(err, errNoSpace) {
			t.Errorf("got %v", err)
		}
	}
}

// watchedFS counts the tables that are written, and those of them that are not
// written alone.
type watchedFS struct {
	vfs.FS
	writing, crowded, all *atomic.Int64
}

func newWatchedFS(fs vfs.FS) watchedFS {
	return watchedFS{fs, &atomic.Int64{}, &atomic.Int64{}, &atomic.Int64{}}
}

func (f watchedFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.Create(name, c)
	if err != nil || !strings.HasSuffix(name, ".sst") {
		return file, err
	}
	f.all.Add(1)
	if f.writing.Add(1) > 1 {
		f.crowded.Add(1)
	}
	return turnFile{file, func() { f.writing.Add(-1) }}, nil
}

// fill writes what n commands leave in a store.
func fill(s *Store, n int) error {
	w := s.write()
	for range n {
		data := make([]byte, 600)
		for i := range data[:300] {
			data[i] = byte(rand.Uint32())
		}
		w.SetParts('s', fmt.Sprint("aggregate-", rand.IntN(10_000)), []byte{1}, data)
		w.Set(fmt.Appendf(nil, "c%028d", rand.Uint64()), data[:40])
	}
	return w.Commit()
}

// flushes counts how often stores have written their memory out.
func flushes(stores []*Store) (n int64) {
	for _, s := range stores {
		n += s.db.Metrics().Flush.Count
	}
	return n
}

// Stores that fill at the same pace write their tables one at a time, and none
// waits for ever.
func TestStoresTakeTurns(t *testing.T) {
	t.Parallel()
	fs := newWatchedFS(vfs.NewMem())
	o := Options{Logger: slog.New(slog.DiscardHandler), FS: fs, Turns: NewTurns(1)}
	var working sync.WaitGroup
	for i := range 4 {
		s, err := Create(fmt.Sprint("store", i), Identity{}, o, false)
		if err != nil {
			t.Fatal(err)
		}
		working.Go(func() {
			var err error
			for i := 0; err == nil && i < 8; i++ { // four make it compact, too
				err = errors.Join(fill(s, 100), s.db.Flush())
			}
			if err = errors.Join(err, s.Close()); err != nil {
				t.Error(err)
			}
		})
	}
	working.Wait()
	if crowded, all := fs.crowded.Load(), fs.all.Load(); crowded > 0 || all <= 4*8 {
		t.Errorf("%d tables were written, %d of them beside another", all, crowded)
	}
}

// Eight stores fill at the same pace, while somebody waits for a short answer
// over the network, as a transaction does at each of its steps.
func BenchmarkAnswersWhileStoresFlush(b *testing.B) {
	for _, turns := range []int{0, 1} {
		b.Run(fmt.Sprintf("turns=%d", turns), func(b *testing.B) {
			var all []time.Duration
			for b.Loop() {
				took, err := answersWhileStoresFlush(b.TempDir(), turns)
				if err != nil {
					b.Fatal(err)
				}
				all = append(all, took...)
			}
			slices.Sort(all)
			of := func(share float64) float64 {
				return float64(all[int(share*float64(len(all)-1))].Microseconds()) / 1000
			}
			b.ReportMetric(of(0.5), "p50-ms")
			b.ReportMetric(of(0.999), "p99.9-ms")
			b.ReportMetric(of(1), "max-ms")
		})
	}
}

func answersWhileStoresFlush(dir string, turns int) (took []time.Duration, err error) {
	cache := pebble.NewCache(8 * 2 * MemTableBytes)
	defer cache.Unref()
	o := Options{Logger: slog.New(slog.DiscardHandler), Cache: cache}
	if turns > 0 {
		o.Turns = NewTurns(turns)
	}
	var stores []*Store
	for i := range 8 {
		s, err := Create(filepath.Join(dir, fmt.Sprint(i)), Identity{}, o, false)
		if err != nil {
			return nil, err
		}
		stores = append(stores, s)
	}
	var asking sync.WaitGroup
	stop := make(chan struct{})
	var asked error
	asking.Go(func() { took, asked = roundTrips(stop) })
	pace := time.NewTicker(5 * time.Millisecond)
	defer pace.Stop()
	for i := 0; err == nil && flushes(stores) < 3*8; i++ {
		if err = fill(stores[i%8], 25); i%8 == 7 {
			<-pace.C
		}
	}
	close(stop)
	asking.Wait()
	err = errors.Join(err, asked)
	for _, s := range stores {
		err = errors.Join(err, s.Close())
	}
	return took, err
}

// roundTrips asks an echo over the network until stop is closed, and returns
// how long each answer took.
func roundTrips(stop <-chan struct{}) (took []time.Duration, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // of this process
	if err != nil {
		return nil, err
	}
	conn, err := net.Dial("tcp", l.Addr().String()) //nolint:noctx // of this process
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	echo, err := l.Accept()
	if err != nil {
		return nil, errors.Join(err, conn.Close(), l.Close())
	}
	var echoing sync.WaitGroup
	echoing.Go(func() { _, _ = io.Copy(echo, echo) })
	question := make([]byte, 100)
	pace := time.NewTicker(2 * time.Millisecond)
	defer pace.Stop()
	for asking := true; asking && err == nil; {
		select {
		case <-stop:
			asking = false
		case <-pace.C:
			begin := time.Now()
			if _, err = conn.Write(question); err == nil {
				_, err = io.ReadFull(conn, question)
			}
			took = append(took, time.Since(begin))
		}
	}
	err = errors.Join(err, conn.Close())
	echoing.Wait()
	return took, errors.Join(err, echo.Close(), l.Close())
}
