package eventim

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

// storeOptions are what the stores of a process share.
type storeOptions struct {
	cache  *pebble.Cache
	logger *slog.Logger
	fs     vfs.FS        // vfs.Default
	turns  chan struct{} // see turnsFS; nil: each store goes as it likes
}

// openStore opens the store in dir. A store that is not one of id, or not whole,
// is errStore.
func openStore(dir string, id identity, o storeOptions) (*store, error) {
	options := pebbleOptions(o)
	options.ErrorIfNotExists = true
	s, err := openPebble(dir, options, o)
	if err != nil {
		return nil, err
	}
	if err := s.verify(id); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// createStore makes a store in dir, which is empty or missing. bulk is for
// filling it quickly: it leaves out the log, so that a crash loses the
// progress, and is to be closed and opened again when it is full.
func createStore(dir string, id identity, o storeOptions, bulk bool) (*store, error) {
	if bulk {
		o.turns = nil // nobody is served meanwhile
	}
	options := pebbleOptions(o)
	options.ErrorIfExists = true
	if bulk {
		fillQuickly(options)
	}
	if err := options.FS.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("%w: %w", errStore, err)
	}
	s, err := openPebble(dir, options, o)
	if err != nil {
		return nil, err
	}
	if bulk {
		s.commit = pebble.NoSync
	}
	if err := s.setJSON(identityKey, id); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func openPebble(dir string, options *pebble.Options, o storeOptions) (*store, error) {
	s := &store{dir: dir, commit: pebble.Sync, damaged: make(chan struct{})}
	// The worker is told, and wipes the store: Pebble would try a compaction
	// again and again. Without a listener, the process would end, and again at
	// each start.
	var once sync.Once
	options.EventListener = &pebble.EventListener{DataCorruption: func(info pebble.DataCorruptionInfo) {
		once.Do(func() {
			o.logger.Error("the state store is corrupt", slog.String("file", info.Path), slog.Any("error", info.Details))
			close(s.damaged)
		})
	}}
	serves := &atomic.Bool{}
	if o.turns != nil {
		options.FS = turnsFS{options.FS, o.turns, serves}
	}
	var err error
	if s.db, err = pebble.Open(dir, options); err != nil {
		return nil, fmt.Errorf("%w %s: open: %w", errStore, dir, err)
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

const memTableBytes = 8 << 20

func pebbleOptions(o storeOptions) *pebble.Options {
	options := &pebble.Options{
		FS: unsyncedFS{cmp.Or(o.fs, vfs.Default)}, Cache: o.cache, Logger: pebbleLogger{o.logger},
		FormatMajorVersion: pebble.FormatNewest, MemTableSize: memTableBytes, MemTableStopWritesThreshold: 4,
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
