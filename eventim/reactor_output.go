package eventim

import (
	"fmt"
	"math"
	"time"

	"github.com/IBM/sarama"
	"github.com/google/uuid"
)

// Output is something that an instance wants to happen: see
// Aggregate.Send, At, Cancel, Call, Publish and End.
// It is a value: two reactions that want the same have equal outputs, by
// reflect.DeepEqual.
type Output struct {
	Send   *SendOutput
	At     *AtOutput
	Cancel string // name of a timer
	Call   *CallOutput

	Publish *PublishOutput
	End     bool
}

// SendOutput is a command to an aggregate.
type SendOutput struct {
	Target    string // the topic of the commands
	Aggregate string // its id
	Command   any    // of the aggregate's C
}

// AtOutput is a timer.
type AtOutput struct {
	Name    string
	Due     time.Time
	Message any // of the reactor's M
}

// Send is the output that sends a command to the aggregate with that id. The command gets an id of its
// own, derived from the reactor, the instance, the message and its place among the
// outputs, so that a reaction that is repeated sends it again under the same, which
// has no second effect. Its answer is not awaited: what the aggregate makes of it is
// an event, which a source of the reactor can tell.
func (a Aggregate[S, C, E]) Send(id string, command C) Output {
	return Output{Send: &SendOutput{Target: a.Topics().Commands, Aggregate: id, Command: command}}
}

// At sets the timer of that name, in place of one that the instance has under it:
// when it is due, and all that the sources have said until then has been reacted to,
// the instance is told m, once. A time that has passed is due at once. Times are in
// milliseconds.
func At[M any](name string, due time.Time, m M) Output {
	return Output{At: &AtOutput{Name: name, Due: due.UTC().Truncate(time.Millisecond), Message: m}}
}

// Cancel removes the timer of that name, if there is one.
func Cancel(name string) Output { return Output{Cancel: name} }

// End ends the instance: its state and its timers are gone.
func End() Output { return Output{End: true} }

// CheckOutput says why an output of React cannot be carried out: nobody in Sends takes
// the command, nobody in Performs performs the effect, the topic is none of Publishes, or
// something cannot be written.
// An instance that wants it is parked.
func (r Reactor[S, M]) CheckOutput(o Output) error {
	p := &reaction[S, M]{r: r.withDefaults(), partitioner: sarama.NewMurmur2Partitioner("")}
	msg := Message[M]{Instance: "instance", ID: "message", Time: time.UnixMilli(math.MaxInt32)}
	p.r.MutedBefore = time.Time{}
	var err error
	switch {
	case o.Send != nil:
		_, err = p.command(msg, 0, o.Send)
	case o.At != nil:
		_, err = p.timerOf(msg, o.At)
	case o.Call != nil:
		_, _, err = p.callOf(msg, o.Call, msg.Time)
	case o.Publish != nil:
		_, err = p.publication(msg, 0, o.Publish)
	}
	return err
}

// commandNamespace is that of the ids of the commands that reactors send (RFC 9562,
// UUIDv5). It never changes.
var commandNamespace = uuid.MustParse("5f0f3a2e-6c1d-5b7e-9d5c-0b6a3e1f7c21")

// commandID is that of a command among the outputs of a reaction.
func commandID(reactor, instance, message string, place int) string {
	return uuid.NewSHA1(commandNamespace, fmt.Appendf(nil, "%s\x00%s\x00%s\x00%d", reactor, instance, message, place)).String()
}
