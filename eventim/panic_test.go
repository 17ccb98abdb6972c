package eventim_test

import (
	"encoding/json"
	"testing"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
)

// Values whose own JSON has never seen what is in them.
type (
	plainShot   struct{ N int }
	touchyShot  struct{ N int } // cannot be read when it is 13
	touchyScore struct{ N int } // cannot be read when it is 26
	mutedScore  struct{ N int } // cannot be written when it is 13
)

func (s *touchyShot) UnmarshalJSON(data []byte) error {
	err := json.Unmarshal(data, (*plainShot)(s))
	if s.N == 13 {
		panic("thirteen")
	}
	return err
}

func (s *touchyScore) UnmarshalJSON(data []byte) error {
	err := json.Unmarshal(data, (*plainShot)(s))
	if s.N == 26 {
		panic("twice thirteen")
	}
	return err
}

func (s mutedScore) MarshalJSON() ([]byte, error) {
	if s.N == 13 {
		panic("unspeakable")
	}
	return json.Marshal(plainShot(s))
}

// game is a sum of shots, in one name whatever its types.
func game[S, C, E ~struct{ N int }](t *testing.T, name string, k eventim.Kafka, dir string) release[S, C, E] {
	t.Helper()
	a := eventim.Aggregate[S, C, E]{
		Decider: eventim.Decider[S, C, E]{
			Decide: func(_ S, cmd eventim.Command[C]) ([]E, error) { return []E{E(cmd.Payload)}, nil },
			Evolve: func(s S, e E) S {
				return S{struct{ N int }(s).N + struct{ N int }(e).N}
			},
		},
		Commands: eventim.JSON[C]("shot"), Events: eventim.JSON[E]("shot"), State: eventim.JSON[S]("score"),
	}
	return newRelease(t, a, name, k, dir)
}

// A codec that panics is like a decision that does: the command fails, with a dead
// letter, and its partition goes on.
func TestCodecOfACommandPanics(t *testing.T) {
	t.Parallel()
	k, name := eventimtest.Kafka(t), eventimtest.Name(t, "game")
	g := game[plainShot, touchyShot, plainShot](t, name, k, t.TempDir())
	if err := g.agg.CreateTopics(t.Context(), k, 1); err != nil {
		t.Fatal(err)
	}
	h, _ := g.start()
	res := g.resultAt(g.send(touchyShot{13}).Position)
	if res.Outcome != eventim.Failed || res.Rejection.Code != eventim.CodeUndecodable {
		t.Errorf("%+v, %+v, want it failed with %s", res, res.Rejection, eventim.CodeUndecodable)
	}
	if res := g.resultAt(g.send(touchyShot{1}).Position); res.Version != 1 || res.Snapshot.State.N != 1 {
		t.Errorf("the next command: %+v, want version 1", res)
	}
	if status := h.Status(); status[0].State != eventim.Running {
		t.Errorf("%+v, want the partition to go on", status)
	}
	letters, err := eventim.Ends(t.Context(), k, g.agg.Topics().DeadLetters)
	if err != nil || letters[0] == 0 {
		t.Errorf("%v, %v, want a dead letter", letters, err)
	}
}

// A result that cannot be written is that of a decision that panics.
func TestCodecOfAStatePanicsInADecision(t *testing.T) {
	t.Parallel()
	k, name := eventimtest.Kafka(t), eventimtest.Name(t, "game")
	g := game[mutedScore, plainShot, plainShot](t, name, k, t.TempDir())
	if err := g.agg.CreateTopics(t.Context(), k, 1); err != nil {
		t.Fatal(err)
	}
	_, _ = g.start()
	res := g.resultAt(g.send(plainShot{13}).Position)
	if res.Outcome != eventim.Failed || res.Rejection.Code != eventim.CodePanic {
		t.Errorf("%+v, want it failed with %s", res, eventim.CodePanic)
	}
	if res := g.resultAt(g.send(plainShot{12}).Position); res.Version != 1 {
		t.Errorf("the next command: %+v, want version 1", res)
	}
}

// A state or an event whose reading panics is history that cannot be read: its
// partition stops, and nothing else.
func TestCodecOfHistoryPanics(t *testing.T) {
	t.Parallel()
	k, name := eventimtest.Kafka(t), eventimtest.Name(t, "game")
	before := game[plainShot, plainShot, plainShot](t, name, k, t.TempDir())
	if err := before.agg.CreateTopics(t.Context(), k, 1); err != nil {
		t.Fatal(err)
	}
	_, stop := before.start()
	before.resultAt(before.send(plainShot{13}).Position)
	stop()

	t.Run("an event", func(t *testing.T) {
		after := game[plainShot, plainShot, touchyShot](t, name, k, t.TempDir())
		after.agg.Revision = 2
		h, stop := after.start()
		after.stopped(h, `reading a "shot" panicked: thirteen`)
		stop()
	})
	t.Run("a state that is folded", func(t *testing.T) {
		after := game[mutedScore, plainShot, plainShot](t, name, k, t.TempDir())
		after.agg.Revision = 2
		h, stop := after.start()
		after.stopped(h, "writing a eventim_test.mutedScore panicked: unspeakable")
		stop()
	})
	t.Run("a state", func(t *testing.T) {
		_, stop := before.start()
		before.resultAt(before.send(plainShot{13}).Position)
		stop()
		for _, dir := range []string{before.dir, t.TempDir()} { // needed, and restored
			after := game[touchyScore, plainShot, plainShot](t, name, k, dir)
			h, stop := after.start()
			after.send(plainShot{1})
			after.stopped(h, `reading a "score" panicked: twice thirteen`)
			stop()
		}
	})
}
