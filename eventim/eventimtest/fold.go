package eventimtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/eventim-go/eventim/eventim"
)

var updateFolds = flag.Bool("update-folds", false, "write the golden files of eventimtest.Fold anew")

// Fold holds the fold of an aggregate against a golden file, of what its events
// have led to since the file was written: whoever changes the fold and forgets to
// raise Revision would have a mixture of the states of both. It fails
//
//   - when the events of the file fold to other states than it says, or its states
//     cannot be read whole, while Revision is that of the file. Raise it;
//   - when Revision is another, the histories are, or there is no file. Then run
//     the test once with -update-folds, which writes it;
//   - when Events is a Union, and the histories do not have each of its types.
//
// A history is the events of one aggregate, from the first. The events are read
// from the file, in the schema that they were written in.
func Fold[S, C, E any](t testing.TB, a eventim.Aggregate[S, C, E], file string, histories ...[]E) {
	t.Helper()
	if err := checkFold(newTrial(a), file, histories, *updateFolds); err != nil {
		t.Errorf("%s: %v", file, err)
	}
}

// folded is a golden file.
type folded struct {
	Revision  int      `json:"revision"`
	Histories [][]step `json:"histories"`
}

// step is an event, and the state that it leads to.
type step struct {
	Event encoded `json:"event"`
	State encoded `json:"state"`
}

type encoded struct {
	Type          string          `json:"type"`
	SchemaVersion int             `json:"schemaVersion"`
	Data          json.RawMessage `json:"data"`
}

func encode[T any](codec eventim.Codec[T], v T) (encoded, error) {
	p, err := codec.Encode(v)
	return encoded{p.Type, p.SchemaVersion, p.Data}, err
}

func (e encoded) payload() eventim.Payload {
	return eventim.Payload{Type: e.Type, SchemaVersion: e.SchemaVersion, Data: e.Data}
}

func checkFold[S, C, E any](d trial[S, C, E], file string, histories [][]E, update bool) error {
	d.Revision = max(d.Revision, 1) // as a handler takes it
	if err := d.covered(histories); err != nil {
		return err
	}
	golden, err := readFold(file)
	if err == nil && golden.Revision == d.Revision {
		err = d.refold(golden)
		if err == nil && d.same(golden.Histories, histories) {
			return nil
		}
		if err == nil {
			err = errOther
		}
	} else if err == nil {
		err = fmt.Errorf("%w: it is of revision %d, and the aggregate has %d", errOutdated, golden.Revision, d.Revision)
	}
	if !errors.Is(err, errOutdated) {
		return err
	}
	if !update {
		return fmt.Errorf("%w; run go test with -update-folds, and review the file", err)
	}
	return d.writeFold(file, histories)
}

var (
	errOutdated = errors.New("the golden file is to be written")
	errOther    = fmt.Errorf("%w: its histories are others than those of the test", errOutdated)
)

func readFold(file string) (golden folded, err error) {
	data, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return golden, fmt.Errorf("%w: it is not there", errOutdated)
	}
	if err == nil {
		err = json.Unmarshal(data, &golden)
	}
	return golden, err
}

// covered finds types of events that no history has.
func (d trial[S, C, E]) covered(histories [][]E) error {
	union, ok := d.Events.(interface{ Names() []string })
	if !ok {
		return nil
	}
	missing := union.Names()
	for _, e := range slices.Concat(histories...) {
		p, err := d.Events.Encode(e)
		if err != nil {
			return err
		}
		missing = slices.DeleteFunc(missing, func(name string) bool { return name == p.Type })
	}
	if len(missing) > 0 {
		return fmt.Errorf("no history has an event of the types %q: add one", missing)
	}
	return nil
}

// refold folds the events of a golden file, and compares the states.
func (d trial[S, C, E]) refold(golden folded) error {
	for i, history := range golden.Histories {
		var state S
		for j, g := range history {
			e, err := d.Events.Decode(g.Event.payload())
			if err != nil {
				return fmt.Errorf("history %d, event %d cannot be read any more: %w", i+1, j+1, err)
			}
			state = d.Evolve(state, e)
			if err := d.sameState(g.State, state); err != nil {
				return fmt.Errorf("history %d, event %d, %s: %w", i+1, j+1, g.Event.Type, err)
			}
		}
	}
	return nil
}

func (d trial[S, C, E]) sameState(golden encoded, state S) error {
	p, err := d.State.Encode(state)
	if err != nil {
		return err
	}
	is, err := d.State.Decode(p)
	if err != nil {
		return err
	}
	raise := fmt.Sprintf("raise Revision from %d, so that what is stored is folded again, and run go test with -update-folds", d.Revision)
	was, err := eventim.DecodeWhole(d.State, golden.payload())
	if err != nil {
		return fmt.Errorf("the state cannot be read any more: %w: %s", err, raise)
	}
	if what := partsOf(was).changed(partsOf(is)); what != "" {
		return fmt.Errorf("the same events fold to another state: %s: %s", what, raise)
	}
	return nil
}

// same tells whether a golden file has the events of the histories.
func (d trial[S, C, E]) same(golden [][]step, histories [][]E) bool {
	if len(golden) != len(histories) {
		return false
	}
	for i, history := range histories {
		if len(golden[i]) != len(history) {
			return false
		}
		for j, e := range history {
			g, err := d.Events.Decode(golden[i][j].Event.payload())
			if err != nil || partsOf(g).changed(partsOf(e)) != "" {
				return false
			}
		}
	}
	return true
}

func (d trial[S, C, E]) writeFold(file string, histories [][]E) error {
	golden := folded{Revision: d.Revision}
	for _, history := range histories {
		var steps []step
		var state S
		for _, e := range history {
			state = d.Evolve(state, e)
			event, err := encode(d.Events, e)
			if err != nil {
				return err
			}
			after, err := encode(d.State, state)
			if err != nil {
				return err
			}
			steps = append(steps, step{event, after})
		}
		golden.Histories = append(golden.Histories, steps)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	if err := e.Encode(golden); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil { //nolint:gosec // as what is checked out
		return err
	}
	return os.WriteFile(file, b.Bytes(), 0o644) //nolint:gosec // as what is checked out
}
