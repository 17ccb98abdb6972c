package projector

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/IBM/sarama"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/eventim-go/eventim/eventim"
)

// lead is where the live rows of a view stand. What is built beside them follows
// and never passes them, so that both can be brought to equal positions: by
// holding the live ones for the moment that the others need.
type lead struct {
	view *view // the live version
	pool *pgxpool.Pool

	mu    sync.Mutex
	at    map[int32]position
	again chan struct{} // closed when at is another one
}

// lookForLead is how often the live positions are read, once for all partitions.
// The swap holds the live rows back for about as long.
const lookForLead = 50 * time.Millisecond

func newLead(v *view, pool *pgxpool.Pool) *lead {
	return &lead{view: v, pool: pool, again: make(chan struct{})}
}

// run looks until ctx ends. What cannot be read is where it was.
func (l *lead) run(ctx context.Context) {
	ticks := time.NewTicker(lookForLead)
	defer ticks.Stop()
	for {
		if at, err := l.view.positions(ctx, l.pool); err == nil {
			l.set(at)
		}
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return
		}
	}
}

func (l *lead) set(at map[int32]position) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at = at
	close(l.again)
	l.again = make(chan struct{})
}

// of returns the next offset of the live rows, and a channel that is closed when
// it has been read again.
func (l *lead) of(partition int32) (int64, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.at[partition].next, l.again
}

// runBehind is run for what is built beside the live rows.
func (p *partition) runBehind(ctx context.Context, claim sarama.ConsumerGroupClaim, advanced func(position)) error {
	var held []eventim.Record
	for {
		limit, again := p.lead.of(p.id)
		open, err := true, error(nil)
		switch {
		case p.position.next >= limit:
			awaitEither(ctx, again)
		case len(held) == 0:
			if held, open = p.receive(ctx, claim.Messages()); open && len(held) == 0 && ctx.Err() == nil {
				err = p.passMarkers(ctx, limit)
			}
		case held[0].Position.Offset >= limit:
			err = p.reach(ctx, limit)
		default:
			n := p.pace.portion(below(held, limit))
			p.pace.wait(ctx, p.id, n, p.position.building())
			err = p.apply(ctx, held[:n], math.MaxInt64)
			held = held[n:]
		}
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // the next owner meets whatever it was
		case !open:
			return fmt.Errorf("%w: the consumer has given up the partition", errRestart)
		case err != nil:
			return err
		}
		p.report.running(p.position)
		advanced(p.position)
	}
}

func awaitEither(ctx context.Context, again <-chan struct{}) {
	select {
	case <-again:
	case <-ctx.Done():
	}
}

// below counts the records before limit.
func below(records []eventim.Record, limit int64) int {
	n := slices.IndexFunc(records, func(r eventim.Record) bool { return r.Position.Offset >= limit })
	if n < 0 {
		return len(records)
	}
	return n
}
