package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/google/uuid"

	"github.com/eventim-go/eventim/internal/statestore"
)

// idsCmd measures what it costs to remember which commands were answered, as a state
// store does it and as it did before, in turns: a tenth and three tenths of a day with
// 1,000 commands a second, all in one partition, of which there are twelve usually.
type idsCmd struct {
	Day   int    `default:"86400000" help:"Commands of the whole day."`
	Parts []int  `default:"10,30" help:"Percent of it to measure at."`
	Dir   string `help:"Where the stores are made, and removed; a temporary directory when empty." type:"path"`
}

// remembering is a way to keep the answers of a window in a store.
type remembering interface {
	put(w *statestore.Write, a idAnswer)
	has(a idAnswer) (bool, error)
	forget(before time.Time) error
}

// layout opens what a store remembers.
type layout struct {
	name string
	open func(*statestore.Store) (remembering, error)
}

var layouts = []layout{{"before", openFormat4}, {"now", openWindow}}

const idsWindow = 24 * time.Hour

// idsFigures are what one layout did with a number of ids. All but filled is time of
// processors, of which others on the machine take nothing.
type idsFigures struct {
	ids            int
	perID, perLeft float64       // bytes on the disk, all files of the store counted; after an eighth was forgotten
	memory         float64       // bytes for each, beside the cache
	filled         time.Duration // from nothing, until the store is open, by the clock; 0 where it was not measured
	filling        time.Duration
	opening        time.Duration
	unknown, known time.Duration // to look one up; 0 where it was not measured
	forgetting     time.Duration // an eighth of all
}

// Run implements the command.
func (c idsCmd) Run(ctx context.Context) (err error) {
	dir, err := os.MkdirTemp(c.Dir, "eventim-ids-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	all := map[string][]idsFigures{}
	generating := c.generating()
	printIDsHead()
	for _, percent := range c.Parts {
		for _, l := range layouts {
			f, err := measureIDs(ctx, filepath.Join(dir, l.name), l, c.Day/100*percent)
			if err != nil {
				return fmt.Errorf("%s: %w", l.name, err)
			}
			all[l.name] = append(all[l.name], f)
			f.print(l.name)
		}
	}
	for _, l := range layouts {
		if n := len(all[l.name]); n > 1 {
			fit(all[l.name][0], all[l.name][n-1], c.Day).print(l.name + ", by the line through both")
		}
	}
	fmt.Printf("\nOf restoring, %.2f µs of a processor for each id are those of making it up.\n", generating)
	return nil
}

// generating is what making an id up costs, in microseconds.
func (c idsCmd) generating() float64 {
	const n = 1_000_000
	all, begun, bytes := answers{n: n, window: idsWindow}, processorTime(), 0
	for i := range n {
		bytes += len(all.at(i).id)
	}
	return float64((processorTime() - begun).Nanoseconds()) / 1000 / float64(bytes/len(uuid.UUID{}.String()))
}

// fit goes on along the line through two measurements.
func fit(a, b idsFigures, ids int) idsFigures {
	along := func(x, y float64) float64 {
		return y + (y-x)*float64(ids-b.ids)/float64(b.ids-a.ids)
	}
	total := func(x, y float64) float64 { // of what all take together
		return along(x*float64(a.ids), y*float64(b.ids)) / float64(ids)
	}
	lasts := func(x, y time.Duration) time.Duration { return time.Duration(max(0, along(float64(x), float64(y)))) }
	return idsFigures{
		ids: ids, perID: total(a.perID, b.perID), memory: total(a.memory, b.memory),
		filling: lasts(a.filling, b.filling), opening: lasts(a.opening, b.opening), forgetting: lasts(a.forgetting, b.forgetting),
		perLeft: total(a.perLeft, b.perLeft),
	}
}

func printIDsHead() {
	fmt.Println("| layout | ids | bytes for each in the store | in memory | restored a second | µs of a processor for each | ms to open | ns to look a new one up | a known one | ms to forget an eighth | bytes for each that is left |")
	fmt.Println("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
}

func (f idsFigures) print(name string) {
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	whole := func(v float64) string {
		if v == 0 {
			return ""
		}
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	rate := 0.0
	if f.filled > 0 {
		rate = float64(f.ids) / f.filled.Seconds()
	}
	fmt.Printf("| %s | %d | %.1f | %.1f | %s | %.2f | %.0f | %s | %s | %.1f | %.1f |\n", name, f.ids, f.perID, f.memory,
		whole(rate), ms(f.filling)*1000/float64(f.ids), ms(f.opening),
		whole(float64(f.unknown.Nanoseconds())), whole(float64(f.known.Nanoseconds())), ms(f.forgetting), f.perLeft)
}

// measureIDs fills a store, looks ids up in it, and forgets an eighth of them.
func measureIDs(ctx context.Context, dir string, l layout, n int) (f idsFigures, err error) {
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	cache := pebble.NewCache(64<<20 + 2*statestore.MemTableBytes) // that of a handler with one partition
	defer cache.Unref()
	b := idsBench{dir: dir, layout: l, ids: answers{n: n, window: idsWindow}, options: statestore.Options{
		Cache: cache, Logger: slog.New(slog.DiscardHandler), Turns: statestore.NewTurns(runtime.GOMAXPROCS(0) / 2),
	}}
	f.ids = n
	if f.filled, f.filling, err = b.fill(); err != nil {
		return f, err
	}
	if err := b.compact(ctx); err != nil {
		return f, err
	}
	if f.perID, err = b.perID(n); err != nil {
		return f, err
	}
	if err := b.serve(&f); err != nil {
		return f, err
	}
	if err := b.compact(ctx); err != nil {
		return f, err
	}
	f.perLeft, err = b.perID(n - n/8)
	return f, err
}

type idsBench struct {
	dir     string
	layout  layout
	ids     answers
	options statestore.Options
}

const idsBatchBytes = 8 << 20 // as restoring does it

// fill restores a store: it fills it in bulk, and opens it to serve.
func (b *idsBench) fill() (elapsed, cpu time.Duration, err error) {
	begun, used := time.Now(), processorTime()
	s, err := statestore.Create(b.dir, statestore.Identity{}, b.options, true)
	if err != nil {
		return 0, 0, err
	}
	r, err := b.layout.open(s)
	if err == nil {
		err = b.putAll(s, r)
	}
	if err == nil {
		err = s.Flush()
	}
	if err = errors.Join(err, s.Close()); err != nil {
		return 0, 0, err
	}
	if s, _, err = b.open(); err != nil {
		return 0, 0, err
	}
	elapsed, cpu = time.Since(begun), processorTime()-used
	return elapsed, cpu, s.Close()
}

func (b *idsBench) putAll(s *statestore.Store, r remembering) error {
	w := s.Begin(idsBatchBytes * 9 / 8)
	for i := range b.ids.n {
		r.put(w, b.ids.at(i))
		if w.Len() < idsBatchBytes {
			continue
		}
		if err := w.Commit(); err != nil {
			return err
		}
		w = s.Begin(idsBatchBytes * 9 / 8)
	}
	return w.Commit()
}

func (b *idsBench) open() (*statestore.Store, remembering, error) {
	s, err := statestore.Open(b.dir, statestore.Identity{}, b.options)
	if err != nil {
		return nil, nil, err
	}
	r, err := b.layout.open(s)
	if err != nil {
		return nil, nil, errors.Join(err, s.Close())
	}
	return s, r, nil
}

// serve measures what a store that is open does, which nothing disturbs.
func (b *idsBench) serve(f *idsFigures) (err error) {
	before := b.heap()
	begun := processorTime()
	s, r, err := b.open()
	if err != nil {
		return err
	}
	f.opening = processorTime() - begun
	f.memory = float64(b.heap()-before) / float64(b.ids.n)
	defer func() { err = errors.Join(err, s.Close()) }()
	if f.unknown, err = b.lookUp(r, b.ids.n, false); err != nil {
		return err
	}
	if f.known, err = b.lookUp(r, 0, true); err != nil {
		return err
	}
	begun = processorTime()
	err = r.forget(idsBegin.Add(b.ids.window / 8))
	f.forgetting = processorTime() - begun
	return errors.Join(err, s.Flush())
}

// lookUp looks up many answers, from one on, none of which is near another one.
func (b *idsBench) lookUp(r remembering, from int, known bool) (time.Duration, error) {
	const lookUps = 200_000
	some := make([]idAnswer, lookUps)
	for i := range some {
		some[i] = b.ids.at(from + i*7919%b.ids.n)
	}
	begun := processorTime()
	for _, a := range some {
		if found, err := r.has(a); err != nil || found != known {
			return 0, fmt.Errorf("%s: found %v, %w", a.id, found, err)
		}
	}
	return (processorTime() - begun) / lookUps, nil
}

// compact does now what a store does by and by.
func (b *idsBench) compact(ctx context.Context) error {
	o := &pebble.Options{FormatMajorVersion: pebble.FormatNewest, Logger: quietPebble{}}
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	db, err := pebble.Open(b.dir, o)
	if err != nil {
		return err
	}
	err = db.Compact(ctx, []byte{0}, []byte{0xff}, true)
	return errors.Join(err, db.Close())
}

type quietPebble struct{}

func (quietPebble) Infof(string, ...any)              {}
func (quietPebble) Errorf(string, ...any)             {}
func (quietPebble) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

// perID is what all files of the store have, for each of so many ids.
func (b *idsBench) perID(ids int) (float64, error) {
	var bytes int64
	err := filepath.WalkDir(b.dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			bytes += info.Size()
		}
		return err
	})
	return float64(bytes) / float64(ids), err
}

// heap is what is in memory beside the cache, which is on the heap, too, without cgo.
func (b *idsBench) heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc) - b.options.Cache.Metrics().Size //nolint:gosec // far below
}

func processorTime() time.Duration {
	var r syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r) // cannot fail for ourselves
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
