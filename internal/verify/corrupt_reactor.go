package verify

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/eventim-go/eventim/internal/checker"
)

// The corruptions of reactors.
var ofReactors = []Corruption{
	{"an event that a reactor was not told", checker.ToldOnce, untold},
	{"an event that a reactor was told twice", checker.ToldOnce, toldTwice},
	{"a message of an inbox that was skipped", checker.HeardInOrder, skipped},
	{"an instance that is not the fold", checker.InstanceFold, otherInstance},
	{"a command of a reactor that was lost", checker.OutputKept, lostOutput},
	{"a command of a reactor that was sent twice", checker.OutputOnce, doubledOutput},
	{"a command that no reaction wants", checker.OutputWanted, foreignOutput},
	{"a command of a reactor that took effect twice", checker.OutputEffect, outputTwice},
	{"a timer that was lost", checker.TimerKept, lostTimer},
	{"a timer that fired twice", checker.TimerOnce, func(e *Evidence) error { return e.heardAgain("timer/") }},
	{"a timer that fired early", checker.TimerDue, earlyTimer},
	{"a timer that fired before its drain", checker.DrainFirst, undrainedTimer},
	{"a call that was lost", checker.CallKept, lostCall},
	{"an effect that was answered twice", checker.AnsweredOnce, func(e *Evidence) error { return e.heardAgain("call/") }},
	{"an instance that ended and came back", checker.EndedStays, cameBack},
	{"a parked message that was lost", checker.ParkedKept, lostParked},
}

// instances are those of all reactors.
func (e *Evidence) instances() (all []*checker.Topic) {
	for _, r := range e.Reactors {
		all = append(all, &r.Log.Instances)
	}
	return all
}

// places are the partitions and indexes of the records that match.
type place struct {
	p *checker.Partition
	n int
}

func (at place) record() checker.Record { return at.p.Visible[at.n] }

// find finds a record of an instance.
func (e *Evidence) find(match func(at place) bool) (place, error) {
	for _, t := range e.instances() {
		for i := range t.Partitions {
			for n := range t.Partitions[i].Visible {
				if at := (place{&t.Partitions[i], n}); match(at) {
					return at, nil
				}
			}
		}
	}
	return place{}, errNothing
}

// next is the next record of the same instance, and before the one before it.
func (at place) next() (place, bool) {
	key := at.record().Key
	for n := at.n + 1; n < len(at.p.Visible); n++ {
		if bytes.Equal(at.p.Visible[n].Key, key) {
			return place{at.p, n}, true
		}
	}
	return place{}, false
}

func (at place) before() (place, bool) {
	key := at.record().Key
	for n := at.n - 1; n >= 0; n-- {
		if bytes.Equal(at.p.Visible[n].Key, key) {
			return place{at.p, n}, true
		}
	}
	return place{}, false
}

// heard is the message that a record was written because of.
func (at place) heard() string {
	r := at.record()
	return header(&r, "ce_messageid")
}

// ofInbox tells whether that is one of the inbox.
func (at place) ofInbox() bool { return strings.Contains(at.heard(), "-events/") }

// edited is an instance with something else in it.
func edited(r checker.Record, change func(map[string]json.RawMessage)) checker.Record {
	var fields map[string]json.RawMessage
	_ = json.Unmarshal(r.Value, &fields) // it was judged to be right
	change(fields)
	r.Value, _ = json.Marshal(fields)
	return r
}

func (e *Evidence) inbox() (*checker.Partition, int, error) {
	if len(e.Reactors) == 0 {
		return nil, 0, errNothing
	}
	return pick(&e.Reactors[0].Log.Inbox, func(r *checker.Record) bool { return header(r, "ce_release") == "" })
}

func untold(e *Evidence) error {
	p, n, err := e.inbox()
	if err == nil {
		remove(p, n)
	}
	return err
}

func toldTwice(e *Evidence) error {
	p, n, err := e.inbox()
	if err == nil {
		write(p, p.Visible[n])
	}
	return err
}

// skipped lets an instance not have heard what it heard before something else.
func skipped(e *Evidence) error {
	at, err := e.find(func(at place) bool {
		next, ok := at.next()
		return ok && at.ofInbox() && next.ofInbox()
	})
	if err == nil {
		remove(at.p, at.n)
	}
	return err
}

func otherInstance(e *Evidence) error {
	at, err := e.find(func(at place) bool { return at.record().Value != nil })
	if err == nil {
		replace(at.p, at.n, edited(at.record(), func(f map[string]json.RawMessage) { f["state"] = json.RawMessage(`{"another":1}`) }))
	}
	return err
}

// output finds a command that a reactor has sent, and the log that it is in.
func (e *Evidence) output() (*checker.Log, *checker.Partition, int, error) {
	for _, r := range e.Reactors {
		for _, log := range r.logs(e) {
			p, n, err := pick(&log.Commands, func(c *checker.Record) bool { return header(c, "ce_actor") == r.Name })
			if err == nil {
				return log, p, n, nil
			}
		}
	}
	return nil, nil, 0, errNothing
}

func lostOutput(e *Evidence) error {
	_, p, n, err := e.output()
	if err == nil {
		remove(p, n)
	}
	return err
}

func doubledOutput(e *Evidence) error {
	_, p, n, err := e.output()
	if err == nil {
		write(p, p.Visible[n])
	}
	return err
}

func foreignOutput(e *Evidence) error {
	_, p, n, err := e.output()
	if err != nil {
		return err
	}
	r := p.Visible[n]
	r.Headers = slices.Clone(r.Headers)
	for i := range r.Headers {
		if r.Headers[i].Name == "ce_id" {
			r.Headers[i].Value = []byte("of nobody")
		}
	}
	write(p, r)
	return nil
}

// outputTwice lets a command of a reactor be answered again as if it were new.
func outputTwice(e *Evidence) error {
	log, p, n, err := e.output()
	if err != nil {
		return err
	}
	id := header(&p.Visible[n], "ce_id")
	results, n, err := pick(&log.Results, func(r *checker.Record) bool { return header(r, "ce_commandid") == id })
	if err == nil {
		write(results, results.Visible[n])
	}
	return err
}
