package eventim

import (
	"testing"
	"time"

	"github.com/eventim-go/eventim/internal/task"
)

// While a decision, or a fold, is under way, it is known which command it is about;
// internal/task names it when it does not return.
func TestACallIsNamedWhileItLasts(t *testing.T) {
	t.Parallel()
	a, e := ticker(), &task.Errand{}
	var seen []string
	see := func() { seen = append(seen, e.Doing+" "+e.Key+" "+e.ID) }
	decide, evolve := a.Decide, a.Evolve
	a.Decide = func(s ticks, cmd Command[tick]) ([]tick, error) { see(); return decide(s, cmd) }
	a.Evolve = func(s ticks, ev tick) ticks { see(); return evolve(s, ev) }
	decideOne(t, a, e)
	seen = seen[:1] // what is evolved belongs to the decision
	foldOne(t, a, e)
	if len(seen) != 2 || seen[0] != "decide a the-command" || seen[1] != "evolve a the-command" {
		t.Errorf("seen %q", seen)
	}
	if e.Busy != (task.Busy{}) {
		t.Errorf("afterwards: %+v, want nothing", e.Busy)
	}
}

func decideOne(t *testing.T, a *Aggregate[ticks, tick, tick], e *task.Errand) {
	t.Helper()
	b := batchOf(a, maxOutputBytes, time.Now())
	b.errand = e
	if err := b.add(tickRecord(t, a, "the-command", time.Now())); err != nil {
		t.Error(err)
	}
}

func foldOne(t *testing.T, a *Aggregate[ticks, tick, tick], e *task.Errand) {
	t.Helper()
	w := worker[ticks, tick, tick]{Claim: &task.Claim{Errand: e}, agg: a}
	ev := Event[tick]{Aggregate: "a", Version: 1, Time: time.Now(), Command: "the-command", Payload: tick{1}}
	p, err := a.Events.Encode(ev.Payload)
	if err != nil {
		t.Fatal(err)
	}
	dirty := map[string]Snapshot[ticks]{"a": {Aggregate: "a"}}
	if err := w.foldEvent(nil, dirty, written(t, a.encodeEvent(ev, p))); err != nil {
		t.Error(err)
	}
}
