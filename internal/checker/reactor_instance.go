package checker

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// keptInstance is an instance as it stands in its topic; see docs/reactors.md.
type keptInstance struct {
	State  json.RawMessage      `json:"state"`
	Timers map[string]keptTimer `json:"timers"`
	Calls  map[string]keptCall  `json:"calls"`
	Parked *struct {
		First int64 `json:"first"`
		Next  int64 `json:"next"`
	} `json:"parked"`
}

type keptTimer struct {
	Due     int64           `json:"due"`
	Type    string          `json:"type"`
	Message json.RawMessage `json:"message"`
}

type keptCall struct {
	Effect  string          `json:"effect"`
	Type    string          `json:"type"`
	Request json.RawMessage `json:"request"`
}

// instance judges one record of an instance: what it was written for, and what it says
// then.
func (j *reactorJudge) instance(r *Record) {
	l := j.life(string(r.Key))
	if l.broken {
		return
	}
	var kept keptInstance
	if r.Value != nil {
		if err := json.Unmarshal(r.Value, &kept); err != nil {
			j.breaks(l, Readable, r.where(), "the instance: %v", err)
			return
		}
	}
	id := r.header("ce_messageid")
	switch {
	case id == "":
		j.unheard(l, r, &kept)
	case kept.Parked != nil:
		if m, ok := j.take(l, r, id); ok {
			l.waits, l.alive = append(l.waits, m), true
		}
	default:
		j.hears(l, r, id)
	}
	if !l.broken {
		j.compare(l, r, &kept)
	}
}

// hears has an instance react.
func (j *reactorJudge) hears(l *life, r *Record, id string) {
	var m Message
	if len(l.waits) > 0 && l.waits[0].ID == id {
		m, l.waits = l.waits[0], l.waits[1:]
		l.first++
	} else {
		var ok bool
		if m, ok = j.take(l, r, id); !ok {
			return
		}
	}
	state, wants, err := j.r.React(l.state, m)
	if err != nil {
		j.breaks(l, InstanceFold, r.where(), "%s cannot react to %s: %v", r.Key, id, err)
		return
	}
	j.report.Heard++
	if !l.alive {
		j.report.Instances++
	}
	l.state, l.alive = state, true
	for place, w := range wants {
		j.want(l, m, place, w)
	}
}

func (j *reactorJudge) want(l *life, m Message, place int, w Want) {
	id := derivedID(j.r.Name, m.Instance, m.ID, place)
	switch {
	case w.Send != nil:
		j.sends[id] = sending{*w.Send, m}
	case w.At != nil:
		l.timers[w.At.Name] = *w.At
	case w.Cancel != "":
		delete(l.timers, w.Cancel)
	case w.Call != nil:
		l.calls[id] = *w.Call
	case w.End:
		j.report.Ended++
		l.alive, l.ended, l.state, l.waits, l.first = false, true, nil, nil, 0
		clear(l.timers)
		clear(l.calls)
	}
}

// unheard judges a record that no message led to: an attempt failed, or somebody has
// released an instance that was parked.
func (j *reactorJudge) unheard(l *life, r *Record, kept *keptInstance) {
	switch {
	case r.Value != nil && !l.alive && l.ended:
		j.breaks(l, EndedStays, r.where(), "%s has ended, and is written again", r.Key)
	case r.Value != nil && !l.alive:
		j.report.Unfolded++ // by a version that did not say why
		l.broken, j.broken = true, true
	case r.Value == nil:
		l.alive, l.ended, l.waits, l.first = false, true, nil, 0
	case kept.Parked == nil:
		if len(l.waits) > 0 {
			j.breaks(l, ParkedKept, r.where(), "%s goes on, and %d messages wait for it", r.Key, len(l.waits))
		}
		l.first = 0
	default:
		j.discarded(l, r, kept.Parked.First-l.first, kept.Parked.Next)
	}
}

// discarded leaves out the first of the messages that wait.
func (j *reactorJudge) discarded(l *life, r *Record, n, next int64) {
	if n < 0 || n > int64(len(l.waits)) || next != l.first+int64(len(l.waits)) {
		j.breaks(l, ParkedKept, r.where(), "%d messages wait for %s from %d on, and it says %s", len(l.waits), r.Key, l.first, short(r.Value))
		return
	}
	l.waits, l.first = l.waits[n:], l.first+n
}

// compare holds an instance against what it has to be.
func (j *reactorJudge) compare(l *life, r *Record, kept *keptInstance) {
	if (r.Value != nil) != l.alive {
		j.breaks(l, InstanceFold, r.where(), "%s is there: %t, and should be: %t", r.Key, r.Value != nil, l.alive)
	}
	if r.Value == nil || l.broken {
		return
	}
	want, err1 := digestOf(l.state)
	got, err2 := digestOfJSON(kept.State)
	if err1 != nil || err2 != nil || want != got {
		state, _ := json.Marshal(l.state)
		j.breaks(l, InstanceFold, r.where(), "%s is %s, and should be %s", r.Key, short(kept.State), short(state))
	}
	for name, t := range l.timers {
		if k, set := kept.Timers[name]; !set || k.Due != t.Due.UnixMilli() || !t.same(k.Type, k.Message) {
			j.breaks(l, TimerKept, r.where(), "the timer %s of %s is due at %d, and it has %+v", name, r.Key, t.Due.UnixMilli(), k)
		}
	}
	for id, c := range l.calls {
		if k, waits := kept.Calls[id]; !waits || k.Effect != c.Effect || !c.same(k.Type, k.Request) {
			j.breaks(l, CallKept, r.where(), "%s waits for the call %s, and it has %+v", r.Key, id, k)
		}
	}
	j.left(l, r, kept)
}

// left judges that nothing is set, or waits, that is over.
func (j *reactorJudge) left(l *life, r *Record, kept *keptInstance) {
	for name := range kept.Timers {
		if _, set := l.timers[name]; !set {
			j.breaks(l, TimerOnce, r.where(), "the timer %s of %s has fired, was cancelled or never set, and it is set", name, r.Key)
		}
	}
	for id := range kept.Calls {
		if _, waits := l.calls[id]; !waits {
			j.breaks(l, AnsweredOnce, r.where(), "the call %s of %s is answered, or was never made, and it waits", id, r.Key)
		}
	}
}

// take finds where a message comes from, and takes it away there.
func (j *reactorJudge) take(l *life, r *Record, id string) (Message, bool) {
	for i, q := range l.queue {
		if q.header("ce_id") == id {
			return j.takeInbox(l, r, i)
		}
	}
	switch name, key, _ := strings.Cut(id, "/"); {
	case !l.alive && l.ended:
		j.breaks(l, EndedStays, r.where(), "%s has ended, and hears %s", r.Key, id)
	case name == "timer":
		return j.takeTimer(l, r, key)
	case name == "call":
		return j.takeCall(l, r, key)
	case l.heard[id]:
		j.breaks(l, HeardInOrder, r.where(), "%s hears %s again", r.Key, id)
	default:
		j.breaks(l, KnownCause, r.where(), "%s hears %s, which is not in its inbox", r.Key, id)
	}
	return Message{}, false
}

// takeInbox takes the i-th of what an instance has not heard. Those before it were for
// one that there was not.
func (j *reactorJudge) takeInbox(l *life, r *Record, i int) (m Message, ok bool) {
	q := l.queue[i]
	for _, before := range l.queue[:i] {
		if l.alive || before.header("ce_begins") != "" {
			j.breaks(l, HeardInOrder, r.where(), "%s hears %s, and has not heard %s", r.Key, q.header("ce_id"), before.header("ce_id"))
			return m, false
		}
	}
	if !l.alive && q.header("ce_begins") == "" {
		j.breaks(l, EndedStays, r.where(), "%s has ended, or has not begun, and hears %s", r.Key, q.header("ce_id"))
		return m, false
	}
	l.queue = l.queue[i+1:]
	at, err := time.Parse(time.RFC3339Nano, q.header("ce_time"))
	if err != nil {
		j.breaks(l, Readable, q.where(), "the time of the message: %v", err)
	}
	m = Message{string(q.Key), q.header("ce_id"), at, Said{q.header("ce_type"), q.Value}}
	l.heard[m.ID] = true
	return m, !l.broken
}

// What was in the inbox before a timer was due has to be heard before it, but for what
// clocks may be apart. A source may have said it earlier than others could see: its time
// is when it was first sent, and a transaction can last.
const (
	skew     = time.Second
	onItsWay = 30 * time.Second
)

func (j *reactorJudge) takeTimer(l *life, r *Record, id string) (m Message, ok bool) {
	slash := strings.LastIndex(id, "/")
	due, err := strconv.ParseInt(id[slash+1:], 10, 64)
	name := id[:max(slash, 0)]
	t, set := l.timers[name]
	if err != nil || !set || t.Due.UnixMilli() != due {
		j.breaks(l, TimerOnce, r.where(), "%s hears the timer %s, which has fired, was cancelled, or never set", r.Key, id)
		return m, false
	}
	if r.Time.Before(t.Due) {
		j.violate(TimerDue, r.where(), "the timer %s of %s fires at %s", id, r.Key, r.Time.UTC())
	}
	for _, q := range l.queue {
		if said, known := j.said[q.header("ce_id")]; known && (said.Add(onItsWay).Before(t.Due) || q.Time.Add(skew).Before(t.Due)) {
			j.violate(DrainFirst, r.where(), "the timer %s of %s fires, which has not heard %s, said at %s", id, r.Key, q.header("ce_id"), said.UTC())
		}
	}
	delete(l.timers, name)
	j.report.Fired++
	return Message{string(r.Key), "timer/" + id, t.Due.UTC(), t.Said}, true
}

func (j *reactorJudge) takeCall(l *life, r *Record, id string) (m Message, ok bool) {
	c, waits := l.calls[id]
	if !waits || j.r.Answers == nil {
		j.breaks(l, AnsweredOnce, r.where(), "%s hears what has come of the call %s, which is answered, or was never made", r.Key, id)
		return m, false
	}
	at, err := time.Parse(time.RFC3339Nano, r.header("ce_time"))
	if err != nil {
		j.breaks(l, Readable, r.where(), "the time of the message: %v", err)
		return m, false
	}
	delete(l.calls, id)
	j.report.Answered++
	return Message{string(r.Key), "call/" + id, at, j.r.Answers(string(r.Key), c)}, true
}
