package projector

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/eventim-go/eventim/internal/kafkalog"
)

// retry calls fn until it succeeds, fails for good or for too many records, or
// ctx ends. It reports the first failure and the recovery, not each attempt.
func (p *partition) retry(ctx context.Context, fn func() error) error {
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		err := fn()
		_, permanent := errors.AsType[permanentError](err)
		switch {
		case err == nil || permanent || errors.Is(err, errSuperseded) || errors.Is(err, errRestart):
			return err
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, errMoved):
			continue
		}
		p.report.retrying(ctx, p.logger, err)
		if _, slow := errors.AsType[slowError](err); slow {
			return err
		}
		if !kafkalog.Sleep(ctx, pause/2+rand.N(pause)) { //nolint:gosec // jitter
			return context.Cause(ctx)
		}
	}
}
