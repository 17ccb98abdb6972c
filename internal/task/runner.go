package task

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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

// Config is how a task is run in this process.
type Config struct {
	Kafka      kafkalog.Kafka
	Dir        string        // of the task alone: the identity of the instance, and its state stores
	Lanes      int           // transactional producers
	MaxBatch   int           // records of one partition in a transaction
	CacheBytes int64         // block cache of all state stores, beside 16 MiB for each partition
	Session    time.Duration // how soon a killed process is replaced
	StuckAfter time.Duration // how long a partition may wait in one place until it is called stuck

	Logger    *slog.Logger
	OnRestore func(Progress) // called concurrently; nil
	Observer  Observer

	// Inspect compares the topics with what they have to be. It is asked before the
	// start, which it prevents, and while the task runs.
	Inspect func(context.Context, sarama.ClusterAdmin) (Limits, error)

	// Inspected is told what Inspect has found while the task runs.
	Inspected func(error)
}

// Observer is told what a runner does, by the goroutines that do it.
type Observer interface {
	Claimed(partition int32)
	Released(partition int32)
	TakenOver(TakenOver)
	Decided(Decided)
	Transacted(txn.Report)
	Fenced(partition int32, err error)
	Ended(id string)
}

// TakenOver says how a partition was made ready.
type TakenOver struct {
	Partition int32
	Offset    int64 // of the first record to process
	Attempts  int   // 1 when nothing was in the way
	Took      time.Duration
}

// Decided says how a batch was processed, before it is written.
type Decided struct {
	Partition int32
	Records   int // of the input
	Bytes     int // of what is to be written, about
	Took      time.Duration
}

// Runner runs a task: it shares the partitions of the input with the other members of
// its group.
type Runner struct {
	task     *Task
	config   Config
	logger   *slog.Logger
	limits   Limits
	group    sarama.ConsumerGroup
	lanes    *txn.Lanes
	fencer   *member.Fencer
	restorer *Restorer

	offers       func(context.Context, protocol) []sarama.BalanceStrategy
	allCooperate atomic.Bool    // no member of the group only knows the eager protocol
	fencing      sync.WaitGroup // of what dead owners have left open

	mu      sync.Mutex
	status  map[int32]Status
	claims  map[int32]*Claim
	awaited map[int32]bool // given, and not claimed yet
	rejoin  func()         // ends the session, after which all partitions are taken over anew
}

// New makes a runner; Run runs it, once.
func New(t *Task, c Config) *Runner {
	r := &Runner{task: t, config: c, logger: c.Logger, status: map[int32]Status{}, claims: map[int32]*Claim{}}
	r.offers = r.strategies
	return r
}

// Run processes records until ctx ends, which is not an error: it finishes the
// batches that are begun and leaves the group. It fails when Inspect does, with
// member.ErrDirectoryInUse in a directory that another process holds, and with
// member.ErrIdentityInUse when a copy of it has started later.
func (r *Runner) Run(ctx context.Context) (err error) {
	inst, err := member.Open(r.config.Dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, inst.Close()) }()
	if r.fencer, err = member.NewFencer(r.config.Kafka, r.task.Group, inst.ID, r.task.Input, r.task.written(), r.logger); err != nil {
		return err
	}
	r.fencer.Waits, r.fencer.Ended = r.setWaiting, r.config.Observer.Ended
	defer func() { err = errors.Join(err, r.fencer.Close()) }()
	cache, err := r.start(ctx, inst)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return nil //nolint:nilerr // whoever ends it while it starts, ends it
	default:
		return err
	}
	defer cache.Unref()
	return r.consume(ctx, inst.ID)
}

// start is what has to succeed before the group is joined.
func (r *Runner) start(ctx context.Context, inst *member.Instance) (cache *pebble.Cache, err error) {
	if r.limits, err = r.config.Inspect(ctx, r.fencer.Admin); err != nil {
		return nil, err
	}
	if err := r.identify(ctx, inst); err != nil {
		return nil, err
	}
	if err := r.fencer.EvictFormerSelf(ctx); err != nil {
		return nil, err
	}
	// Pebble takes the memory tables out of the cache: of each store that which
	// is being filled, and that which is being flushed. With room for one alone,
	// nothing is left for the filters, and looking up what is not there costs four
	// times as much.
	cache = pebble.NewCache(r.config.CacheBytes + int64(r.task.Partitions)*2*statestore.MemTableBytes)
	if err := r.prepareRestore(ctx, cache); err != nil {
		cache.Unref()
		return nil, err
	}
	return cache, nil
}

func (r *Runner) inspect(ctx context.Context) error {
	_, err := r.config.Inspect(ctx, r.fencer.Admin)
	return err
}

// identify makes sure that nobody else acts under the identity of this instance.
func (r *Runner) identify(ctx context.Context, inst *member.Instance) error {
	copied, err := r.fencer.Copied(ctx, r.config.Dir)
	if err != nil {
		return err
	}
	if copied {
		if err := inst.Renew(); err != nil {
			return fmt.Errorf("take a new identity: %w", err)
		}
		r.logger.Warn("another process uses this identity, that of a copy of the data directory: taking a new one",
			slog.String("old", r.fencer.Instance), slog.String("new", inst.ID))
		r.fencer.Rename(inst.ID)
	}
	return r.fencer.ClaimIdentity(ctx, r.config.Dir)
}

func (r *Runner) prepareRestore(ctx context.Context, cache *pebble.Cache) error {
	id, err := kafkalog.Describe(ctx, r.fencer.Client, r.task.Topics()...)
	r.restorer = &Restorer{
		task: r.task, Client: r.fencer.Client, Dir: r.config.Dir, Cluster: id, Horizon: r.limits.DeleteRetention,
		Options: statestore.Options{Cache: cache, Logger: r.logger, Turns: statestore.NewTurns(runtime.GOMAXPROCS(0) / 2)},
		Fencer:  r.fencer, Report: r.config.OnRestore, Logger: r.logger,
	}
	return err
}
