package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/IBM/sarama"
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
	tries := 0
	err := await(t.Context(), slog.New(slog.DiscardHandler), "Kafka", func(context.Context) error {
		tries++
		return fmt.Errorf("connect: %w", sarama.ErrSASLAuthenticationFailed)
	})
	if !errors.Is(err, sarama.ErrSASLAuthenticationFailed) || tries != 1 {
		t.Errorf("got error %v after %d tries, want the refusal of the first", err, tries)
	}
}
