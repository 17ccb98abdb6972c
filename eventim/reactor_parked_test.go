package eventim_test

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/eventim-go/eventim/eventim"
)

// An instance whose reaction panics is parked, and others go on; it is named with what
// it has not heard, and released.
func TestAnInstanceIsParked(t *testing.T) {
	t.Parallel()
	p := newProcess(t, time.Hour, 100)
	var broken atomic.Bool
	broken.Store(true)
	react := p.reactor.React
	p.reactor.React = func(s waits, m eventim.Message[told]) (waits, []eventim.Output) {
		if broken.Load() && m.Payload.What == "placed" && slices.Contains([]string{"o1", "o3"}, m.Instance) {
			panic("cannot")
		}
		return react(s, m)
	}
	defer handles(p, orders(p.name))()
	defer handles(p, stock(p.name, p.left))()
	stop := p.reacts(p.dir)
	p.place(0, 5)
	p.becomes(3, 0)
	parked := func() (ids []string) {
		all, err := p.reactor.Parked(t.Context(), p.kafka)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range all {
			ids = append(ids, i.Instance)
			if !strings.Contains(i.Reason, "panicked: cannot") || len(i.Messages) != 1 || time.Since(i.Since) > time.Minute || !strings.HasSuffix(i.Messages[0], i.Instance+"/1") {
				t.Errorf("it is parked as %+v", i)
			}
		}
		return ids
	}
	if ids := parked(); !slices.Equal(ids, []string{"o1", "o3"}) {
		t.Errorf("%q are parked", ids)
	}
	release := func(id string, how eventim.Release) {
		t.Helper()
		if err := p.reactor.Release(t.Context(), p.kafka, id, how); err != nil {
			t.Fatal(err)
		}
	}
	release("o1", eventim.Retry) // fails again
	release("o3", eventim.DiscardFirst)
	eventually(t, "one is left", func() bool { return slices.Equal(parked(), []string{"o1"}) })
	stop()
	broken.Store(false)
	stop = p.reacts(t.TempDir())
	release("o1", eventim.Retry)
	p.becomes(4, 0)
	eventually(t, "none is parked", func() bool { return len(parked()) == 0 })
	stop()
	if err := p.reactor.Release(t.Context(), p.kafka, "o1", "forget"); err == nil {
		t.Error("an order that there is not is taken")
	}
}
