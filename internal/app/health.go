package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/eventim-go/eventim/eventim"
)

// Health is how a part is doing.
type Health struct {
	Ready      bool              `json:"ready"`
	State      string            `json:"state"`
	Error      string            `json:"error,omitempty"` // what concerns all partitions
	Partitions []PartitionHealth `json:"partitions"`      // those that this process holds
}

// PartitionHealth is how one partition of a part is doing.
type PartitionHealth struct {
	View       string    `json:"view,omitempty"`
	Of         string    `json:"of,omitempty"` // which task, of a part that has several
	Partition  int32     `json:"partition"`
	State      string    `json:"state"`
	Since      time.Time `json:"since,omitzero"` // when the state began
	NextOffset *int64    `json:"nextOffset,omitempty"`
	End        *int64    `json:"end,omitempty"`        // where the commands end
	Lag        *int64    `json:"lag,omitempty"`        // offsets between the two
	LagSeconds float64   `json:"lagSeconds,omitempty"` // how long the command at nextOffset has been waiting
	LastCommit time.Time `json:"lastCommit,omitzero"`  // of a batch of commands
	StuckSince time.Time `json:"stuckSince,omitzero"`  // nothing moves although commands wait
	Busy       *Busy     `json:"busy,omitempty"`       // a decision that does not return
	Error      string    `json:"error,omitempty"`      // why it is not running
}

// Busy is a call of the domain's code that takes long.
type Busy struct {
	Doing     string    `json:"doing"`
	Aggregate string    `json:"aggregate"`
	Command   string    `json:"command"`
	Offset    int64     `json:"offset"`
	Since     time.Time `json:"since"`
}

func (h *Health) add(ready bool, p PartitionHealth) {
	h.Ready = h.Ready && ready
	h.Partitions = append(h.Partitions, p)
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// HealthServer serves /healthz, which answers while the process runs, and
// /readyz, which answers 200 while all checked parts are ready, and says how
// each is doing, and /metrics.
func HealthServer(ctx context.Context, address string, checks map[string]func() Health, metrics http.Handler, logger *slog.Logger) (eventim.Part, error) {
	listener, err := Listen(ctx, address)
	if err != nil {
		return eventim.Part{}, fmt.Errorf("health endpoint: %w", err)
	}
	logger.Info("serving health", slog.String("address", listener.Addr().String()))
	return eventim.Part{Name: "health endpoint", Run: func(ctx context.Context) error {
		return serveHealth(ctx, listener, healthRoutes(checks, metrics))
	}}, nil
}

func serveHealth(ctx context.Context, listener net.Listener, routes http.Handler) error {
	server := &http.Server{Handler: routes, ReadTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func healthRoutes(checks map[string]func() Health, metrics http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metrics)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		status, word, parts := http.StatusOK, "ready", map[string]Health{}
		for name, check := range checks {
			parts[name] = check()
			if !parts[name].Ready {
				status, word = http.StatusServiceUnavailable, "not ready"
			}
		}
		writeJSON(w, status, map[string]any{"status": word, "parts": parts})
	})
	return mux
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client has gone
}
