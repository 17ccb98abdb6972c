package eventim

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/IBM/sarama"
)

// hanging is a handler of one partition whose domain does not return before
// release is closed.
func hanging(log *bytes.Buffer, release chan struct{}) (*Handler[ticks, tick, tick], *errand) {
	a := ticker()
	wait := func() { <-release }
	decide, evolve := a.Decide, a.Evolve
	a.Decide = func(s ticks, cmd Command[tick]) ([]tick, error) { wait(); return decide(s, cmd) }
	a.Evolve = func(s ticks, e tick) ticks { wait(); return evolve(s, e) }
	e := &errand{}
	return &Handler[ticks, tick, tick]{
		agg: a, config: HandlerConfig{}.withDefaults(), logger: slog.New(slog.NewTextHandler(log, nil)),
		status: map[int32]PartitionStatus{0: {State: Running, errand: e}},
	}, e
}

// A decision, or a fold, that does not return is named within ten seconds: in
// Status for as long as that lasts, in the log once.
func TestACallThatDoesNotReturnIsNamed(t *testing.T) {
	t.Parallel()
	for doing, call := range map[string]func(*testing.T, *Handler[ticks, tick, tick], *errand){
		"decide": func(t *testing.T, h *Handler[ticks, tick, tick], e *errand) {
			t.Helper()
			decideOne(t, h.agg, e, 7)
		},
		"evolve": func(t *testing.T, h *Handler[ticks, tick, tick], e *errand) {
			t.Helper()
			foldOne(t, h, e, 7)
		},
	} {
		t.Run(doing, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { testNamed(t, doing, call) })
		})
	}
}

func testNamed(t *testing.T, doing string, call func(*testing.T, *Handler[ticks, tick, tick], *errand)) {
	t.Helper()
	var log bytes.Buffer
	release := make(chan struct{})
	h, e := hanging(&log, release)
	ctx, end := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { h.watchBusy(ctx) })
	begun := time.Now()
	running.Go(func() { call(t, h, e) })
	time.Sleep(time.Second)
	if b := h.Status()[0].Busy; b != nil {
		t.Errorf("after a second: %+v, want nothing", b)
	}
	time.Sleep(9 * time.Second)
	synctest.Wait()
	want := Busy{doing, "a", "the-command", 7, begun}
	if b := h.Status()[0].Busy; b == nil || *b != want {
		t.Errorf("after ten seconds: %+v, want %+v", b, want)
	}
	if said := log.String(); !strings.Contains(said, "aggregate_id=a command_id=the-command offset=7") {
		t.Errorf("the log does not name the call:\n%s", said)
	}
	time.Sleep(time.Minute)
	close(release)
	time.Sleep(time.Minute)
	if b := h.Status()[0].Busy; b != nil {
		t.Errorf("after it has returned: %+v, want nothing", b)
	}
	end()
	running.Wait()
	for _, line := range []string{"does not return", "has returned"} {
		if n := strings.Count(log.String(), line); n != 1 {
			t.Errorf("%q was logged %d times, want once:\n%s", line, n, &log)
		}
	}
}

func decideOne(t *testing.T, a *Aggregate[ticks, tick, tick], e *errand, offset int64) {
	t.Helper()
	b := batch[ticks, tick, tick]{
		agg: a, limit: maxOutputBytes, now: time.Now(), partitioner: sarama.NewMurmur2Partitioner(""), errand: e,
		snapshot: func(id string) (Snapshot[ticks], error) { return Snapshot[ticks]{Aggregate: id}, nil },
		answer:   func(commandKey) (answer, bool, error) { return answer{}, false, nil },
		decision: decision[ticks]{snapshots: map[string]changed[ticks]{}, answers: map[commandKey]given{}},
	}
	rec := tickRecord(t, a, "the-command", time.Now())
	rec.Position.Offset = offset
	if err := b.add(rec); err != nil {
		t.Error(err)
	}
}

func foldOne(t *testing.T, h *Handler[ticks, tick, tick], e *errand, offset int64) {
	t.Helper()
	w := worker[ticks, tick, tick]{Handler: h, errand: e}
	ev := Event[tick]{Aggregate: "a", Version: 1, Time: time.Now(), Command: "the-command", Payload: tick{1}}
	p, err := h.agg.Events.Encode(ev.Payload)
	if err != nil {
		t.Error(err)
		return
	}
	rec := written(t, h.agg.encodeEvent(ev, p))
	rec.Position.Offset = offset
	dirty := map[string]Snapshot[ticks]{"a": {Aggregate: "a"}}
	if err := w.foldEvent(nil, dirty, rec); err != nil {
		t.Error(err)
	}
}
