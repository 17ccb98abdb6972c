package eventim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/internal/kafkalog"
)

// Reactor turns events into commands: a process that spans several aggregates, and
// waits for what they say, or for time to pass. It has instances, such as one for
// each order; each has a state and timers, and is told messages one at a time.
//
//	events of the sources -> inbox -> React -> commands, timers
//
// Everything that an instance is told is a message of M: what a source says, and what
// a timer brings. They stand in one topic, the inbox, by instance, each once, so that
// React sees them in one order, which a restart repeats. What React returns takes
// effect as one, in the Kafka transaction that moves on in the inbox: a crash repeats
// nothing and loses nothing. It is a plain value.
type Reactor[S, M any] struct {
	// Name prefixes the topics (<name>-inbox, <name>-instances) and the consumer
	// groups. It is who acts in the commands that are sent (Metadata.Actor).
	Name string

	Messages Codec[M] // usually a Union
	State    Codec[S] // JSON[S](Name) when nil

	// Sources say which events the instances are told. A deadline is kept with
	// regard to them: a timer fires when all that the sources have said until it
	// was due has been reacted to.
	Sources []Source[M]

	// Sends are the aggregates that commands go to.
	Sends []Target

	// Performs say who carries out the effects that are called for, see Call.
	Performs []Performs[M]

	// Publishes are the topics that values are published in, see Publish.
	Publishes []Publishing

	// React says what an instance does with a message. It is a function of the two
	// alone, with no clock and no I/O: Message.Time is the time. It may change what
	// the state refers to, which is a copy. One that panics, or wants what cannot be
	// written, parks its instance, see Parked: others go on.
	React func(S, Message[M]) (S, []Output)

	// MutedBefore mutes the past: what an instance sends because of a message of
	// before that time is not sent, and what it calls for not done. A reactor that is new reads its sources from
	// their beginning, and has a state then, but does not act on what is long over.
	// Its timers are set, and one that is due later is not muted.
	MutedBefore time.Time

	// Partitions is the partition count of its topics, fixed when they are created.
	// 12 when 0.
	Partitions int32
}

// Message is what an instance is told.
type Message[M any] struct {
	Instance string

	// ID is the same whenever the message is read. Of an event it is topic, "/",
	// and the event's ID; of a timer "timer/", its name, "/", and when it was due; of
	// what a Performer says "call/" and the key of the request.
	ID string

	// Time is the Event.Time, or when a timer was due: not when it was told. Of what a
	// Performer says it is when it was told. It has milliseconds, in UTC.
	Time time.Time

	Causation   string // id of the event, or of that which set the timer
	Correlation string
	Traceparent string

	Payload M
}

// Target is an aggregate that commands can be sent to.
type Target interface {
	commandsTopic() (name string, partitions int32)
	encodeAny(id, aggregate string, command any, meta Metadata, at time.Time) (*sarama.ProducerMessage, error)
}

func (a Aggregate[S, C, E]) commandsTopic() (name string, partitions int32) {
	return a.Topics().Commands, a.withDefaults().Partitions
}

// encodeAny is the record of a command that a reactor sends.
func (a Aggregate[S, C, E]) encodeAny(id, aggregate string, command any, meta Metadata, at time.Time) (*sarama.ProducerMessage, error) {
	c, ok := command.(C)
	if !ok {
		return nil, fmt.Errorf("%T is no command of %s", command, a.Name)
	}
	cmd := Command[C]{ID: id, Aggregate: aggregate, Metadata: meta, Time: at, Payload: c}
	if err := cmd.Check(); err != nil {
		return nil, err
	}
	m, err := a.withDefaults().encodeCommand(cmd)
	if err != nil {
		return nil, err
	}
	if size := m.ByteSize(2) + kafkalog.BatchOverhead; size > maxCommandBytes {
		return nil, fmt.Errorf("%w: %d bytes", ErrTooLarge, size)
	}
	return m, nil
}

// ReactorTopics are the names of the topics of a reactor.
type ReactorTopics struct {
	Inbox     string // what instances are told, for a week
	Instances string // the state and the timers of each, compacted
	Parked    string // what instances have not heard that are parked, compacted
	Positions string // how far sources and inbox are read, compacted
}

// Topics returns the names of the topics of r.
func (r Reactor[S, M]) Topics() ReactorTopics {
	return ReactorTopics{Inbox: r.Name + "-inbox", Instances: r.Name + "-instances", Parked: r.Name + "-parked", Positions: r.Name + "-positions"}
}

// Group is the consumer group that reacts.
func (r Reactor[S, M]) Group() string { return r.Name + "-reactor" }

func (r *Reactor[S, M]) topicSpecs() []topicSpec {
	t := r.Topics()
	week := strconv.FormatInt((7 * 24 * time.Hour).Milliseconds(), 10)
	output := strconv.Itoa(maxOutputBytes)
	day := strconv.FormatInt((24 * time.Hour).Milliseconds(), 10)
	return []topicSpec{
		{t.Inbox, map[string]string{"cleanup.policy": "delete", "retention.ms": week, "max.message.bytes": output}},
		{t.Instances, map[string]string{"cleanup.policy": "compact", "delete.retention.ms": week, "max.message.bytes": output}},
		{t.Parked, map[string]string{"cleanup.policy": "compact", "delete.retention.ms": week, "max.message.bytes": output}},
		// Written by each transaction, and read when a group was forgotten: a day of them is enough.
		{t.Positions, map[string]string{"cleanup.policy": "compact", "segment.ms": day, "max.message.bytes": output}},
	}
}

// CreateTopics creates the topics of r that do not exist yet. Those of the sources
// and the targets are made by their aggregates.
func (r Reactor[S, M]) CreateTopics(ctx context.Context, k Kafka, replication int16) error {
	if err := r.validate(); err != nil {
		return err
	}
	d := r.withDefaults()
	_, err := createTopics(ctx, k, d.topicSpecs(), d.Partitions, replication)
	return err
}

func (r Reactor[S, M]) withDefaults() *Reactor[S, M] {
	if r.State == nil {
		r.State = JSON[S](r.Name)
	}
	r.Partitions = cmp.Or(r.Partitions, 12)
	return &r
}

func (r Reactor[S, M]) validate() error {
	var errs []error
	check := func(ok bool, what string) {
		if !ok {
			errs = append(errs, errors.New(what))
		}
	}
	check(ValidActor(r.Name) && r.Name != "", "Name is empty, or nobody can be called like that")
	check(r.Messages != nil, "Messages is nil")
	check(r.React != nil, "React is nil")
	check(r.Partitions >= 0, "Partitions is negative")
	begins := false
	topics := map[string]bool{}
	for _, s := range r.Sources {
		begins = begins || s.begins
		check(!topics[s.topic], "Sources has the topic "+s.topic+" twice")
		topics[s.topic] = true
	}
	check(begins, "Sources has none that begins an instance")
	performed := map[string]bool{}
	for _, p := range r.Performs {
		errs = append(errs, p.check())
		name := p.limits().effect
		check(!performed[name], "Performs has the effect "+name+" twice")
		performed[name] = true
	}
	for _, codec := range []any{r.Messages, r.withDefaults().State} {
		if c, ok := codec.(interface{ check() error }); ok {
			errs = append(errs, c.check())
		}
	}
	if err := errors.Join(append(errs, r.checkPublications())...); err != nil {
		return fmt.Errorf("reactor %q: %w", r.Name, err)
	}
	return nil
}

// Source is a topic of events that the instances of a reactor are told of.
type Source[M any] struct {
	topic  string
	begins bool
	told   func(Record) (notice[M], bool, error)
}

// notice is a message on its way into the inbox.
type notice[M any] struct {
	Message[M]
	begins  bool
	release Release // not a message, but an order to release the instance
}

// From says which events of a topic are for which instance, and what it is told. An
// event for which ok is false is for none. It is a function of the event alone. The
// messages are for instances that have begun; what is said to others is lost (see
// Begins).
func From[E, M any](t Topic[Event[E]], route func(Event[E]) (instance string, m M, ok bool)) Source[M] {
	return Source[M]{topic: t.Name, told: func(rec Record) (n notice[M], ok bool, err error) {
		e, err := t.Decode(rec)
		if err != nil {
			return n, false, err
		}
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("the source of %s panicked with %s: %v", t.Name, e.ID(), p)
			}
		}()
		n.Instance, n.Payload, ok = route(e)
		n.ID, n.Time, n.Causation, n.Correlation, n.Traceparent = t.Name+"/"+e.ID(), e.Time, e.ID(), e.Correlation, e.Traceparent
		return n, ok, nil
	}}
}

// Begins is a source whose messages begin an instance that there is not. One that has
// ended begins anew: say nothing to it that begins it, or do not let it end.
func Begins[M any](s Source[M]) Source[M] {
	s.begins = true
	return s
}

// encodeNotice is the record of a message in the inbox.
func (r *Reactor[S, M]) encodeNotice(n notice[M]) (*sarama.ProducerMessage, error) {
	if !ValidID(n.Instance) {
		return nil, fmt.Errorf("%s is for the instance %q, which cannot be the id of one", n.ID, n.Instance)
	}
	p, err := writeBy(r.Messages, n.Payload)
	if err != nil {
		return nil, fmt.Errorf("the message of %s: %w", n.ID, err)
	}
	h := cloudEvent(n.ID, p.Type, "/"+r.Name+"/inbox", n.Instance, n.Time)
	h.addInt(headerSchemaVersion, int64(p.SchemaVersion))
	h.addMetadata(Metadata{Correlation: n.Correlation, Causation: n.Causation, Traceparent: n.Traceparent})
	if n.begins {
		h.add(headerBegins, "true")
	}
	return message(r.Topics().Inbox, n.Instance, p.Data, h), nil
}

// headerBegins marks a message that begins an instance.
const headerBegins = "ce_begins"

func (r *Reactor[S, M]) decodeNotice(rec Record) (n notice[M], err error) {
	read := reader{Record: rec}
	meta := metadataOf(rec)
	n.Message = Message[M]{
		Instance: string(rec.Key), ID: rec.Header(headerID), Time: read.time(),
		Causation: meta.Causation, Correlation: meta.Correlation, Traceparent: meta.Traceparent,
	}
	n.begins = rec.Header(headerBegins) != ""
	if n.Instance == "" || n.ID == "" {
		read.fail(errors.New("it has no key, or no id"))
	}
	if n.release = Release(rec.Header(headerRelease)); n.release != "" {
		return n, read.err()
	}
	n.Payload, err = readBy(r.Messages.Decode, read.payload())
	read.fail(err)
	return n, read.err()
}
