package eventimtest

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/eventim-go/eventim/eventim"
)

// What a beginner does to a fold that has states in Kafka.
func TestFoldFindsAForgottenRevision(t *testing.T) {
	t.Parallel()
	history := []moved{{5}, {-2}}
	double := func(a *eventim.Aggregate[account, int, moved]) {
		a.Evolve = func(a account, e moved) account { return account{a.Balance + 2*e.By} }
	}
	for name, c := range map[string]struct {
		change    func(*eventim.Aggregate[account, int, moved])
		histories [][]moved
		want      string // with the golden file of before
		updated   string // with -update-folds
		after     string // afterwards
	}{
		"nothing": {func(*eventim.Aggregate[account, int, moved]) {}, [][]moved{history}, "", "", ""},
		"another fold": {
			double,
			[][]moved{history},
			"history 1, event 1, moved: the same events fold to another state: .Balance was 5, and is 10: raise Revision from 1",
			"raise Revision from 1", "raise Revision from 1",
		},
		"another fold, and one more history": {double, [][]moved{history, history}, "raise Revision from 1", "raise Revision from 1", "raise Revision from 1"},
		"another fold of a new revision": {
			func(a *eventim.Aggregate[account, int, moved]) { double(a); a.Revision = 2 },
			[][]moved{history},
			"it is of revision 1, and the aggregate has 2; run go test with -update-folds", "", "",
		},
		"one more event": {
			func(*eventim.Aggregate[account, int, moved]) {},
			[][]moved{append(history, moved{1})},
			"its histories are others than those of the test; run go test with -update-folds", "", "",
		},
		"another name of the state": {
			func(a *eventim.Aggregate[account, int, moved]) { a.State = eventim.JSON[account]("konto") },
			[][]moved{history},
			`the state cannot be read any more: decode konto: the record is a "bank": raise Revision`, "raise Revision", "raise Revision",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "testdata", "fold.json")
			a := bank
			a.Name, a.Events = "bank", eventim.NewUnion(eventim.Of("moved", moved{}))
			expect(t, checkFold(newTrial(a), file, [][]moved{history}, false), "it is not there; run go test with -update-folds")
			expect(t, checkFold(newTrial(a), file, [][]moved{history}, true), "")
			c.change(&a)
			expect(t, checkFold(newTrial(a), file, c.histories, false), c.want)
			expect(t, checkFold(newTrial(a), file, c.histories, true), c.updated)
			expect(t, checkFold(newTrial(a), file, c.histories, false), c.after)
		})
	}
}

// expect compares the text of an error, "" for none, with a part of it.
func expect(t *testing.T, err error, want string) {
	t.Helper()
	if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
		t.Errorf("got %v, want %q", err, want)
	}
}

type (
	wide   struct{ Balance, Note int }
	narrow struct{ Balance int }
)

// A field that is added is zero in the states of before, and in the fold of the
// same events; one that is taken away is not.
func TestFoldKnowsFields(t *testing.T) {
	t.Parallel()
	wider := fieldsOf(func(w wide, e moved) wide { return wide{w.Balance + e.By, w.Note} })
	narrower := fieldsOf(func(n narrow, e moved) narrow { return narrow{n.Balance + e.By} })
	filled := fieldsOf(func(w wide, e moved) wide { return wide{w.Balance + e.By, 1} })
	history := [][]moved{{{5}}}
	file := filepath.Join(t.TempDir(), "fold.json")
	expect(t, checkFold(newTrial(narrower), file, history, true), "")
	expect(t, checkFold(newTrial(wider), file, history, false), "")
	expect(t, checkFold(newTrial(filled), file, history, false), ".Note was 0, and is 1: raise Revision")

	file = filepath.Join(t.TempDir(), "fold.json")
	expect(t, checkFold(newTrial(wider), file, history, true), "")
	expect(t, checkFold(newTrial(narrower), file, history, false), `does not know the member "Note"`)
}

func fieldsOf[S any](evolve func(S, moved) S) eventim.Aggregate[S, int, moved] {
	a := eventim.Aggregate[S, int, moved]{Name: "bank", Events: eventim.JSON[moved]("moved")}
	a.Evolve = evolve
	return a
}

func TestFoldWantsEachTypeOfEvent(t *testing.T) {
	t.Parallel()
	type named struct{ Name string }
	a := eventim.Aggregate[account, int, any]{Events: eventim.NewUnion(eventim.Of[any]("moved", moved{}), eventim.Of[any]("named", named{}))}
	a.Evolve = func(a account, _ any) account { return a }
	err := checkFold(newTrial(a), filepath.Join(t.TempDir(), "fold.json"), [][]any{{moved{1}}}, true)
	expect(t, err, `no history has an event of the types ["named"]`)
}

// The events are read in the schema that they were written in.
func TestFoldReadsOldSchemas(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "fold.json")
	a := bank
	a.Name, a.Events = "bank", eventim.NewUnion(eventim.Of("moved", moved{}))
	expect(t, checkFold(newTrial(a), file, [][]moved{{{5}}}, true), "")
	a.Events = eventim.NewUnion(eventim.Of("moved", moved{}, func([]byte) ([]byte, error) { return []byte(`{"By":7}`), nil }))
	expect(t, checkFold(newTrial(a), file, [][]moved{{{5}}}, false), ".Balance was 5, and is 7")
}
