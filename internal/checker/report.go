package checker

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Rule is what a violation violates.
type Rule string

// The rules.
const (
	Settled         Rule = "nothing stays in flight"
	AbortedHidden   Rule = "what was aborted is not visible, what was committed is"
	CommandKept     Rule = "an acknowledged command is never lost"
	OneAnswer       Rule = "every command has one answer"
	OneEffect       Rule = "a command id takes effect once"
	SameAnswer      Rule = "a repeat gets the first answer"
	KnownCause      Rule = "nothing happens without a command"
	OwnPartition    Rule = "a key lives in its partition"
	NoGap           Rule = "the versions of an aggregate are 1, 2, 3 …"
	Atomic          Rule = "a result and its events are there together"
	StateIsFold     Rule = "a state is the fold of the events"
	ExpectedVersion Rule = "an expected version that has passed is rejected"
	DeadLetterKept  Rule = "a failed command is a dead letter"
	OffsetExact     Rule = "the committed offset is that of the answers"
	Readable        Rule = "every record can be read"
)

// Violation is one thing that is wrong.
type Violation struct {
	Rule   Rule
	Where  string // a record as topic/partition:offset, or an aggregate
	Detail string
}

func (v Violation) String() string { return fmt.Sprintf("%s: %s: %s", v.Rule, v.Where, v.Detail) }

// Report is the judgement.
type Report struct {
	Aggregate string

	Commands, Unanswerable               int // records; those whose answer has expired
	Accepted, Rejected, Failed, Repeated int // results
	Events, Aggregates, Snapshots        int
	DeadLetters, Acknowledged, Aborted   int // Aborted are hidden records
	CopiedStates                         int
	Transactions, AbortedTransactions    int // by the markers in the results
	Violations                           []Violation
}

// OK reports whether nothing is wrong.
func (r *Report) OK() bool { return len(r.Violations) == 0 }

// Count returns how often each rule is violated.
func (r *Report) Count() map[Rule]int {
	count := map[Rule]int{}
	for _, v := range r.Violations {
		count[v.Rule]++
	}
	return count
}

// Err returns what is wrong as an error, nil when nothing is.
func (r *Report) Err() error {
	if r.OK() {
		return nil
	}
	return fmt.Errorf("%s: %d violations\n%s", r.Aggregate, len(r.Violations), r)
}

const shownViolations = 50

// String is the report for people: the counts, and the first violations.
func (r *Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d commands (%d acknowledged), %d accepted, %d rejected, %d failed, %d repeated",
		r.Aggregate, r.Commands, r.Acknowledged, r.Accepted, r.Rejected, r.Failed, r.Repeated)
	fmt.Fprintf(&b, "; %d events of %d aggregates, %d snapshots, %d dead letters",
		r.Events, r.Aggregates, r.Snapshots, r.DeadLetters)
	fmt.Fprintf(&b, "; %d transactions, %d of them aborted, with %d hidden records; %d states kept elsewhere",
		r.Transactions, r.AbortedTransactions, r.Aborted, r.CopiedStates)
	if r.Unanswerable > 0 {
		fmt.Fprintf(&b, "; %d commands are older than the results that are kept", r.Unanswerable)
	}
	if r.OK() {
		return b.String() + "; no violation"
	}
	count := r.Count()
	for _, rule := range slices.Sorted(maps.Keys(count)) {
		fmt.Fprintf(&b, "\n%6d × %s", count[rule], rule)
	}
	for _, v := range r.Violations[:min(len(r.Violations), shownViolations)] {
		fmt.Fprintf(&b, "\n  %s", v)
	}
	return b.String()
}
