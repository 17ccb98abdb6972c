package task

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A call that does not return is named within ten seconds: in Status for as long as
// that lasts, in the log once.
func TestACallThatDoesNotReturnIsNamed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		r := New(&Task{}, Config{Observer: &watcher{}, Logger: slog.New(slog.NewTextHandler(&log, nil)), StuckAfter: 10 * time.Second})
		e := &Errand{}
		r.began(&Claim{Errand: e})
		r.setStatus(0, Running, nil)
		ctx, end := context.WithCancel(t.Context())
		var watching sync.WaitGroup
		watching.Go(func() { r.watchBusy(ctx) })
		begun := time.Now()
		e.Begin("decide", "a", "the-command", 7)
		time.Sleep(time.Second)
		if b := r.Status()[0].Busy; b != nil {
			t.Errorf("after a second: %+v, want nothing", b)
		}
		time.Sleep(9 * time.Second)
		synctest.Wait()
		want := Busy{"decide", "a", "the-command", 7, begun}
		if b := r.Status()[0].Busy; b == nil || *b != want {
			t.Errorf("after ten seconds: %+v, want %+v", b, want)
		}
		if said := log.String(); !strings.Contains(said, "key=a id=the-command offset=7") {
			t.Errorf("the log does not name the call:\n%s", said)
		}
		time.Sleep(time.Minute)
		e.End()
		time.Sleep(time.Minute)
		if b := r.Status()[0].Busy; b != nil {
			t.Errorf("after it has returned: %+v, want nothing", b)
		}
		end()
		watching.Wait()
		for _, line := range []string{"does not return", "has returned"} {
			if n := strings.Count(log.String(), line); n != 1 {
				t.Errorf("%q was logged %d times, want once:\n%s", line, n, &log)
			}
		}
	})
}
