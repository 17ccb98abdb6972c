package projector

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/eventim-go/eventim/internal/kafkalog"
)

// A request asks for what one partition applies to be committed.
type request struct {
	view      *view
	partition int32
	old, next position
	batch     batch     // nil: only the position moves
	done      chan bool // gets whether it is committed; has room for that
}

func (r *request) weight() weight {
	if r.batch == nil {
		return weight{}
	}
	return weight{r.batch.size(), r.batch.bytes()}
}

// lanes commit what the partitions of all views of a process apply, in few
// transactions (group commit): a lane that is free takes all that waits and
// commits it in one round trip. What a row costs Postgres and us is mostly its
// transaction, so this is small and quick when idle and large under load, by
// itself.
//
// A lane says yes or that it does not know. Whoever hears the latter goes alone:
// the comparison with the position tells what was committed, and what fails
// again fails for its own partition.
type lanes struct {
	pool   *pgxpool.Pool // says how to connect; nothing is taken from it
	logger *slog.Logger
	queue  chan *request
}

func newLanes(pool *pgxpool.Pool, logger *slog.Logger) *lanes {
	return &lanes{pool: pool, logger: logger, queue: make(chan *request, 1024)}
}

// run serves with n lanes until ctx ends.
func (ls *lanes) run(ctx context.Context, n int) {
	var running sync.WaitGroup
	for range n {
		l := &lane{pool: ls.pool}
		running.Go(func() { ls.serve(ctx, l) })
	}
	running.Wait()
}

// pipelines reports whether connections of pool speak the extended protocol, which
// lanes need.
func pipelines(pool *pgxpool.Pool) bool {
	return pool.Config().ConnConfig.DefaultQueryExecMode != pgx.QueryExecModeSimpleProtocol
}

// commit reports whether r is committed. When it is not, or ctx ends, that is
// in doubt.
func (ls *lanes) commit(ctx context.Context, r *request) (bool, error) {
	select {
	case ls.queue <- r:
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
	select {
	case committed := <-r.done:
		return committed, nil
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
}

func (ls *lanes) serve(ctx context.Context, l *lane) {
	defer l.disconnect(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case first := <-ls.queue:
			begun := time.Now()
			ls.transact(ctx, l, ls.gather(first))
			kafkalog.Sleep(ctx, pace-time.Since(begun))
		}
	}
}

func (ls *lanes) transact(ctx context.Context, l *lane, requests []*request) {
	err := l.transact(ctx, requests)
	if err != nil && ctx.Err() == nil {
		ls.logger.InfoContext(ctx, "a transaction of all that waited has failed; each partition goes alone",
			slog.Int("partitions", len(requests)), slog.Any("error", err))
		requests = append(requests, ls.waiting()...) // what was in the way may be in theirs
	}
	for _, r := range requests {
		r.done <- err == nil
	}
}

// gather takes what waits behind first, as long as there is room. The last may
// go beyond it.
func (ls *lanes) gather(first *request) []*request {
	requests, sum := []*request{first}, first.weight()
	for sum.fits(companyLimit) {
		select {
		case r := <-ls.queue:
			requests, sum = append(requests, r), sum.plus(r.weight())
		default:
			return requests
		}
	}
	return requests
}

func (ls *lanes) waiting() (requests []*request) {
	for {
		select {
		case r := <-ls.queue:
			requests = append(requests, r)
		default:
			return requests
		}
	}
}

// pace is the least time from the beginning of a transaction of a lane to that
// of the next. One that was idle begins at once. The results, events and
// snapshots of one transaction of a handler come one after the other, and a
// handler that is busy begins one every five milliseconds, too: in less, a lane
// would take what belongs together in two or three turns.
const pace = 5 * time.Millisecond

// weight is what something adds to a transaction.
type weight struct{ records, bytes int }

var (
	// requestLimit is what a lane takes of one partition. What is larger gains
	// nothing from company, and goes beside the lanes.
	requestLimit = weight{200, 512 << 10}
	// companyLimit is where a transaction takes no more.
	companyLimit = weight{1000, 4 << 20}
)

func (w weight) plus(v weight) weight { return weight{w.records + v.records, w.bytes + v.bytes} }

func (w weight) fits(limit weight) bool { return w.records < limit.records && w.bytes < limit.bytes }
