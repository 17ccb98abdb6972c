package statestore

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Options are what the stores of a process share.
type Options struct {
	Cache  *pebble.Cache
	Logger *slog.Logger
	FS     vfs.FS        // vfs.Default
	Turns  chan struct{} // see turnsFS; nil: each store goes as it likes
}

// Open opens the store in dir. A store that is not one of id, or not whole,
// is errStore.
func Open(dir string, id Identity, o Options) (*Store, error) {
	options := pebbleOptions(o)
	options.ErrorIfNotExists = true
	s, err := openPebble(dir, options, o)
	if err != nil {
		return nil, err
	}
	if err := s.verify(id); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// OpenWhatever opens a store whatever it is a copy of, for those who look at what a
// process has left. One that is not whole is errStore, but for one that was never
// filled.
func OpenWhatever(dir string, o Options) (*Store, error) {
	options := pebbleOptions(o)
	options.ErrorIfNotExists = true
	s, err := openPebble(dir, options, o)
	if err != nil {
		return nil, err
	}
	if _, found, err := s.Get(IdentityKey); err != nil || !found {
		return s, err // the beginning of a restore that was killed
	}
	return s, s.follow()
}

// Create makes a store in dir, which is empty or missing. bulk is for
// filling it quickly: it leaves out the log, so that a crash loses the
// progress, and is to be closed and opened again when it is full.
func Create(dir string, id Identity, o Options, bulk bool) (*Store, error) {
	if bulk {
		o.Turns = nil // nobody is served meanwhile
	}
	options := pebbleOptions(o)
	options.ErrorIfExists = true
	if bulk {
		fillQuickly(options)
	}
	if err := options.FS.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBroken, err)
	}
	s, err := openPebble(dir, options, o)
	if err != nil {
		return nil, err
	}
	if bulk {
		s.commit = pebble.NoSync
	}
	if err := s.SetJSON(IdentityKey, id); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func openPebble(dir string, options *pebble.Options, o Options) (*Store, error) {
	s := &Store{dir: dir, commit: pebble.Sync, Damaged: make(chan struct{})}
	// The worker is told, and wipes the store: Pebble would try a compaction
	// again and again. Without a listener, the process would end, and again at
	// each start.
	var once sync.Once
	options.EventListener = &pebble.EventListener{DataCorruption: func(info pebble.DataCorruptionInfo) {
		once.Do(func() {
			o.Logger.Error("the state store is corrupt", slog.String("file", info.Path), slog.Any("error", info.Details))
			close(s.Damaged)
		})
	}}
	serves := &atomic.Bool{}
	if o.Turns != nil {
		options.FS = turnsFS{options.FS, o.Turns, serves}
	}
	var err error
	if s.db, err = pebble.Open(dir, options); err != nil {
		return nil, fmt.Errorf("%w %s: open: %w", ErrBroken, dir, err)
	}
	serves.Store(true)
	return s, nil
}

// fillQuickly leaves out the log, and lets each batch become a table, of large
// blocks, which are cheaper to write; they are compacted when the store is used.
func fillQuickly(options *pebble.Options) {
	options.DisableWAL, options.DisableAutomaticCompactions, options.L0StopWritesThreshold = true, true, 10_000
	for i := range options.Levels {
		options.Levels[i].BlockSize = 32 << 10
	}
}

// MemTableBytes is how much a store keeps in memory before it writes a table.
const MemTableBytes = 8 << 20

func pebbleOptions(o Options) *pebble.Options {
	options := &pebble.Options{
		FS: unsyncedFS{cmp.Or(o.FS, vfs.Default)}, Cache: o.Cache, Logger: pebbleLogger{o.Logger},
		FormatMajorVersion: pebble.FormatNewest, MemTableSize: MemTableBytes, MemTableStopWritesThreshold: 4,
		CompactionConcurrencyRange: func() (int, int) { return 1, 2 },
	}
	for i := range options.Levels {
		// Nearly every command id is new: the filter answers without a read.
		options.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	return options
}

// pebbleLogger passes on what goes wrong; compactions are not news.
type pebbleLogger struct{ *slog.Logger }

func (pebbleLogger) Infof(string, ...any) {}
func (l pebbleLogger) Errorf(format string, args ...any) {
	l.Error("state store", "error", fmt.Sprintf(format, args...))
}

// Fatalf is called when the store cannot go on, such as on a full disk. The
// process ends: what it committed is in Kafka, another one takes over.
func (l pebbleLogger) Fatalf(format string, args ...any) {
	panic("state store: " + fmt.Sprintf(format, args...))
}
