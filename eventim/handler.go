package eventim

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/internal/member"
	"github.com/eventim-go/eventim/internal/task"
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

func (c HandlerConfig) validate() error {
	if c.Dir == "" {
		return errors.New("handler: Dir, the data directory, is empty")
	}
	if c.Lanes < 0 || c.MaxBatch < 0 || c.CachedStates < 0 || c.CacheBytes < 0 || c.StuckAfter < 0 {
		return errors.New("handler: Lanes, MaxBatch, CachedStates, CacheBytes and StuckAfter must not be negative")
	}
	return nil
}

// taskConfig is the configuration of a task in a directory of its own below Dir.
func (c *HandlerConfig) taskConfig(dir string, logger *slog.Logger) task.Config {
	return task.Config{
		Kafka: c.Kafka.connection(), Dir: filepath.Join(c.Dir, dir), Lanes: c.Lanes, MaxBatch: c.MaxBatch,
		CacheBytes: c.CacheBytes, Session: c.Session, StuckAfter: c.StuckAfter, Logger: logger,
		OnRestore: c.restoreReport(), Observer: observed{&c.Observer},
	}
}

// Handler handles the commands of an aggregate. What a batch of commands
// causes (results, events, one snapshot for each aggregate, and the position
// in the commands) is written in one Kafka transaction: a crash repeats
// nothing and loses nothing. Any number of handlers share the partitions.
type Handler[S, C, E any] struct {
	agg    *Aggregate[S, C, E]
	config HandlerConfig
	logger *slog.Logger
	runner *task.Runner

	mu     sync.Mutex
	topics error // how the topics differ from what the aggregate needs
}

// NewHandler makes a handler of a. Run runs it.
func NewHandler[S, C, E any](a Aggregate[S, C, E], c HandlerConfig) (*Handler[S, C, E], error) {
	if err := a.validate(); err != nil {
		return nil, err
	}
	if err := c.validate(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	h := &Handler[S, C, E]{agg: a.withDefaults(), config: c, logger: c.Logger.With(slog.String("aggregate", a.Name))}
	config := h.config.taskConfig(a.Name, h.logger)
	config.Inspect, config.Inspected = h.agg.inspectTopics, h.inspected
	h.runner = task.New(h.task(), config)
	return h, nil
}

// Run handles commands until ctx ends, which is not an error: it finishes the
// batches that are begun and leaves the group. It refuses to start on topics
// that are not as the aggregate needs them (*TopicsError), and in a directory
// that another handler holds (ErrDirectoryInUse).
func (h *Handler[S, C, E]) Run(ctx context.Context) error { return h.runner.Run(ctx) }

// task is what a handler does, for the engine.
func (h *Handler[S, C, E]) task() *task.Task {
	t := h.agg.Topics()
	return &task.Task{
		Name: h.agg.Name, Group: h.agg.Group(), Input: t.Commands, Partitions: h.agg.Partitions,
		Outputs: []string{t.Results, t.Events, t.Snapshots, t.DeadLetters},
		Tables:  h.agg.tables(), Identity: t.Snapshots, Revision: h.agg.Revision, Format: storeFormat,
		Reanchor: h.agg.reanchor, Complete: h.agg.complete,
		New: func(c *task.Claim) task.Processor {
			return &worker[S, C, E]{Claim: c, agg: h.agg, config: h.config, partitioner: sarama.NewMurmur2Partitioner(t.Commands)}
		},
	}
}

// TopicsErr says in which ways the topics are, by now, not as the aggregate
// needs them (*TopicsError). A handler that runs goes on, since nothing that was
// acknowledged may wait for an operator; but it would not start again.
func (h *Handler[S, C, E]) TopicsErr() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.topics
}

// inspected enters what a look at the topics has found, if it could look.
func (h *Handler[S, C, E]) inspected(err error) {
	if _, differ := errors.AsType[*TopicsError](err); err != nil && !differ {
		return
	}
	h.mu.Lock()
	was := h.topics
	h.topics = err
	h.mu.Unlock()
	switch {
	case err != nil && (was == nil || was.Error() != err.Error()):
		h.logger.Error("the topics were changed; a handler does not start on them", slog.Any("error", err))
	case err == nil && was != nil:
		h.logger.Info("the topics are as they should be again")
	}
}
