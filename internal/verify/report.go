package verify

import (
	"fmt"
	"strings"

	"github.com/eventim-go/eventim/internal/checker"
	"github.com/eventim-go/eventim/internal/journal"
)

// The rules beyond those of package checker.
const (
	RowIsFold       checker.Rule = "a row is the fold of the events"
	HistoryIsEvents checker.Rule = "the history is the events"
	AnswerKept      checker.Rule = "every answer can be fetched, as it was given first"
	PositionExact   checker.Rule = "a view is as far as its rows"
	AckIsTrue       checker.Rule = "what a client was told is so"
	Delivered       checker.Rule = "a result reaches its origin, and no other"
	OwnWritesSeen   checker.Rule = "who waits for a position sees it"
	Gapless         checker.Rule = "the numbers of a series are 1, 2, 3 …"
	OneNumber       checker.Rule = "a document has one number, and a number one document"
	NumberShown     checker.Rule = "an invoice shows the number that its series gave it"
	NumberRows      checker.Rule = "the view of the numbers is the numbers"
)

// Report is the judgement of the whole system. Its violations are those of
// Kafka.
type Report struct {
	Kafka *checker.Report

	InvoiceRows, HistoryRows, AnswerRows int
	Journals, Entries                    int
	Deliveries, Answers, Reads           int // that clients were told
	Connections, Resumed, Unresumed      int
	Numbers                              int // that series have given
	Reactors                             []*checker.ReactorReport
	CorruptStores                        int // that were damaged, and not read by their handler since
}

// Violations are all that is wrong.
func (r *Report) Violations() []checker.Violation { return r.Kafka.Violations }

// Err returns what is wrong as an error, nil when nothing is.
func (r *Report) Err() error { return r.Kafka.Err() }

func (r *Report) violate(rule checker.Rule, where, format string, args ...any) {
	r.Kafka.Violations = append(r.Kafka.Violations, checker.Violation{Rule: rule, Where: where, Detail: fmt.Sprintf(format, args...)})
}

// String is the report for people.
func (r *Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Postgres: %d invoices, %d events, %d answers\n", r.InvoiceRows, r.HistoryRows, r.AnswerRows)
	fmt.Fprintf(&b, "clients: %d journals with %d entries: %d results delivered, %d answers, %d reads, %d connections (%d resumed, %d could not be)\n",
		r.Journals, r.Entries, r.Deliveries, r.Answers, r.Reads, r.Connections, r.Resumed, r.Unresumed)
	if r.Numbers > 0 {
		fmt.Fprintf(&b, "series: %d numbers\n", r.Numbers)
	}
	for _, reactor := range r.Reactors {
		fmt.Fprintln(&b, reactor)
	}
	if r.CorruptStores > 0 {
		fmt.Fprintf(&b, "state stores: %d damaged ones cannot be read\n", r.CorruptStores)
	}
	b.WriteString(r.Kafka.String())
	return b.String()
}

// Judge judges evidence.
func Judge(e *Evidence) *Report {
	options := checker.Options{
		Aggregate: e.Aggregate, Fold: Fold, Acknowledged: journal.AcknowledgedIn(e.Journals), Copies: e.Stores,
	}
	j := &judge{Evidence: e, report: &Report{Kafka: checker.Judge(e.Log, options), Journals: len(e.Journals), CorruptStores: e.Corrupt}}
	j.index()
	if e.Rows != nil {
		j.invoices()
		j.history()
		j.answers()
		j.positions()
	}
	if e.Series != nil {
		ofSeries := checker.Judge(e.Series, checker.Options{Aggregate: seriesOf(e.Aggregate), Fold: FoldSeries})
		j.report.Kafka.Violations = append(j.report.Kafka.Violations, ofSeries.Violations...)
		j.numbers()
	}
	for _, r := range e.Reactors {
		j.reacted(r)
	}
	for _, journal := range e.Journals {
		j.journal(journal)
	}
	return j.report
}

// reacted judges a reactor, with the aggregates that are its own.
func (j *judge) reacted(r *Reacted) {
	for _, a := range r.Aggregates {
		j.report.Kafka.Violations = append(j.report.Kafka.Violations, checker.Judge(a.Log, a.Options).Violations...)
	}
	report := checker.JudgeReactor(r.Reactor, r.Log, r.logs(j.Evidence)...)
	j.report.Reactors = append(j.report.Reactors, report)
	j.report.Kafka.Violations = append(j.report.Kafka.Violations, report.Violations...)
}
