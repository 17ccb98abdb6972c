package eventim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/internal/kafkalog"
	"github.com/eventim-go/eventim/internal/router"
	"github.com/eventim-go/eventim/internal/task"
)

// ReactorHandler runs a reactor. Any number of them share the partitions.
type ReactorHandler[S, M any] struct {
	r      *Reactor[S, M]
	config HandlerConfig
	logger *slog.Logger
	runner *task.Runner // reacts to the inbox
	calls  *calls[M]

	mu        sync.Mutex
	reactions map[int32]*reaction[S, M] // by partition of the inbox, the last one of each
	topics    error
}

// NewReactorHandler makes what runs a reactor. Of the configuration, CachedStates is
// not used; MaxBatch is in messages. Its directory may be that of other handlers.
func NewReactorHandler[S, M any](r Reactor[S, M], c HandlerConfig) (*ReactorHandler[S, M], error) {
	if err := r.validate(); err != nil {
		return nil, err
	}
	if err := c.validate(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	h := &ReactorHandler[S, M]{
		r: r.withDefaults(), config: c, logger: c.Logger.With(slog.String("reactor", r.Name)), reactions: map[int32]*reaction[S, M]{},
	}
	h.calls = newCalls[M](h.wake)
	config := c.taskConfig(r.Name, h.logger)
	config.Inspect, config.Inspected = h.r.inspectTopics, h.inspected
	h.runner = task.New(h.task(), config)
	return h, nil
}

// Run reacts until ctx ends, which is not an error. It refuses to start on topics
// that are not as the reactor needs them (*TopicsError), and in a directory that
// another one of the same reactor holds (ErrDirectoryInUse).
func (h *ReactorHandler[S, M]) Run(ctx context.Context) error {
	client, err := h.config.Kafka.connection().Client()
	if err != nil {
		return err
	}
	parts, _, err := h.parts(ctx, client)
	if err == nil {
		err = RunAll(ctx, parts...)
	}
	return errors.Join(err, client.Close())
}

// parts are what runs side by side: the routers of the sources, what reacts, what
// watches when timers may fire, and what carries out the calls.
func (h *ReactorHandler[S, M]) parts(ctx context.Context, client sarama.Client) ([]Part, *drainWatch, error) {
	watch := &drainWatch{client: client, kafka: h.config.Kafka, inbox: h.r.Topics().Inbox, passed: map[string]map[int32]stretch{}}
	if err := h.r.inspectPublications(ctx, client); err != nil {
		return nil, nil, err
	}
	parts := []Part{{Name: h.r.Name, Run: h.runner.Run}}
	for _, s := range h.r.Sources {
		found, err := kafkalog.Describe(ctx, client, s.topic)
		if err != nil {
			return nil, nil, err
		}
		if found.Partitions[s.topic] == 0 {
			return nil, nil, &TopicsError{h.r.Name, []string{s.topic + ": does not exist"}}
		}
		route := h.router(s, int32(found.Partitions[s.topic])) //nolint:gosec // of a topic
		watch.sources = append(watch.sources, drainSource{topic: s.topic, group: route.Name, partitions: route.Partitions})
		parts = append(parts, Part{Name: route.Name, Run: h.route(route).Run})
	}
	parts = append(parts, Part{Name: h.r.Name + " timers", Run: func(ctx context.Context) error { return h.watchTimers(ctx, watch) }})
	// The last is stopped first: what the calls that are under way come to is settled then.
	return append(parts, Part{Name: h.r.Name + " calls", Run: h.perform}), watch, nil
}

// callsGrace is how long calls that are under way may take when the handler is
// stopped, before they are interrupted.
const callsGrace = 10 * time.Second

// perform has calls made until ctx ends, and then lets those end that are under way.
func (h *ReactorHandler[S, M]) perform(ctx context.Context) error {
	attempts, interrupt := context.WithCancel(context.WithoutCancel(ctx))
	defer h.calls.group.Wait()
	defer interrupt()
	h.calls.open(attempts)
	for _, p := range h.claims() {
		p.Wake()
	}
	<-ctx.Done()
	grace, cancel := context.WithTimeout(attempts, callsGrace)
	defer cancel()
	h.calls.drain(grace)
	for h.calls.unsettled(h.running()) && kafkalog.Sleep(grace, 10*time.Millisecond) { //nolint:revive // waits
	}
	return nil
}

// wake has the one that reacts in a partition look for what there is to do.
func (h *ReactorHandler[S, M]) wake(partition int32) {
	h.mu.Lock()
	p := h.reactions[partition]
	h.mu.Unlock()
	if p != nil {
		p.Wake()
	}
}

// claims are those that react, or have reacted, in this process.
func (h *ReactorHandler[S, M]) claims() []*reaction[S, M] {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Collect(maps.Values(h.reactions))
}

// running are the partitions that are reacted to.
func (h *ReactorHandler[S, M]) running() (partitions []int32) {
	for _, s := range h.runner.Status() {
		if s.State == task.Running {
			partitions = append(partitions, s.Partition)
		}
	}
	return partitions
}

// router tells the inbox what a source says.
func (h *ReactorHandler[S, M]) router(s Source[M], partitions int32) router.Router {
	return router.Router{
		Name: h.r.Name + "-from-" + s.topic, Input: s.topic, Partitions: partitions,
		Target: h.r.Topics().Inbox, Wide: h.r.Partitions, Positions: h.r.positions(),
		Route: func(m *sarama.ConsumerMessage) ([]*sarama.ProducerMessage, error) {
			n, ok, err := s.told(recordOfMessage(m))
			if err != nil || !ok {
				return nil, err
			}
			n.begins = s.begins
			out, err := h.r.encodeNotice(n)
			return []*sarama.ProducerMessage{out}, err
		},
	}
}

func (h *ReactorHandler[S, M]) route(r router.Router) *task.Runner {
	logger := h.logger.With(slog.String("source", r.Input))
	c := h.config.taskConfig(filepath.Join(h.r.Name, "sources", r.Input), logger)
	c.Observer = observed{&Observer{}} // a handler's figures are those of its reactions
	c.Inspect, c.Inspected = h.r.inspectTopics, func(error) {}
	return task.New(r.Task(), c)
}

// task is what a reactor does, for the engine.
func (h *ReactorHandler[S, M]) task() *task.Task {
	t := h.r.Topics()
	outputs := []string{t.Instances, t.Parked}
	for _, s := range h.r.Sends {
		commands, _ := s.commandsTopic()
		outputs = append(outputs, commands)
	}
	for _, published := range h.r.Publishes {
		topic, _ := published.topic()
		outputs = append(outputs, topic)
	}
	return &task.Task{
		Name: h.r.Name, Group: h.r.Group(), Input: t.Inbox, Partitions: h.r.Partitions, Outputs: outputs,
		Positions: h.r.positions(),
		Tables: []task.Table{
			{Name: "instances", Topic: t.Instances, Compacted: true, Restore: restoreInstances},
			{Name: "parked", Topic: t.Parked, Compacted: true, Restore: restoreParked},
		},
		Identity: t.Instances, Revision: 1, Format: reactorFormat,
		New: h.claimed,
	}
}

// reactorFormat is raised when what is kept changes; older stores are restored.
const reactorFormat = 1

func (h *ReactorHandler[S, M]) claimed(c *task.Claim) task.Processor {
	p := &reaction[S, M]{
		Claim: c, r: h.r, partitioner: sarama.NewMurmur2Partitioner(""), calls: h.calls, fresh: map[string]struct{}{},
	}
	p.nextDue.Store(math.MaxInt64)
	p.nextCall.Store(math.MaxInt64)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.reactions[c.Partition] = p
	return p
}

func (r *Reactor[S, M]) positions() task.Positions {
	return task.Positions{Topic: r.Topics().Positions, Partitions: r.Partitions}
}

func (r *Reactor[S, M]) inspectTopics(ctx context.Context, admin sarama.ClusterAdmin) (task.Limits, error) {
	t := r.Topics()
	return inspectTopics(ctx, admin, r.Name, r.topicSpecs(), r.Partitions, "", t.Instances)
}

func (h *ReactorHandler[S, M]) inspected(err error) {
	if _, differ := errors.AsType[*TopicsError](err); err != nil && !differ {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil && (h.topics == nil || h.topics.Error() != err.Error()) {
		h.logger.Error("the topics were changed; a reactor does not start on them", slog.Any("error", err))
	}
	h.topics = err
}

// TopicsErr says in which ways the topics are, by now, not as the reactor needs them
// (*TopicsError).
func (h *ReactorHandler[S, M]) TopicsErr() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.topics
}

// Status returns what is done with each partition of the inbox that this one holds,
// in order.
func (h *ReactorHandler[S, M]) Status() []PartitionStatus { return statusesOf(h.runner) }

// String names the reactor.
func (h *ReactorHandler[S, M]) String() string { return fmt.Sprintf("reactor %s", h.r.Name) }
