package eventim

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// store is the state store of one partition: the last snapshot of each
// aggregate and the answers of the deduplication window. Kafka is the truth;
// the store is a copy that may be deleted at any time. It is written without
// fsync, and only with what has been committed to Kafka (KIP-892 tells why),
// each batch together with the checkpoint in one atomic write: whatever a
// crash leaves is the state at some earlier checkpoint. It has one writer.
type store struct {
	db     *pebble.DB
	dir    string
	commit *pebble.WriteOptions
	writes uint64 // how many there have been, see storeWrite.chain
	oldest int64  // no answer is older, in Unix milliseconds, but for what is deleted

	damaged chan struct{} // closed when Pebble has met something broken
}

// Keys: a kind, then the id.
const (
	keyMeta     = 'm'
	keySnapshot = 's'
	keyAnswer   = 'c'
	keyAnswered = 't' // time in milliseconds, then the id of the answer: what to forget when
)

var (
	identityKey   = []byte{keyMeta, 'i'}
	checkpointKey = []byte{keyMeta, 'c'}
	keyWrite      = []byte{keyMeta, 'w'} // and a number: the mark of the last write
)

// identity says what a store is a copy of.
type identity struct {
	Cluster   string `json:"cluster"`
	Topic     string `json:"topic"` // id of the snapshots topic
	Partition int32  `json:"partition"`
	Revision  int    `json:"revision"`
	Format    int    `json:"format"` // of the store
}

// storeFormat is raised when what is kept changes; older stores are restored.
const storeFormat = 4

// checkpoint says how much of the log is in the store.
type checkpoint struct {
	Snapshots int64 `json:"snapshots"` // next offset of the snapshots partition
	Results   int64 `json:"results"`   // next offset of the results partition
	Time      int64 `json:"time"`      // when it was known to be current, in Unix milliseconds
}

// errStore marks what went wrong with a store, as opposed to Kafka: wiping the
// store mends it.
var errStore = errors.New("state store")

// verify refuses a store that is another one's copy or lacks some of what was
// written.
func (s *store) verify(want identity) error {
	var have identity
	found, err := s.getJSON(identityKey, &have)
	if err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("%w %s: it was never filled", errStore, s.dir)
	}
	if have != want {
		return fmt.Errorf("%w %s: %s", errStore, s.dir, have.difference(want))
	}
	return s.follow()
}

// difference says why a store is not what this program wants. After an upgrade it
// is the last two.
func (have identity) difference(want identity) string {
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
func (s *store) follow() error {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: keyWrite, UpperBound: writeKey(math.MaxUint64)})
	if err != nil {
		return fmt.Errorf("%w %s: read: %w", errStore, s.dir, err)
	}
	var marks []uint64
	for valid := it.First(); valid; valid = it.Next() {
		marks = append(marks, binary.BigEndian.Uint64(it.Key()[len(keyWrite):]))
	}
	if err := errors.Join(it.Error(), it.Close()); err != nil {
		return fmt.Errorf("%w %s: read: %w", errStore, s.dir, err)
	}
	if len(marks) != 1 {
		return fmt.Errorf("%w %s: some of it is missing: the last of its writes are %d", errStore, s.dir, marks)
	}
	s.writes = marks[0]
	return nil
}

func writeKey(n uint64) []byte {
	return binary.BigEndian.AppendUint64(slices.Clip(keyWrite), n)
}

// checkpoint returns the zero checkpoint for a new store.
func (s *store) checkpoint() (checkpoint, error) {
	var c checkpoint
	_, err := s.getJSON(checkpointKey, &c)
	return c, err
}

func (s *store) getJSON(key []byte, v any) (bool, error) {
	data, found, err := s.get(key)
	if err != nil || !found {
		return false, err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return false, fmt.Errorf("%w %s: %w", errStore, s.dir, err)
	}
	return true, nil
}

func (s *store) setJSON(key []byte, v any) error {
	w := s.write()
	w.setJSON(key, v)
	return w.commit()
}

// get returns a copy of a value.
func (s *store) get(key []byte) ([]byte, bool, error) {
	data, closer, err := s.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("%w %s: read: %w", errStore, s.dir, err)
	}
	value := append([]byte(nil), data...)
	return value, true, closer.Close()
}

func (s *store) snapshot(aggregate string) (storedSnapshot, bool, error) {
	data, found, err := s.get(stringKey(keySnapshot, aggregate))
	if err != nil || !found {
		return storedSnapshot{}, false, err
	}
	v, err := decodeStoredSnapshot(data)
	return v, err == nil, err
}

func (s *store) answer(command commandKey) (answer, bool, error) { return s.answerOf(command.stored()) }

func (s *store) answerOf(id answerID) (answer, bool, error) {
	data, found, err := s.get(id.appendTo([]byte{keyAnswer}))
	if err != nil || !found {
		return answer{}, false, err
	}
	v, err := decodeAnswer(data)
	return v, err == nil, err
}

// write begins an atomic write.
func (s *store) write() *storeWrite { return s.writeOf(0) }

// writeOf begins an atomic write of about that many bytes.
func (s *store) writeOf(size int) *storeWrite {
	return &storeWrite{batch: s.db.NewBatchWithSize(size), store: s}
}

// storeWrite is one atomic write. Its first error shows in commit.
type storeWrite struct {
	batch      *pebble.Batch
	store      *store
	err        error
	key, value []byte // reused
}

func (w *storeWrite) set(key, value []byte) { w.keep(w.batch.Set(key, value, nil)) }

func (w *storeWrite) keep(err error) {
	if w.err == nil {
		w.err = err
	}
}

func (w *storeWrite) setJSON(key []byte, v any) {
	data, err := json.Marshal(v)
	w.keep(err)
	w.set(key, data)
}

func (w *storeWrite) setSnapshot(aggregate string, v storedSnapshot) {
	w.value = v.appendHead(w.value[:0])
	op := w.batch.SetDeferred(1+len(aggregate), len(w.value)+len(v.data)) // the data is copied once
	op.Key[0] = keySnapshot
	copy(op.Key[1:], aggregate)
	copy(op.Value[copy(op.Value, w.value):], v.data)
	w.keep(op.Finish())
}

func (w *storeWrite) setAnswer(command commandKey, v answer) {
	id := command.stored()
	w.key = id.appendTo(append(w.key[:0], keyAnswer))
	w.value = v.appendTo(w.value[:0])
	w.store.oldest = min(w.store.oldest, v.time)
	w.set(w.key, w.value)
	w.key = id.appendAnswered(w.key[:0], v.time)
	w.set(w.key, nil)
}

func (w *storeWrite) setCheckpoint(c checkpoint) { w.setJSON(checkpointKey, c) }

func (w *storeWrite) len() int { return w.batch.Len() }

// commit makes the write visible and leaves its way to the disk to the
// operating system: a killed process loses nothing, and a lost machine is
// restored from Kafka. The write asks for a sync, which the file system leaves
// out: without one, Pebble would keep up to 32 KiB in the process.
func (w *storeWrite) commit() error {
	defer func() { _ = w.batch.Close() }()
	w.chain()
	if w.err == nil {
		w.err = w.batch.Commit(w.store.commit)
	}
	if w.err != nil {
		return fmt.Errorf("%w %s: write: %w", errStore, w.store.dir, w.err)
	}
	return nil
}

// chain leaves the mark of this write in place of that of the one before.
func (w *storeWrite) chain() {
	s := w.store
	if s.writes > 0 {
		w.keep(w.batch.SingleDelete(writeKey(s.writes), nil))
	}
	s.writes++
	w.set(writeKey(s.writes), nil)
}

// forget deletes the answers that are older than the time, at most limit of
// them, and returns how many it deleted. It begins where it ended the last time:
// what is deleted is still in the way of an iterator, until it is compacted.
func (s *store) forget(before time.Time, limit int) (int, error) {
	end := answeredBefore(before.UnixMilli())
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: answeredBefore(s.oldest), UpperBound: end})
	if err != nil {
		return 0, fmt.Errorf("%w %s: read: %w", errStore, s.dir, err)
	}
	w, n, oldest := s.write(), 0, before.UnixMilli()
	for valid := it.First(); valid && n < limit; valid = it.Next() {
		// An id that was answered anew has an entry of its own: keep its answer.
		at, id := parseAnswered(it.Key())
		oldest = at
		if a, found, err := s.answerOf(id); err == nil && found && a.time == at {
			w.keep(w.batch.Delete(id.appendTo([]byte{keyAnswer}), nil))
		}
		w.keep(w.batch.Delete(it.Key(), nil))
		n++
	}
	if n < limit {
		oldest = before.UnixMilli()
	}
	s.oldest = max(s.oldest, oldest)
	w.keep(it.Close())
	return n, w.commit()
}

// snapshots calls fn with each snapshot, in the order of the aggregate ids.
func (s *store) snapshots(fn func(aggregate string, v storedSnapshot) error) error {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{keySnapshot}, UpperBound: []byte{keySnapshot + 1}})
	if err != nil {
		return fmt.Errorf("%w %s: read: %w", errStore, s.dir, err)
	}
	for valid := it.First(); valid; valid = it.Next() {
		v, err := decodeStoredSnapshot(it.Value())
		if err == nil {
			err = fn(string(it.Key()[1:]), v)
		}
		if err != nil {
			return errors.Join(err, it.Close())
		}
	}
	return errors.Join(it.Error(), it.Close())
}

func (s *store) close() error {
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("%w %s: close: %w", errStore, s.dir, err)
	}
	return nil
}
