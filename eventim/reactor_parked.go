package eventim

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/internal/faultpoint"
	"github.com/eventim-go/eventim/internal/statestore"
	"github.com/eventim-go/eventim/internal/task"
)

// parking is where an instance stands that is parked: which of its messages wait.
type parking struct {
	First  int64 `json:"first"`  // number of the message that it could not react to
	Next   int64 `json:"next"`   // of the one that comes
	Repeat bool  `json:"repeat"` // it is being released
}

// parkedMessage is a message that waits, as it is kept.
type parkedMessage struct {
	ID          string          `json:"id"`
	Time        int64           `json:"time"` // Unix milliseconds
	Causation   string          `json:"causation,omitempty"`
	Correlation string          `json:"correlation,omitempty"`
	Traceparent string          `json:"traceparent,omitempty"`
	Type        string          `json:"type"`
	Schema      int             `json:"schemaVersion"`
	Message     json.RawMessage `json:"message"`
	Since       int64           `json:"since"`            // when it was parked, Unix milliseconds
	Reason      string          `json:"reason,omitempty"` // of the first: why it failed
}

// Kinds of keys, beside those of instances and timers.
const (
	keyParked = 'p' // instance, a zero byte, number
	keyRepeat = 'r' // instance: it is being released
)

func parkedKey(id string, number int64) []byte {
	b := append(append([]byte{keyParked}, id...), 0)
	return binary.BigEndian.AppendUint64(b, uint64(number)) //nolint:gosec // counts from 0
}

// parkedName is the key of a record in the topic of the parked: no id has a space.
func parkedName(id string, number int64) string { return id + " " + strconv.FormatInt(number, 10) }

func parseParkedName(name string) (id string, number int64, err error) {
	id, digits, _ := strings.Cut(name, " ")
	number, err = strconv.ParseInt(digits, 10, 64)
	return id, number, err
}

// park puts a message behind those that wait; failed is why the first does.
func (p *reaction[S, M]) park(s *task.Scope, msg Message[M], in instance, failed error) error {
	payload, err := writeBy(p.r.Messages, msg.Payload)
	if err != nil {
		return &historyError{Err: fmt.Errorf("instance %s, message %s: %w", msg.Instance, msg.ID, err)}
	}
	waits := parkedMessage{
		ID: msg.ID, Time: msg.Time.UnixMilli(), Causation: msg.Causation, Correlation: msg.Correlation, Traceparent: msg.Traceparent,
		Type: payload.Type, Schema: payload.SchemaVersion, Message: payload.Data, Since: faultpoint.Now().UnixMilli(),
	}
	after, place := in, parking{}
	if in.Parked != nil {
		place = *in.Parked
	}
	place.Next++
	after.Parked = &place
	if failed != nil {
		waits.Reason = shortened(failed)
	}
	if err := p.setWaiting(s, msg.Instance, place.Next-1, &waits); err != nil {
		return err
	}
	return p.mustSave(s, msg, in, &after)
}

// setWaiting writes down a message that waits, nil for one that does not any more.
func (p *reaction[S, M]) setWaiting(s *task.Scope, id string, number int64, waits *parkedMessage) error {
	m := message(p.r.Topics().Parked, parkedName(id, number), nil, newHeaders())
	m.Value = nil
	if waits == nil {
		s.Delete(parkedKey(id, number))
		s.Emit(m)
		return nil
	}
	data, err := json.Marshal(waits)
	if err != nil {
		return err
	}
	m.Value = sarama.ByteEncoder(data)
	if m.ByteSize(2) > s.Limit {
		return &historyError{Err: fmt.Errorf("instance %s, message %s: it does not fit beside those that wait", id, waits.ID)}
	}
	s.Put(parkedKey(id, number), data)
	s.Emit(m)
	return nil
}

// mustSave is save for what must succeed.
func (p *reaction[S, M]) mustSave(s *task.Scope, msg Message[M], before instance, after *instance) error {
	if err := p.save(s, msg, before, after); err != nil {
		return &historyError{Err: err}
	}
	return nil
}

// release does what somebody has ordered for an instance that is parked.
func (p *reaction[S, M]) release(s *task.Scope, id string, in instance, how Release) error {
	if in.Parked == nil {
		p.Logger.Warn("an instance that is not parked was to be released", slog.String("instance", id))
		return nil
	}
	p.Logger.Info("an instance is released", slog.String("instance", id), slog.String("how", string(how)))
	after, moved := in, *in.Parked
	discarded := map[Release]int64{DiscardFirst: 1, DiscardAll: moved.Next - moved.First}[how]
	for ; discarded > 0; discarded-- {
		if err := p.setWaiting(s, id, moved.First, nil); err != nil {
			return err
		}
		moved.First++
	}
	moved.Repeat, after.Parked = true, &moved
	s.Put(stringKey(keyRepeat, id), nil)
	p.Wake()
	return p.mustSave(s, Message[M]{Instance: id}, in, &after)
}

// retry tells instances that are released what they have not heard, some of it.
func (p *reaction[S, M]) retry(s *task.Scope, most int) (n int, err error) {
	var id string
	err = s.Scan([]byte{keyRepeat}, []byte{keyRepeat + 1}, func(key, _ []byte) error {
		id = string(key[1:])
		return errEnough
	})
	if !errors.Is(err, errEnough) {
		return 0, err
	}
	for more := true; more && n < most; n++ {
		if more, err = p.retryOne(s, id); err != nil {
			return n + 1, err
		}
	}
	return n, nil
}

// retryOne tells an instance the first message that waits. There is no more to tell it
// when none waits, or it has failed again.
func (p *reaction[S, M]) retryOne(s *task.Scope, id string) (more bool, err error) {
	in, found, err := loadInstance(s, id)
	if err != nil {
		return false, err
	}
	if !found || in.Parked == nil || !in.Parked.Repeat {
		s.Delete(stringKey(keyRepeat, id))
		return false, nil
	}
	place := *in.Parked
	without := in
	without.Parked = nil
	if place.First == place.Next {
		s.Delete(stringKey(keyRepeat, id))
		if in.Type == "" { // it never began
			return false, p.mustSave(s, Message[M]{Instance: id}, in, nil)
		}
		return false, p.mustSave(s, Message[M]{Instance: id}, in, &without)
	}
	waits, msg, err := p.parked(s, id, place.First)
	if err != nil {
		return false, err
	}
	failed, err := p.tryTell(s, msg, without, -1)
	if err != nil {
		return false, err
	}
	if failed != nil {
		waits.Reason = shortened(failed)
		place.Repeat, in.Parked = false, &place
		s.Delete(stringKey(keyRepeat, id))
		p.Logger.Error("an instance is parked again", slog.String("instance", id), slog.String("message", msg.ID), slog.Any("error", failed))
		return false, errors.Join(p.setWaiting(s, id, place.First, &waits), p.mustSave(s, Message[M]{Instance: id}, in, &in))
	}
	return true, p.goOn(s, id, place)
}

// goOn moves behind the message that an instance has heard at last. One that has ended
// by it begins anew when something waits that is told to it then, or not.
func (p *reaction[S, M]) goOn(s *task.Scope, id string, place parking) error {
	if err := p.setWaiting(s, id, place.First, nil); err != nil {
		return err
	}
	now, found, err := loadInstance(s, id)
	if err != nil {
		return err
	}
	place.First++
	if !found { // what waits would be lost on an instance that has ended
		for ; place.First < place.Next; place.First++ {
			if err := p.setWaiting(s, id, place.First, nil); err != nil {
				return err
			}
		}
		s.Delete(stringKey(keyRepeat, id))
		return nil
	}
	after := now
	after.Parked = &place
	return p.mustSave(s, Message[M]{Instance: id}, now, &after)
}

// parked reads a message that waits.
func (p *reaction[S, M]) parked(s *task.Scope, id string, number int64) (waits parkedMessage, msg Message[M], err error) {
	data, found, err := s.Get(parkedKey(id, number))
	if err == nil && !found {
		err = fmt.Errorf("%w: message %d of instance %s is missing", statestore.ErrBroken, number, id)
	}
	if err == nil {
		err = json.Unmarshal(data, &waits)
	}
	if err != nil {
		return waits, msg, err
	}
	msg = Message[M]{
		Instance: id, ID: waits.ID, Time: time.UnixMilli(waits.Time).UTC(),
		Causation: waits.Causation, Correlation: waits.Correlation, Traceparent: waits.Traceparent,
	}
	msg.Payload, err = readBy(p.r.Messages.Decode, Payload{Type: waits.Type, SchemaVersion: waits.Schema, Data: waits.Message})
	if err != nil {
		err = &historyError{Err: fmt.Errorf("instance %s, message %s: %w", id, waits.ID, err)}
	}
	return waits, msg, err
}

func restoreParked(*statestore.Store, int32) task.Filling { return parkedFilter{} }

// parkedFilter takes what waits into the store.
type parkedFilter struct{ instanceFilter }

// Put implements task.Filling.
func (parkedFilter) Put(w *statestore.Write, _ *sarama.RecordBatch, r *sarama.Record) error {
	id, number, err := parseParkedName(string(r.Key))
	if err != nil {
		return &historyError{Err: fmt.Errorf("the key %q of what waits: %w", r.Key, err)}
	}
	if r.Value == nil {
		w.Delete(parkedKey(id, number))
	} else {
		w.Set(parkedKey(id, number), r.Value)
	}
	return nil
}
