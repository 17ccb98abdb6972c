package eventim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"
)

// Outcomes of a transaction other than its commit.
var (
	// errAborted: nothing of the transaction is visible; it may be tried again.
	errAborted = errors.New("the transaction was aborted")
	// errDoubt: the transaction has ended, but how, only the log knows.
	errDoubt = errors.New("the outcome of the transaction is unknown")
)

// A request asks for one batch of one partition to be committed.
type request struct {
	records  []*sarama.ProducerMessage
	input    string // the commands topic
	part     int32
	next     int64 // offset to commit in the input
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
	kafka    Kafka
	config   *sarama.Config
	logger   *slog.Logger
	producer *txnProducer // nil: to be opened before the next transaction

	// sarama retries silently. A request that ends or prepares the end of a
	// transaction and was sent twice may arrive again later, inside the next
	// transaction of the same producer epoch: a late EndTxn then commits
	// somebody else's records (sarama has no KIP-890 part 2). The back-off
	// function of the retries is what gives them away.
	ending  atomic.Bool
	retried atomic.Bool
}

const transactionTimeout = 15 * time.Second

func newLane(k Kafka, id string, messageBytes int, logger *slog.Logger) *lane {
	l := &lane{kafka: k, logger: logger.With(slog.String("transactional_id", id))}
	l.config = laneConfig(k, id, messageBytes)
	l.config.Producer.Transaction.Retry.BackoffFunc = func(retries, _ int) time.Duration {
		if l.ending.Load() {
			l.retried.Store(true)
		}
		// CONCURRENT_TRANSACTIONS, while the last transaction still writes its
		// markers, takes a millisecond or two: the default of 20 to 100 ms
		// would decide the tail latency.
		return time.Millisecond << min(retries, 6)
	}
	return l
}

func laneConfig(k Kafka, id string, messageBytes int) *sarama.Config {
	c := k.Config()
	c.Net.MaxOpenRequests = 1
	c.Net.ReadTimeout = 10 * time.Second
	c.Producer.Idempotent = true
	c.Producer.RequiredAcks = sarama.WaitForAll
	c.Producer.Transaction.ID = id
	c.Producer.Transaction.Timeout = transactionTimeout
	c.Producer.Transaction.Retry.Max = 60
	c.Producer.Retry.Max = 10
	c.Producer.Retry.Backoff = 20 * time.Millisecond
	c.Producer.Partitioner = sarama.NewManualPartitioner
	c.Producer.MaxMessageBytes = messageBytes
	c.Producer.Compression = sarama.CompressionLZ4
	// A millisecond gathers the records of a transaction into one request per
	// broker. Thresholds must stay 0: CommitTxn does not flush, and would wait
	// for ever below one.
	c.Producer.Flush.Frequency = time.Millisecond
	c.Producer.Return.Successes = true // for the offsets
	c.Producer.Return.Errors = true
	c.ChannelBufferSize = 1024
	return c
}

func (l *lane) run(ctx context.Context, queue <-chan *request) {
	defer l.drop()
	l.open(ctx)
	for r := range queue {
		l.serve(ctx, gather(r, queue))
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
	sent, err := l.send(requests)
	l.retried.Store(false)
	l.ending.Store(true)
	if err == nil {
		err = l.producer.CommitTxn()
	}
	if err != nil {
		err = l.producer.rollback(err)
	}
	l.ending.Store(false)
	if errors.Is(err, errDoubt) || l.retried.Load() {
		l.drop()
	}
	if errors.Is(err, errDoubt) {
		// The workers will now read the truth from the log. Opening the lane
		// again ends the transaction for certain, with its markers written, so
		// that the log has an answer.
		l.open(ctx)
	}
	if err == nil {
		for i, r := range requests {
			r.ends = endsOf(sent[i])
		}
	}
	return err
}

// send begins the transaction and writes the records of all requests. A
// message can be sent only once, so copies go out and the request may be tried
// again.
func (l *lane) send(requests []*request) ([][]*sarama.ProducerMessage, error) {
	if err := l.producer.BeginTxn(); err != nil {
		return nil, fmt.Errorf("begin: %w", err)
	}
	sent := make([][]*sarama.ProducerMessage, len(requests))
	for i, r := range requests {
		for _, record := range r.records {
			m := new(*record)
			sent[i] = append(sent[i], m)
			l.producer.sent.Add(1)
			l.producer.Input() <- m
		}
		offsets := map[string][]*sarama.PartitionOffsetMetadata{
			r.input: {{Partition: r.part, Offset: r.next, LeaderEpoch: -1}},
		}
		// The generation in TxnOffsetCommit is the fence against zombies
		// (KIP-447): the coordinator refuses it from a member that has lost
		// the partition, and the transaction is aborted. AddOffsetsToTxn sends
		// no generation and would fence nothing.
		if err := l.producer.AddOffsetsToTxnWithGroupMetadata(offsets, r.metadata()); err != nil {
			return nil, fmt.Errorf("add offsets: %w", err)
		}
	}
	// A retry from here on is one of the end. Before, AddPartitionsToTxn is
	// retried whenever the last transaction still writes its markers, and that
	// is no reason for doubt.
	l.producer.sent.Wait()
	return sent, nil
}

func endsOf(messages []*sarama.ProducerMessage) map[string]int64 {
	ends := map[string]int64{}
	for _, m := range messages {
		ends[m.Topic] = max(ends[m.Topic], m.Offset+1)
	}
	return ends
}

// open makes sure that there is a producer, and tries until ctx ends: a
// coordinator that moves or a broker that restarts is no reason to give up the
// partitions.
func (l *lane) open(ctx context.Context) bool {
	for pause := 10 * time.Millisecond; l.producer == nil; pause = min(2*pause, time.Second) {
		if ctx.Err() != nil {
			return false
		}
		producer, err := openProducer(l.kafka.Brokers, l.config)
		if err == nil {
			l.producer = producer
			return true
		}
		l.logger.Warn("cannot open the transactional producer, trying again", slog.Any("error", err))
		sleep(ctx, pause)
	}
	return true
}

func (l *lane) drop() {
	if l.producer != nil {
		l.producer.close()
		l.producer = nil
	}
}

// txnProducer is a transactional producer whose answers are drained.
type txnProducer struct {
	*producer
	drained sync.WaitGroup
	sent    sync.WaitGroup // records without an answer
	mu      sync.Mutex
	errs    []error
}

// openProducer runs InitProducerId: it ends what was open under the id, and
// fences whoever used it.
func openProducer(brokers []string, c *sarama.Config) (*txnProducer, error) {
	ap, err := newProducer(brokers, c)
	if err != nil {
		return nil, err
	}
	p := &txnProducer{producer: ap}
	p.drained.Go(func() {
		for e := range ap.Errors() {
			p.mu.Lock()
			p.errs = append(p.errs, e.Err)
			p.mu.Unlock()
			p.sent.Done()
		}
	})
	p.drained.Go(func() {
		for range ap.Successes() { // offsets are read from the messages
			p.sent.Done()
		}
	})
	return p, nil
}

func (p *txnProducer) takeErrors() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	err := errors.Join(p.errs...)
	p.errs = nil
	return err
}

// rollback ends a transaction that could not be committed. AbortTxn settles a
// commit that may or may not have happened: it is refused, and the producer
// broken for good, where the commit had.
func (p *txnProducer) rollback(cause error) error {
	cause = errors.Join(cause, p.takeErrors())
	for range 4 {
		switch status := p.TxnStatus(); {
		case status&sarama.ProducerTxnFlagFatalError != 0:
			return fmt.Errorf("%w: %w", errDoubt, cause)
		case status&sarama.ProducerTxnFlagReady != 0:
			return fmt.Errorf("%w: %w", errAborted, cause)
		}
		if err := p.AbortTxn(); err != nil {
			cause = errors.Join(cause, fmt.Errorf("abort: %w", err))
		}
	}
	return fmt.Errorf("%w: %w", errDoubt, cause)
}

func (p *txnProducer) close() { _ = p.producer.close(&p.drained) }
