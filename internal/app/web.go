package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"syscall"

	"golang.org/x/sync/errgroup"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/internal/metrics"
	"github.com/eventim-go/eventim/web"
)

// Listen listens on a TCP address, host:port.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s is taken by another program: choose another port", address)
	}
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	return listener, nil
}

// Web is the part that serves the page and the API on listener. It serves
// without Kafka and Postgres too, and says so; it only ends by itself when one
// of them refuses it for good. What it does shows in m, if that is not nil.
func Web(c web.Config, listener net.Listener, m *metrics.Metrics, logger *slog.Logger) (eventim.Part, error) {
	server, err := web.New(c)
	if err != nil {
		return eventim.Part{}, err
	}
	if m != nil {
		m.Sockets(server.Sockets)
	}
	logger.Info("serving the page", slog.String("address", listener.Addr().String()))
	return eventim.Part{Name: "web", Run: func(ctx context.Context) error {
		g, ctx := errgroup.WithContext(ctx)
		g.Go(func() error { return server.Run(ctx, listener) })
		g.Go(func() error { return stopped(ctx, AwaitKafka(ctx, c.Kafka, logger)) })
		g.Go(func() error { return stopped(ctx, AwaitPostgres(ctx, c.Pool, logger)) })
		return g.Wait()
	}}, nil
}
