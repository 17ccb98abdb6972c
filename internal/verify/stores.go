package verify

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/cockroachdb/pebble/v2"

	"github.com/eventim-go/eventim/internal/checker"
)

// readStores reads the state stores in the data directory of a handler. It
// counts those that are damaged and cannot be read.
func readStores(s Store, aggregate string) (copies []checker.Copy, corrupt int, err error) {
	entries, err := os.ReadDir(filepath.Join(s.Dir, aggregate))
	if err != nil {
		return nil, 0, fmt.Errorf("read the state stores: %w", err)
	}
	for _, entry := range entries {
		n, err := strconv.ParseInt(entry.Name(), 10, 32)
		partition := int32(n)
		if err != nil || s.Partitions != nil && !slices.Contains(s.Partitions, partition) {
			continue // what is not a number is not a store
		}
		c := checker.Copy{
			Name: filepath.Join(s.Dir, aggregate, entry.Name()), Partitions: []int32{partition}, Behind: s.Partitions == nil,
			States: map[string]checker.State{},
		}
		switch err := readStore(c.Name, c.States); {
		case err == nil:
			copies = append(copies, c)
		case pebble.IsCorruptionError(err) && slices.Contains(s.Damaged, partition):
			corrupt++
		default:
			return nil, 0, fmt.Errorf("read the state store %s: %w", c.Name, err)
		}
	}
	return copies, corrupt, nil
}

// quiet drops what the store logs.
type quiet struct{}

func (quiet) Infof(string, ...any)              {}
func (quiet) Errorf(string, ...any)             {}
func (quiet) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

func readStore(dir string, states map[string]checker.State) (err error) {
	db, err := pebble.Open(dir, &pebble.Options{
		ReadOnly: true, ErrorIfNotExists: true, Logger: quiet{},
		EventListener: &pebble.EventListener{DataCorruption: func(pebble.DataCorruptionInfo) {}}, // the read fails
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	// The snapshots have keys of an s and the id.
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: []byte{'s'}, UpperBound: []byte{'s' + 1}})
	if err != nil {
		return err
	}
	for valid := it.First(); valid; valid = it.Next() {
		state, ok := decodeStored(it.Value())
		if !ok {
			return errors.Join(fmt.Errorf("the snapshot of %q cannot be read", it.Key()[1:]), it.Close())
		}
		states[string(it.Key()[1:])] = state
	}
	return errors.Join(it.Error(), it.Close())
}

// decodeStored reads a snapshot of format 1: five numbers, of which the first
// is the version, two strings, and the state.
func decodeStored(b []byte) (checker.State, bool) {
	if len(b) == 0 || b[0] != 1 {
		return checker.State{}, false
	}
	b = b[1:]
	var version int64
	for i := range 5 {
		v, n := binary.Varint(b)
		if n <= 0 {
			return checker.State{}, false
		}
		if i == 0 {
			version = v
		}
		b = b[n:]
	}
	for range 2 {
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			return checker.State{}, false
		}
		b = b[n+int(size):] //nolint:gosec // bounded above
	}
	return checker.State{Version: version, JSON: append([]byte(nil), b...)}, true
}
