package eventim

import (
	"time"

	"github.com/eventim-go/eventim/internal/faultpoint"
)

const (
	// sweepsOfAWindow is how many times in a deduplication window there is
	// something to forget: each time little.
	sweepsOfAWindow = 10_000
	// sweepLeast is how many answers a batch forgets, however small it is.
	sweepLeast = 64
)

// sweep forgets answers that are out of the window. A batch pays for its own: it
// forgets twice as many as it has commands, so that what is to be forgotten does
// not pile up, and nobody waits long for it. Time is that of the records, so that
// it does not depend on when they are handled, and ours where that is earlier: a
// record of before the brokers stamped them has the time of its sender.
func (w *worker[S, C, E]) sweep(latest int64, commands int) error {
	window := w.agg.Deduplication.Milliseconds()
	latest = min(latest, faultpoint.Now().UnixMilli())
	if latest-w.swept < window/sweepsOfAWindow {
		return nil
	}
	limit := max(2*commands, sweepLeast)
	n, err := w.store.forget(time.UnixMilli(latest-window), limit)
	if n < limit {
		w.swept = latest
	}
	return err
}
