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

var checkpointKey = statestore.MetaKey('c')

// storeFormat is raised when what is kept changes; older stores are restored.
const storeFormat = 4

// checkpoint says how much of the log is in the store.
type checkpoint struct {
	Snapshots int64 `json:"snapshots"` // next offset of the snapshots partition
	Results   int64 `json:"results"`   // next offset of the results partition
	Time      int64 `json:"time"`      // when it was known to be current, in Unix milliseconds
}

func openTables(dir string, id statestore.Identity, o statestore.Options) (*tables, error) {
	s, err := statestore.Open(dir, id, o)
	if err != nil {
		return nil, err
	}
	return &tables{Store: s}, nil
}

func createTables(dir string, id statestore.Identity, o statestore.Options, bulk bool) (*tables, error) {
	s, err := statestore.Create(dir, id, o, bulk)
	if err != nil {
		return nil, err
	}
	return &tables{Store: s}, nil
}

// checkpoint returns the zero checkpoint for a new store.
func (t *tables) checkpoint() (checkpoint, error) {
	var c checkpoint
	_, err := t.GetJSON(checkpointKey, &c)
	return c, err
}

func (t *tables) setCheckpoint(c checkpoint) error {
	w := t.write(0)
	w.setCheckpoint(c)
	return w.Commit()
}

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

// write begins an atomic write of about that many bytes.
func (t *tables) write(size int) *tablesWrite {
	return &tablesWrite{Write: t.Begin(size), tables: t}
}

// tablesWrite is one atomic write.
type tablesWrite struct {
	*statestore.Write
	tables     *tables
	key, value []byte // reused
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

func (w *tablesWrite) setCheckpoint(c checkpoint) { w.SetJSON(checkpointKey, c) }

// forget deletes the answers that are older than the time, at most limit of
// them, and returns how many it deleted. It begins where it ended the last time:
// what is deleted is still in the way of an iterator, until it is compacted.
func (t *tables) forget(before time.Time, limit int) (int, error) {
	w, n, oldest := t.write(0), 0, before.UnixMilli()
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
