package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/projector"
)

func get(t *testing.T, handler http.Handler, path string) (int, map[string]any) {
	t.Helper()
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody))
	var body map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatalf("%s: %v in %s", path, err, w.Body)
	}
	return w.Code, body
}

func TestAStoppedPartitionIsNotReady(t *testing.T) {
	t.Parallel()
	health := Health{Ready: true, State: "running"}
	routes := healthRoutes(map[string]func() Health{"handler": func() Health { return health }}, http.NotFoundHandler())
	health.add(true, PartitionHealth{Partition: 1, State: "running"})
	if code, body := get(t, routes, "/readyz"); code != http.StatusOK || body["status"] != "ready" {
		t.Errorf("got %d %v, want 200 ready", code, body)
	}
	health.add(false, PartitionHealth{Partition: 2, State: "stopped", Error: "event 7 cannot be read"})
	health.add(true, PartitionHealth{Partition: 3, State: "running"})
	code, body := get(t, routes, "/readyz")
	partitions := body["parts"].(map[string]any)["handler"].(map[string]any)["partitions"].([]any)
	if reason := partitions[1].(map[string]any)["error"]; code != http.StatusServiceUnavailable || reason != "event 7 cannot be read" {
		t.Errorf("got %d %v, want 503 and the reason", code, body)
	}
	if code, _ := get(t, routes, "/healthz"); code != http.StatusOK {
		t.Errorf("/healthz: got %d, want 200: the process runs", code)
	}
}

// What a probe reads of a partition that is stuck: where, and since when.
func TestAStuckPartitionIsNotReady(t *testing.T) {
	t.Parallel()
	since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s := eventim.PartitionStatus{Partition: 4, State: eventim.Running, Since: since, Position: 7, End: 9, StuckSince: since.Add(time.Minute)}
	s.Busy = &eventim.Busy{Doing: "decide", Aggregate: "a", Command: "c", Offset: 7, Since: since.Add(30 * time.Second)}
	s.Oldest = since
	health := Health{Ready: true, State: "running"}
	health.add(s.Ready(), partitionHealth(s))
	code, body := get(t, healthRoutes(map[string]func() Health{"handler": func() Health { return health }}, http.NotFoundHandler()), "/readyz")
	got := body["parts"].(map[string]any)["handler"].(map[string]any)["partitions"].([]any)[0].(map[string]any)
	want := map[string]any{
		"partition": 4.0, "state": "stuck", "since": "2026-01-02T03:04:05Z", "nextOffset": 7.0, "end": 9.0, "lag": 2.0,
		"stuckSince": "2026-01-02T03:05:05Z",
		"busy":       map[string]any{"doing": "decide", "aggregate": "a", "command": "c", "offset": 7.0, "since": "2026-01-02T03:04:35Z"},
	}
	lag, told := got["lagSeconds"].(float64)
	delete(got, "lagSeconds")
	if code != http.StatusServiceUnavailable || !reflect.DeepEqual(got, want) || !told || lag <= 0 {
		t.Errorf("got %d %v, want 503 and %v", code, got, want)
	}
}

// What a probe reads of a view that waits: it is not ready after ten seconds, and
// says where, since when and why.
func TestAViewThatWaitsForLongIsNotReady(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		s := projector.PartitionStatus{
			View: "invoice_list", Version: 2, Partition: 4, State: projector.Retrying, Since: begun, NextOffset: 7,
			Err: errors.New("Postgres is away"),
		}
		routes := healthRoutes(map[string]func() Health{"projector": func() Health {
			health := Health{Ready: true, State: "running"}
			health.add(s.Ready(), viewHealth(s))
			return health
		}}, http.NotFoundHandler())
		time.Sleep(10 * time.Second)
		if code, body := get(t, routes, "/readyz"); code != http.StatusOK {
			t.Errorf("after ten seconds: got %d %v, want 200", code, body)
		}
		time.Sleep(time.Second)
		code, body := get(t, routes, "/readyz")
		got := body["parts"].(map[string]any)["projector"].(map[string]any)["partitions"].([]any)[0].(map[string]any)
		want := map[string]any{
			"view": "invoice_list_v2", "partition": 4.0, "state": "retrying", "since": begun.Format(time.RFC3339),
			"nextOffset": 7.0, "error": "Postgres is away",
		}
		if code != http.StatusServiceUnavailable || !reflect.DeepEqual(got, want) {
			t.Errorf("a second later: got %d %v, want 503 and %v", code, got, want)
		}
	})
}

func TestHealthServerServesUntilItsContextEnds(t *testing.T) {
	t.Parallel()
	part, err := HealthServer(t.Context(), "127.0.0.1:0", nil, http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- part.Run(ctx) }()
	cancel()
	if err := <-done; err != nil {
		t.Errorf("got error %v, want none", err)
	}
}

func TestListenSaysThatThePortIsTaken(t *testing.T) {
	t.Parallel()
	first, err := Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = first.Close() }()
	_, err = Listen(t.Context(), first.Addr().String())
	if want := first.Addr().String() + " is taken by another program: choose another port"; err == nil || err.Error() != want {
		t.Errorf("got error %v, want %s", err, want)
	}
}

func TestJSONLogsAreReadable(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	c := &Console{w: &log}
	c.Logger(LogAuto, slog.LevelInfo).Info("connected", slog.Duration("took", 1500*time.Microsecond))
	var line struct{ Msg, Took string }
	if err := json.Unmarshal(log.Bytes(), &line); err != nil || line.Msg != "connected" || line.Took != "1.5ms" {
		t.Errorf("got %+v, error %v; want connected, which took 1.5ms", line, err)
	}
}
