package eventim_test

import (
	"context"
	"testing"
	"time"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
)

// A purse, and the next version of its program: a beginner has given it a field,
// which old events leave as it was, so that he had no reason to raise Revision.
type (
	purse     struct{ Cents int }
	nextPurse struct {
		Cents int
		Gifts int
	}
	coin     struct{ Cents int }
	nextCoin struct {
		Cents int
		Gift  bool `json:",omitempty"`
	}
)

var purses = eventim.Aggregate[purse, coin, coin]{
	Decider: eventim.Decider[purse, coin, coin]{
		Decide: func(_ purse, cmd eventim.Command[coin]) ([]coin, error) { return []coin{cmd.Payload}, nil },
		Evolve: func(p purse, e coin) purse { return purse{p.Cents + e.Cents} },
	},
	Commands: eventim.JSON[coin]("coin"), Events: eventim.JSON[coin]("coin"), State: eventim.JSON[purse]("purse"),
}

var nextPurses = eventim.Aggregate[nextPurse, nextCoin, nextCoin]{
	Decider: eventim.Decider[nextPurse, nextCoin, nextCoin]{
		Decide: func(_ nextPurse, cmd eventim.Command[nextCoin]) ([]nextCoin, error) {
			return []nextCoin{cmd.Payload}, nil
		},
		Evolve: func(p nextPurse, e nextCoin) nextPurse {
			if e.Gift {
				p.Gifts++
			}
			return nextPurse{p.Cents + e.Cents, p.Gifts}
		},
	},
	Commands: eventim.JSON[nextCoin]("coin"), Events: eventim.JSON[nextCoin]("coin"), State: eventim.JSON[nextPurse]("purse"),
}

// release is one version of a program, with its data directory.
type release[S, C, E any] struct {
	*system
	agg eventim.Aggregate[S, C, E]
	dir string
}

func newRelease[S, C, E any](t *testing.T, a eventim.Aggregate[S, C, E], name string, k eventim.Kafka, dir string) release[S, C, E] {
	t.Helper()
	a.Name, a.Partitions = name, 1
	return release[S, C, E]{&system{t: t, kafka: k}, a, dir}
}

func (r release[S, C, E]) start() (h *eventim.Handler[S, C, E], stop func()) {
	r.t.Helper()
	h, err := eventim.NewHandler(r.agg, eventim.HandlerConfig{Kafka: r.kafka, Dir: r.dir, Session: 2 * time.Second, Logger: testLogger(r.t)})
	if err != nil {
		r.t.Fatal(err)
	}
	return h, r.background(h.Run)
}

// send sends a command for the only aggregate.
func (r release[S, C, E]) send(payload C) eventim.Command[C] { return r.sendAs("", payload) }

func (r release[S, C, E]) sendAs(id string, payload C) eventim.Command[C] {
	r.t.Helper()
	sender, err := eventim.NewSender(r.agg, r.kafka)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = sender.Close() }()
	sent, err := sender.Send(r.t.Context(), eventim.Command[C]{ID: id, Aggregate: "one", Payload: payload})
	if err != nil {
		r.t.Fatal(err)
	}
	return sent
}

// resultAt waits for the answer to the command at a position.
func (r release[S, C, E]) resultAt(at eventim.Position) (res eventim.Result[S, E]) {
	r.t.Helper()
	ctx, found := context.WithCancel(r.t.Context())
	defer found()
	topic := r.agg.ResultTopic()
	err := eventim.Tail(ctx, r.kafka, topic.Name, eventim.Positions{0: 0}, func(rec eventim.Record) error {
		if p, _ := rec.CommandPosition(); p != at || ctx.Err() != nil {
			return nil
		}
		defer found()
		var err error
		res, err = topic.Decode(rec)
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return res
}

func (r release[S, C, E]) stopped(h *eventim.Handler[S, C, E], why string) {
	r.t.Helper()
	eventually(r.t, "the partition is stopped", func() bool {
		status := h.Status()
		return len(status) == 1 && status[0].State == eventim.Stopped
	})
	if err := h.Status()[0].Err; !says(err, why) {
		r.t.Errorf("the partition is stopped by %v, want it to say %q", err, why)
	}
}

// upgrade is a purse that the next program has written, and that is running no
// more.
func upgrade(t *testing.T) (before release[purse, coin, coin], after release[nextPurse, nextCoin, nextCoin]) {
	t.Helper()
	k, name := eventimtest.Kafka(t), eventimtest.Name(t, "purse")
	before = newRelease(t, purses, name, k, t.TempDir())
	after = newRelease(t, nextPurses, name, k, t.TempDir())
	if err := before.agg.CreateTopics(t.Context(), k, 1); err != nil {
		t.Fatal(err)
	}
	_, stop := before.start()
	before.resultAt(before.send(coin{1}).Position)
	stop()
	_, stop = after.start()
	after.resultAt(after.send(nextCoin{2, true}).Position)
	stop()
	return before, after
}

// An older program, in a rolling upgrade or after a rollback, does not write a
// state without the fields that it does not know: it stops, says what to do, and
// leaves the command to a program that knows them.
func TestOlderProgramKeepsWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	before, after := upgrade(t)
	for name, dir := range map[string]string{"with the store of before": before.dir, "with no store": t.TempDir()} {
		before.dir = dir
		h, stop := before.start()
		sent := before.send(coin{4})
		before.stopped(h, `this program does not know the member "Gifts", which would be lost: start the newer program`)
		stop()

		_, stop = after.start()
		if res := after.resultAt(sent.Position); res.Outcome != eventim.Accepted || res.Snapshot.State.Gifts != 1 {
			t.Errorf("%s: %+v, want it accepted, and the gift kept", name, res)
		}
		stop()
	}
}

// Nor does it fold events to states that lack what it does not know.
func TestOlderProgramFoldsNoNewerEvents(t *testing.T) {
	t.Parallel()
	before, after := upgrade(t)
	before.agg.Revision = 2
	h, stop := before.start()
	before.stopped(h, `this program does not know the member "Gift", which would be lost`)
	stop()
	_, stop = after.start()
	if res := after.resultAt(after.send(nextCoin{4, true}).Position); res.Snapshot.State != (nextPurse{7, 2}) {
		t.Errorf("%+v, want both gifts", res)
	}
	stop()
}

// A program that does away with a field says so by raising Revision: what has it
// is folded again.
func TestFieldRemoved(t *testing.T) {
	t.Parallel()
	k, name := eventimtest.Kafka(t), eventimtest.Name(t, "purse")
	before := newRelease(t, nextPurses, name, k, t.TempDir())
	if err := before.agg.CreateTopics(t.Context(), k, 1); err != nil {
		t.Fatal(err)
	}
	_, stop := before.start()
	before.resultAt(before.send(nextCoin{2, false}).Position)
	stop()
	after := newRelease(t, purses, name, k, before.dir)
	after.agg.Revision = 2
	_, stop = after.start()
	if res := after.resultAt(after.send(coin{4}).Position); res.Outcome != eventim.Accepted || res.Snapshot.State.Cents != 6 {
		t.Errorf("%+v, want 6 cents", res)
	}
	stop()
}
