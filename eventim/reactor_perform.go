package eventim

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// calls are the attempts that a process makes for a reactor. They outlive a claim: a
// member that joins takes partitions away, and gives most of them back, and what is
// under way then is not to be interrupted.
type calls[M any] struct {
	wake func(partition int32)

	mu       sync.Mutex
	context  context.Context          // of the attempts; nil while none may begin
	used     map[string]int           // how many are under way, by effect
	running  map[string]bool          // by key, until what has come of it is kept
	outcomes map[int32][]attempted[M] // what is to be settled, by partition
	starved  map[int32]bool           // partitions with calls for which there was no room
	group    sync.WaitGroup
}

// attempted is what has come of an attempt.
type attempted[M any] struct {
	performs Performs[M]
	request  Request[Payload]
	told     M
	err      error
	pause    time.Duration // before the next attempt, when this one has failed
}

func newCalls[M any](wake func(partition int32)) *calls[M] {
	return &calls[M]{
		wake: wake, used: map[string]int{}, running: map[string]bool{}, outcomes: map[int32][]attempted[M]{}, starved: map[int32]bool{},
	}
}

// open lets attempts begin.
func (c *calls[M]) open(ctx context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.context = ctx
}

// drain lets none begin, and waits for those that are under way, until ctx ends.
func (c *calls[M]) drain(ctx context.Context) {
	c.mu.Lock()
	c.context = nil
	c.mu.Unlock()
	done := make(chan struct{})
	go func() { defer close(done); c.group.Wait() }()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// start begins an attempt, unless one for the request is under way. It is false when
// there is no room: then the partition is woken when there is.
func (c *calls[M]) start(partition int32, p Performs[M], r Request[Payload], probe bool) bool {
	limits := p.limits()
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.context == nil:
		return false
	case c.running[r.Key]:
		return true
	case c.used[limits.effect] >= limits.parallel:
		c.starved[partition] = true
		return false
	}
	c.running[r.Key] = true
	c.used[limits.effect]++
	ctx := c.context
	c.group.Go(func() { c.attempt(ctx, partition, attempted[M]{performs: p, request: r}, probe) })
	return true
}

// attempt makes an attempt. Of one that ends with the process nobody knows what has
// come of it: it says nothing.
func (c *calls[M]) attempt(process context.Context, partition int32, a attempted[M], probe bool) {
	limits := a.performs.limits()
	ctx, cancel := context.WithTimeout(process, limits.timeout)
	defer cancel()
	a.told, a.err = a.performs.perform(ctx, a.request, probe)
	a.pause = limits.pauseAfter(a.request.Attempt, rand.Float64()) //nolint:gosec // not a secret
	unknown := a.err != nil && process.Err() != nil

	c.mu.Lock()
	c.used[limits.effect]--
	if unknown {
		delete(c.running, a.request.Key)
	} else {
		c.outcomes[partition] = append(c.outcomes[partition], a)
	}
	starved := slices.Collect(maps.Keys(c.starved))
	clear(c.starved)
	c.mu.Unlock()
	c.wake(partition)
	for _, p := range starved {
		c.wake(p)
	}
}

// pauseAfter is the time before the attempt behind the n-th; chance is in [0, 1).
func (p performing) pauseAfter(n int, chance float64) time.Duration {
	pause := p.longestPause
	if n < 32 && p.pause < p.longestPause>>(n-1) {
		pause = p.pause << (n - 1)
	}
	return pause - time.Duration(chance*float64(pause)/2)
}

// ended returns what is to be settled in a partition, at most so many.
func (c *calls[M]) ended(partition int32, most int) []attempted[M] {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.outcomes[partition]
	return slices.Clone(all[:min(most, len(all))])
}

// settled forgets attempts of which it is kept what has come of them.
func (c *calls[M]) settled(partition int32, keys []string) {
	if len(keys) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, key := range keys {
		delete(c.running, key)
	}
	c.outcomes[partition] = slices.DeleteFunc(c.outcomes[partition], func(a attempted[M]) bool { return !c.running[a.request.Key] })
}

// unsettled tells whether something has come of attempts that is not kept.
func (c *calls[M]) unsettled(partitions []int32) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.ContainsFunc(partitions, func(p int32) bool { return len(c.outcomes[p]) > 0 })
}
