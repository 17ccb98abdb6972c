package eventim

import (
	"github.com/eventim-go/eventim/internal/dedup"
	"github.com/eventim-go/eventim/internal/statestore"
)

// tables are what a handler keeps of one partition in its state store: the last
// snapshot of each aggregate, restored from the snapshots, and the answers of the
// deduplication window, restored from the results.
type tables struct {
	*statestore.Store
	answers *dedup.Window // nil where nobody asks for one
}

// keySnapshot begins the keys of snapshots, the id follows; those of the answers
// are the window's.
const keySnapshot = 's'

// storeFormat is raised when what is kept changes; older stores are restored.
const storeFormat = 5

func (t *tables) snapshot(aggregate string) (storedSnapshot, bool, error) {
	data, found, err := t.Get(stringKey(keySnapshot, aggregate))
	if err != nil || !found {
		return storedSnapshot{}, false, err
	}
	v, err := decodeStoredSnapshot(data)
	return v, err == nil, err
}

func (t *tables) answer(command commandKey) (answer, bool, error) {
	e, found, err := t.answers.Get(command.stored())
	return answerFrom(e), found, err
}

// write begins an atomic write.
func (t *tables) write() *tablesWrite {
	return &tablesWrite{Write: t.Begin(0), answers: t.answers}
}

// tablesWrite is one atomic write.
type tablesWrite struct {
	*statestore.Write
	answers *dedup.Window
	value   []byte // reused
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
	w.answers.Put(w.Write, command.stored(), v.entry())
}

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
