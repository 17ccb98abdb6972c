package verify

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/eventim-go/eventim/internal/checker"
	"github.com/eventim-go/eventim/internal/journal"
)

// Corruption is a way to be wrong that the judge has to find.
type Corruption struct {
	Name string
	Rule checker.Rule // that it violates
	// Apply damages evidence; the error says that it has nothing to damage.
	Apply func(*Evidence) error
}

var errNothing = errors.New("the evidence has nothing of the kind")

// Corruptions are all that the judge is tested with.
func Corruptions() []Corruption {
	return append([]Corruption{
		{"a lost result", checker.OneAnswer, lostResult},
		{"a doubled event", checker.NoGap, doubledEvent},
		{"a gap", checker.NoGap, gap},
		{"a swapped order", checker.NoGap, swappedOrder},
		{"a snapshot behind", checker.StateIsFold, snapshotBehind},
		{"a row ahead", RowIsFold, rowAhead},
		{"a phantom row", RowIsFold, phantomRow},
		{"a second effect of one id", checker.OneEffect, secondEffect},
		{"a torn transaction", checker.AbortedHidden, tornTransaction},
		{"an accepted stale version", checker.ExpectedVersion, staleVersion},
		{"a result to the wrong origin", Delivered, wrongOrigin},
		{"a store that differs", checker.StateIsFold, otherStore},
		{"a wrong total", RowIsFold, wrongTotal},
		{"a lost dead letter", checker.DeadLetterKept, lostDeadLetter},
		{"a gap in the numbers", Gapless, numberGap},
		{"a number that was given twice", Gapless, numberTwice},
		{"two numbers that are written alike", OneNumber, textTwice},
		{"two numbers of one document", OneNumber, secondNumber},
		{"an invoice that does not know its number", NumberShown, lostNumber},
		{"a number that the view lacks", NumberRows, lostNumberRow},
	}, ofReactors...)
}

// SelfTest judges evidence of a correct run, and then once more with each
// of the corruptions. It returns those that the judge did not find; the error is
// what is wrong with the evidence itself.
func SelfTest(e *Evidence, corruptions []Corruption) (missed []string, err error) {
	if err := Judge(e).Err(); err != nil {
		return nil, fmt.Errorf("the run is not correct: %w", err)
	}
	for _, c := range corruptions {
		damaged := e.clone()
		if err := c.Apply(damaged); err != nil {
			return nil, fmt.Errorf("%s: %w", c.Name, err)
		}
		if Judge(damaged).Kafka.Count()[c.Rule] == 0 {
			missed = append(missed, c.Name)
		}
	}
	return missed, nil
}

// clone copies as deep as corruptions go.
func (e *Evidence) clone() *Evidence {
	c := *e
	c.Log, c.Stores, c.Journals = cloneLog(e.Log), slices.Clone(e.Stores), nil
	if e.Rows != nil {
		rows := *e.Rows
		rows.Invoices = slices.Clone(rows.Invoices)
		c.Rows = &rows
	}
	if e.Series != nil {
		c.Series = cloneLog(e.Series)
	}
	c.Reactors = nil
	for _, r := range e.Reactors {
		c.Reactors = append(c.Reactors, r.clone())
	}
	for _, j := range e.Journals {
		c.Journals = append(c.Journals, journal.Of(j.Origin, j.Entries()))
	}
	return &c
}

func cloneLog(l *checker.Log) *checker.Log {
	log := *l
	cloneTopics(&log.Commands, &log.Results, &log.Events, &log.Snapshots, &log.DeadLetters)
	return &log
}

func cloneTopics(topics ...*checker.Topic) {
	for _, t := range topics {
		t.Partitions = slices.Clone(t.Partitions)
		for i := range t.Partitions {
			p := &t.Partitions[i]
			p.Visible, p.All = slices.Clone(p.Visible), slices.Clone(p.All)
		}
	}
}

func (r *Reacted) clone() *Reacted {
	c, log := *r, *r.Log
	c.Log = &log
	cloneTopics(&log.Inbox, &log.Instances, &log.Parked)
	c.Aggregates = slices.Clone(r.Aggregates)
	for i := range c.Aggregates {
		c.Aggregates[i].Log = cloneLog(c.Aggregates[i].Log)
	}
	return &c
}

// pick returns the partition and the index of a visible record.
func pick(t *checker.Topic, match func(*checker.Record) bool) (*checker.Partition, int, error) {
	for i := range t.Partitions {
		p := &t.Partitions[i]
		for n := range p.Visible {
			if match(&p.Visible[n]) {
				return p, n, nil
			}
		}
	}
	return nil, 0, errNothing
}

// remove removes a visible record as if it had never been written.
func remove(p *checker.Partition, n int) {
	offset := p.Visible[n].Offset
	p.Visible = slices.Delete(p.Visible, n, n+1)
	p.All = slices.DeleteFunc(p.All, func(r checker.Record) bool { return r.Offset == offset })
}

// replace replaces a visible record at its offset.
func replace(p *checker.Partition, n int, r checker.Record) {
	r.Offset = p.Visible[n].Offset
	p.Visible[n] = r
	i := slices.IndexFunc(p.All, func(a checker.Record) bool { return a.Offset == r.Offset })
	p.All[i] = r
}

// write writes a record in a transaction of its own.
func write(p *checker.Partition, r checker.Record) {
	r.Offset = p.End
	p.Visible, p.All = append(p.Visible, r), append(p.All, r)
	marker := checker.Record{Topic: r.Topic, Partition: r.Partition, Offset: p.End + 1, ProducerID: r.ProducerID, Transactional: true, Control: checker.Commit}
	p.All = append(p.All, marker)
	p.End, p.Stable = p.End+2, p.End+2
}

func with(r checker.Record, name string, value int64) checker.Record {
	r.Headers = slices.Clone(r.Headers)
	for i := range r.Headers {
		if r.Headers[i].Name == name {
			r.Headers[i].Value = strconv.AppendInt(nil, value, 10)
		}
	}
	return r
}

func isVersion(v int64) func(*checker.Record) bool {
	return func(r *checker.Record) bool { return number(r, "ce_version") == v }
}

func lostResult(e *Evidence) error {
	p, n, err := pick(&e.Log.Results, func(r *checker.Record) bool { return outcomeOf(r).Outcome == "accepted" })
	if err == nil {
		remove(p, n)
	}
	return err
}

func doubledEvent(e *Evidence) error {
	p, n, err := pick(&e.Log.Events, isVersion(2))
	if err == nil {
		write(p, p.Visible[n])
	}
	return err
}

func gap(e *Evidence) error {
	p, n, err := pick(&e.Log.Events, isVersion(3))
	if err != nil {
		return err
	}
	third := p.Visible[n]
	remove(p, slices.IndexFunc(p.Visible, func(r checker.Record) bool { return bytes.Equal(r.Key, third.Key) && number(&r, "ce_version") == 2 }))
	return nil
}

func swappedOrder(e *Evidence) error {
	p, n, err := pick(&e.Log.Events, isVersion(2))
	if err != nil {
		return err
	}
	second := p.Visible[n]
	first := slices.IndexFunc(p.Visible, func(r checker.Record) bool { return bytes.Equal(r.Key, second.Key) })
	replace(p, n, p.Visible[first])
	replace(p, first, second)
	return nil
}

func snapshotBehind(e *Evidence) error {
	p, n, err := pick(&e.Log.Snapshots, isVersion(3))
	if err != nil {
		return err
	}
	key := p.Visible[n].Key
	for i := len(p.Visible) - 1; i >= n; i-- {
		if bytes.Equal(p.Visible[i].Key, key) {
			remove(p, i)
			return nil
		}
	}
	return errNothing
}

func rowAhead(e *Evidence) error {
	if len(e.Rows.Invoices) == 0 {
		return errNothing
	}
	e.Rows.Invoices[0].Version++
	return nil
}

func phantomRow(e *Evidence) error {
	if len(e.Rows.Invoices) == 0 {
		return errNothing
	}
	row := e.Rows.Invoices[0]
	row.ID = "phantom"
	e.Rows.Invoices = append(e.Rows.Invoices, row)
	return nil
}

// secondEffect lets a repeat cause an event again.
func secondEffect(e *Evidence) error {
	results, n, err := pick(&e.Log.Results, func(r *checker.Record) bool {
		return header(r, "ce_replay") != "" && len(outcomeOf(r).Events) > 0
	})
	if err != nil {
		return err
	}
	repeat := results.Visible[n]
	events := &e.Log.Events.Partitions[repeat.Partition]
	for _, last := range slices.Backward(events.Visible) {
		if bytes.Equal(last.Key, repeat.Key) {
			again := with(last, "ce_version", number(&last, "ce_version")+1)
			write(events, with(again, "ce_commandoffset", number(&repeat, "ce_commandoffset")))
			return nil
		}
	}
	return errNothing
}

// tornTransaction hides one event of a transaction that was committed.
func tornTransaction(e *Evidence) error {
	p, n, err := pick(&e.Log.Events, isVersion(1))
	if err == nil {
		p.Visible = slices.Delete(p.Visible, n, n+1)
	}
	return err
}

func staleVersion(e *Evidence) error {
	accepted := map[string]bool{}
	each(&e.Log.Results, func(r *checker.Record) {
		accepted[cause(r)] = outcomeOf(r).Outcome == "accepted" && header(r, "ce_replay") == ""
	})
	p, n, err := pick(&e.Log.Commands, func(r *checker.Record) bool {
		return number(r, "ce_expectedversion") > 0 && accepted[position(r.Partition, r.Offset)]
	})
	if err == nil {
		r := p.Visible[n]
		replace(p, n, with(r, "ce_expectedversion", number(&r, "ce_expectedversion")-1))
	}
	return err
}

func wrongOrigin(e *Evidence) error {
	if len(e.Journals) < 2 {
		return errNothing
	}
	for _, entry := range e.Journals[0].Entries() {
		if entry.Kind == journal.Delivered {
			e.Journals[1].Add(entry)
			return nil
		}
	}
	return errNothing
}

func otherStore(e *Evidence) error {
	for i := range e.Stores {
		for id, s := range e.Stores[i].States {
			changed := bytes.Replace(s.JSON, []byte(`"status":"`), []byte(`"status":"un`), 1)
			if bytes.Equal(changed, s.JSON) {
				continue
			}
			e.Stores[i].States = maps.Clone(e.Stores[i].States)
			e.Stores[i].States[id] = checker.State{Version: s.Version, JSON: changed}
			return nil
		}
	}
	return errNothing
}

func wrongTotal(e *Evidence) error {
	if len(e.Rows.Invoices) == 0 {
		return errNothing
	}
	e.Rows.Invoices[len(e.Rows.Invoices)-1].Total++
	return nil
}

func lostDeadLetter(e *Evidence) error {
	p, n, err := pick(&e.Log.DeadLetters, func(*checker.Record) bool { return true })
	if err == nil {
		remove(p, n)
	}
	return err
}
