package eventim_test

import (
	"context"
	"errors"
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
	released, err := p.reactor.ReleaseAndAwait(t.Context(), p.kafka, "o1", eventim.Retry)
	if err != nil || released.Ended != 0 || released.Parked == nil || !strings.Contains(released.Parked.Reason, "panicked: cannot") {
		t.Errorf("what fails again has come to %+v, error %v", released, err)
	}
	released, err = p.reactor.ReleaseAndAwait(t.Context(), p.kafka, "o3", eventim.DiscardFirst)
	if err != nil || released.Ended != 1 || released.Parked != nil {
		t.Errorf("what is discarded has come to %+v, error %v", released, err)
	}
	if ids := parked(); !slices.Equal(ids, []string{"o1"}) {
		t.Errorf("%q are left", ids)
	}
	if _, err := p.reactor.ReleaseAndAwait(t.Context(), p.kafka, "o3", eventim.Retry); !errors.Is(err, eventim.ErrNotParked) {
		t.Errorf("what is not parked is released: %v", err)
	}
	stop()
	inbox := func() int64 { return lengthOf(t, p.kafka, p.reactor.Topics().Inbox) }
	over, cancel := context.WithCancel(t.Context())
	before, watched := inbox(), make(chan struct{})
	go func() {
		defer close(watched)
		if !comesTrue(func() bool { return inbox() > before }) {
			t.Error("no order is sent")
		}
		cancel() // nobody reacts, however long it waits
	}()
	if _, err := p.reactor.ReleaseAndAwait(over, p.kafka, "o1", eventim.Retry); !errors.Is(err, eventim.ErrReleasing) {
		t.Errorf("without anybody who reacts, got %v", err)
	}
	<-watched
	broken.Store(false)
	stop = p.reacts(t.TempDir())
	p.becomes(4, 0) // the order of before is kept
	eventually(t, "none is parked", func() bool { return len(parked()) == 0 })
	stop()
	nothing := p.reactor
	nothing.Name += "-nothing"
	if all, err := nothing.Parked(t.Context(), p.kafka); len(all) != 0 || err != nil {
		t.Errorf("without topics, %v are parked, error %v", all, err)
	}
	if err := p.reactor.Release(t.Context(), p.kafka, "o1", "forget"); err == nil {
		t.Error("an order that there is not is taken")
	}
}
