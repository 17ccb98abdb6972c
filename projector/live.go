package projector

import (
	"context"
	"fmt"
	"time"

	"github.com/eventim-go/eventim/internal/kafkalog"
)

// AwaitLive blocks until each view of p can be read and waited for, whichever
// projector has made it, in whichever version, or ctx ends, with the error of
// ctx. A program that answers questions does so from then on: after its first
// start, a view is not there until a projector runs and has caught up.
func (p *Projector) AwaitLive(ctx context.Context) error {
	var names []string
	for _, c := range p.consumers {
		names = append(names, c.view.name)
	}
	for {
		var live int
		err := p.pool.QueryRow(ctx, `select count(*) from projector.views where view = any($1)`, names).Scan(&live)
		if err != nil {
			return fmt.Errorf("await the views: %w", err)
		}
		if live == len(names) {
			return nil
		}
		if !kafkalog.Sleep(ctx, lookForLive) {
			return fmt.Errorf("await the views: %w", context.Cause(ctx))
		}
	}
}

// lookForLive is how often AwaitLive looks. It has to for a moment, once in the
// life of a program.
const lookForLive = 20 * time.Millisecond
