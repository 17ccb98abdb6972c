package eventim_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/eventim-go/eventim/eventim"
)

// startReactor starts a reactor in a process of its own.
func (p *process) startReactor(dir string, patience time.Duration, change ...func(*childConfig)) *child {
	p.t.Helper()
	cc := childConfig{Brokers: p.kafka.Brokers, Dir: dir, Reactor: p.name, Patience: patience}
	for _, f := range change {
		f(&cc)
	}
	return startChild(p.t, cc)
}

// commands counts what was written into the commands of an aggregate, repeats and all.
func (p *process) commands(topic string) (n int) {
	p.t.Helper()
	readAll(p.t, p.kafka, topic, func(eventim.Record) error { n++; return nil })
	return n
}

// killing has two reactor processes beside each other and places orders. In each round
// it kills one of them in the middle of that: when so many of the orders, by chance, have
// been reacted to. It returns what ends those that are left.
func (p *process) killing(rounds, each int, change ...func(*childConfig)) (stop func()) {
	p.t.Helper()
	dirs := []string{p.t.TempDir(), p.t.TempDir()}
	start := func(i int) *child { return p.startReactor(dirs[i], time.Hour, change...) }
	children := []*child{start(0), start(1)}
	seed := rand.Uint64() //nolint:gosec // moments, not secrets
	p.t.Log("seed", seed)
	r := rand.New(rand.NewPCG(seed, 2)) //nolint:gosec // moments, not secrets
	instances := p.reactor.Topics().Instances
	for round := range rounds {
		moment := lengthOf(p.t, p.kafka, instances) + r.Int64N(int64(each)) // each order makes one record at least
		p.place(round*each, (round+1)*each)
		eventually(p.t, "somebody reacts", func() bool { return lengthOf(p.t, p.kafka, instances) >= moment })
		i := r.IntN(len(children))
		children[i].kill()
		children[i] = start(i)
	}
	return func() {
		for _, c := range children {
			c.stop()
		}
	}
}

// Reactor processes are killed at random moments, two beside each other: each event
// becomes one command, which is written once.
func TestKilledReactors(t *testing.T) {
	t.Parallel()
	p := newProcess(t, time.Hour, 70)
	defer handles(p, orders(p.name))()
	defer handles(p, stock(p.name, p.left))()
	const rounds, each = 8, 10
	stop := p.killing(rounds, each)
	p.becomes(70, 10)
	stop()
	if n := p.commands(stock(p.name, 0).Topics().Commands); n != rounds*each {
		t.Errorf("%d commands to the stock, want %d", n, rounds*each)
	}
	if n := p.commands(orders(p.name).Topics().Commands); n != 2*rounds*each {
		t.Errorf("%d commands to the orders, want %d", n, 2*rounds*each)
	}
}

// A reactor that is killed at each of its commits, before and after the broker gets
// them, fires each timer once.
func TestTimersOfKilledReactors(t *testing.T) {
	t.Parallel()
	p := newProcess(t, 0, 0)
	defer handles(p, orders(p.name))() // the stock is away
	const patience = 3 * time.Second
	const n = 20
	p.place(0, n)
	for at := 1; at <= 6; at++ {
		for _, after := range []bool{false, true} {
			c := p.startReactor(p.dir, patience, func(cc *childConfig) { cc.DieAt, cc.DieAfter = at, after })
			select {
			case err := <-c.ended:
				c.ended <- err
			case <-time.After(patience + 5*time.Second): // it has nothing left to commit
				c.kill()
			}
		}
	}
	c := p.startReactor(p.dir, patience)
	p.becomes(0, n)
	c.stop()
	if got := p.commands(orders(p.name).Topics().Commands); got != 2*n {
		t.Errorf("%d commands to the orders, want one to place and one to expire each of %d", got, n)
	}
	if got := p.commands(stock(p.name, 0).Topics().Commands); got != n {
		t.Errorf("%d commands to the stock, want %d", got, n)
	}
}
