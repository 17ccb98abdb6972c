package eventim

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/internal/kafkalog"
	"github.com/eventim-go/eventim/internal/task"
)

// lookEvery is how often a running process looks at what an operator can change
// under it: a change is noticed after this time at most.
const lookEvery = task.LookEvery

// topicGuard watches the commands topic for a sender. Where it has another
// partition count than the handlers know, a command may lie where nobody
// handles it: an acknowledgement would be a lie.
type topicGuard struct {
	client     sarama.Client
	aggregate  string
	topic      string
	partitions int32

	wrong atomic.Pointer[TopicsError]
	stop  context.CancelFunc
	done  sync.WaitGroup
}

// newTopicGuard fails when there is no such topic: it can only be a mistake.
func newTopicGuard(client sarama.Client, aggregate, topic string, partitions int32) (*topicGuard, error) {
	ctx, stop := context.WithCancel(context.Background())
	g := &topicGuard{client: client, aggregate: aggregate, topic: topic, partitions: partitions, stop: stop}
	found, err := kafkalog.Describe(ctx, client, topic)
	if err == nil && found.Partitions[topic] == 0 {
		err = g.difference(0)
	}
	if err != nil {
		stop()
		return nil, err
	}
	g.judge(found.Partitions[topic])
	g.done.Go(func() { g.watch(ctx) })
	return g, nil
}

func (g *topicGuard) watch(ctx context.Context) {
	for kafkalog.Sleep(ctx, lookEvery) {
		look, cancel := context.WithTimeout(ctx, lookEvery)
		found, err := kafkalog.Describe(look, g.client, g.topic)
		cancel()
		if err == nil { // without Kafka there is nothing to judge, and nothing is acknowledged
			g.judge(found.Partitions[g.topic])
		}
	}
}

func (g *topicGuard) judge(partitions int) {
	if partitions == int(g.partitions) {
		g.wrong.Store(nil)
		return
	}
	g.wrong.Store(g.difference(partitions))
}

func (g *topicGuard) difference(partitions int) *TopicsError {
	what := fmt.Sprintf("%s: does not exist", g.topic)
	if partitions > 0 {
		what = partitionsDiffer(g.topic, partitions, g.partitions)
	}
	return &TopicsError{g.aggregate, []string{what}}
}

func (g *topicGuard) err() error {
	if wrong := g.wrong.Load(); wrong != nil {
		return wrong
	}
	return nil
}

func (g *topicGuard) close() {
	g.stop()
	g.done.Wait()
}

func partitionsDiffer(topic string, got int, want int32) string {
	return fmt.Sprintf("%s: the partition count is %d, want %d", topic, got, want)
}

// placement is the partitioner of a sender: as Java has it, so that every client
// finds the same partition for a key, and of the declared partitions only. It
// decides at the moment at which the partition is chosen, so that not even a
// command that was on its way when the topic changed goes astray.
type placement struct {
	sarama.Partitioner
	aggregate, topic string
	declared         int32
}

func placementOf(aggregate string, declared int32) sarama.PartitionerConstructor {
	return func(topic string) sarama.Partitioner {
		return placement{sarama.NewMurmur2Partitioner(topic), aggregate, topic, declared}
	}
}

// Partition implements sarama.Partitioner.
func (p placement) Partition(m *sarama.ProducerMessage, partitions int32) (int32, error) {
	if partitions != p.declared {
		return 0, &TopicsError{p.aggregate, []string{partitionsDiffer(p.topic, int(partitions), p.declared)}}
	}
	return p.Partitioner.Partition(m, partitions)
}
