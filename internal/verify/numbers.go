package verify

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/eventim-go/eventim/internal/checker"
)

// numberAssigned is an event of a series, from the documentation of its wire form.
type numberAssigned struct {
	Document string `json:"document"`
	Number   int64  `json:"number"`
	Text     string `json:"text"`
	Format   string `json:"format"`
}

// numberSeries is the state of a series.
type numberSeries struct {
	Format string           `json:"format"`
	Last   int64            `json:"last"`
	Recent []numberedRecent `json:"recent"`
}

type numberedRecent struct {
	Document string `json:"document"`
	Number   int64  `json:"number"`
}

// knownDocuments is how many documents the state of a series names.
const knownDocuments = 200

// FoldSeries is the fold of a series of numbers.
func FoldSeries(state any, e checker.Event) (any, error) {
	if e.Type != "NumberAssigned" {
		return nil, fmt.Errorf("%s is not an event of a series", e.Type)
	}
	var n numberAssigned
	if err := json.Unmarshal(e.Data, &n); err != nil {
		return nil, err
	}
	s, _ := state.(numberSeries)
	if s.Last > 0 && s.Format != n.Format {
		return nil, fmt.Errorf("the format is %q, after %q", n.Format, s.Format)
	}
	recent := append(slices.Clone(s.Recent), numberedRecent{n.Document, n.Number})
	return numberSeries{n.Format, n.Number, recent[max(0, len(recent)-knownDocuments):]}, nil
}

// given is a number as its series has it.
type given struct {
	series string
	numberAssigned
}

// numbers judges that the numbers of each series are 1 to N, each once and each of
// another document, that each document which is to have one has got it and shows it,
// and that the view says the same.
func (j *judge) numbers() {
	byDocument, texts := map[string]given{}, map[string]string{}
	perSeries := map[string]int64{}
	var rows []NumberRow
	each(&j.Series.Events, func(r *checker.Record) {
		g := given{series: string(r.Key)}
		where := fmt.Sprintf("%s: version %d", g.series, number(r, "ce_version"))
		if err := json.Unmarshal(r.Value, &g.numberAssigned); err != nil {
			j.report.violate(Gapless, where, "it cannot be read: %v", err)
			return
		}
		perSeries[g.series]++
		j.report.Numbers++
		if want := perSeries[g.series]; g.Number != want {
			j.report.violate(Gapless, where, "the number is %d, want %d", g.Number, want)
		}
		if before, twice := byDocument[g.Document]; twice {
			j.report.violate(OneNumber, where, "%s gets %s, and has %s", g.Document, g.Text, before.Text)
		}
		if other, twice := texts[g.Text]; twice {
			j.report.violate(OneNumber, where, "%s is given to %s, and to %s before", g.Text, g.Document, other)
		}
		byDocument[g.Document], texts[g.Text] = g, g.Document
		rows = append(rows, NumberRow{Series: g.series, Version: number(r, "ce_version"), Number: g.Number, Text: g.Text, Document: g.Document})
	})
	j.shown(byDocument)
	if j.Rows != nil {
		j.numberRows(rows)
	}
}

// shown judges what the invoices say of their numbers.
func (j *judge) shown(byDocument map[string]given) {
	due := map[string]bool{}
	for id, events := range j.histories {
		var series, shows string
		for _, r := range events {
			var c change
			_ = json.Unmarshal(r.Value, &c) // the fold has said so
			switch header(r, "ce_type") {
			case "InvoiceSent":
				series = c.Series
			case "InvoiceNumbered":
				if shows != "" {
					j.report.violate(OneNumber, id, "it learns the number %s, and has %s", c.Number, shows)
				}
				shows = c.Number
			}
		}
		due[id] = series != ""
		g, has := byDocument[id]
		if series != "" && (!has || g.series != series) || shows != g.Text {
			j.report.violate(NumberShown, id, "it is due a number of %q, shows %q, and was given %q of %q", series, shows, g.Text, g.series)
		}
	}
	for id := range byDocument {
		if !due[id] {
			j.report.violate(NumberShown, id, "it has a number, and was not due one")
		}
	}
}

func (j *judge) numberRows(want []NumberRow) {
	order := func(a, b NumberRow) int {
		return slices.Compare([]string{a.Series, fmt.Sprintf("%20d", a.Version)}, []string{b.Series, fmt.Sprintf("%20d", b.Version)})
	}
	slices.SortFunc(want, order)
	got := slices.SortedFunc(slices.Values(j.Rows.Numbers), order)
	if !slices.Equal(got, want) {
		j.report.violate(NumberRows, "number_series", "it has %d rows, which are not the %d numbers of the series", len(got), len(want))
	}
}

// AwaitNumbers waits until every invoice that was sent shows its number, at most for
// Settle: what is missing then is for the judge. Whoever is to be stopped is to run.
func AwaitNumbers(ctx context.Context, s Source) error {
	deadline := time.Now().Add(s.settle())
	for {
		log, err := checker.Read(ctx, checker.Options{Brokers: s.Brokers, Aggregate: s.Aggregate, Settle: s.settle()})
		if err != nil {
			return err
		}
		if unnumbered(log) == 0 || time.Now().After(deadline) {
			return nil
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// unnumbered counts the invoices that are due a number and do not show it.
func unnumbered(log *checker.Log) int {
	due := map[string]bool{}
	each(&log.Events, func(r *checker.Record) {
		var c change
		switch header(r, "ce_type") {
		case "InvoiceSent":
			if json.Unmarshal(r.Value, &c) == nil && c.Series != "" {
				due[string(r.Key)] = true
			}
		case "InvoiceNumbered":
			delete(due, string(r.Key))
		}
	})
	return len(due)
}

// The corruptions of numbers.

// renumbered is the event of a series with something else in it.
func renumbered(r checker.Record, change func(*numberAssigned)) checker.Record {
	var n numberAssigned
	_ = json.Unmarshal(r.Value, &n) // it was judged to be right
	change(&n)
	r.Value, _ = json.Marshal(n)
	return r
}

// lastNumber finds the last event of a series that has several.
func lastNumber(e *Evidence) (*checker.Partition, int, error) {
	if e.Series == nil {
		return nil, 0, errNothing
	}
	p, n, err := pick(&e.Series.Events, isVersion(2))
	if err != nil {
		return nil, 0, err
	}
	key := string(p.Visible[n].Key)
	for i := len(p.Visible) - 1; i > n; i-- {
		if string(p.Visible[i].Key) == key {
			return p, i, nil
		}
	}
	return p, n, nil
}

func numberGap(e *Evidence) error {
	p, n, err := lastNumber(e)
	if err == nil {
		replace(p, n, renumbered(p.Visible[n], func(a *numberAssigned) { a.Number++ }))
	}
	return err
}

func numberTwice(e *Evidence) error {
	p, n, err := lastNumber(e)
	if err == nil {
		replace(p, n, renumbered(p.Visible[n], func(a *numberAssigned) { a.Number, a.Text = a.Number-1, "again" }))
	}
	return err
}

// textTwice lets the last number be written as the one before.
func textTwice(e *Evidence) error {
	p, n, err := lastNumber(e)
	if err != nil {
		return err
	}
	var before numberAssigned
	for _, r := range p.Visible[:n] {
		if string(r.Key) == string(p.Visible[n].Key) {
			_ = json.Unmarshal(r.Value, &before)
		}
	}
	replace(p, n, renumbered(p.Visible[n], func(a *numberAssigned) { a.Text = before.Text }))
	return nil
}

// secondNumber gives the document of the last number another one.
func secondNumber(e *Evidence) error {
	p, n, err := lastNumber(e)
	if err != nil {
		return err
	}
	r := renumbered(p.Visible[n], func(a *numberAssigned) { a.Number, a.Text = a.Number+1, "next-"+strconv.FormatInt(a.Number+1, 10) })
	write(p, with(r, "ce_version", number(&r, "ce_version")+1))
	return nil
}

// lostNumber is a number that its invoice has not been told.
func lostNumber(e *Evidence) error {
	p, n, err := pick(&e.Log.Events, func(r *checker.Record) bool { return header(r, "ce_type") == "InvoiceNumbered" })
	if err == nil {
		remove(p, n)
	}
	return err
}

func lostNumberRow(e *Evidence) error {
	if e.Rows == nil || len(e.Rows.Numbers) == 0 {
		return errNothing
	}
	e.Rows.Numbers = e.Rows.Numbers[1:]
	return nil
}
