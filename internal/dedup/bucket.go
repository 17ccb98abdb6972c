package dedup

import (
	"encoding/binary"

	"github.com/eventim-go/eventim/internal/statestore"
)

// bucket is what was answered in a stretch of time, all of it before end: when
// that is out of the window, so is all of it. Buckets of different lengths stand
// beside each other, after the window was changed.
type bucket struct {
	end      int64
	filters  filters
	expected int // how many ids there will be, about

	// saved: the store may have filters. They are deleted by each write that adds
	// what they do not have, since it may come to nothing.
	saved   bool
	deleted *statestore.Write // the last that deletes them
	changed bool              // the store has no filters, or will have none
}

// Kinds of keys, before the end of a bucket.
const (
	keyEntry  = 'c' // and an ID
	keyFilter = 'f'
)

const (
	endSize = 6                  // bytes of the end of a bucket in a key
	lastEnd = 1<<(8*endSize) - 2 // in a key, there is room for one behind it
	maxTime = lastEnd - 1
)

// appendKey appends the key of what belongs to a bucket. Keys sort by its end.
func appendKey(b []byte, kind byte, end int64) []byte {
	var full [8]byte
	binary.BigEndian.PutUint64(full[:], uint64(end)) //nolint:gosec // positive
	return append(append(b, kind), full[8-endSize:]...)
}

func endOf(key []byte) int64 {
	var full [8]byte
	copy(full[8-endSize:], key[1:])
	return int64(binary.BigEndian.Uint64(full[:])) //nolint:gosec // of six bytes
}

// scan calls fn with each entry of a bucket, in the order of the IDs.
func (b *bucket) scan(s *statestore.Store, fn func(id *ID, value []byte) error) error {
	return s.Scan(appendKey(nil, keyEntry, b.end), appendKey(nil, keyEntry, b.end+1), func(key, value []byte) error {
		if len(key) != 1+endSize+len(ID{}) {
			return ErrEntry
		}
		id := ID(key[1+endSize:])
		return fn(&id, value)
	})
}

// load fills the filters from the entries.
func (b *bucket) load(s *statestore.Store) error {
	b.changed = true
	return b.scan(s, func(id *ID, _ []byte) error {
		b.filters.add(id, b.expected)
		return nil
	})
}

// add adds an id that a write puts into the bucket. When that comes to nothing,
// the filters have one too many, which is no harm.
func (b *bucket) add(w *statestore.Write, id *ID) {
	b.filters.add(id, b.expected)
	b.changed = true
	if b.saved && b.deleted != w {
		w.Delete(appendKey(nil, keyFilter, b.end))
		b.deleted = w
	}
}

// save writes the filters as they are, so that opening the store need not read
// all entries.
func (b *bucket) save(w *statestore.Write) {
	if !b.changed {
		return
	}
	w.Set(appendKey(nil, keyFilter, b.end), b.filters.appendTo(nil))
	b.saved, b.deleted, b.changed = true, nil, false
}
