// Package txn commits what a process writes: the batches of all its partitions, in
// a few Kafka transactions. On it rest promise 3 (what a command causes is visible
// together or not at all) and promise 7 (a zombie changes nothing).
package txn

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/internal/faultpoint"
	"github.com/eventim-go/eventim/internal/kafkalog"
)

// A Request asks for one batch of one partition to be committed.
type Request struct {
	Records   []*sarama.ProducerMessage // each with its partition
	Input     string                    // the topic that was read
	Partition int32                     // of the input
	Size      int                       // bytes of the records, about
	queued    time.Time
	Next      int64 // offset to commit in the input
	Metadata  func() *sarama.ConsumerGroupMetadata
	Sent      *sarama.ConsumerGroupMetadata // what it was sent with last
	Done      chan error                    // gets one outcome

	// Ends are the next offsets, by topic, of a committed request in the partition of
	// the input. They do not count the commit marker.
	Ends map[string]int64
}

// Lanes commit the batches of all partitions of a process with a few
// transactional producers (group commit): a lane that is free takes every
// batch that is waiting and commits them in one transaction. A broker's cost
// is transactions, not records, so this is small and fast when idle and large
// under load, by itself.
type Lanes struct {
	Queue chan *Request
	Wait  sync.WaitGroup
}

// Start starts n lanes, each made by newOne, which run until the queue is
// closed, and are given up when ctx ends. What a killed predecessor of this
// instance left open, the successor has ended.
func Start(ctx context.Context, n int, newOne func() *Lane) *Lanes {
	ls := &Lanes{Queue: make(chan *Request, 1024)}
	for range n {
		l := newOne()
		ls.Wait.Go(func() { l.run(ctx, ls.Queue) })
	}
	return ls
}

// Stop waits for what is queued and closes the lanes.
func (ls *Lanes) Stop() {
	close(ls.Queue)
	ls.Wait.Wait()
}

// Commit queues a request and returns its outcome. When ctx ends first, the
// outcome is unknown, and the caller must not act for the partition again
// before it has taken it over anew.
func (ls *Lanes) Commit(ctx context.Context, r *Request) error {
	r.queued = time.Now()
	select {
	case ls.Queue <- r:
		faultpoint.At("queued")
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrAborted, context.Cause(ctx))
	}
	select {
	case err := <-r.Done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrDoubt, context.Cause(ctx))
	}
}

// Lane owns one transactional id at a time. It is used by one goroutine.
type Lane struct {
	kafka      kafkalog.Kafka
	ids        *IDs
	settle     func(ctx context.Context, id string) error // ends what is open under an id in doubt
	id         string
	limit      int // bytes of a batch
	logger     *slog.Logger
	Transacted func(Report) // is told of each transaction; nil: nobody
	transactor *transactor  // nil: to be opened before the next transaction
}

// A Report says how a transaction went.
type Report struct {
	Batches int // of so many partitions
	Records int
	Bytes   int           // about
	Queued  time.Duration // how long the batch that came first waited for the lane
	Phases  Phases
	Took    time.Duration // from the first request of the transaction to its outcome
	Err     error         // nil when it was committed
}

// Phases are what a transaction spends its time on. Writing and committing the
// offsets happen at the same time. One that failed has those that it came to.
type Phases struct {
	Begin   time.Duration // AddPartitionsToTxn
	Write   time.Duration // Produce
	Offsets time.Duration // AddOffsetsToTxn and TxnOffsetCommit
	End     time.Duration // EndTxn
}

// NewLane makes a lane with an id of its own. It has settle end what is open under an
// id that is in doubt; limit is the size of a record batch, in bytes.
func NewLane(k kafkalog.Kafka, ids *IDs, settle func(context.Context, string) error, limit int, logger *slog.Logger) *Lane {
	return &Lane{kafka: k, ids: ids, settle: settle, id: ids.take(), limit: limit, logger: logger}
}

// pace is the least time from the beginning of one transaction of a lane to
// that of the next. A lane that was idle begins at once. One that is busy would
// otherwise commit ever fewer commands at a time, and keep the broker, which may
// share its processor, busy with transactions: at 5,000 commands a second on two
// cores for all, the pace takes a quarter off the latency.
const pace = 5 * time.Millisecond

func (l *Lane) run(ctx context.Context, queue <-chan *Request) {
	defer l.Drop()
	l.open(ctx)
	var begun time.Time
	for r := range queue {
		kafkalog.Sleep(ctx, pace-time.Since(begun))
		begun = time.Now()
		l.Serve(ctx, gather(r, queue))
		l.open(ctx) // nobody waits for it
	}
}

// transactionBytes is how much a transaction writes before it takes no more
// requests: one that writes longer than its timeout is aborted by its
// coordinator. The last request may go beyond, by a batch.
const transactionBytes = 16 << 20

// gather takes every request that is waiting, as long as there is room.
func gather(first *Request, queue <-chan *Request) []*Request {
	requests, size := []*Request{first}, first.Size
	for len(requests) < 256 && size < transactionBytes {
		select {
		case r, ok := <-queue:
			if !ok {
				return requests
			}
			requests, size = append(requests, r), size+r.Size
		default:
			return requests
		}
	}
	return requests
}

// Serve commits the requests in one transaction. When that is aborted, one of
// them may be to blame, so that each then runs alone: an offender must not
// hold the others back. A group that has moved on is nobody's fault.
func (l *Lane) Serve(ctx context.Context, requests []*Request) {
	err := l.transact(ctx, requests)
	if len(requests) > 1 && errors.Is(err, ErrAborted) && !errors.Is(err, ErrDoubt) && !movedOn(err, requests) {
		for _, r := range requests {
			r.Done <- l.transact(ctx, []*Request{r})
		}
		return
	}
	for _, r := range requests {
		r.Done <- err
	}
}

// movedOn tells whether offsets were refused for a generation that all requests were
// sent with: each of them would be refused alone, too.
func movedOn(err error, requests []*Request) bool {
	return errors.Is(err, sarama.ErrIllegalGeneration) && !slices.ContainsFunc(requests, func(r *Request) bool {
		a, b := requests[0].Sent, r.Sent
		return a.GroupID != b.GroupID || a.MemberID != b.MemberID || a.GenerationID != b.GenerationID
	})
}

func (l *Lane) transact(ctx context.Context, requests []*Request) error {
	if !l.open(ctx) {
		return fmt.Errorf("%w: %w", ErrAborted, context.Cause(ctx))
	}
	begun := time.Now()
	err := l.transactor.commit(ctx, requests)
	l.tell(requests, begun, err)
	if err == nil {
		for _, r := range requests {
			r.Ends = endsOf(r)
		}
		return nil
	}
	// It ends for certain, with its markers written, before anybody is told: a
	// worker in doubt reads the truth from the log, which has an answer then. A
	// new epoch does that, if the brokers are those that they were; else the
	// abort is in doubt as the commit would be.
	if !errors.Is(err, ErrDoubt) && !l.transactor.lost() && l.begin(ctx) {
		return err
	}
	l.replace(ctx)
	if errors.Is(err, ErrDoubt) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrDoubt, err)
}

// tell tells how a transaction went, if somebody wants to know.
func (l *Lane) tell(requests []*Request, begun time.Time, err error) {
	if l.Transacted == nil {
		return
	}
	c := Report{Batches: len(requests), Phases: l.transactor.phases, Took: time.Since(begun), Err: err}
	for _, r := range requests {
		c.Records, c.Bytes = c.Records+len(r.Records), c.Bytes+r.Size
		c.Queued = max(c.Queued, begun.Sub(r.queued))
	}
	l.Transacted(c)
}

func endsOf(r *Request) map[string]int64 {
	ends := map[string]int64{}
	for _, m := range r.Records {
		if m.Partition == r.Partition {
			ends[m.Topic] = max(ends[m.Topic], m.Offset+1)
		}
	}
	return ends
}

// open makes sure that there is a transactor with a new epoch, and tries until
// ctx ends: a coordinator that moves or a broker that restarts is no reason to
// give up the partitions.
func (l *Lane) open(ctx context.Context) bool {
	if t := l.transactor; t != nil && (t.lost() || t.used && !l.begin(ctx)) {
		l.replace(ctx)
	}
	return l.until(ctx, "cannot open the transactional id, trying again", func() (err error) {
		if l.transactor == nil {
			l.transactor, err = Open(ctx, l.kafka, l.id, l.limit)
		}
		return err
	})
}

// begin starts a new epoch, which ends what was open in the last one.
func (l *Lane) begin(ctx context.Context) bool {
	err := l.transactor.begin(ctx)
	if err != nil {
		l.logger.Warn("cannot begin a new producer epoch, taking a new transactional id",
			slog.String("transactional_id", l.id), slog.Any("error", kafkalog.Explained(err)))
	}
	return err == nil
}

// replace gives up an id that was in use while a connection was lost or an
// outcome was in doubt, and takes a new one: the next transaction under the same
// producer id would show what the brokers have forgotten to abort.
func (l *Lane) replace(ctx context.Context) {
	l.Drop()
	old := l.id
	l.until(ctx, "cannot end the transactional id in doubt, trying again", func() error { return l.settle(ctx, old) })
	l.ids.retire(old)
	l.id = l.ids.take()
	l.logger.Info("a new transactional id takes the place of one in doubt", slog.String("old", old), slog.String("new", l.id))
}

// until tries until it succeeds or ctx ends.
func (l *Lane) until(ctx context.Context, failed string, try func() error) bool {
	for pause := 10 * time.Millisecond; ctx.Err() == nil; pause = min(2*pause, time.Second) {
		err := try()
		if err == nil {
			return true
		}
		l.logger.Warn(failed, slog.String("transactional_id", l.id), slog.Any("error", kafkalog.Explained(err)))
		kafkalog.Sleep(ctx, pause)
	}
	return false
}

func (l *Lane) Drop() {
	if l.transactor != nil {
		l.transactor.Close()
		l.transactor = nil
	}
}
