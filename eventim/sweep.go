package eventim

import (
	"time"

	"github.com/eventim-go/eventim/internal/faultpoint"
)

// sweep forgets answers that are out of the window. Time is that of the records, so
// that it does not depend on when they are handled, and ours where that is earlier: a
// record of before the brokers stamped them has the time of its sender.
func (w *worker[S, C, E]) sweep(latest int64) error {
	latest = min(latest, faultpoint.Now().UnixMilli())
	return w.store.answers.Forget(time.UnixMilli(latest - w.agg.Deduplication.Milliseconds()))
}
