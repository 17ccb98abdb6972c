package devlogin

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"
)

// Server is a provider that listens.
type Server struct {
	Issuer   string
	listener net.Listener
	handler  http.Handler
}

// Listen takes a port of loopback: the given one, so that the issuer stays the
// same between starts, or any when that is taken.
func Listen(ctx context.Context, port int) (*Server, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		listener, err = config.Listen(ctx, "tcp", "127.0.0.1:0")
	}
	if err != nil {
		return nil, fmt.Errorf("listen for logins: %w", err)
	}
	issuer := "http://" + listener.Addr().String()
	p, err := New(issuer)
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return &Server{issuer, listener, p.Handler()}, nil
}

// Run serves until ctx ends, and returns nil then.
func (s *Server) Run(ctx context.Context) error {
	server := &http.Server{Handler: s.handler, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(s.listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		err := server.Close()
		if failure := <-failed; !errors.Is(failure, http.ErrServerClosed) {
			err = errors.Join(err, failure)
		}
		return err
	}
}
