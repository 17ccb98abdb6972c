package eventim_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eventim-go/eventim/eventim"
)

type charge struct{ Order string }

var charging = eventim.Effect[charge]{Name: "charge"}

// provider charges orders, which is known to it alone: some answers are lost.
type provider struct {
	mu      sync.Mutex
	done    map[string]int // by key
	asked   int            // how often it was asked to charge
	probed  int
	holds   chan struct{}     // nil, or what it waits for when it has charged
	answers func(n int) error // the answer when it is asked for the n-th time for one key
	tries   map[string]int    // by key
	refuses func(charge) bool // which it never charges
	begun   chan struct{}     // one for each that is held
}

func newProvider() *provider {
	return &provider{
		done: map[string]int{}, tries: map[string]int{}, begun: make(chan struct{}, 100),
		answers: func(int) error { return nil }, refuses: func(charge) bool { return false },
	}
}

func (p *provider) charge(ctx context.Context, r eventim.Request[charge]) (told, error) {
	p.mu.Lock()
	p.asked++
	p.tries[r.Key]++
	try, holds := p.tries[r.Key], p.holds
	if p.refuses(r.Payload) {
		p.mu.Unlock()
		return told{}, eventim.Permanent(errors.New("declined"))
	}
	p.done[r.Key]++
	p.mu.Unlock()
	if holds != nil {
		p.begun <- struct{}{}
		select {
		case <-holds:
		case <-ctx.Done():
			return told{}, ctx.Err()
		}
	}
	return told{"charged"}, p.answers(try)
}

func (p *provider) probe(_ context.Context, r eventim.Request[charge]) (told, bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.probed++
	return told{"charged"}, p.done[r.Key] > 0, nil
}

// counts are how often it was asked, and how often it has charged at most, and at
// least, for one key.
func (p *provider) counts() (asked, probed, keys, most int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, n := range p.done {
		most = max(most, n)
	}
	return p.asked, p.probed, len(p.done), most
}

// performer is who charges.
func (p *provider) performer() eventim.Performer[charge, told] {
	return eventim.Performer[charge, told]{
		Effect: charging, Do: p.charge, Probe: p.probe, Pause: 10 * time.Millisecond, Attempts: 3,
		Failed: func(_ eventim.Request[charge], err error) told { return told{"failed: " + err.Error()} },
	}
}

// charges is the process that charges each order that is placed.
func charges(name string, with eventim.Performer[charge, told]) eventim.Reactor[waits, told] {
	r := reserving(name, time.Hour, 0, func() {})
	r.Sources, r.Performs = r.Sources[:1], []eventim.Performs[told]{with}
	r.React = func(s waits, m eventim.Message[told]) (waits, []eventim.Output) {
		s.Told = append(s.Told, m.Payload.What)
		switch m.Payload.What {
		case "placed":
			return s, []eventim.Output{eventim.Call(charging, charge{m.Instance})}
		case "charged":
			return s, []eventim.Output{orders(name).Send(m.Instance, orderCommand{"confirm"}), eventim.End()}
		default:
			return s, []eventim.Output{orders(name).Send(m.Instance, orderCommand{"expire"}), eventim.End()}
		}
	}
	return r
}

// newCharging is a process that charges orders, as a test sees it.
func newCharging(t *testing.T, with eventim.Performer[charge, told]) *process {
	t.Helper()
	p := newProcess(t, time.Hour, 0)
	p.reactor = charges(p.name, with)
	return p
}

// What is called for is done once for each reaction that calls for it, though every
// first answer is lost and members come and go; what the other side refuses, and what
// fails for good, the instance hears.
func TestEffects(t *testing.T) {
	t.Parallel()
	with := newProvider()
	with.refuses = func(c charge) bool { return strings.HasSuffix(c.Order, "3") }
	with.answers = func(n int) error {
		if n == 1 {
			return errors.New("the answer is lost")
		}
		return nil
	}
	p := newCharging(t, with.performer())
	defer handles(p, orders(p.name))()
	other := p.reacts(t.TempDir())
	p.comesAndGoes(3)
	p.becomes(27, 3)
	other()
	asked, probed, keys, most := with.counts()
	if keys != 27 || most != 1 || probed < 27 || asked < 30 {
		t.Errorf("%d are charged, at most %d times; asked %d times, probed %d times", keys, most, asked, probed)
	}
}

// A call that fails at each attempt is given up, and the instance is told why.
func TestAnEffectThatFails(t *testing.T) {
	t.Parallel()
	with := newProvider()
	with.answers = func(int) error { return errors.New("out of order") }
	performer := with.performer()
	performer.Probe = nil
	p := newCharging(t, performer)
	defer handles(p, orders(p.name))()
	defer p.reacts(p.dir)()
	p.place(0, 3)
	p.becomes(0, 3)
	if asked, _, keys, most := with.counts(); keys != 3 || most != 3 || asked != 9 {
		t.Errorf("%d orders were tried, at most %d times, %d in all", keys, most, asked)
	}
}

// A reactor that is stopped lets a call end that is under way, and keeps what has come
// of it: it is not made again.
func TestAStoppedReactorAwaitsItsCalls(t *testing.T) {
	t.Parallel()
	with := newProvider()
	with.holds = make(chan struct{})
	p := newCharging(t, with.performer())
	defer handles(p, orders(p.name))()
	h, err := eventim.NewReactorHandler(p.reactor, p.config(p.dir))
	if err != nil {
		t.Fatal(err)
	}
	stop := p.run(h.Run)
	p.place(0, 1)
	<-with.begun
	stopped := make(chan struct{})
	go func() { defer close(stopped); stop() }()
	eventually(t, "it makes no more calls", func() bool { return !eventim.MakesCalls(h) })
	close(with.holds)
	<-stopped
	p.becomes(1, 0) // nobody reacts any more
	if asked, _, _, _ := with.counts(); asked != 1 {
		t.Errorf("it was asked %d times", asked)
	}
}

// Where a call was interrupted, nobody knows what it came to: whoever goes on, on
// another disk, asks before it makes it again.
func TestAnInterruptedCallIsProbed(t *testing.T) {
	t.Parallel()
	with := newProvider()
	with.holds = make(chan struct{}) // it answers nobody
	p := newCharging(t, with.performer())
	defer handles(p, orders(p.name))()
	stop := p.reacts(t.TempDir())
	p.place(0, 2)
	for range 2 {
		<-with.begun
	}
	stop() // it gives up after a while
	with.mu.Lock()
	with.holds = nil
	with.mu.Unlock()
	stop = p.reacts(t.TempDir())
	p.becomes(2, 0)
	stop()
	if asked, probed, keys, most := with.counts(); asked != 2 || probed != 2 || keys != 2 || most != 1 {
		t.Errorf("asked %d times, probed %d times, %d are charged, at most %d times", asked, probed, keys, most)
	}
}

// A call that hangs holds up neither another instance nor another message to its own.
func TestACallThatHangsHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	with := newProvider()
	hung := make(chan struct{})
	performer := with.performer()
	performer.Do = func(ctx context.Context, r eventim.Request[charge]) (told, error) {
		if r.Payload.Order == "o0" {
			select {
			case <-hung:
			case <-ctx.Done():
			}
		}
		return with.charge(ctx, r)
	}
	p := newCharging(t, performer)
	defer handles(p, orders(p.name))()
	stop := p.reacts(p.dir)
	p.place(0, 40)
	p.becomes(39, 0)
	close(hung)
	p.becomes(40, 0)
	stop()
	if _, _, keys, most := with.counts(); keys != 40 || most != 1 {
		t.Errorf("%d are charged, at most %d times", keys, most)
	}
}
