package projector

import (
	"context"
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/eventim-go/eventim/eventim"
)

// Swap makes a version live if it has caught up, as a projector does, and
// reports whether it is live.
func Swap(ctx context.Context, pool *pgxpool.Pool, declared View) (bool, error) {
	v, err := declared.view()
	if err != nil {
		return false, err
	}
	return v.swap(ctx, pool)
}

// Lane is one lane, and the views whose partitions use it.
type Lane struct {
	lanes *lanes
	lane  *lane
	views map[string]*view
}

// Move is what a partition asks of a lane.
type Move struct {
	View      string
	Partition int32
	Old       int64 // where it believes to be
	Records   []eventim.Record
}

// NewLane prepares views of so many empty partitions for a lane.
func NewLane(ctx context.Context, pool *pgxpool.Pool, partitions int, declared ...View) (*Lane, error) {
	l := &Lane{lanes: newLanes(pool, slog.New(slog.DiscardHandler)), lane: &lane{pool: pool}, views: map[string]*view{}}
	logs := map[int32]partitionLog{}
	for id := range partitions {
		logs[int32(id)] = partitionLog{} //nolint:gosec // few
	}
	for _, d := range declared {
		v, err := d.view()
		if err == nil {
			err = v.prepare(ctx, pool, "cluster", logs)
		}
		if err != nil {
			return nil, err
		}
		l.views[v.name] = v
	}
	return l, nil
}

// Serve has all moves wait, and then the lane serve them. It returns which of
// them are committed.
func (l *Lane) Serve(ctx context.Context, moves ...Move) []bool {
	var requests []*request
	for _, m := range moves {
		v := l.views[m.View]
		b, _ := v.decode(m.Records)
		old := position{next: m.Old, applied: -1, seen: -1}
		r := &request{
			view: v, partition: m.Partition, old: old, next: old.advance(m.Records, 0),
			batch: b, done: make(chan bool, 1),
		}
		requests = append(requests, r)
		l.lanes.queue <- r
	}
	for len(l.lanes.queue) > 0 {
		l.lanes.transact(ctx, l.lane, l.lanes.gather(<-l.lanes.queue))
	}
	var committed []bool
	for _, r := range requests {
		committed = append(committed, <-r.done)
	}
	return committed
}

// Close disconnects the lane.
func (l *Lane) Close() { l.lane.disconnect(context.Background()) }
