package checker

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// The rules of reactors.
const (
	ToldOnce     Rule = "what a source says is in the inbox once"
	HeardInOrder Rule = "an instance hears each message of its inbox once, in their order"
	InstanceFold Rule = "an instance is the fold of what it heard"
	TimerKept    Rule = "a timer is not lost"
	TimerOnce    Rule = "a timer fires once"
	TimerDue     Rule = "a timer does not fire before it is due"
	DrainFirst   Rule = "a timer fires after what was said before it was due"
	OutputKept   Rule = "a command that a reaction wants is sent, as it wants it"
	OutputOnce   Rule = "a command that a reaction wants is sent once"
	OutputWanted Rule = "a reactor sends what a reaction wants, and nothing else"
	OutputEffect Rule = "a command of a reactor has one effect"
	CallKept     Rule = "a call is not lost"
	AnsweredOnce Rule = "what comes of a call is told once"
	EndedStays   Rule = "an instance that has ended does not come back"
	ParkedKept   Rule = "what waits for a parked instance is kept"
)

// Reactor says by what a reactor is judged. What it does is written for the judge,
// from its specification: nothing here calls the code under judgement.
type Reactor struct {
	Name    string
	Sources []ReactorSource
	Sends   []string // the names of the aggregates that it sends to

	// React is what an instance does with a message; its state is nil before it has
	// begun. States are compared as JSON.
	React func(state any, m Message) (after any, wants []Want, err error)

	// Answers is what the world outside says to a request; nil when nothing is
	// called for.
	Answers func(instance string, q Request) Said
}

// ReactorSource is a topic of events that instances are told of.
type ReactorSource struct {
	Events string // the topic
	Begins bool
	Tells  func(aggregate string, e Event) (instance string, m Said, ok bool)
}

// Said is a payload, as JSON.
type Said struct {
	Type string
	Data []byte
}

// Say is the payload of a value.
func Say(name string, v any) Said {
	data, err := json.Marshal(v)
	if err != nil {
		data = []byte(err.Error()) // equal to nothing
	}
	return Said{name, data}
}

func (s Said) same(name string, data []byte) bool {
	want, err1 := digestOfJSON(s.Data)
	got, err2 := digestOfJSON(data)
	return s.Type == name && err1 == nil && err2 == nil && want == got
}

// Message is what an instance hears.
type Message struct {
	Instance string
	ID       string
	Time     time.Time
	Said
}

// Want is one thing that a reaction wants: the field that is not zero.
type Want struct {
	Send   *Send
	At     *Timer
	Cancel string // a timer
	Call   *Request
	End    bool
}

// Send is a command for an aggregate.
type Send struct {
	Commands, To string // the topic, and the aggregate
	Said
}

// Timer is what an instance is told at a time.
type Timer struct {
	Name string
	Due  time.Time
	Said
}

// Request is what the world outside is asked.
type Request struct {
	Effect string
	Said
}

// ReactorLog is what a reactor has in Kafka, beside its sources and targets.
type ReactorLog struct {
	Inbox, Instances, Parked Topic

	Read    time.Time // when it was
	Forgets bool      // retention or compaction have removed something: it cannot be judged
}

func newReactorLog(name string) *ReactorLog {
	return &ReactorLog{
		Inbox: Topic{Name: name + "-inbox"}, Instances: Topic{Name: name + "-instances", Compacted: true},
		Parked: Topic{Name: name + "-parked", Compacted: true},
	}
}

func (l *ReactorLog) topics() []*Topic { return []*Topic{&l.Inbox, &l.Instances, &l.Parked} }

// ReactorReport is the judgement of a reactor.
type ReactorReport struct {
	Name       string
	Forgotten  bool // it was not judged: what it did is not there any more
	Told       int  // messages in the inbox
	Heard      int  // by instances
	Fired      int  // timers
	Answered   int  // calls
	Sent       int  // commands
	Instances  int  // that have begun
	Ended      int
	Waiting    int // messages of those that are parked
	Timers     int // that are pending
	Unfolded   int // records of an earlier version, which do not say what they are written for
	Violations []Violation
}

// String is the report for people, but for what is wrong.
func (r *ReactorReport) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "reactor %s: %d messages told, %d heard by %d instances, %d timers fired, %d calls answered, %d commands sent; %d ended, %d timers and %d parked messages wait",
		r.Name, r.Told, r.Heard, r.Instances, r.Fired, r.Answered, r.Sent, r.Ended, r.Timers, r.Waiting)
	if r.Forgotten {
		b.WriteString("; its topics do not have all of its past: not judged")
	}
	if r.Unfolded > 0 {
		fmt.Fprintf(&b, "; %d records of an earlier version are not judged", r.Unfolded)
	}
	return b.String()
}

// JudgeReactor judges what was read of a reactor, with the logs of the aggregates that
// it hears and sends to.
func JudgeReactor(r Reactor, log *ReactorLog, around ...*Log) *ReactorReport {
	j := newReactorJudge(r, log, around)
	if j.report.Forgotten = log.Forgets; log.Forgets {
		return j.report
	}
	j.transactions()
	j.told()
	j.inbox()
	for p := range log.Instances.Partitions {
		for i := range log.Instances.Partitions[p].Visible {
			j.instance(&log.Instances.Partitions[p].Visible[i])
		}
	}
	j.rest()
	j.parked()
	j.outputs()
	return j.report
}
