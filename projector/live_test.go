package projector_test

import (
	"context"
	"errors"
	"testing"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/projector"
)

// A view that is live can be waited for; one that nobody has made is not live.
func TestAwaitLive(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	p, err := projector.New(f.pool, projector.Config{Kafka: f.kafka}, f.counters())
	if err != nil {
		t.Fatal(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	looked := make(chan error, 1)
	go func() { looked <- p.AwaitLive(gone) }()
	select {
	case err := <-looked:
		t.Fatalf("a view that nobody has made is live, error %v", err)
	default:
		cancel()
	}
	if err := <-looked; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the error of the context", err)
	}

	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- p.Run(ctx) }()
	if err := p.AwaitLive(ctx); err != nil {
		t.Fatal(err)
	}
	for partition := range int32(partitions) {
		_, err := projector.NewWaiter(f.pool).Reached(ctx, "counters", eventim.Position{Partition: partition})
		if err != nil {
			t.Errorf("partition %d: %v", partition, err)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
