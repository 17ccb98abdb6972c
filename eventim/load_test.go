package eventim_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/eventim-go/eventim/eventim"
)

// load sends commands of all kinds until it is stopped: accepted and rejected
// ones, with expected versions right and wrong, crashing ones, repeats, and
// other commands under an id that was used.
type load struct {
	s    *system
	stop func()

	mu   sync.Mutex
	sent []eventim.Command[Add]
}

const loadSenders = 4

func (s *system) load(aggregates int) *load {
	s.t.Helper()
	l := &load{s: s}
	stopped := make(chan struct{})
	var senders sync.WaitGroup
	for i := range uint64(loadSenders) {
		senders.Go(func() { l.run(rand.New(rand.NewPCG(i, 1)), aggregates, stopped) }) //nolint:gosec // the same load each time
	}
	l.stop = sync.OnceFunc(func() { close(stopped); senders.Wait() })
	s.t.Cleanup(l.stop)
	return l
}

func (l *load) run(r *rand.Rand, aggregates int, stopped chan struct{}) {
	pause := time.NewTicker(2 * time.Millisecond)
	defer pause.Stop()
	for {
		select {
		case <-stopped:
			return
		case <-pause.C:
		}
		sent := l.s.send(l.next(r, aggregates))
		l.mu.Lock()
		l.sent = append(l.sent, sent)
		l.mu.Unlock()
	}
}

func (l *load) next(r *rand.Rand, aggregates int) eventim.Command[Add] {
	cmd := eventim.Command[Add]{Aggregate: fmt.Sprint("k", r.IntN(aggregates)), Payload: Add{N: 100 + r.IntN(100), Times: r.IntN(3)}}
	switch r.IntN(20) {
	case 0:
		cmd.Payload.N = 0 // rejected
	case 1:
		cmd.Payload.N = 13 // panics
	case 2, 3:
		cmd.Expected = new(int64(r.IntN(50)))
	case 4, 5, 6:
		if old, ok := l.pick(r); ok {
			return old
		}
	case 7:
		if old, ok := l.pick(r); ok {
			old.Payload.N++
			return old
		}
	}
	return cmd
}

func (l *load) pick(r *rand.Rand) (eventim.Command[Add], bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.sent) == 0 {
		return eventim.Command[Add]{}, false
	}
	return l.sent[r.IntN(len(l.sent))], true
}

// answered counts the results so far.
func (s *system) answered() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, results := range s.results {
		n += len(results)
	}
	return n
}

// progress waits until there are n more results.
func (s *system) progress(n int) {
	s.t.Helper()
	want := s.answered() + n
	eventually(s.t, fmt.Sprintf("%d more results", n), func() bool { return s.answered() >= want })
}

// settled ends a load: a last handler on dir handles what is left, and ends.
func (s *system) settled(t *testing.T, dir string) {
	t.Helper()
	h := s.handle(in(dir))
	s.running(h)
	want := len(s.ledger)
	eventually(t, fmt.Sprint(want, " commands are answered"), func() bool { return s.answered() >= want })
	h.stop()
}
