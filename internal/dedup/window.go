// Package dedup remembers which commands were answered, and how, for as long as a
// window. Promise 2 (a command id takes effect at most once in the window) rests on
// it: what was put in is found until it is out of the window.
//
// There may be a hundred million of them. Each takes some 36 bytes in the store, two
// of which it takes in memory, too: filters tell of nearly every new command
// that it is new, without a look at the store. They are kept in buckets of
// time, each of which is forgotten as a whole, in one range.
package dedup

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/eventim-go/eventim/internal/statestore"
)

// bucketsOfWindow is how many buckets a window has, and so how much longer than
// the window the last is kept: an eighth. More would cost a look at each.
const bucketsOfWindow = 8

// Window is what a store knows of the commands of a window. It is used by one
// goroutine.
type Window struct {
	store   *statestore.Store
	length  int64     // of a bucket, in milliseconds
	buckets []*bucket // sorted

	key, value []byte // reused
}

// Open returns what a store has. There is one Window for it, whoever opens it: what
// fills the store adds to the filters of what serves from it.
func Open(s *statestore.Store, window time.Duration) (*Window, error) {
	w, opened := s.Beside.(*Window)
	if !opened {
		w = &Window{store: s}
		if err := w.load(); err != nil {
			return nil, err
		}
		s.Beside = w
		s.BeforeClose(w.save)
	}
	w.length = max(1, window.Milliseconds()/bucketsOfWindow)
	return w, nil
}

// load reads the filters that were saved, and the entries of the other buckets: of
// one, mostly.
func (w *Window) load() error {
	s := w.store
	err := s.Scan([]byte{keyFilter}, []byte{keyFilter + 1}, func(key, value []byte) error {
		saved, err := decodeFilters(value)
		w.buckets = append(w.buckets, &bucket{end: endOf(key), filters: saved, saved: true})
		return err
	})
	for end := int64(0); err == nil; {
		if end, err = nextBucket(s, end); err != nil || end == 0 {
			break
		}
		if i, found := w.find(end); !found {
			b := &bucket{end: end}
			w.buckets = slices.Insert(w.buckets, i, b)
			err = b.load(s)
		}
	}
	return err
}

// nextBucket returns the end of the first bucket after one that has entries; 0 when
// there is none.
func nextBucket(s *statestore.Store, after int64) (end int64, err error) {
	errFound := errors.New("there is one")
	err = s.Scan(appendKey(nil, keyEntry, after+1), []byte{keyEntry + 1}, func(key, _ []byte) error {
		end = endOf(key)
		return errFound
	})
	if errors.Is(err, errFound) {
		err = nil
	}
	return end, err
}

// find returns where the bucket of that end is, or would be.
func (w *Window) find(end int64) (int, bool) {
	return slices.BinarySearchFunc(w.buckets, end, func(b *bucket, end int64) int { return cmp.Compare(b.end, end) })
}

// Get returns the answer to a command: when there are several, the last by time.
func (w *Window) Get(id ID) (Entry, bool, error) {
	for _, b := range slices.Backward(w.buckets) {
		if !b.filters.has(&id) {
			continue
		}
		w.key = append(appendKey(w.key[:0], keyEntry, b.end), id[:]...)
		value, found, err := w.store.Get(w.key)
		if err != nil {
			return Entry{}, false, err
		}
		if found {
			e, err := decodeEntry(value, b.end)
			return e, err == nil, err
		}
	}
	return Entry{}, false, nil
}

// Put lets a write keep an answer. It is found at the latest when the write is
// committed; one that is discarded leaves nothing.
func (w *Window) Put(write *statestore.Write, id ID, e Entry) {
	e.Time = min(max(e.Time, 0), maxTime)
	b := w.bucketOf(write, e.Time)
	b.add(write, &id)
	w.key = append(appendKey(w.key[:0], keyEntry, b.end), id[:]...)
	w.value = e.appendTo(w.value[:0], b.end)
	write.Set(w.key, w.value)
}

// bucketOf returns the bucket of a time, which may be a new one: those before it
// are then as good as full, and their filters are saved.
func (w *Window) bucketOf(write *statestore.Write, at int64) *bucket {
	end := min((at/w.length+1)*w.length, lastEnd)
	i, found := w.find(end)
	if found {
		return w.buckets[i]
	}
	b := &bucket{end: end}
	for _, before := range w.buckets[:i] {
		before.save(write)
		b.expected = before.filters.ids()
	}
	w.buckets = slices.Insert(w.buckets, i, b)
	return b
}

// save leaves the filters in the store, for Open, which else reads all entries of the
// last bucket.
func (w *Window) save(write *statestore.Write) {
	for _, b := range w.buckets {
		b.save(write)
	}
}

// Update changes all that is kept, but for its time, with change.
func (w *Window) Update(change func(Entry) Entry) error {
	for _, b := range w.buckets {
		if err := w.update(b, change); err != nil {
			return err
		}
	}
	return nil
}

func (w *Window) update(b *bucket, change func(Entry) Entry) error {
	const portion = 8 << 20
	write := w.store.Begin(0)
	err := b.scan(w.store, func(id *ID, value []byte) error {
		e, err := decodeEntry(value, b.end)
		if err != nil {
			return err
		}
		write.Set(append(appendKey(nil, keyEntry, b.end), id[:]...), change(e).appendTo(nil, b.end))
		if write.Len() < portion {
			return nil
		}
		err = write.Commit()
		write = w.store.Begin(0)
		return err
	})
	if err != nil {
		return errors.Join(err, write.Discard())
	}
	return write.Commit()
}

// Forget drops the buckets of which all is older than a time. It costs one range
// for all of them, whatever is in them, and nothing while there is none.
func (w *Window) Forget(before time.Time) error {
	n := 0
	for n < len(w.buckets) && w.buckets[n].end <= before.UnixMilli() {
		n++
	}
	if n == 0 {
		return nil
	}
	write := w.store.Begin(0)
	for _, kind := range []byte{keyEntry, keyFilter} {
		write.DeleteRange([]byte{kind}, appendKey(nil, kind, w.buckets[n-1].end+1))
	}
	if err := write.Commit(); err != nil {
		return err
	}
	w.buckets = slices.Delete(w.buckets, 0, n)
	return nil
}
