package projector

import (
	"context"
	"sync"
	"time"

	"github.com/eventim-go/eventim/internal/kafkalog"
)

// throttle bounds how many records a second a rebuild takes, by partition, as long as
// it is building. It may be changed at any time.
type throttle struct {
	mu   sync.Mutex
	rate float64             // of each partition; 0: no bound
	due  map[int32]time.Time // when the next records may go
}

func newThrottle() *throttle { return &throttle{due: map[int32]time.Time{}} }

func (t *throttle) set(rate float64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rate = rate
}

// portion returns how many of n records go at a time: what a fifth of a second
// allows, so that a slow pace is an even one.
func (t *throttle) portion(n int) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.rate == 0 {
		return n
	}
	return min(n, max(1, int(t.rate/5)))
}

// wait blocks until n more records may go.
func (t *throttle) wait(ctx context.Context, partition int32, n int, building bool) {
	if pause := t.take(partition, n, building, time.Now()); pause > 0 {
		kafkalog.Sleep(ctx, pause)
	}
}

// take returns after which time n records may go, and counts them.
func (t *throttle) take(partition int32, n int, building bool, now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.rate == 0 || !building {
		return 0
	}
	due := t.due[partition]
	if due.Before(now) {
		due = now
	}
	t.due[partition] = due.Add(time.Duration(float64(n) / t.rate * float64(time.Second)))
	return due.Sub(now)
}
