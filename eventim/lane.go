package eventim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

// A request asks for one batch of one partition to be committed.
type request struct {
	records  []*sarama.ProducerMessage
	input    string // the commands topic
	part     int32  // of the input, and of all records
	next     int64  // offset to commit in the input
	metadata func() *sarama.ConsumerGroupMetadata
	done     chan error // gets one outcome

	// ends are the next offsets of the output partition, by topic, of a
	// committed request. They do not count the commit marker.
	ends map[string]int64
}

// lanes commit the batches of all partitions of a process with a few
// transactional producers (group commit): a lane that is free takes every
// batch that is waiting and commits them in one transaction. A broker's cost
// is transactions, not records, so this is small and fast when idle and large
// under load, by itself.
type lanes struct {
	queue chan *request
	wait  sync.WaitGroup
}

// startLanes starts n lanes which run until the queue is closed, and are given
// up when ctx ends. The transactional ids are <group>/<instance>/<k>: opening
// them ends what a killed predecessor of this instance left open.
func startLanes(ctx context.Context, k Kafka, group, instance string, n, messageBytes int, logger *slog.Logger) *lanes {
	ls := &lanes{queue: make(chan *request, 1024)}
	for i := range n {
		l := newLane(k, transactionalID(group, instance, i), messageBytes, logger)
		ls.wait.Go(func() { l.run(ctx, ls.queue) })
	}
	return ls
}

func transactionalID(group, instance string, k int) string {
	return fmt.Sprintf("%s/%s/%d", group, instance, k)
}

// stop waits for what is queued and closes the lanes.
func (ls *lanes) stop() {
	close(ls.queue)
	ls.wait.Wait()
}

// commit queues a request and returns its outcome. When ctx ends first, the
// outcome is unknown, and the caller must not act for the partition again
// before it has taken it over anew.
func (ls *lanes) commit(ctx context.Context, r *request) error {
	select {
	case ls.queue <- r:
		crashPoint("queued")
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", errAborted, context.Cause(ctx))
	}
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", errDoubt, context.Cause(ctx))
	}
}

// lane owns one transactional id. It is used by one goroutine.
type lane struct {
	kafka      Kafka
	id         string
	limit      int // bytes of a batch
	logger     *slog.Logger
	transactor *transactor // nil: to be opened before the next transaction
}

func newLane(k Kafka, id string, limit int, logger *slog.Logger) *lane {
	return &lane{kafka: k, id: id, limit: limit, logger: logger.With(slog.String("transactional_id", id))}
}

// pace is the least time from the beginning of one transaction of a lane to
// that of the next. A lane that was idle begins at once. One that is busy would
// otherwise commit ever fewer commands at a time, and keep the broker, which may
// share its processor, busy with transactions: at 5,000 commands a second on two
// cores for all, the pace takes a quarter off the latency.
const pace = 5 * time.Millisecond

func (l *lane) run(ctx context.Context, queue <-chan *request) {
	defer l.drop()
	l.open(ctx)
	var begun time.Time
	for r := range queue {
		sleep(ctx, pace-time.Since(begun))
		begun = time.Now()
		l.serve(ctx, gather(r, queue))
		l.open(ctx) // nobody waits for it
	}
}

// gather takes every request that is waiting.
func gather(first *request, queue <-chan *request) []*request {
	requests := []*request{first}
	for len(requests) < 256 {
		select {
		case r, ok := <-queue:
			if !ok {
				return requests
			}
			requests = append(requests, r)
		default:
			return requests
		}
	}
	return requests
}

// serve commits the requests in one transaction. When that is aborted, one of
// them may be to blame, so that each then runs alone: an offender must not
// hold the others back.
func (l *lane) serve(ctx context.Context, requests []*request) {
	err := l.transact(ctx, requests)
	if len(requests) > 1 && errors.Is(err, errAborted) {
		for _, r := range requests {
			r.done <- l.transact(ctx, []*request{r})
		}
		return
	}
	for _, r := range requests {
		r.done <- err
	}
}

func (l *lane) transact(ctx context.Context, requests []*request) error {
	if !l.open(ctx) {
		return fmt.Errorf("%w: %w", errAborted, context.Cause(ctx))
	}
	if err := l.transactor.commit(ctx, requests); err != nil {
		// Opening again ends the transaction for certain, with its markers
		// written, before anybody is told: a worker in doubt reads the truth
		// from the log, which has an answer then.
		l.drop()
		l.open(ctx)
		return err
	}
	for _, r := range requests {
		r.ends = endsOf(r.records)
	}
	return nil
}

func endsOf(messages []*sarama.ProducerMessage) map[string]int64 {
	ends := map[string]int64{}
	for _, m := range messages {
		ends[m.Topic] = max(ends[m.Topic], m.Offset+1)
	}
	return ends
}

// open makes sure that there is a transactor with a new epoch, and tries until
// ctx ends: a coordinator that moves or a broker that restarts is no reason to
// give up the partitions.
func (l *lane) open(ctx context.Context) bool {
	if l.transactor != nil && l.transactor.used {
		if err := l.transactor.begin(ctx); err != nil {
			l.logger.Warn("cannot begin a new producer epoch, connecting again", slog.Any("error", err))
			l.drop()
		}
	}
	for pause := 10 * time.Millisecond; l.transactor == nil; pause = min(2*pause, time.Second) {
		if ctx.Err() != nil {
			return false
		}
		t, err := openTransactor(ctx, l.kafka, l.id, l.limit)
		if err == nil {
			l.transactor = t
			return true
		}
		l.logger.Warn("cannot open the transactional id, trying again", slog.Any("error", err))
		sleep(ctx, pause)
	}
	return true
}

func (l *lane) drop() {
	if l.transactor != nil {
		l.transactor.close()
		l.transactor = nil
	}
}
