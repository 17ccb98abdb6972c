package app

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
)

// NotifyContext returns a context that ends with the first SIGINT or SIGTERM,
// which is logged. A second one then ends the process at once, as if nobody
// had asked for signals.
func NotifyContext(ctx context.Context, logger *slog.Logger) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	forget := context.AfterFunc(ctx, func() {
		stop()
		logger.Info("stopping; a second signal stops at once", slog.Any("reason", context.Cause(ctx)))
	})
	return ctx, func() { forget(); stop() }
}
