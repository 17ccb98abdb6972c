package eventim_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eventim-go/eventim/eventim"
)

// partRecorder makes parts that note when they stop.
type partRecorder struct {
	mu      sync.Mutex
	stopped []string
}

func (r *partRecorder) part(name string) eventim.Part {
	return eventim.Part{Name: name, Run: func(ctx context.Context) error {
		<-ctx.Done()
		time.Sleep(time.Second) // of the bubble, which costs none: the next part must not stop before this one has
		r.mu.Lock()
		defer r.mu.Unlock()
		r.stopped = append(r.stopped, name)
		return nil
	}}
}

func TestRunAllStopsTheLastPartFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r partRecorder
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := eventim.RunAll(ctx, r.part("handler"), r.part("projector"), r.part("web")); err != nil {
			t.Errorf("got error %v, want none: the end of the context is not one", err)
		}
		if want := []string{"web", "projector", "handler"}; !slices.Equal(r.stopped, want) {
			t.Errorf("parts stopped in the order %v, want %v", r.stopped, want)
		}
	})
}

func TestRunAllStopsWhenAPartEnds(t *testing.T) {
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
				var r partRecorder
				err := eventim.RunAll(t.Context(), r.part("handler"), eventim.Part{Name: "projector", Run: func(context.Context) error { return c.end }}, r.part("web"))
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

func TestRunAllReportsWhatFailsWhileItStops(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	fail := eventim.Part{Name: "web", Run: func(ctx context.Context) error { <-ctx.Done(); return errors.New("cut off") }}
	if err := eventim.RunAll(ctx, fail); err == nil || !strings.Contains(err.Error(), "web: cut off") {
		t.Errorf("got error %v, want web: cut off", err)
	}
}

// Two handlers in one program, until the work is done.
func ExampleRunAll() {
	work := make(chan string)
	ctx, stop := context.WithCancel(context.Background())
	err := eventim.RunAll(ctx,
		eventim.Part{Name: "worker", Run: func(ctx context.Context) error {
			for {
				select {
				case w := <-work:
					fmt.Println(w, "done")
					stop()
				case <-ctx.Done():
					return nil
				}
			}
		}},
		eventim.Part{Name: "clock", Run: func(ctx context.Context) error {
			work <- "one piece"
			<-ctx.Done()
			return errors.New("is slow")
		}},
	)
	fmt.Println(err)
	// Output:
	// one piece done
	// clock: is slow
}
