// Package eventim runs a domain as a stream processor on Kafka: commands come
// from one topic, and what they cause goes to three others in one transaction.
//
//	commands ──► handler ──┬─► results    for whoever asked
//	              │  ▲     ├─► events     the history, for ever
//	              ▼  │     └─► snapshots  the last state of each aggregate
//	           state store ◄──────┘       restored from the snapshots
//
// # A domain is two functions
//
// A [Decider] answers a command with events or a rejection, and folds events
// into a state. Both functions are pure: no clock, no randomness, no I/O. An
// [Aggregate] is a decider with a name and the wire names of its commands and
// events; it declares all five topics. The example of the package is a whole
// one.
//
// # Running it
//
//	handler, err := eventim.NewHandler(aggregate, eventim.HandlerConfig{Kafka: kafka, Dir: "data"})
//	err = handler.Run(ctx) // until ctx ends
//
// [Aggregate.CreateTopics] creates the topics once, and a handler refuses to
// start on wrong ones with the list of differences. Start as many handlers as
// there are partitions; each with a data directory of its own. One that stops
// or dies is replaced by the others.
//
// [NewSender] connects a [Sender], whose Send returns when Kafka has the
// command. The answer arrives as a [Result]: follow the results with [Tail].
// Views are kept by package projector.
//
// # What you may rely on
//
//   - A command id takes effect at most once for its aggregate within the
//     deduplication window, and a repeat gets the first answer again. So after
//     an error of Send, send the same command again. Whatever clocks the senders
//     have: the brokers say when a command came.
//   - The events of a command are visible together or not at all, and the
//     versions of an aggregate are 1, 2, 3 … without a gap.
//   - A command with an Expected version that has passed is rejected.
//   - A command that cannot be decoded, or whose decision panics, gets a failed
//     result and a dead letter; it does not stop its partition.
//   - An event or snapshot that cannot be read does stop its partition, and
//     only that: [Handler.Status] says why. History is never skipped.
//
// It promises no transaction across aggregates and no order between them.
//
// # Changing the code
//
// A wire name, once written, stays. A payload that changes its shape gets an
// [Upcaster], which raises its schema version. When the fold changes (other
// states from the same events), raise [Aggregate.Revision]: the states are
// then made again from the events. eventimtest.Fold finds out when that was
// forgotten. An older program that meets a state with more than it knows stops
// the partition.
package eventim
