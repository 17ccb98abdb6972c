package projector

import (
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func reporting() *partition {
	return &partition{view: &view{name: "counters", version: 1}, id: 2, logger: slog.New(slog.DiscardHandler), report: starting(nil)}
}

// A partition that waits is ready for ten seconds, whatever it waits for and
// however often a session ends meanwhile, and says since when and why.
func TestAPartitionThatRetriesForLongIsNotReady(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := reporting()
		p.report.running(position{next: 7})
		time.Sleep(time.Hour)
		if s := p.status(); !s.Ready() || time.Since(s.Since) != time.Hour || s.NextOffset != 7 {
			t.Errorf("after an hour: %+v, want it ready, since then, at 7", s)
		}
		begun := time.Now()
		var away atomic.Bool
		away.Store(true)
		retried := make(chan error)
		go func() {
			retried <- p.retry(t.Context(), func() error {
				if away.Load() {
					return errors.New("Postgres is away")
				}
				return nil
			})
		}()
		time.Sleep(patience)
		if s := p.status(); s.State != Retrying || !s.Ready() || !s.Since.Equal(begun) {
			t.Errorf("after %v of retrying: %+v, want it ready", patience, s)
		}
		time.Sleep(time.Nanosecond)
		if s := p.status(); s.Ready() || !s.Since.Equal(begun) || s.Err == nil || s.Err.Error() != "Postgres is away" {
			t.Errorf("a moment later: %+v, want it not ready, since %v, and why", s, begun)
		}

		next := starting(p.report) // of the next session
		if s := next.of(p.view, p.id); s.State != Starting || s.Ready() || !s.Since.Equal(begun) {
			t.Errorf("in the next session: %+v, want it not ready, since %v", s, begun)
		}

		away.Store(false)
		if err := <-retried; err != nil {
			t.Fatal(err)
		}
		p.report.running(position{next: 8})
		if s := p.status(); !s.Ready() || !s.Since.Equal(time.Now()) || s.Err != nil {
			t.Errorf("afterwards: %+v, want it ready since now", s)
		}
	})
}

// Without a session nobody follows the topic, and a partition that stopped is
// not ready from the first moment on.
func TestWhatIsNotReady(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := reporting()
		if s := p.status(); !s.Ready() {
			t.Errorf("a partition that has just begun: %+v, want it ready", s)
		}
		time.Sleep(2 * patience)
		if s := p.status(); s.Ready() {
			t.Errorf("one that has not begun for %v: %+v, want it not ready", 2*patience, s)
		}
		p.report.running(position{})
		p.report.interrupted()
		if s := p.status(); s.State != Starting || !s.Ready() {
			t.Errorf("one whose session has ended: %+v, want it starting, and ready for now", s)
		}
		p.stop(t.Context(), errors.New("a foreign record"))
		if s := p.status(); s.Ready() || !s.Since.Equal(time.Now()) {
			t.Errorf("one that stopped: %+v, want it not ready, since now", s)
		}
		p.report.interrupted()
		if s := p.status(); s.State != Stopped {
			t.Errorf("one that stopped before its session ended: %+v, want it stopped", s)
		}
	})
}
