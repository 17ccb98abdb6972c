package statestore

import (
	"strings"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// turnsFS is a file system on which the stores of a process write their tables
// in turns. The stores of a handler fill at the same pace, so that all of them
// write their memory out at the same moment, and compact what is there at the
// next: some twenty goroutines that only compute. Whatever serves the commands
// then waits behind them at each of its steps, up to 10 ms each time, and a
// transaction has dozens: everything stood still for 100 to 300 ms, again and
// again. With half of the processors at most, they leave it the others.
//
// A table is written by one goroutine from its creation to its closing, which
// takes no other turn meanwhile, so that nobody waits for one in a circle.
type turnsFS struct {
	vfs.FS
	turns  chan struct{} // one element for each table that is being written
	serves *atomic.Bool  // until then somebody waits for the store to open, which writes tables, too
}

// NewTurns lets n tables be written at a time.
func NewTurns(n int) chan struct{} { return make(chan struct{}, max(1, n)) }

func (f turnsFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if !strings.HasSuffix(name, ".sst") || !f.serves.Load() {
		return f.FS.Create(name, c)
	}
	f.turns <- struct{}{}
	end := func() { <-f.turns }
	file, err := f.FS.Create(name, c)
	if err != nil {
		end()
		return nil, err
	}
	return turnFile{file, end}, nil
}

func (f turnsFS) Unwrap() vfs.FS { return f.FS }

type turnFile struct {
	vfs.File
	end func()
}

func (f turnFile) Close() error {
	defer f.end()
	return f.File.Close()
}
