package eventim

import (
	"errors"
	"time"

	"github.com/eventim-go/eventim/internal/statestore"
)

// tables are what a handler keeps of one partition in its state store: the last
// snapshot of each aggregate, restored from the snapshots, and the answers of the
// deduplication window, restored from the results.
type tables struct {
	*statestore.Store
	oldest int64 // no answer is older, in Unix milliseconds, but for what is deleted
}

// Kinds of keys, which the id follows.
const (
	keySnapshot = 's'
	keyAnswer   = 'c'
	keyAnswered = 't' // time in milliseconds, then the id of the answer: what to forget when
)

// storeFormat is raised when what is kept changes; older stores are restored.
const storeFormat = 4

func (t *tables) snapshot(aggregate string) (storedSnapshot, bool, error) {
	data, found, err := t.Get(stringKey(keySnapshot, aggregate))
	if err != nil || !found {
		return storedSnapshot{}, false, err
	}
	v, err := decodeStoredSnapshot(data)
	return v, err == nil, err
}

func (t *tables) answer(command commandKey) (answer, bool, error) {
	return t.answerOf(command.stored())
}

func (t *tables) answerOf(id answerID) (answer, bool, error) {
	data, found, err := t.Get(id.appendTo([]byte{keyAnswer}))
	if err != nil || !found {
		return answer{}, false, err
	}
	v, err := decodeAnswer(data)
	return v, err == nil, err
}

// write begins an atomic write.
func (t *tables) write() *tablesWrite {
	return &tablesWrite{Write: t.Begin(0), tables: t}
}

// tablesWrite is one atomic write.
type tablesWrite struct {
	*statestore.Write
	tables     *tables
	key, value []byte // reused
}

// over makes it the one that w is.
func (w *tablesWrite) over(to *statestore.Write) *tablesWrite {
	w.Write = to
	return w
}

func (w *tablesWrite) setSnapshot(aggregate string, v storedSnapshot) {
	w.value = v.appendHead(w.value[:0])
	w.SetParts(keySnapshot, aggregate, w.value, v.data)
}

func (w *tablesWrite) setAnswer(command commandKey, v answer) {
	id := command.stored()
	w.key = id.appendTo(append(w.key[:0], keyAnswer))
	w.value = v.appendTo(w.value[:0])
	w.tables.oldest = min(w.tables.oldest, v.time)
	w.Set(w.key, w.value)
	w.key = id.appendAnswered(w.key[:0], v.time)
	w.Set(w.key, nil)
}

// forget deletes the answers that are older than the time, at most limit of
// them, and returns how many it deleted. It begins where it ended the last time:
// what is deleted is still in the way of an iterator, until it is compacted.
func (t *tables) forget(before time.Time, limit int) (int, error) {
	w, n, oldest := t.write(), 0, before.UnixMilli()
	err := t.Scan(answeredBefore(t.oldest), answeredBefore(oldest), func(key, _ []byte) error {
		if n == limit {
			return errEnough
		}
		// An id that was answered anew has an entry of its own: keep its answer.
		at, id := parseAnswered(key)
		oldest = at
		if a, found, err := t.answerOf(id); err == nil && found && a.time == at {
			w.Delete(id.appendTo([]byte{keyAnswer}))
		}
		w.Delete(key)
		n++
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return 0, errors.Join(err, w.Discard())
	}
	if n < limit {
		oldest = before.UnixMilli()
	}
	t.oldest = max(t.oldest, oldest)
	return n, w.Commit()
}

var errEnough = errors.New("as many as were wanted")

// snapshots calls fn with each snapshot, in the order of the aggregate ids.
func (t *tables) snapshots(fn func(aggregate string, v storedSnapshot) error) error {
	return t.Scan([]byte{keySnapshot}, []byte{keySnapshot + 1}, func(key, value []byte) error {
		v, err := decodeStoredSnapshot(value)
		if err != nil {
			return err
		}
		return fn(string(key[1:]), v)
	})
}
