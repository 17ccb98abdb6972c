// Package checker judges a system of command handlers by what it left in
// Kafka: nothing acknowledged is lost, nothing took effect twice, history has
// no gap, and every copy of the state is the fold of the events.
//
// It is independent of what it judges: it has its own Kafka client, reads the
// wire form by its own code, and gets the fold of the domain from its caller.
package checker

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Event is an event as a Fold sees it.
type Event struct {
	Type          string
	SchemaVersion int
	Data          []byte
}

// Fold applies an event to a state; the state before the first event is nil.
// It should be written from the specification, not call the code under
// judgement. States are compared as JSON.
type Fold func(state any, e Event) (any, error)

// Options say what to judge, and by what.
type Options struct {
	Brokers   []string
	Client    []kgo.Opt // TLS, SASL
	Aggregate string    // the prefix of the topics
	Group     string    // of the handlers; "<aggregate>-handler" when empty

	// Fold is the fold of the domain. Without one, states are not judged.
	Fold Fold

	// Acknowledged are the ids of the commands that Kafka has acknowledged to
	// their senders: the ledger of the load.
	Acknowledged []string

	// Deduplication is how long a command id is remembered; 24 h when 0.
	Deduplication time.Duration

	// Copies are states that are kept elsewhere.
	Copies []Copy

	// Settle is how long to wait for the handlers to finish what was sent; 30 s
	// when 0. What is open then is a violation.
	Settle time.Duration
}

// Copy is a set of states that is kept outside Kafka, such as a view or the
// state store of a partition.
type Copy struct {
	Name       string
	Fold       Fold             // Options.Fold when nil
	Partitions []int32          // those whose aggregates must be in it; all when nil
	Behind     bool             // it may lack the latest events; what it has must be right
	States     map[string]State // by aggregate id
}

// State is a state at a version, as JSON. A copy that keeps no state leaves
// JSON nil.
type State struct {
	Version int64
	JSON    []byte
}

// Check waits until nothing is in flight, reads everything, and judges it. Stop
// the load before. The error is one of reading; what is wrong with what was
// read is in the report.
func Check(ctx context.Context, o Options) (*Report, error) {
	log, err := Read(ctx, o)
	if err != nil {
		return nil, err
	}
	return Judge(log, o), nil
}

// Judge judges what was read.
func Judge(log *Log, o Options) *Report {
	j := newJudge(log, o)
	j.transactions()
	j.commands()
	j.events()
	j.results()
	j.answers()
	j.snapshots()
	j.deadLetters()
	j.acknowledged()
	for _, c := range o.Copies {
		j.copyOf(c)
	}
	return j.report
}
