package kafkalog

import (
	"context"
	"time"
)

// Leaderless is how long a partition may be without a leader, or a group without
// a coordinator: Kafka misses a broker that has died after
// broker.session.timeout.ms, 9 s by default.
const Leaderless = 30 * time.Second

// Retry calls fn until it succeeds, ctx ends, or a broker that has died must
// have been replaced; its pauses double from 10 ms to 500 ms.
func Retry(ctx context.Context, fn func() error) error {
	ctx, cancel := context.WithTimeout(ctx, Leaderless)
	defer cancel()
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, 500*time.Millisecond) {
		err := fn()
		if err == nil {
			return nil
		}
		if !Sleep(ctx, pause) {
			return err
		}
	}
}

// Sleep waits for d and reports whether ctx lasted that long.
func Sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
