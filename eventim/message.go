package eventim

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Command asks one aggregate to do something. Commands of an aggregate are
// handled one at a time, in the order in which Kafka accepted them.
type Command[C any] struct {
	// ID identifies the command among those of its aggregate: a repeat within
	// the deduplication window is answered with the first answer, accepted,
	// rejected or failed, and has no second effect; another command under it is
	// rejected with CodeCommandIDReused. For another aggregate, the same id is
	// another command. Send fills in a UUIDv7 when it is empty.
	ID string

	// Aggregate is the id of the aggregate that the command is for. It is the
	// record key, and so decides the partition.
	Aggregate string

	// Expected is the version that the sender saw. When the aggregate is at
	// another one, the command is rejected with CodeVersionConflict. Nil means
	// any version; 0 means that the aggregate must be new.
	Expected *int64

	Metadata

	// Time is when the broker appended the record, in milliseconds precision and
	// UTC: no promise rests on the clock of a sender. It is set by reading: a
	// decision that needs a clock takes this one, so that deciding again decides
	// the same. What an event or a state keeps of it comes back equal, by == too.
	// It does not always go forward from one command to the next, since brokers
	// have clocks of their own. Never compare it with time.Now, which has
	// nanoseconds, another location, and another answer each time.
	Time time.Time

	// Position is where the command stands in its topic; set by reading.
	Position Position

	Payload C
}

// Metadata travels from a command to everything that it causes.
type Metadata struct {
	Origin      string // the session that awaits the result, such as a page
	Actor       string // who asks: a user, a service
	Correlation string // groups a whole conversation; the command's id when empty
	Causation   string // what caused it: the id of a command or an event
	Traceparent string // W3C Trace Context
}

// Event is a fact about an aggregate: the Version-th one, counting from 1.
type Event[E any] struct {
	Aggregate string
	Version   int64
	Time      time.Time // of the command that caused it
	Command   string    // id of the command that caused it
	Metadata
	CommandPosition Position // in the commands topic
	Position        Position // in the events topic; set by reading
	Payload         E
}

// ID identifies the event: aggregate and version, which never change. An
// offset does when a topic is copied to another cluster.
func (e Event[E]) ID() string { return eventID(e.Aggregate, e.Version) }

func eventID(aggregate string, version int64) string {
	return aggregate + "/" + strconv.FormatInt(version, 10)
}

// Snapshot is the state of an aggregate after its first Version events. The
// zero snapshot of an aggregate is its state before the first event.
type Snapshot[S any] struct {
	Aggregate       string
	Version         int64
	Revision        int       // state revision of the code that folded it
	Time            time.Time // of the last command
	Command         string    // id of the last command that changed it
	CommandPosition Position  // in the commands topic
	Position        Position  // in the snapshots topic; set by reading
	State           S
}

// Outcome says what became of a command.
type Outcome string

const (
	// Accepted commands caused the events of the result, possibly none.
	Accepted Outcome = "accepted"
	// Rejected commands changed nothing; code and message say why.
	Rejected Outcome = "rejected"
	// Failed commands changed nothing because they could not be handled:
	// undecodable, crashing, too large. They are dead letters too.
	Failed Outcome = "failed"
)

// Result answers one command.
type Result[S, E any] struct {
	Command   string // id of the command
	Aggregate string
	Outcome   Outcome
	Version   int64 // of the aggregate after the command
	Time      time.Time
	Metadata

	Events    []Event[E]   // of an accepted command, in order
	Snapshot  *Snapshot[S] // of an accepted command: the state that it led to
	Rejection *Rejection   // of any other

	// Replayed marks the answer to a repeated command id: what is here was
	// decided for the first command of that id.
	Replayed bool

	CommandPosition Position // in the commands topic
	Position        Position // in the results topic; set by reading
}

// Effect is the position of the command that caused the events, which is the
// token for reading what this result tells. The one of a replay is that of the
// first command. It is false when there is nothing to wait for, since nothing
// took effect: then no view will ever show CommandPosition.
func (r Result[S, E]) Effect() (Position, bool) {
	if len(r.Events) == 0 {
		return Position{}, false
	}
	return r.Events[0].CommandPosition, true
}

// Position is a place in a partitioned topic. The position of a command is
// the token for reading one's own writes.
type Position struct {
	Partition int32
	Offset    int64
}

// String is "partition:offset", the form of URLs and headers.
func (p Position) String() string {
	return strconv.Itoa(int(p.Partition)) + ":" + strconv.FormatInt(p.Offset, 10)
}

// ParsePosition reads what Position.String wrote.
func ParsePosition(s string) (Position, error) {
	partition, offset, _ := strings.Cut(s, ":")
	p, err1 := strconv.ParseInt(partition, 10, 32)
	o, err2 := strconv.ParseInt(offset, 10, 64)
	if err1 != nil || err2 != nil || p < 0 || o < 0 {
		return Position{}, fmt.Errorf("position %q: want partition:offset, such as 3:1042", s)
	}
	return Position{int32(p), o}, nil
}
