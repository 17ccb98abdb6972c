package app

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// recorder makes parts that note when they stop.
type recorder struct {
	mu      sync.Mutex
	stopped []string
}

func (r *recorder) part(name string) Part {
	return Part{name, func(ctx context.Context) error {
		<-ctx.Done()
		time.Sleep(time.Second) // the next part must not stop before this one has
		r.mu.Lock()
		defer r.mu.Unlock()
		r.stopped = append(r.stopped, name)
		return nil
	}}
}

func TestRunStopsTheLastPartFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r recorder
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := Run(ctx, r.part("handler"), r.part("projector"), r.part("web")); err != nil {
			t.Errorf("got error %v, want none: the end of the context is not one", err)
		}
		if want := []string{"web", "projector", "handler"}; !slices.Equal(r.stopped, want) {
			t.Errorf("parts stopped in the order %v, want %v", r.stopped, want)
		}
	})
}

func TestRunStopsAllWhenAPartEnds(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		end  error
		want string
	}{
		"with an error": {broken, "projector: broken"},
		"without":       {nil, "projector has ended"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var r recorder
				err := Run(t.Context(), r.part("handler"), Part{"projector", func(context.Context) error { return c.end }}, r.part("web"))
				if err == nil || err.Error() != c.want || !errors.Is(err, c.end) && c.end != nil {
					t.Errorf("got error %v, want %s", err, c.want)
				}
				if want := []string{"web", "handler"}; !slices.Equal(r.stopped, want) {
					t.Errorf("parts stopped in the order %v, want %v", r.stopped, want)
				}
			})
		})
	}
}

func TestRunReportsWhatFailsWhileItStops(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	fail := Part{"web", func(ctx context.Context) error { <-ctx.Done(); return errors.New("cut off") }}
	if err := Run(ctx, fail); err == nil || !strings.Contains(err.Error(), "web: cut off") {
		t.Errorf("got error %v, want web: cut off", err)
	}
}
