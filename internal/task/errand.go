package task

import (
	"sync"
	"time"

	"github.com/eventim-go/eventim/internal/faultpoint"
)

// Busy is a call of somebody else's code that takes long. Such code is pure, and done
// in microseconds: one that is not back after seconds waits for something, or goes
// round in circles, and nothing can interrupt it. What can be done is to say which
// record it is about.
type Busy struct {
	Doing  string // a verb
	Key    string // of the record
	ID     string // of the message in it
	Offset int64
	Since  time.Time
}

// Errand is the call that is under way in a partition. A nil errand is nobody's.
type Errand struct {
	mu sync.Mutex
	Busy
}

// Begin enters a call.
func (e *Errand) Begin(doing, key, id string, offset int64) {
	if e == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.Busy = Busy{doing, key, id, offset, faultpoint.Now()}
}

// End enters that the call is back.
func (e *Errand) End() {
	if e == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.Busy = Busy{}
}

// longer returns what has been under way for at least d, nil for nothing.
func (e *Errand) longer(d time.Duration) *Busy {
	if e == nil {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if b := e.Busy; !b.Since.IsZero() && faultpoint.Now().Sub(b.Since) >= d {
		return &b
	}
	return nil
}
