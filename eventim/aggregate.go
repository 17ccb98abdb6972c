package eventim

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Aggregate is a domain and its topics, declared in one place:
//
//	commands -> results -> events, snapshots
//
// It is a plain value: copy it and change the name for a test.
type Aggregate[S, C, E any] struct {
	// Name prefixes the topics (<name>-commands, …) and the consumer group.
	Name string

	Decider[S, C, E]

	Commands Codec[C] // usually a Union
	Events   Codec[E] // usually a Union
	State    Codec[S] // JSON[S](Name) when nil

	// Revision is the state revision. Raise it when Evolve or S changes what
	// the fold of the same events is: snapshots of an older revision are then
	// folded again from the events when a partition is taken over. 1 when 0.
	Revision int

	// Partitions is the partition count of all five topics, fixed when they
	// are created. 12 when 0.
	Partitions int32

	// Deduplication is how long a command id is remembered, which is the
	// retention of the results topic. 24 h when 0.
	Deduplication time.Duration
}

// Topics are the names of the topics of an aggregate. The types of what they
// carry are in CommandTopic, ResultTopic, EventTopic and SnapshotTopic.
type Topics struct {
	Commands, Results, Events, Snapshots, DeadLetters string
}

// Topics returns the names of the topics of a.
func (a Aggregate[S, C, E]) Topics() Topics {
	return Topics{
		Commands: a.Name + "-commands", Results: a.Name + "-results", Events: a.Name + "-events",
		Snapshots: a.Name + "-snapshots", DeadLetters: a.Name + "-dead-letters",
	}
}

// Group is the consumer group of the command handlers of a.
func (a Aggregate[S, C, E]) Group() string { return a.Name + "-handler" }

// Topic is a topic that carries values of T.
type Topic[T any] struct {
	Name   string
	Decode func(Record) (T, error)

	// Compacted says that Kafka keeps the last record of each key only. A record
	// without a value is then no value of T but a deletion, a tombstone. In any
	// other topic it is a record that somebody else has written.
	Compacted bool
}

// Deletes tells whether r is a tombstone of t, which Decode is not for.
func (t Topic[T]) Deletes(r Record) bool { return t.Compacted && r.Value == nil }

// CommandTopic carries what clients ask for.
func (a Aggregate[S, C, E]) CommandTopic() Topic[Command[C]] {
	return Topic[Command[C]]{Name: a.Topics().Commands, Decode: a.withDefaults().decodeCommand}
}

// ResultTopic carries the answers.
func (a Aggregate[S, C, E]) ResultTopic() Topic[Result[S, E]] {
	return Topic[Result[S, E]]{Name: a.Topics().Results, Decode: a.withDefaults().decodeResult}
}

// EventTopic carries the history, for ever.
func (a Aggregate[S, C, E]) EventTopic() Topic[Event[E]] {
	return Topic[Event[E]]{Name: a.Topics().Events, Decode: a.withDefaults().decodeEvent}
}

// SnapshotTopic carries the last state of each aggregate. The handler writes no
// tombstones into it: an aggregate that has a history has a state.
func (a Aggregate[S, C, E]) SnapshotTopic() Topic[Snapshot[S]] {
	return Topic[Snapshot[S]]{Name: a.Topics().Snapshots, Decode: a.withDefaults().decodeSnapshot, Compacted: true}
}

func (a Aggregate[S, C, E]) withDefaults() *Aggregate[S, C, E] {
	if a.State == nil {
		a.State = JSON[S](a.Name)
	}
	a.Revision = cmp.Or(a.Revision, 1)
	a.Partitions = cmp.Or(a.Partitions, 12)
	a.Deduplication = cmp.Or(a.Deduplication, 24*time.Hour)
	return &a
}

func (a Aggregate[S, C, E]) validate() error {
	var errs []error
	check := func(ok bool, what string) {
		if !ok {
			errs = append(errs, errors.New(what))
		}
	}
	check(a.Name != "", "Name is empty")
	check(a.Decide != nil, "Decide is nil")
	check(a.Evolve != nil, "Evolve is nil")
	check(a.Commands != nil, "Commands is nil")
	check(a.Events != nil, "Events is nil")
	check(a.Revision >= 0, "Revision is negative")
	check(a.Partitions >= 0, "Partitions is negative")
	check(a.Deduplication >= 0, "Deduplication is negative")
	for _, codec := range []any{a.Commands, a.Events, a.withDefaults().State} {
		if c, ok := codec.(interface{ check() error }); ok {
			errs = append(errs, c.check())
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("aggregate %q: %w", a.Name, err)
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
