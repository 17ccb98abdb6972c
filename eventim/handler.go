package eventim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"
	"github.com/cockroachdb/pebble/v2"

	"github.com/eventim-go/eventim/internal/kafkalog"
	"github.com/eventim-go/eventim/internal/member"
	"github.com/eventim-go/eventim/internal/statestore"
	"github.com/eventim-go/eventim/internal/txn"
)

// ErrDirectoryInUse is returned when another handler holds the data directory, of
// this process or of another one; its text says which.
var ErrDirectoryInUse = member.ErrDirectoryInUse

// ErrIdentityInUse is returned when another process has started with the
// identity of this one: the data directory was copied, with the identity in it.
// The one that started last goes on. The other gets an identity of its own when
// it is started again.
var ErrIdentityInUse = member.ErrIdentityInUse

// HandlerConfig configures a Handler. Zero values are defaults.
type HandlerConfig struct {
	Kafka Kafka

	// Dir is the data directory: the identity of the instance, and its state
	// stores. It belongs to one process, and is worth keeping between starts:
	// only what is new is then read from Kafka. Handlers of several aggregates
	// in one process may share it. Required.
	Dir string

	Lanes        int           // transactional producers; 2
	MaxBatch     int           // commands of one partition in a transaction; 500
	CachedStates int           // decoded states in memory, for each partition; 10,000
	CacheBytes   int64         // block cache of all state stores, beside 16 MiB for each partition; 64 MiB
	Session      time.Duration // session timeout: how soon a killed process is replaced; 10 s

	// StuckAfter is how long a partition may wait in one place, with commands
	// before it, until Status and the log call it stuck; 10 s. A call of Decide
	// or Evolve is named after half of that.
	StuckAfter time.Duration

	Logger    *slog.Logger          // slog.Default()
	OnRestore func(RestoreProgress) // called concurrently; nil
	Observer  Observer              // is told what the handler does; none
}

func (c HandlerConfig) withDefaults() HandlerConfig {
	c.Lanes = cmp.Or(c.Lanes, 2)
	c.MaxBatch = cmp.Or(c.MaxBatch, 500)
	c.CachedStates = cmp.Or(c.CachedStates, 10_000)
	c.CacheBytes = cmp.Or(c.CacheBytes, 64<<20)
	c.Session = cmp.Or(c.Session, 10*time.Second)
	c.StuckAfter = cmp.Or(c.StuckAfter, 10*time.Second)
	c.Logger = cmp.Or(c.Logger, slog.Default())
	return c
}

// Handler handles the commands of an aggregate. What a batch of commands
// causes (results, events, one snapshot for each aggregate, and the position
// in the commands) is written in one Kafka transaction: a crash repeats
// nothing and loses nothing. Any number of handlers share the partitions.
type Handler[S, C, E any] struct {
	agg      *Aggregate[S, C, E]
	config   HandlerConfig
	logger   *slog.Logger
	limits   limits
	group    sarama.ConsumerGroup
	lanes    *txn.Lanes
	fencer   *member.Fencer
	restorer *restorer[S, C, E]

	assigning atomic.Bool // the group has given out partitions, and their offsets are being fetched

	mu     sync.Mutex
	status map[int32]PartitionStatus
	looks  map[int32]chan struct{} // of the workers
	topics error                   // how the topics differ from what the aggregate needs
	rejoin func()                  // ends the session, after which all partitions are taken over anew
}

// NewHandler makes a handler of a. Run runs it.
func NewHandler[S, C, E any](a Aggregate[S, C, E], c HandlerConfig) (*Handler[S, C, E], error) {
	if err := a.validate(); err != nil {
		return nil, err
	}
	if c.Dir == "" {
		return nil, errors.New("handler: Dir, the data directory, is empty")
	}
	if c.Lanes < 0 || c.MaxBatch < 0 || c.CachedStates < 0 || c.CacheBytes < 0 || c.StuckAfter < 0 {
		return nil, errors.New("handler: Lanes, MaxBatch, CachedStates, CacheBytes and StuckAfter must not be negative")
	}
	c = c.withDefaults()
	return &Handler[S, C, E]{
		agg: a.withDefaults(), config: c, logger: c.Logger.With(slog.String("aggregate", a.Name)),
		status: map[int32]PartitionStatus{}, looks: map[int32]chan struct{}{},
	}, nil
}

// Run handles commands until ctx ends, which is not an error: it finishes the
// batches that are begun and leaves the group. It refuses to start on topics
// that are not as the aggregate needs them (*TopicsError), and in a directory
// that another handler holds (ErrDirectoryInUse).
func (h *Handler[S, C, E]) Run(ctx context.Context) (err error) {
	inst, err := member.Open(filepath.Join(h.config.Dir, h.agg.Name))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, inst.Close()) }()
	t := h.agg.Topics()
	outputs := []string{t.Results, t.Events, t.Snapshots, t.DeadLetters}
	if h.fencer, err = member.NewFencer(h.config.Kafka.connection(), h.agg.Group(), inst.ID, t.Commands, outputs, h.logger); err != nil {
		return err
	}
	h.fencer.Waits, h.fencer.Ended = h.setWaiting, h.config.Observer.ended
	defer func() { err = errors.Join(err, h.fencer.Close()) }()
	if h.limits, err = h.agg.inspectTopics(ctx, h.fencer.Admin); err != nil {
		return err
	}
	if err := h.identify(ctx, inst); err != nil {
		return err
	}
	if err := h.fencer.EvictFormerSelf(ctx); err != nil {
		return err
	}
	// Pebble takes the memory tables out of the cache: of each store that which
	// is being filled, and that which is being flushed. With room for one alone,
	// nothing is left for the filters, and looking up a new command id costs four
	// times as much.
	cache := pebble.NewCache(h.config.CacheBytes + int64(h.agg.Partitions)*2*statestore.MemTableBytes)
	defer cache.Unref()
	if err := h.prepareRestore(ctx, cache); err != nil {
		return err
	}
	return h.consume(ctx, inst.ID)
}

// identify makes sure that nobody else acts under the identity of this instance.
func (h *Handler[S, C, E]) identify(ctx context.Context, inst *member.Instance) error {
	dir := filepath.Join(h.config.Dir, h.agg.Name)
	copied, err := h.fencer.Copied(ctx, dir)
	if err != nil {
		return err
	}
	if copied {
		if err := inst.Renew(); err != nil {
			return fmt.Errorf("take a new identity: %w", err)
		}
		h.logger.Warn("another process uses this identity, that of a copy of the data directory: taking a new one",
			slog.String("old", h.fencer.Instance), slog.String("new", inst.ID))
		h.fencer.Rename(inst.ID)
	}
	return h.fencer.ClaimIdentity(ctx, dir)
}

func (h *Handler[S, C, E]) prepareRestore(ctx context.Context, cache *pebble.Cache) error {
	id, err := kafkalog.Describe(ctx, h.fencer.Client, h.agg.topicNames()...)
	h.restorer = &restorer[S, C, E]{
		agg: h.agg, client: h.fencer.Client, dir: filepath.Join(h.config.Dir, h.agg.Name), cluster: id,
		horizon: h.limits.deleteRetention, options: statestore.Options{Cache: cache, Logger: h.logger, Turns: statestore.NewTurns(runtime.GOMAXPROCS(0) / 2)},
		fencer: h.fencer, report: h.config.OnRestore, logger: h.logger,
	}
	return err
}

// consume runs the consumer group, session after session.
func (h *Handler[S, C, E]) consume(ctx context.Context, instance string) (err error) {
	group, err := sarama.NewConsumerGroup(h.config.Kafka.Brokers, h.agg.Group(), h.groupConfig(ctx, instance))
	if err != nil {
		return fmt.Errorf("connect to Kafka at %v: %w", h.config.Kafka.Brokers, err)
	}
	h.group = group
	var drained sync.WaitGroup
	drained.Go(func() {
		for err := range group.Errors() {
			h.logger.Warn("consumer group", slog.Any("error", err))
		}
	})
	// The lanes outlive ctx until the workers have ended.
	lanesCtx, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	ctx, supersede := context.WithCancelCause(ctx)
	h.lanes = txn.Start(lanesCtx, h.config.Lanes, func() *txn.Lane {
		l := txn.NewLane(h.config.Kafka.connection(), h.fencer.IDs, h.fencer.Settle, h.limits.outputBytes, h.logger)
		l.Transacted = h.config.Observer.transacted
		return l
	})
	watch, unwatch := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() { h.watch(watch) })
	watching.Go(func() { h.watchBusy(watch) })
	watching.Go(func() { h.fencer.Watch(watch, h.assigning.Load, func() { supersede(member.ErrIdentityInUse) }) })
	for ctx.Err() == nil {
		if err := h.join(ctx); err != nil && ctx.Err() == nil {
			h.logger.Warn("session ended, joining again", slog.Any("error", err))
			kafkalog.Sleep(ctx, 200*time.Millisecond)
		}
		h.assigning.Store(false)
		if ctx.Err() == nil && h.fencer.Superseded() {
			supersede(member.ErrIdentityInUse)
		}
	}
	superseded := errors.Is(context.Cause(ctx), ErrIdentityInUse)
	supersede(nil)
	err = group.Close()
	unwatch()
	watching.Wait()
	drained.Wait()
	giveUp()
	h.lanes.Stop()
	if superseded {
		err = errors.Join(fmt.Errorf("instance %s: %w", instance, member.ErrIdentityInUse), err)
	}
	return err
}

// join runs one session of the group. Topics that were deleted and made anew
// have other ids then; what that means, each partition finds when it is taken
// over.
func (h *Handler[S, C, E]) join(ctx context.Context) error {
	id, err := kafkalog.Describe(ctx, h.fencer.Client, h.agg.topicNames()...)
	if err != nil {
		return err
	}
	session, end := context.WithCancel(ctx)
	defer end()
	h.mu.Lock()
	h.restorer.cluster, h.rejoin = id, end
	h.mu.Unlock()
	return h.group.Consume(session, []string{h.agg.Topics().Commands}, (*sessionHandler[S, C, E])(h))
}

const rebalanceTimeout = 10 * time.Second

func (h *Handler[S, C, E]) groupConfig(ctx context.Context, instance string) *sarama.Config {
	k := h.config.Kafka.connection()
	k.ClientID = instance // tells the living from the dead, see fencer.fence
	c := k.Config()
	c.Consumer.Return.Errors = true
	c.Consumer.MaxProcessingTime = time.Second
	c.Consumer.Group.Session.Timeout = h.config.Session
	c.Consumer.Group.Heartbeat.Interval = min(h.config.Session/5, 3*time.Second)
	c.Consumer.Group.Rebalance.Timeout = rebalanceTimeout
	c.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{
		fencing{sarama.NewBalanceStrategySticky(), func() {
			h.assigning.Store(true) // until Setup: sarama waits for the committed offsets
			h.fencer.TakeOver(ctx)
		}},
	}
	c.ChannelBufferSize = 1024
	// RequireStable makes the fetch of the offsets wait for pending
	// transactions, of which each ends within its timeout.
	c.Metadata.Retry.Max = 500
	c.Metadata.Retry.Backoff = 50 * time.Millisecond
	return c
}

// fencing is a balance strategy that ends the transactions of dead owners as
// soon as the assignment of a generation is known, before sarama fetches the
// committed offsets, which waits for them.
type fencing struct {
	sarama.BalanceStrategy
	fence func()
}

// OnAssignment implements sarama.OnAssignmentBalanceStrategy.
func (f fencing) OnAssignment(*sarama.ConsumerGroupMemberAssignment, int32) { f.fence() }

// sessionHandler is the handler as sarama calls it.
type sessionHandler[S, C, E any] Handler[S, C, E]

// Setup implements sarama.ConsumerGroupHandler.
func (s *sessionHandler[S, C, E]) Setup(session sarama.ConsumerGroupSession) error {
	h := (*Handler[S, C, E])(s)
	h.assigning.Store(false)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.status = map[int32]PartitionStatus{}
	for _, p := range session.Claims()[h.agg.Topics().Commands] {
		h.status[p] = newStatus(p)
	}
	return nil
}

// Cleanup implements sarama.ConsumerGroupHandler.
func (s *sessionHandler[S, C, E]) Cleanup(sarama.ConsumerGroupSession) error {
	h := (*Handler[S, C, E])(s)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.status = map[int32]PartitionStatus{}
	return nil
}

// ConsumeClaim implements sarama.ConsumerGroupHandler.
func (s *sessionHandler[S, C, E]) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	h := (*Handler[S, C, E])(s)
	w := &worker[S, C, E]{
		Handler: h, partition: claim.Partition(), session: session, claim: claim,
		limit: h.limits.outputBytes, partitioner: sarama.NewMurmur2Partitioner(claim.Topic()), looks: h.look(claim.Partition()), errand: &errand{},
		logger: h.logger.With(slog.Int("partition", int(claim.Partition())), slog.Int("generation", int(session.GenerationID()))),
	}
	h.update(w.partition, func(s *PartitionStatus) { s.errand = w.errand })
	h.config.Observer.claimed(w.partition)
	defer h.config.Observer.released(w.partition)
	defer w.release()
	finish, cancel := context.WithCancel(context.WithoutCancel(session.Context()))
	defer cancel()
	defer context.AfterFunc(session.Context(), func() { time.AfterFunc(commitGrace, cancel) })()
	w.finish = finish
	return w.run()
}
