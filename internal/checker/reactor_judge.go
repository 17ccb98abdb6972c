package checker

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// reactorJudge holds what the rules of a reactor share.
type reactorJudge struct {
	r      Reactor
	log    *ReactorLog
	around []*Log
	report *ReactorReport

	lives  map[string]*life
	said   map[string]time.Time // when a source said it, by the id of the message
	sends  map[string]sending   // what reactions want to be sent, by id
	broken bool                 // not all that reactions want is known
}

// life is what an instance has to be, message by message.
type life struct {
	alive, ended bool
	broken       bool // what it has to be is not known any more
	state        any
	timers       map[string]Timer
	calls        map[string]Request // by id
	heard        map[string]bool
	queue        []*Record // of the inbox, which it has not heard
	waits        []Message // while it is parked
	first        int64     // the number of the first of them
}

func newReactorJudge(r Reactor, log *ReactorLog, around []*Log) *reactorJudge {
	return &reactorJudge{
		r: r, log: log, around: around, report: &ReactorReport{Name: r.Name},
		lives: map[string]*life{}, said: map[string]time.Time{}, sends: map[string]sending{},
	}
}

func (j *reactorJudge) violate(rule Rule, where, format string, args ...any) {
	j.report.Violations = append(j.report.Violations, Violation{rule, where, fmt.Sprintf(format, args...)})
}

// breaks is violate for what leaves it unknown what the instance has to be.
func (j *reactorJudge) breaks(l *life, rule Rule, where, format string, args ...any) {
	l.broken, j.broken = true, true
	j.violate(rule, where, format, args...)
}

func (j *reactorJudge) life(id string) *life {
	l := j.lives[id]
	if l == nil {
		l = &life{timers: map[string]Timer{}, calls: map[string]Request{}, heard: map[string]bool{}}
		j.lives[id] = l
	}
	return l
}

// transactions judges the broker's word, and that each record is in its partition.
func (j *reactorJudge) transactions() {
	of := &judge{log: &Log{}, report: &Report{}}
	for _, t := range j.log.topics() {
		for p := range t.Partitions {
			of.partitionTransactions(t, int32(p), &t.Partitions[p])
		}
	}
	for _, t := range []*Topic{&j.log.Inbox, &j.log.Instances} {
		each(t, func(_ int, r *Record) { of.placed(t, r) })
	}
	j.report.Violations = append(j.report.Violations, of.report.Violations...)
}

// told judges that each event that a source says is in the inbox once, as it is said,
// and that there is nothing else.
func (j *reactorJudge) told() {
	inbox := map[string][]*Record{}
	each(&j.log.Inbox, func(_ int, r *Record) {
		if r.header("ce_release") == "" {
			inbox[r.header("ce_id")] = append(inbox[r.header("ce_id")], r)
			j.report.Told++
		}
	})
	for _, s := range j.r.Sources {
		for _, log := range j.around {
			if log.Events.Name == s.Events {
				each(&log.Events, func(_ int, e *Record) { j.source(s, e, inbox) })
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(inbox)) {
		if _, said := j.said[id]; !said {
			j.violate(ToldOnce, inbox[id][0].where(), "no source says %s", id)
		}
	}
}

func (j *reactorJudge) source(s ReactorSource, e *Record, inbox map[string][]*Record) {
	instance, m, ok := s.Tells(string(e.Key), Event{e.header("ce_type"), int(e.count("ce_schemaversion")), e.Value})
	if !ok {
		return
	}
	id := s.Events + "/" + e.header("ce_id")
	j.said[id] = e.Time
	told := inbox[id]
	if len(told) != 1 {
		j.violate(ToldOnce, e.where(), "%s is in the inbox %d times", id, len(told))
	}
	if len(told) == 0 {
		return
	}
	r := told[0]
	if string(r.Key) != instance || !m.same(r.header("ce_type"), r.Value) || r.header("ce_time") != e.header("ce_time") || (r.header("ce_begins") == "true") != s.Begins {
		j.violate(ToldOnce, r.where(), "%s says %s %s to %s, and the inbox has %s %s for %s", id, m.Type, short(m.Data), instance, r.header("ce_type"), short(r.Value), r.Key)
	}
}

// inbox lays before each instance what it is to hear. What one partition of a source
// says is in its order.
func (j *reactorJudge) inbox() {
	last := map[string]int64{} // the version, by instance, topic and aggregate
	each(&j.log.Inbox, func(_ int, r *Record) {
		if r.header("ce_release") != "" {
			return
		}
		aggregate, version := origin(r.header("ce_id"))
		key := string(r.Key) + " " + aggregate
		if version <= last[key] {
			j.violate(ToldOnce, r.where(), "%s comes after version %d", r.header("ce_id"), last[key])
		}
		last[key] = version
		l := j.life(string(r.Key))
		l.queue = append(l.queue, r)
	})
}

// rest judges what is left when all is said and done: nothing that an instance has not
// heard, and no timer that should have fired.
func (j *reactorJudge) rest() {
	for _, id := range slices.Sorted(maps.Keys(j.lives)) {
		l := j.lives[id]
		if l.broken {
			continue
		}
		for _, r := range l.queue {
			if l.alive || r.header("ce_begins") != "" {
				j.violate(HeardInOrder, r.where(), "%s has not heard %s", id, r.header("ce_id"))
			}
		}
		j.report.Timers += len(l.timers)
		for name, t := range l.timers {
			if t.Due.Add(overdue).Before(j.log.Read) {
				j.violate(TimerKept, id, "the timer %s was due at %s, and has not fired at %s", name, t.Due.UTC(), j.log.Read.UTC())
			}
		}
	}
}

// overdue is how long a timer may be due without a violation: it fires a little later,
// and whoever reads the evidence waits for those that are due.
const overdue = 10 * time.Second
