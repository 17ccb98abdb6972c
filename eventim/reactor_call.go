package eventim

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/eventim-go/eventim/internal/task"
)

// call is a request that is not answered, as it is kept with its instance.
type call struct {
	Effect      string          `json:"effect"`
	Type        string          `json:"type"`
	Schema      int             `json:"schemaVersion"`
	Request     json.RawMessage `json:"request"`
	Due         int64           `json:"due"`             // when it may be tried, Unix milliseconds
	Failed      int             `json:"failed"`          // attempts
	Error       string          `json:"error,omitempty"` // of the last one
	Causation   string          `json:"causation,omitempty"`
	Correlation string          `json:"correlation,omitempty"`
	Traceparent string          `json:"traceparent,omitempty"`
}

// request is what a Performer is asked, at the next attempt.
func (c call) request(instance, id string) Request[Payload] {
	return Request[Payload]{
		Key: id, Instance: instance, Attempt: c.Failed + 1, Causation: c.Causation, Correlation: c.Correlation, Traceparent: c.Traceparent,
		Payload: Payload{Type: c.Type, SchemaVersion: c.Schema, Data: c.Request},
	}
}

// keyCall is, in the store of a reactor, the effect, a zero byte, when the call is
// due, the instance, a zero byte, and the id. Like that of a timer it is a hint: a
// call is what its instance says.
const keyCall = 'c'

func callsOf(effect string) []byte { return append(append([]byte{keyCall}, effect...), 0) }

func callKey(c call, instance, id string) []byte {
	b := binary.BigEndian.AppendUint64(callsOf(c.Effect), uint64(c.Due)) //nolint:gosec // a time
	return append(append(append(b, instance...), 0), id...)
}

// dueCall is where a call is to be looked for.
type dueCall struct {
	key          []byte
	due          int64
	instance, id string
}

func parseCallKey(effect string, key []byte) dueCall {
	rest := key[len(effect)+2:]
	due := int64(binary.BigEndian.Uint64(rest)) //nolint:gosec // a time
	i := slices.Index(rest[8:], 0) + 8
	return dueCall{slices.Clone(key), due, string(rest[8:i]), string(rest[i+1:])}
}

// dueCalls returns the calls of an effect that may be tried at a time, the first ones
// of them, and when the next one may.
func dueCalls(s *task.Scope, effect string, at int64, most int) (all []dueCall, next int64, err error) {
	from := callsOf(effect)
	to := append(callsOf(effect)[:len(from)-1], 1)
	next = math.MaxInt64
	err = s.Scan(from, to, func(key, _ []byte) error {
		d := parseCallKey(effect, key)
		if d.due > at {
			next = d.due
			return errEnough
		}
		if len(all) == most {
			return errEnough
		}
		all = append(all, d)
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return all, next, err
}

// callOf is the call that a reaction wants; ok is false when what it is wanted for is
// of the past that is muted.
func (p *reaction[S, M]) callOf(msg Message[M], o *CallOutput, now time.Time) (c call, ok bool, err error) {
	if msg.Time.Before(p.r.MutedBefore) {
		return c, false, nil
	}
	performs, known := p.r.performs(o.Effect)
	if !known {
		return c, false, fmt.Errorf("it calls %s, which nobody in Performs performs", o.Effect)
	}
	payload, err := performs.encodeRequest(o.Request)
	return call{
		Effect: o.Effect, Type: payload.Type, Schema: payload.SchemaVersion, Request: payload.Data, Due: now.UnixMilli(),
		Causation: cmp.Or(msg.Causation, msg.ID), Correlation: msg.Correlation, Traceparent: msg.Traceparent,
	}, err == nil, err
}

func (r *Reactor[S, M]) performs(effect string) (Performs[M], bool) {
	for _, p := range r.Performs {
		if p.limits().effect == effect {
			return p, true
		}
	}
	return nil, false
}

// startCalls begins the attempts that are due, as many as there is room for. It takes
// away what is left over from a restore, and says of how many calls. It writes nothing
// else, so that what it begins is committed.
func (p *reaction[S, M]) startCalls(s *task.Scope) (gone int, err error) {
	first, now := int64(math.MaxInt64), s.Now.UnixMilli()
	for _, performs := range p.r.Performs {
		limits := performs.limits()
		due, next, err := dueCalls(s, limits.effect, now, 2*limits.parallel) // half of them may be running
		if err != nil {
			return gone, err
		}
		first = min(first, next)
		for _, d := range due {
			in, found, err := loadInstance(s, d.instance)
			if err != nil {
				return gone, err
			}
			c, waits := in.Calls[d.id]
			if !found || !waits || c.Due != d.due {
				s.Delete(d.key)
				gone++
				continue
			}
			_, fresh := p.fresh[d.id]
			if !p.calls.start(p.Partition, performs, c.request(d.instance, d.id), !fresh) {
				break
			}
			delete(p.fresh, d.id)
		}
	}
	p.nextCall.Store(first)
	return gone, nil
}

// settle writes down what has come of attempts.
func (p *reaction[S, M]) settle(s *task.Scope, most int) (n int, err error) {
	for _, a := range p.calls.ended(p.Partition, most) {
		if err := p.settleOne(s, a); err != nil {
			return n, err
		}
		p.settling = append(p.settling, a.request.Key)
		n++
	}
	return n, nil
}

// settleOne takes a call away and tells the instance what has come of it, or notes
// that it has failed and when it is tried again.
func (p *reaction[S, M]) settleOne(s *task.Scope, a attempted[M]) error {
	id, key := a.request.Instance, a.request.Key
	in, found, err := loadInstance(s, id)
	if err != nil {
		return err
	}
	c, waits := in.Calls[key]
	if !found || !waits {
		p.Logger.Debug("an answer to a call that nobody waits for", slog.String("instance", id), slog.String("call", key))
		return nil
	}
	s.Delete(callKey(c, id, key))
	without := in
	without.Calls = maps.Clone(in.Calls)
	delete(without.Calls, key)
	told := Message[M]{
		Instance: id, ID: "call/" + key, Time: s.Now.UTC().Truncate(time.Millisecond),
		Causation: c.Causation, Correlation: c.Correlation, Traceparent: c.Traceparent, Payload: a.told,
	}
	if a.err == nil {
		return p.tell(s, told, without, -1)
	}
	return p.settleFailed(s, a, in, without, told)
}

// settleFailed notes that an attempt has failed and when the next one is made, or
// tells the instance that there is none. A request that this program cannot read waits
// for one that can.
func (p *reaction[S, M]) settleFailed(s *task.Scope, a attempted[M], in, without instance, told Message[M]) error {
	key, limits, reason := a.request.Key, a.performs.limits(), a.err
	c := in.Calls[key]
	if _, unread := errors.AsType[errRequest](a.err); !unread {
		c.Failed++
	}
	log := p.Logger.With(slog.String("effect", c.Effect), slog.String("instance", a.request.Instance), slog.String("call", key), slog.Int("failed", c.Failed))
	if c.Failed >= limits.attempts || isPermanent(a.err) {
		payload, err := a.performs.failure(a.request, a.err)
		if err == nil {
			log.Warn("a call has failed for good", slog.Any("error", a.err))
			told.Payload = payload
			return p.tell(s, told, without, -1)
		}
		reason = err
	}
	log.Warn("a call has failed, and is tried again", slog.Duration("after", a.pause), slog.Any("error", reason))
	c.Due, c.Error = s.Now.Add(a.pause).UnixMilli(), shortened(reason)
	without.Calls[key] = c
	return p.mustSave(s, Message[M]{Instance: a.request.Instance}, in, &without)
}

// strangers are effects that calls in the store wait for and nobody performs.
func (p *reaction[S, M]) strangers() (effects []string, err error) {
	for from := []byte{keyCall}; ; {
		var effect string
		err := p.Store.Scan(from, []byte{keyCall + 1}, func(key, _ []byte) error {
			effect = string(key[1:slices.Index(key, 0)])
			return errEnough
		})
		if err == nil {
			return effects, nil
		}
		if !errors.Is(err, errEnough) {
			return nil, err
		}
		if _, known := p.r.performs(effect); !known {
			effects = append(effects, effect)
		}
		from = append(callsOf(effect)[:len(effect)+1], 1)
	}
}
