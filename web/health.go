package web

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/eventim-go/eventim/eventim"
)

const (
	checkInterval = 3 * time.Second
	checkTimeout  = 2 * time.Second
)

// health holds the last finding about each part. Probes read it: a stranger
// who asks often costs nothing.
type health struct {
	mu    sync.Mutex
	parts map[string]string // "ok" or what is wrong
}

func newHealth(parts ...string) *health {
	h := &health{parts: map[string]string{}}
	for _, p := range parts {
		h.parts[p] = "not checked yet"
	}
	return h
}

func (h *health) set(part string, err error) {
	state := "ok"
	if err != nil {
		state = err.Error()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.parts[part] = state
}

// watch checks a part again and again until ctx ends.
func (h *health) watch(ctx context.Context, part string, check func(context.Context) error) error {
	tick := time.NewTicker(checkInterval)
	defer tick.Stop()
	for {
		h.set(part, bounded(ctx, check))
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func bounded(ctx context.Context, check func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	return check(ctx)
}

func (h *health) report() (parts map[string]string, ready bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	parts, ready = map[string]string{}, true
	for name, state := range h.parts {
		parts[name] = state
		ready = ready && state == "ok"
	}
	return parts, ready
}

func (s *Server) checkKafka(ctx context.Context) error {
	_, err := eventim.ClusterID(ctx, s.kafka)
	return err
}

// checkCommands finds out whether commands are taken.
func (s *Server) checkCommands(context.Context) error {
	if l := s.live.Load(); l != nil {
		return l.sender.Err()
	}
	return nil // the part "live" says why
}

func (s *Server) checkPostgres(ctx context.Context) error { return s.pool.Ping(ctx) }

// serveHealth answers while the process runs at all.
func serveHealth(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

// serveReady answers 200 while everything that the server needs is there.
func (s *Server) serveReady(w http.ResponseWriter, _ *http.Request) {
	parts, ready := s.health.report()
	status, word := http.StatusOK, "ready"
	if !ready {
		status, word = http.StatusServiceUnavailable, "not ready"
	}
	writeJSON(w, status, map[string]any{"status": word, "parts": parts})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client has gone
}
