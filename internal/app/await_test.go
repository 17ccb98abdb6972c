package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/IBM/sarama"
	"github.com/jackc/pgx/v5/pgconn"
)

func TestAwaitTriesUntilItSucceeds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		begin, tries := time.Now(), 0
		err := await(t.Context(), slog.New(slog.NewTextHandler(&log, nil)), "Kafka", func(context.Context) error {
			if tries++; tries <= 8 {
				return io.EOF
			}
			return nil
		})
		if err != nil {
			t.Fatalf("got error %v, want none", err)
		}
		// 0.1 + 0.2 + 0.4 + 0.8 + 1.6 + 3.2 + 5 + 5
		if took := time.Since(begin).Round(time.Millisecond); took != 16300*time.Millisecond {
			t.Errorf("8 failures took %v, want 16.3s", took)
		}
		if n := strings.Count(log.String(), "waiting for a server"); n != 8 {
			t.Errorf("logged %d failures, want 8:\n%s", n, &log)
		}
		if !strings.Contains(log.String(), "msg=connected to=Kafka") {
			t.Errorf("the success is not in the log:\n%s", &log)
		}
	})
}

func TestAwaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err := await(ctx, slog.New(slog.DiscardHandler), "Kafka", func(context.Context) error { return io.EOF })
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got error %v, want that the deadline has passed", err)
		}
		if err := stopped(ctx, err); err != nil {
			t.Errorf("got error %v of a part, want none", err)
		}
	})
}

func TestAwaitGivesUpOnWhatStays(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err   error
		stays bool
	}{
		"refused connection":         {&net.OpError{Op: "dial", Err: errors.New("connection refused")}, false},
		"unknown name":               {&net.DNSError{Name: "kafka", IsNotFound: true}, false},
		"no broker answers":          {sarama.Wrap(sarama.ErrOutOfBrokers, io.EOF), false},
		"Postgres starts":            {&pgconn.PgError{Code: "57P03"}, false},
		"Postgres is full":           {&pgconn.PgError{Code: "53300"}, false},
		"wrong password of Kafka":    {sarama.ErrSASLAuthenticationFailed, true},
		"untrusted certificate":      {sarama.Wrap(sarama.ErrOutOfBrokers, &tls.CertificateVerificationError{Err: errors.New("unknown")}), true},
		"the broker wants ours":      {sarama.Wrap(sarama.ErrOutOfBrokers, &net.OpError{Op: "remote error", Err: errors.New("tls: certificate required")}), true},
		"the broker has no TLS":      {sarama.Wrap(sarama.ErrOutOfBrokers, tls.RecordHeaderError{Msg: "no TLS"}), true},
		"invalid configuration":      {sarama.ConfigurationError("wrong"), true},
		"wrong password of Postgres": {&pgconn.PgError{Code: "28P01"}, true},
		"no such database":           {&pgconn.PgError{Code: "3D000"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := permanent(fmt.Errorf("connect: %w", c.err)); got != c.stays {
				t.Errorf("permanent(%v): got %t, want %t", c.err, got, c.stays)
			}
		})
	}
}
