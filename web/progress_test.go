package web

import (
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/eventim-go/eventim/eventim"
)

func resultOf(command int64, value string, header ...string) eventim.Record {
	rec := eventim.Record{Value: []byte(value)}
	for i, pairs := 0, append(header, "ce_commandoffset", strconv.FormatInt(command, 10)); i < len(pairs); i += 2 {
		rec.Headers = append(rec.Headers, &eventim.Header{Key: []byte(pairs[i]), Value: []byte(pairs[i+1])})
	}
	return rec
}

const (
	withEvents    = `{"outcome":"accepted","version":1,"events":[{}],"snapshot":{}}`
	withoutEvents = `{"outcome":"accepted","version":1,"snapshot":{}}`
)

func TestWhatChangesAnything(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rec  eventim.Record
		want bool
	}{
		"accepted":            {resultOf(1, withEvents), true},
		"accepted, no events": {resultOf(1, withoutEvents), false},
		"a repeat":            {resultOf(1, withEvents, "ce_replay", "true"), false},
		"rejected":            {resultOf(1, `{"outcome":"rejected","version":1,"code":"x","message":"no \"events\""}`), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := changes(c.rec); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestNobodyIsAnsweredBeforeTheRecall(t *testing.T) {
	t.Parallel()
	p := newProgress(1)
	effect, forget := p.await(eventim.Position{Offset: 7})
	defer forget()
	p.result(resultOf(7, withoutEvents))
	select {
	case got := <-effect:
		t.Fatalf("got %v: what was before the tail is not known yet", got)
	default:
	}
	p.recall(offsets{6}, offsets{5})
	if got := <-effect; got.Offset != 5 {
		t.Errorf("got %v, want 5", got)
	}
}

func TestPositionsThatNoPartitionHas(t *testing.T) {
	t.Parallel()
	p := newProgress(2)
	p.recall(offsets{9, 9}, offsets{1, 1})
	p.result(eventim.Record{Position: eventim.Position{Partition: 7}, Headers: resultOf(1, "").Headers})
	effect, forget := p.await(eventim.Position{Partition: 2, Offset: 1})
	forget()
	if effect != nil {
		t.Error("partition 2 of 2 exists")
	}
	effect, forget = p.await(eventim.Position{Partition: 1, Offset: 10})
	forget()
	p.result(resultOf(10, withoutEvents))
	select {
	case got := <-effect:
		t.Errorf("got %v after the wait was given up", got)
	default:
	}
}

// Whenever somebody asks and whatever is known by then, the answer is the last
// command before theirs that changed anything, and never an earlier one. Whoever
// gets none waits for a command that changes something, or is not decided yet.
func TestProgressIsExact(t *testing.T) {
	t.Parallel()
	for seed := range uint64(500) {
		random := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // a test
		changed := make([]bool, 1+random.IntN(12))
		for i := range changed {
			changed[i] = random.IntN(3) == 0
		}
		checkProgress(t, random, seed, changed)
	}
}

func checkProgress(t *testing.T, random *rand.Rand, seed uint64, changed []bool) {
	t.Helper()
	p := newProgress(1)
	effects := make([]<-chan eventim.Position, len(changed))
	tail := random.IntN(len(changed) + 1) // the first command whose result the tail has
	next := tail
	// The events may be further than the results that were read back.
	events := tail + random.IntN(len(changed)-tail+1)
	steps := []func(){func() { p.recall(offsets{int64(tail) - 1}, offsets{lastChanged(changed, events)}) }}
	for at := range changed {
		steps = append(steps, func() { effects[at], _ = p.await(eventim.Position{Offset: int64(at)}) })
		if at >= tail {
			steps = append(steps, func() {
				p.result(resultOf(int64(next), map[bool]string{true: withEvents, false: withoutEvents}[changed[next]]))
				next++
			})
		}
	}
	for _, i := range random.Perm(len(steps)) {
		steps[i]()
	}
	for at, effect := range effects {
		select {
		case got := <-effect:
			if want := lastChanged(changed, at+1); got.Offset != want || changed[at] {
				t.Fatalf("seed %d: of %v, told %d to wait for %d, want %d", seed, changed, at, got.Offset, want)
			}
		default:
			if lastChanged(changed, len(changed)) < int64(at) {
				t.Fatalf("seed %d: of %v, nobody told %d that nothing comes", seed, changed, at)
			}
		}
	}
}

// lastChanged is the last of the first n commands that changed anything.
func lastChanged(changed []bool, n int) int64 {
	for i := n - 1; i >= 0; i-- {
		if changed[i] {
			return int64(i)
		}
	}
	return -1
}
