package main

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// happening is a fault that happens.
type happening struct {
	fault
	what    string
	begun   time.Time
	seconds float64
	err     error
}

func (n *nemesis) start(ctx context.Context, f fault) *happening {
	h := &happening{fault: f, begun: time.Now()}
	h.what, h.err = f.happen(n, ctx)
	h.seconds = time.Since(h.begun).Seconds()
	return h
}

// strike lets a fault happen, and every other time another one beside it: what
// is being overcome is then met by something else.
func (n *nemesis) strike(ctx context.Context, f fault, some []fault) []*happening {
	beside := slices.DeleteFunc(slices.Clone(some), func(g fault) bool { return !g.isAside() || f.hitsNumbering() && g.hitsNumbering() })
	if f.isAside() || len(beside) == 0 || n.random.IntN(2) == 0 {
		return []*happening{n.start(ctx, f)}
	}
	g := n.next(beside)
	other := *n                                                // draws for itself, so that the seed decides
	other.random = rand.New(rand.NewPCG(n.random.Uint64(), 2)) //nolint:gosec // to be repeated
	second := make(chan *happening)
	go func() { second <- other.start(ctx, g) }()
	first := n.start(ctx, f)
	return []*happening{first, <-second}
}

// all says what has happened.
func all(happened []*happening) string {
	var parts []string
	for _, h := range happened {
		parts = append(parts, h.name+": "+h.what)
	}
	return strings.Join(parts, "; and ")
}
