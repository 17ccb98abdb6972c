package access

import (
	"context"
	"maps"
	"slices"
	"time"
)

const (
	attendInterval = 2 * time.Second
	purgeInterval  = 5 * time.Minute

	// trustFor is how long connections stay that nobody can be asked about.
	trustFor = time.Minute
)

// Attend calls gone, once or more, when the session or the token of p has ended, on whatever
// node that was, until leave is called. Run has to be running.
func (g *Gate) Attend(p Principal, gone func()) (leave func()) {
	key := p.key()
	if key == "" {
		return func() {}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.attended[key] == nil {
		g.attended[key] = map[int]func(){}
	}
	g.next++
	number := g.next
	g.attended[key][number] = gone
	return func() { g.leave(key, number) }
}

func (g *Gate) leave(session string, number int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.attended[session], number)
	if len(g.attended[session]) == 0 {
		delete(g.attended, session)
		delete(g.touched, session)
	}
}

// sessionEnded makes Run look at once.
func (g *Gate) sessionEnded() {
	select {
	case g.ended <- struct{}{}:
	default:
	}
}

// Run watches the sessions that are attended, and forgets those that have
// ended, until ctx ends. It returns nil.
func (g *Gate) Run(ctx context.Context) error {
	look, purge := time.NewTicker(attendInterval), time.NewTicker(purgeInterval)
	defer look.Stop()
	defer purge.Stop()
	known := g.now()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-purge.C:
			if err := g.store.purge(ctx); err != nil {
				g.log.Warn("cannot forget the sessions that have ended", "error", err)
			}
		case <-look.C:
			known = g.look(ctx, known)
		case <-g.ended:
			known = g.look(ctx, known)
		}
	}
}

// look lets go of who is not logged in any more, and of everybody when that has
// not been known for too long. It returns since when it is known.
func (g *Gate) look(ctx context.Context, known time.Time) time.Time {
	g.mu.Lock()
	ids := slices.Collect(maps.Keys(g.attended))
	g.mu.Unlock()
	now := g.now()
	if len(ids) == 0 {
		return now
	}
	living, err := g.store.living(ctx, ids)
	switch {
	case err == nil:
		known = now
	case now.Sub(known) < trustFor:
		return known
	default:
		g.log.Warn("closing live connections: it cannot be known who is logged in", "error", err)
	}
	for _, id := range ids {
		if !slices.Contains(living, id) {
			g.letGo(id)
		}
	}
	return known
}

func (g *Gate) letGo(session string) {
	g.mu.Lock()
	all := slices.Collect(maps.Values(g.attended[session]))
	g.mu.Unlock()
	for _, gone := range all {
		gone()
	}
}
