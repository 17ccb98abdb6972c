package eventim

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/internal/task"
)

// reaction reacts to the messages of one partition of the inbox: it is what the
// engine runs, as worker is for commands.
type reaction[S, M any] struct {
	*task.Claim
	r           *Reactor[S, M]
	partitioner sarama.Partitioner

	// drained is a time, in Unix milliseconds: what the sources had said until then
	// has been reacted to. It is set by the watch, and never goes back.
	drained atomic.Int64

	// nextDue is when the first timer of the partition is due, in Unix milliseconds.
	nextDue atomic.Int64
	touched bool // the batch has set or removed timers or calls

	calls    *calls[M]
	fresh    map[string]struct{} // ids of calls that this one has asked for, and nobody has tried
	settling []string            // ids of the calls that the batch settles
	nextCall atomic.Int64        // when the first call that waits for its time may be tried, Unix milliseconds
}

// TakeOver implements task.Processor.
func (p *reaction[S, M]) TakeOver(ctx context.Context) error {
	if err := p.Resume(ctx); err != nil {
		return err
	}
	if err := p.Open(ctx); err != nil {
		return err
	}
	effects, err := p.strangers()
	if err != nil {
		return err
	}
	for _, effect := range effects {
		p.Logger.Error("calls wait for an effect that this program does not perform", slog.String("effect", effect))
	}
	p.Wake() // an instance may be in the middle of being released, and calls wait
	return p.lookForTimers()
}

// lookForTimers finds the first timer.
func (p *reaction[S, M]) lookForTimers() error {
	next := int64(math.MaxInt64)
	err := p.Store.Scan([]byte{keyTimer}, []byte{keyTimer + 1}, func(key, _ []byte) error {
		next, _, _ = parseTimerKey(key)
		return errEnough
	})
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	p.touched = false
	p.nextDue.Store(next)
	return nil
}

// Begin implements task.Processor.
func (p *reaction[S, M]) Begin(*task.Scope) { p.settling = p.settling[:0] }

// Finish implements task.Processor.
func (*reaction[S, M]) Finish(*task.Scope) error { return nil }

// Kept implements task.Processor.
func (p *reaction[S, M]) Kept(task.Commit) error {
	p.calls.settled(p.Partition, p.settling)
	if !p.touched {
		return nil
	}
	if len(p.r.Performs) > 0 {
		p.Wake() // what the batch calls for may begin
	}
	return p.lookForTimers()
}

// Look implements task.Processor.
func (*reaction[S, M]) Look(context.Context) error { return nil }

// Process implements task.Processor: an instance is told a message.
func (p *reaction[S, M]) Process(s *task.Scope, m *sarama.ConsumerMessage) error {
	n, err := p.r.decodeNotice(recordOfMessage(m))
	if err != nil {
		return &historyError{Err: err}
	}
	in, found, err := loadInstance(s, n.Instance)
	switch {
	case err != nil:
		return err
	case n.release != "":
		return p.release(s, n.Instance, in, n.release)
	case !found && !n.begins:
		p.Logger.Debug("a message for an instance that there is not", slog.String("instance", n.Instance), slog.String("message", n.ID))
		return nil
	}
	return p.tell(s, n.Message, in, m.Offset)
}

// Tick implements task.Ticker: timers that are due are told, if what was said before
// they were due has been heard (drain before fire). A reactor that was away for an
// hour would otherwise tell an order that it has expired, and then hear that it was
// confirmed in time.
func (p *reaction[S, M]) Tick(s *task.Scope, most int) (int, error) {
	p.touched = true
	if n, err := p.retry(s, most); n > 0 || err != nil {
		return n, err
	}
	if n, err := p.settle(s, most); n > 0 || err != nil {
		return n, err
	}
	if n, err := p.fireDue(s, most); n > 0 || err != nil {
		return n, err
	}
	return p.startCalls(s)
}

// fireDue fires timers that are due.
func (p *reaction[S, M]) fireDue(s *task.Scope, most int) (int, error) {
	due, err := dueTimers(s, time.UnixMilli(p.drained.Load()), most)
	if err != nil {
		return 0, err
	}
	for _, d := range due {
		if err := p.fire(s, d); err != nil {
			return len(due), err
		}
	}
	return len(due), nil
}

// fire tells an instance what a timer of it brings. It takes the timer away first,
// in the same transaction, so that it fires once.
func (p *reaction[S, M]) fire(s *task.Scope, d dueTimer) error {
	in, found, err := loadInstance(s, d.id)
	if err != nil {
		return err
	}
	t, set := in.Timers[d.name]
	if !found || !set || t.Due != d.due {
		s.Delete(timerKey(d.due, d.id, d.name))
		return nil
	}
	payload, err := readBy(p.r.Messages.Decode, Payload{Type: t.Type, SchemaVersion: t.Schema, Data: t.Message})
	if err != nil {
		return &historyError{Err: fmt.Errorf("timer %s of instance %s: %w", d.name, d.id, err)}
	}
	s.Delete(timerKey(d.due, d.id, d.name))
	in.Timers = maps.Clone(in.Timers)
	delete(in.Timers, d.name)
	return p.tell(s, Message[M]{
		Instance: d.id, ID: "timer/" + d.name + "/" + strconv.FormatInt(d.due, 10), Time: time.UnixMilli(d.due).UTC(),
		Causation: t.Causation, Correlation: t.Correlation, Traceparent: t.Traceparent, Payload: payload,
	}, in, -1)
}

// tell has an instance react, and writes down what it wants. One whose reaction fails
// is parked with the message, and hears those behind it when it is released.
func (p *reaction[S, M]) tell(s *task.Scope, msg Message[M], in instance, offset int64) error {
	if in.Parked != nil {
		return p.park(s, msg, in, nil)
	}
	failed, err := p.tryTell(s, msg, in, offset)
	if failed == nil || err != nil {
		return err
	}
	p.Logger.Error("an instance is parked", slog.String("instance", msg.Instance), slog.String("message", msg.ID), slog.Any("error", failed))
	return p.park(s, msg, in, failed)
}

// tryTell returns why a reaction has failed, and has written nothing then; or an error
// that is not the reaction's.
func (p *reaction[S, M]) tryTell(s *task.Scope, msg Message[M], in instance, offset int64) (failed, err error) {
	state, err := p.stateOf(in)
	if err != nil {
		return nil, &historyError{Err: fmt.Errorf("instance %s: %w", msg.Instance, err)}
	}
	state, outputs, failed := p.react(state, msg, offset)
	if failed != nil {
		return failed, nil
	}
	return p.apply(s, msg, in, state, outputs), nil
}

func (p *reaction[S, M]) stateOf(in instance) (state S, err error) {
	if in.Type == "" { // it has not begun
		return state, nil
	}
	return readBy(p.r.State.Decode, Payload{Type: in.Type, SchemaVersion: in.Schema, Data: in.State})
}

// react runs the author's code.
func (p *reaction[S, M]) react(state S, msg Message[M], offset int64) (_ S, outputs []Output, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			p.Logger.Error("the reaction panicked", slog.String("instance", msg.Instance), slog.String("message", msg.ID),
				slog.Any("reason", reason), slog.String("stack", string(debug.Stack())))
			err = fmt.Errorf("the reaction panicked: %v", reason)
		}
	}()
	p.Errand.Begin("react to", msg.Instance, msg.ID, offset)
	defer p.Errand.End()
	state, outputs = p.r.React(state, msg)
	return state, outputs, nil
}

// wanted is what a reaction leads to, while its outputs are looked at.
type wanted struct {
	timers map[string]timer
	calls  map[string]call
	asked  map[string]struct{} // ids of the calls that are new
	sent   []*sarama.ProducerMessage
	ended  bool
}

// apply writes down the state, the timers and the calls, and what is sent: all of it,
// or nothing.
func (p *reaction[S, M]) apply(s *task.Scope, msg Message[M], before instance, state S, outputs []Output) error {
	w, err := p.wanted(s, msg, before, outputs)
	if err != nil {
		return err
	}
	payload, err := writeBy(p.r.State, state)
	if err != nil {
		return err
	}
	after := &instance{Type: payload.Type, Schema: payload.SchemaVersion, State: payload.Data, Timers: w.timers, Calls: w.calls}
	if w.ended {
		after = nil
	}
	if err := p.save(s, msg, before, after); err != nil {
		return err
	}
	for _, m := range w.sent {
		s.EmitTo(m.Partition, m)
	}
	p.refresh(w.asked)
	return nil
}

// wanted is what the outputs of a reaction want of an instance that was as before. It
// writes nothing.
func (p *reaction[S, M]) wanted(s *task.Scope, msg Message[M], before instance, outputs []Output) (w wanted, err error) {
	w = wanted{timers: map[string]timer{}, calls: map[string]call{}, asked: map[string]struct{}{}}
	maps.Copy(w.timers, before.Timers)
	maps.Copy(w.calls, before.Calls)
	for place, o := range outputs {
		if err := p.want(&w, s.Now, msg, place, o); err != nil {
			return w, err
		}
	}
	if w.ended && len(w.asked) > 0 {
		err = errors.New("it ends, and calls: what an instance that has ended calls for is not done")
	}
	return w, err
}

func (p *reaction[S, M]) want(w *wanted, now time.Time, msg Message[M], place int, o Output) error {
	switch {
	case o.Send != nil, o.Publish != nil:
		m, err := p.written(msg, place, o)
		if m != nil {
			w.sent = append(w.sent, m)
		}
		return err
	case o.At != nil:
		t, err := p.timerOf(msg, o.At)
		w.timers[o.At.Name] = t
		return err
	case o.Cancel != "":
		delete(w.timers, o.Cancel)
	case o.Call != nil:
		c, ok, err := p.callOf(msg, o.Call, now)
		if id := commandID(p.r.Name, msg.Instance, msg.ID, place); ok {
			w.calls[id], w.asked[id] = c, struct{}{}
		}
		return err
	case o.End:
		w.ended = true
	}
	return nil
}

// refresh notes calls that nobody has tried. Of one that is not noted, a Performer is
// asked whether it was done.
func (p *reaction[S, M]) refresh(called map[string]struct{}) {
	const most = 10_000
	if len(p.fresh)+len(called) <= most {
		maps.Copy(p.fresh, called)
	}
}

// save writes an instance, nil for one that has ended, because of a message: one
// without an ID where there is none.
func (p *reaction[S, M]) save(s *task.Scope, msg Message[M], before instance, after *instance) error {
	p.touched = true
	return saveInstance(s, p.r.Topics().Instances, because{msg.Instance, msg.ID, msg.Time}, before, after)
}

func (p *reaction[S, M]) timerOf(msg Message[M], at *AtOutput) (timer, error) {
	m, ok := at.Message.(M)
	if !ok {
		return timer{}, fmt.Errorf("timer %q brings a %T, which is no message of this reactor", at.Name, at.Message)
	}
	if !ValidID(at.Name) {
		return timer{}, fmt.Errorf("%q cannot be the name of a timer", at.Name)
	}
	payload, err := writeBy(p.r.Messages, m)
	return timer{
		Due: max(0, at.Due.UnixMilli()), Type: payload.Type, Schema: payload.SchemaVersion, Message: json.RawMessage(payload.Data),
		Causation: cmp.Or(msg.Causation, msg.ID), Correlation: msg.Correlation, Traceparent: msg.Traceparent,
	}, err
}

// written is the record of an output that is one; nil when it is of the past that is
// muted.
func (p *reaction[S, M]) written(msg Message[M], place int, o Output) (*sarama.ProducerMessage, error) {
	if o.Publish != nil {
		return p.publication(msg, place, o.Publish)
	}
	return p.command(msg, place, o.Send)
}

// command is the record of a command, in the partition of its aggregate; nil when what
// it is sent for is of the past that is muted.
func (p *reaction[S, M]) command(msg Message[M], place int, o *SendOutput) (*sarama.ProducerMessage, error) {
	if msg.Time.Before(p.r.MutedBefore) {
		return nil, nil
	}
	target, ok := p.r.target(o.Target)
	if !ok {
		return nil, fmt.Errorf("it sends to %s, which is none of the aggregates in Sends", o.Target)
	}
	m, err := target.encodeAny(commandID(p.r.Name, msg.Instance, msg.ID, place), o.Aggregate, o.Command, Metadata{
		Actor: p.r.Name, Causation: msg.Causation, Correlation: cmp.Or(msg.Correlation, msg.Causation), Traceparent: msg.Traceparent,
	}, msg.Time)
	if err != nil {
		return nil, fmt.Errorf("a command for %s of %s: %w", o.Aggregate, o.Target, err)
	}
	_, wide := target.commandsTopic()
	m.Partition, err = p.partitioner.Partition(m, wide)
	return m, err
}

func (r *Reactor[S, M]) target(topic string) (Target, bool) {
	for _, t := range r.Sends {
		if commands, _ := t.commandsTopic(); commands == topic {
			return t, true
		}
	}
	return nil, false
}
