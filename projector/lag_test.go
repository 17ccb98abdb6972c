package projector_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/eventim-go/eventim/projector"
)

// Whoever is behind says by how much, and since when; whoever follows, that it is
// not.
func TestAViewSaysHowFarItIsBehind(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	gate := make(chan struct{})
	view := f.counters()
	view.Write = func(ctx context.Context, tx pgx.Tx, batch []add) error {
		select {
		case <-gate:
		case <-ctx.Done():
		}
		return writeCounters(ctx, tx, batch)
	}
	p, _ := start(t, f.pool, f.config(), view)
	f.publish(t, 0, add{"a", 1}, add{"a", 2})
	first := func(holds func(projector.PartitionStatus) bool) func() error {
		return func() error {
			for _, s := range p.Status() {
				if s.Partition == 0 && holds(s) {
					return nil
				}
			}
			return fmt.Errorf("the partitions are %+v", p.Status())
		}
	}
	eventually(t, first(func(s projector.PartitionStatus) bool { return s.Lag() >= 2 && s.LagTime() > 0 }))
	close(gate)
	f.awaitFold(t)
	eventually(t, first(func(s projector.PartitionStatus) bool { return s.Lag() == 0 && s.LagTime() == 0 && s.End > 0 }))
}
