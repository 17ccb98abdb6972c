package eventim

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// performerOf performs the asks of the model.
func performerOf(do func(context.Context, Request[question]) (entry, error)) Performer[question, entry] {
	p := asker()
	p.Do = do
	return p
}

func asked(t *testing.T, key string) Request[Payload] {
	t.Helper()
	data, err := asks.codec().Encode(question{key})
	if err != nil {
		t.Fatal(err)
	}
	return Request[Payload]{Key: key, Instance: "a", Attempt: 1, Payload: data}
}

// There are no more attempts at a time than there may be, those of one effect take no
// room from another, and who has to wait for room is woken.
func TestAttemptsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seven atomic.Int32
		c := newCalls[entry](func(p int32) {
			if p == 7 {
				seven.Add(1)
			}
		})
		c.open(t.Context())
		released := make(chan struct{})
		slow := performerOf(func(context.Context, Request[question]) (entry, error) { <-released; return entry{}, nil })
		slow.Parallel = 2
		quick := performerOf(func(context.Context, Request[question]) (entry, error) { return entry{Do: "quick"}, nil })
		quick.Effect.Name = "quick"
		for key, want := range map[string]bool{"1": true, "2": true} {
			if got := c.start(0, slow, asked(t, key), false); got != want {
				t.Errorf("%s: %v", key, got)
			}
		}
		if !c.start(0, slow, asked(t, "1"), false) {
			t.Error("one that is under way takes room twice")
		}
		if c.start(7, slow, asked(t, "3"), false) {
			t.Error("a third one begins")
		}
		data, _ := quick.Effect.codec().Encode(question{})
		if !c.start(1, quick, Request[Payload]{Key: "q", Attempt: 1, Payload: data}, false) {
			t.Error("one effect takes the room of another")
		}
		synctest.Wait()
		if got := c.ended(1, 9); len(got) != 1 || got[0].told.Do != "quick" {
			t.Errorf("the quick one has %+v", got)
		}
		close(released)
		synctest.Wait()
		if seven.Load() == 0 || len(c.ended(0, 9)) != 2 {
			t.Errorf("it is woken %d times, and %d have ended", seven.Load(), len(c.ended(0, 9)))
		}
		if !c.start(7, slow, asked(t, "3"), false) {
			t.Error("there is room, and the third does not begin")
		}
		synctest.Wait()
		c.settled(0, []string{"1", "2"})
		if c.unsettled([]int32{0}) || !c.unsettled([]int32{7}) || c.running["1"] || !c.running["3"] {
			t.Errorf("left are %v, running %v", c.outcomes, c.running)
		}
	})
}

// An attempt has its time, one that panics has failed, and one that the end of the
// process interrupts has come to nothing that is known.
func TestWhatAttemptsComeTo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCalls[entry](func(int32) {})
		process, end := context.WithCancel(t.Context())
		c.open(process)
		hangs := performerOf(func(ctx context.Context, _ Request[question]) (entry, error) { <-ctx.Done(); return entry{}, ctx.Err() })
		hangs.Timeout = time.Minute
		panics := performerOf(func(context.Context, Request[question]) (entry, error) { panic("oh") })
		begun := time.Now()
		c.start(0, hangs, asked(t, "hangs"), false)
		c.start(1, panics, asked(t, "panics"), false)
		c.group.Wait()
		if got := c.ended(0, 1); time.Since(begun) != time.Minute || !errors.Is(got[0].err, context.DeadlineExceeded) {
			t.Errorf("after %v: %v", time.Since(begun), got[0].err)
		}
		if got := c.ended(1, 1); !strings.Contains(got[0].err.Error(), "panicked: oh") || got[0].pause < 500*time.Millisecond || got[0].pause > time.Second {
			t.Errorf("%v, again after %v", got[0].err, got[0].pause)
		}
		c.start(2, hangs, asked(t, "interrupted"), false)
		drained, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		c.drain(drained)
		if c.start(2, hangs, asked(t, "late"), false) {
			t.Error("an attempt begins while the process ends")
		}
		end()
		c.group.Wait()
		if got := c.ended(2, 1); len(got) != 0 || c.running["interrupted"] {
			t.Errorf("one that was interrupted says %+v", got)
		}
	})
}

// A handler that is stopped lets calls end that are under way, for a while, and no longer.
func TestAStoppedHandlerAwaitsItsCallsForAWhile(t *testing.T) {
	t.Parallel()
	for takes, want := range map[time.Duration]time.Duration{5 * time.Second: 5 * time.Second, time.Minute: callsGrace} {
		synctest.Test(t, func(t *testing.T) {
			r := *diarist(new(bool))
			r.Sources = []Source[entry]{Begins(Source[entry]{topic: "x"})}
			h, err := NewReactorHandler(r, HandlerConfig{Kafka: Kafka{Brokers: []string{"nobody:1"}}, Dir: "nowhere"})
			if err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan error)
			go func() { ended <- h.perform(ctx) }()
			synctest.Wait()
			interrupted := false
			h.calls.start(0, performerOf(func(ctx context.Context, _ Request[question]) (entry, error) {
				select {
				case <-time.After(takes):
				case <-ctx.Done():
					interrupted = true
				}
				return entry{}, ctx.Err()
			}), asked(t, "k"), false)
			begun := time.Now()
			stop()
			if err := <-ended; err != nil || time.Since(begun) != want || interrupted != (takes > want) {
				t.Errorf("a call of %v: it has ended after %v, interrupted %v, %v", takes, time.Since(begun), interrupted, err)
			}
		})
	}
}

// Who knows what the other side has done is asked before it is done again, but not
// before it is done first.
func TestProbes(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		probe bool
		done  bool
		fails error
		want  string
	}{
		"first":    {want: "did"},
		"done":     {probe: true, done: true, want: "probed"},
		"not done": {probe: true, want: "did"},
		"unknown":  {probe: true, fails: broken},
	} {
		p := performerOf(func(context.Context, Request[question]) (entry, error) { return entry{Do: "did"}, nil })
		p.Probe = func(context.Context, Request[question]) (entry, bool, error) {
			if !c.probe {
				t.Errorf("%s: it is asked", name)
			}
			return entry{Do: "probed"}, c.done, c.fails
		}
		m, err := p.perform(t.Context(), asked(t, name), c.probe)
		if !errors.Is(err, c.fails) || err == nil && m.Do != c.want {
			t.Errorf("%s: %+v, %v, want %q", name, m, err, c.want)
		}
	}
}

// Pauses double, up to the longest, and chance leaves out up to a half.
func TestPauses(t *testing.T) {
	t.Parallel()
	p := Performer[question, entry]{Pause: 100 * time.Millisecond, LongestPause: time.Second}.limits()
	for n, want := range map[int]int64{1: 100, 2: 200, 3: 400, 4: 800, 5: 1000, 31: 1000, 64: 1000, 1000: 1000} {
		if got := p.pauseAfter(n, 0); got.Milliseconds() != want {
			t.Errorf("after %d: %v, want %d ms", n, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 100).Draw(t, "n")
		chance := rapid.Float64Range(0, 1).Draw(t, "chance")
		if got, most := p.pauseAfter(n, chance), p.pauseAfter(n, 0); got > most || got < most/2 {
			t.Fatalf("%v of %v", got, most)
		}
	})
}

// What was called for before a program was started is found, by whoever performs it
// and by whoever does not.
func TestCallsThatNobodyPerforms(t *testing.T) {
	t.Parallel()
	m := newReactorModel(t)
	defer m.close()
	w := m.p.Store.Begin(0)
	for _, effect := range []string{"a", "ask", "asked", "zz"} {
		for _, id := range []string{"1", "2"} {
			w.Set(callKey(call{Effect: effect, Due: 5}, "i", id), nil)
		}
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	if got, err := m.p.strangers(); err != nil || strings.Join(got, " ") != "a asked zz" {
		t.Errorf("%v, %v", got, err)
	}
	due, next, err := dueCalls(m.scope(), "ask", 4, 9)
	if err != nil || len(due) != 0 || next != 5 {
		t.Errorf("at 4: %v, next at %d, %v", due, next, err)
	}
	if due, _, err = dueCalls(m.scope(), "ask", 5, 9); err != nil || len(due) != 2 || due[0].instance != "i" || due[0].id != "1" {
		t.Errorf("at 5: %v, %v", due, err)
	}
}

// Each fault of a performer is found before anything runs.
func TestPerformersAreChecked(t *testing.T) {
	t.Parallel()
	good := asker()
	for name, change := range map[string]func(*Performer[question, entry]){
		"no name":       func(p *Performer[question, entry]) { p.Effect.Name = "" },
		"does nothing":  func(p *Performer[question, entry]) { p.Do = nil },
		"cannot fail":   func(p *Performer[question, entry]) { p.Failed = nil },
		"less than one": func(p *Performer[question, entry]) { p.Parallel = -1 },
	} {
		p := good
		change(&p)
		r := *diarist(new(bool))
		r.Sources = []Source[entry]{Begins(Source[entry]{topic: "x"})}
		r.Performs = []Performs[entry]{p}
		if err := r.validate(); err == nil {
			t.Errorf("%s: it is not found", name)
		}
		r.Performs = []Performs[entry]{good, good}
		if err := r.validate(); err == nil {
			t.Error("one that is performed by two is not found")
		}
		r.Performs = r.Performs[:1]
		if err := r.validate(); err != nil {
			t.Error(err)
		}
	}
}
