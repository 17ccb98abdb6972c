package web

import (
	"errors"
	"sync"
)

// refusal is why the connections of an origin, or of any when it is empty,
// cannot be told what they missed since a token.
type refusal struct {
	origin string
	from   token
	err    error
}

// refuses tells whether r is refused as well. What is missed only grows: more
// has changed since an older token, and the log begins later, never earlier.
func (f refusal) refuses(r *replay) bool {
	return (f.origin == "" || f.origin == r.origin) && r.from.epoch == f.from.epoch &&
		r.from.results.within(f.from.results) && r.from.snapshots.within(f.from.snapshots)
}

// refusals remembers the last of them: to find out costs a pass over the log,
// and whoever is refused tends to come back with the same token. The tokens of
// a server are ordered, so that a few cover all that are older.
type refusals struct {
	mu   sync.Mutex
	last []refusal
}

const maxRefusals = 64

func (f *refusals) of(r *replay) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, refusal := range f.last {
		if refusal.refuses(r) {
			return refusal.err
		}
	}
	return nil
}

// remember keeps a refusal that holds for good; one by a Kafka that does not
// answer does not.
func (f *refusals) remember(r *replay, err error) {
	origin := ""
	switch {
	case errors.Is(err, errTooManyResults):
		origin = r.origin
	case !oldToken(err):
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last = append(f.last, refusal{origin, r.from, err})
	f.last = f.last[max(0, len(f.last)-maxRefusals):]
}
