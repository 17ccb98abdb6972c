// Package statestore keeps what a partition needs to know on the disk of its owner.
// Promise 4 (the store is the fold of the events) rests on its marks: a store from
// which something is missing is not opened.
package statestore

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// Store is the state store of one partition. Kafka is the truth;
// the store is a copy that may be deleted at any time. It is written without
// fsync, and only with what has been committed to Kafka (KIP-892 tells why),
// each batch together with the checkpoint in one atomic write: whatever a
// crash leaves is the state at some earlier checkpoint. It has one writer.
type Store struct {
	db     *pebble.DB
	dir    string
	commit *pebble.WriteOptions
	writes uint64 // how many there have been, see storeWrite.chain

	last func(*Write) // see BeforeClose

	Damaged chan struct{} // closed when Pebble has met something broken
	Beside  any           // what its user has in memory beside it
}

// keyMeta begins the keys of what the store is; those of its tables begin with
// other bytes.
const keyMeta = 'm'

var (
	// IdentityKey is where a store says what it is a copy of.
	IdentityKey = MetaKey('i')
	keyWrite    = MetaKey('w') // and a number: the mark of the last write
)

// MetaKey is the key of something that there is once in a store. Those of 'i' and
// 'w' are taken.
func MetaKey(name byte) []byte { return []byte{keyMeta, name} }

// Identity says what a store is a copy of.
type Identity struct {
	Cluster   string `json:"cluster"`
	Topic     string `json:"topic"` // id of the snapshots topic
	Partition int32  `json:"partition"`
	Revision  int    `json:"revision"`
	Format    int    `json:"format"` // of the store
}

// ErrBroken marks what went wrong with a store, as opposed to Kafka: wiping the
// store mends it.
var ErrBroken = errors.New("state store")

// verify refuses a store that is another one's copy or lacks some of what was
// written.
func (s *Store) verify(want Identity) error {
	var have Identity
	found, err := s.GetJSON(IdentityKey, &have)
	if err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("%w %s: it was never filled", ErrBroken, s.dir)
	}
	if have != want {
		return fmt.Errorf("%w %s: %s", ErrBroken, s.dir, have.difference(want))
	}
	return s.follow()
}

// difference says why a store is not what this program wants. After an upgrade it
// is the last two.
func (have Identity) difference(want Identity) string {
	switch {
	case have.Cluster != want.Cluster:
		return fmt.Sprintf("it is a copy from the cluster %s, and this one is %s", have.Cluster, want.Cluster)
	case have.Partition != want.Partition:
		return fmt.Sprintf("it is a copy of partition %d, not of %d", have.Partition, want.Partition)
	case have.Topic != want.Topic:
		return fmt.Sprintf("it is a copy of the snapshots topic when that had the id %s, and it has %s now: it was made anew", have.Topic, want.Topic)
	case have.Revision != want.Revision:
		return fmt.Sprintf("its states are of revision %d, and this program has revision %d", have.Revision, want.Revision)
	default:
		return fmt.Sprintf("it has the format %d, and this program writes the format %d", have.Format, want.Format)
	}
}

// follow finds the mark of the last write. Each write leaves its own and removes
// that of the one before, so that a stretch in the middle that is missing shows
// as a second mark. Such a thing happens, and no checksum tells: when the list
// of the tables loses its end (the machine lost its power, a file was cut),
// Pebble takes it for the list of an earlier time, and puts the log of the
// latest writes on top of it. That the beginning is there shows in the identity,
// which the first write left.
func (s *Store) follow() error {
	var marks []uint64
	err := s.Scan(keyWrite, writeKey(math.MaxUint64), func(key, _ []byte) error {
		marks = append(marks, binary.BigEndian.Uint64(key[len(keyWrite):]))
		return nil
	})
	if err != nil {
		return err
	}
	if len(marks) != 1 {
		return fmt.Errorf("%w %s: some of it is missing: the last of its writes are %d", ErrBroken, s.dir, marks)
	}
	s.writes = marks[0]
	return nil
}

func writeKey(n uint64) []byte {
	return binary.BigEndian.AppendUint64(slices.Clip(keyWrite), n)
}

func (s *Store) GetJSON(key []byte, v any) (bool, error) {
	data, found, err := s.Get(key)
	if err != nil || !found {
		return false, err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return false, fmt.Errorf("%w %s: %w", ErrBroken, s.dir, err)
	}
	return true, nil
}

func (s *Store) SetJSON(key []byte, v any) error {
	w := s.write()
	w.SetJSON(key, v)
	return w.Commit()
}

// Get returns a copy of a value.
func (s *Store) Get(key []byte) ([]byte, bool, error) {
	data, closer, err := s.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("%w %s: read: %w", ErrBroken, s.dir, err)
	}
	value := append([]byte(nil), data...)
	return value, true, closer.Close()
}

// write begins an atomic write.
func (s *Store) write() *Write { return s.Begin(0) }

// Begin begins an atomic write of about that many bytes.
func (s *Store) Begin(size int) *Write {
	return &Write{batch: s.db.NewBatchWithSize(size), store: s}
}

// Write is one atomic write. Its first error shows in commit.
type Write struct {
	batch *pebble.Batch
	store *Store
	err   error
}

func (w *Write) Set(key, value []byte) { w.keep(w.batch.Set(key, value, nil)) }

// SetParts sets a key and a value that are given in two parts: a large one is
// copied once.
func (w *Write) SetParts(kind byte, key string, head, tail []byte) {
	op := w.batch.SetDeferred(1+len(key), len(head)+len(tail))
	op.Key[0] = kind
	copy(op.Key[1:], key)
	copy(op.Value[copy(op.Value, head):], tail)
	w.keep(op.Finish())
}

func (w *Write) Delete(key []byte) { w.keep(w.batch.Delete(key, nil)) }

// DeleteRange deletes what is in [from, to), and costs the same however much that is.
func (w *Write) DeleteRange(from, to []byte) { w.keep(w.batch.DeleteRange(from, to, nil)) }

// Discard drops the write.
func (w *Write) Discard() error { return w.batch.Close() }

// keep remembers the first error of those who fill the write.
func (w *Write) keep(err error) {
	if w.err == nil {
		w.err = err
	}
}

func (w *Write) SetJSON(key []byte, v any) {
	data, err := json.Marshal(v)
	w.keep(err)
	w.Set(key, data)
}

func (w *Write) Len() int { return w.batch.Len() }

// Commit makes the write visible and leaves its way to the disk to the
// operating system: a killed process loses nothing, and a lost machine is
// restored from Kafka. The write asks for a sync, which the file system leaves
// out: without one, Pebble would keep up to 32 KiB in the process.
func (w *Write) Commit() error {
	defer func() { _ = w.batch.Close() }()
	w.chain()
	if w.err == nil {
		w.err = w.batch.Commit(w.store.commit)
	}
	if w.err != nil {
		return fmt.Errorf("%w %s: write: %w", ErrBroken, w.store.dir, w.err)
	}
	return nil
}

// chain leaves the mark of this write in place of that of the one before.
func (w *Write) chain() {
	s := w.store
	if s.writes > 0 {
		w.keep(w.batch.SingleDelete(writeKey(s.writes), nil))
	}
	s.writes++
	w.Set(writeKey(s.writes), nil)
}

// Scan calls fn with what is in [from, to), in order of the keys. Keys and values
// are valid during the call only. What fn writes meanwhile is not seen.
func (s *Store) Scan(from, to []byte, fn func(key, value []byte) error) error {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: to})
	if err != nil {
		return fmt.Errorf("%w %s: read: %w", ErrBroken, s.dir, err)
	}
	for valid := it.First(); valid; valid = it.Next() {
		if err := fn(it.Key(), it.Value()); err != nil {
			return errors.Join(err, it.Close())
		}
	}
	if err := errors.Join(it.Error(), it.Close()); err != nil {
		return fmt.Errorf("%w %s: read: %w", ErrBroken, s.dir, err)
	}
	return nil
}

// BeforeClose lets fn fill the last write before the store is flushed or closed; it
// takes the place of the one that was given before. A killed process does not call it.
func (s *Store) BeforeClose(fn func(*Write)) { s.last = fn }

func (s *Store) writeLast() error {
	select {
	case <-s.Damaged: // it will be wiped
		return nil
	default:
	}
	if s.last == nil {
		return nil
	}
	w := s.write()
	if s.last(w); w.err == nil && w.batch.Empty() {
		return w.Discard()
	}
	return w.Commit()
}

// Flush writes to tables what is in memory: closing a store that is being filled
// in bulk, which has no log, would lose it.
func (s *Store) Flush() error { return errors.Join(s.writeLast(), s.db.Flush()) }

// Close closes the store, whatever it returns.
func (s *Store) Close() error {
	last := s.writeLast()
	if err := s.db.Close(); err != nil {
		return errors.Join(last, fmt.Errorf("%w %s: close: %w", ErrBroken, s.dir, err))
	}
	return last
}
