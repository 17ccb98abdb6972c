package eventim

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/internal/statestore"
	"github.com/eventim-go/eventim/internal/task"
)

// instance is a reactor's instance as it is kept: the value of its record in the
// instances, and in the state store.
type instance struct {
	Type   string           `json:"type"` // of the state
	Schema int              `json:"schemaVersion"`
	State  json.RawMessage  `json:"state"`
	Timers map[string]timer `json:"timers,omitempty"` // by name
	Calls  map[string]call  `json:"calls,omitempty"`  // by id
	Parked *parking         `json:"parked,omitempty"`
}

// timer is one that an instance has set.
type timer struct {
	Due         int64           `json:"due"` // Unix milliseconds
	Type        string          `json:"type"`
	Schema      int             `json:"schemaVersion"`
	Message     json.RawMessage `json:"message"`
	Causation   string          `json:"causation,omitempty"`
	Correlation string          `json:"correlation,omitempty"`
	Traceparent string          `json:"traceparent,omitempty"`
}

// Kinds of keys in the store of a reactor.
const (
	keyInstance = 'i' // and its id
	keyTimer    = 't' // when it is due, instance, a zero byte, name: where to look, see dueTimers
)

// timerKey sorts by when it is due. It is a hint: a timer is what its instance says.
func timerKey(due int64, id, name string) []byte {
	b := append([]byte{keyTimer}, binary.BigEndian.AppendUint64(nil, uint64(due))...) //nolint:gosec // not negative, see timerOf
	return append(append(append(b, id...), 0), name...)
}

// parseTimerKey reads what timerKey wrote: neither ids nor names have zero bytes.
func parseTimerKey(key []byte) (due int64, id, name string) {
	due = int64(binary.BigEndian.Uint64(key[1:9])) //nolint:gosec // as above
	rest := key[9:]
	i := slices.Index(rest, 0)
	return due, string(rest[:i]), string(rest[i+1:])
}

// loadInstance reads an instance as the batch left it.
func loadInstance(s *task.Scope, id string) (in instance, found bool, err error) {
	data, found, err := s.Get(stringKey(keyInstance, id))
	if err != nil || !found {
		return in, false, err
	}
	if err := json.Unmarshal(data, &in); err != nil {
		return in, false, fmt.Errorf("%w: instance %s: %w", statestore.ErrBroken, id, err)
	}
	return in, true, nil
}

// because says what an instance is written for: a message that it was told, or that
// waits for it. The headers of the record say so, for whoever reads the topic.
type because struct {
	instance string
	message  string // "" when it is none
	at       time.Time
}

func (b because) headers() headers {
	h := newHeaders()
	if b.message != "" {
		h.add(headerMessageID, b.message)
		h.addTime(headerTime, b.at)
	}
	return h
}

// headerMessageID is, of an instance, what it was told.
const headerMessageID = "ce_messageid"

// saveInstance writes an instance, nil for one that has ended, with where its timers
// and calls are to be looked for.
func saveInstance(s *task.Scope, topic string, why because, before instance, in *instance) error {
	id := why.instance
	for name, t := range before.Timers {
		s.Delete(timerKey(t.Due, id, name))
	}
	for key, c := range before.Calls {
		s.Delete(callKey(c, id, key))
	}
	if in == nil {
		s.Delete(stringKey(keyInstance, id))
		m := message(topic, id, nil, why.headers())
		m.Value = nil
		s.Emit(m)
		return nil
	}
	data, err := json.Marshal(in)
	if err != nil {
		return err
	}
	s.Put(stringKey(keyInstance, id), data)
	for name, t := range in.Timers {
		s.Put(timerKey(t.Due, id, name), nil)
	}
	for key, c := range in.Calls {
		s.Put(callKey(c, id, key), nil)
	}
	m := message(topic, id, data, why.headers())
	if m.ByteSize(2) > s.Limit {
		return fmt.Errorf("instance %s: its state, timers and calls have %d bytes, and a record takes %d", id, m.ByteSize(2), s.Limit)
	}
	s.Emit(m)
	return nil
}

// errEnough ends a scan.
var errEnough = errors.New("as many as were wanted")

// dueTimer is where a timer is to be looked for.
type dueTimer struct {
	due      int64
	id, name string
}

// dueTimers returns the timers that are due at a time, in the order in which they
// are, at most a number of them. Those that are no timer of their instance any more
// are left over from a restore, and are removed.
func dueTimers(s *task.Scope, until time.Time, most int) (all []dueTimer, err error) {
	from, to := timerKey(0, "", "")[:9], timerKey(until.UnixMilli()+1, "", "")[:9]
	var keys [][]byte
	err = s.Scan(from, to, func(key, _ []byte) error {
		if len(keys) == most {
			return errEnough
		}
		keys = append(keys, slices.Clone(key))
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, err
	}
	for _, key := range keys {
		due, id, name := parseTimerKey(key)
		all = append(all, dueTimer{due, id, name})
	}
	return all, nil
}

func restoreInstances(*statestore.Store, int32) task.Filling { return instanceFilter{} }

// instanceFilter takes instances into the store.
type instanceFilter struct{}

// Put implements task.Filling.
func (instanceFilter) Put(w *statestore.Write, _ *sarama.RecordBatch, r *sarama.Record) error {
	id := string(r.Key)
	if r.Value == nil {
		w.Delete(stringKey(keyInstance, id))
		return nil
	}
	var in instance
	if err := json.Unmarshal(r.Value, &in); err != nil {
		return &historyError{Err: fmt.Errorf("instance %s: %w", id, err)}
	}
	w.Set(stringKey(keyInstance, id), r.Value)
	for _, name := range slices.Sorted(maps.Keys(in.Timers)) {
		w.Set(timerKey(in.Timers[name].Due, id, name), nil)
	}
	for _, key := range slices.Sorted(maps.Keys(in.Calls)) {
		w.Set(callKey(in.Calls[key], id, key), nil)
	}
	if in.Parked != nil && in.Parked.Repeat {
		w.Set(stringKey(keyRepeat, id), nil)
	}
	return nil
}

// Settled implements task.Filling.
func (instanceFilter) Settled() bool { return true }

// Done implements task.Filling.
func (instanceFilter) Done() error { return nil }
