package eventim_test

import (
	"os"
	"testing"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
)

// A parcel that can be fetched until it expires, which somebody who has set a
// timer says: sometimes too early.
type (
	parcel  struct{ Days, Expired int }
	deed    struct{ Days, Expire int }
	happens struct{ Days, Expired int }
)

var parcels = eventim.Aggregate[parcel, deed, happens]{
	Decider: eventim.Decider[parcel, deed, happens]{
		Decide: func(p parcel, cmd eventim.Command[deed]) ([]happens, error) {
			switch {
			case cmd.Payload.Expire == 0:
				return []happens{{Days: cmd.Payload.Days}}, nil
			case p.Days < 7:
				return nil, eventim.RejectForNow("too_early", "it is %d days old, and kept for 7", p.Days)
			}
			return []happens{{Expired: cmd.Payload.Expire}}, nil
		},
		Evolve: func(p parcel, h happens) parcel { return parcel{p.Days + h.Days, p.Expired + h.Expired} },
	},
	Commands: eventim.JSON[deed]("deed"), Events: eventim.JSON[happens]("happens"), State: eventim.JSON[parcel]("parcel"),
}

// A rejection for now takes up no id: the same command is decided again when it
// comes again, also after a restart, with the store and without it; once it was
// accepted, it is answered like any repeat.
func TestRejectedForNow(t *testing.T) {
	t.Parallel()
	for name, between := range map[string]func(t *testing.T, dir string, restart func()){
		"in one life":     func(*testing.T, string, func()) {},
		"after a restart": func(_ *testing.T, _ string, restart func()) { restart() },
		"with no store left": func(t *testing.T, dir string, restart func()) {
			t.Helper()
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
			restart()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newRelease(t, parcels, eventimtest.Name(t, "parcel"), eventimtest.Kafka(t), t.TempDir())
			if err := p.agg.CreateTopics(t.Context(), p.kafka, 1); err != nil {
				t.Fatal(err)
			}
			_, stop := p.start()
			restart := func() { stop(); between(t, p.dir, func() { _, stop = p.start() }) }
			if name == "in one life" {
				restart = func() {}
			}
			expire := deed{Expire: 1}
			p.answered("soon", expire, eventim.Rejected, false)
			p.answered("soon", expire, eventim.Rejected, false)
			restart()
			p.answered("soon", expire, eventim.Rejected, false)
			p.answered("days", deed{Days: 7}, eventim.Accepted, false)
			p.answered("soon", expire, eventim.Accepted, false)
			p.answered("soon", expire, eventim.Accepted, true)
			restart()
			res := p.answered("soon", expire, eventim.Accepted, true)
			if res.Snapshot == nil || res.Snapshot.State.Expired != 1 {
				t.Errorf("%+v, want that it has expired once", res)
			}
			if res := p.answered("soon", deed{Expire: 2}, eventim.Rejected, true); res.Rejection.Code != eventim.CodeCommandIDReused {
				t.Errorf("%+v, want the id to be taken", res)
			}
			stop()
		})
	}
}

// answered sends a command and compares what its answer is.
func (r release[S, C, E]) answered(id string, payload C, outcome eventim.Outcome, replayed bool) eventim.Result[S, E] {
	r.t.Helper()
	sent := r.sendAs(id, payload)
	res := r.resultAt(sent.Position)
	forNow := res.Rejection != nil && res.Rejection.ForNow
	if res.Outcome != outcome || res.Replayed != replayed || forNow != (outcome == eventim.Rejected && !replayed) {
		r.t.Errorf("%s: %+v, %+v, want it %s, and replayed to be %v", id, res, res.Rejection, outcome, replayed)
	}
	return res
}
