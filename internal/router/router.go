// Package router copies the records of one topic into another, each under a key of
// its own: whoever reads the target finds all records of a key in one partition, in
// one order, exactly once. It is the smallest task that there is. Promise 9 (a
// reactor is told everything once, in one order) rests on it.
package router

import (
	"context"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/internal/task"
)

// Route says what a record becomes: the records of the target that it causes, each
// with its key, or none. It is a function of the record alone. Their topic and
// partition are set by the router. An error is that of a record that cannot be read:
// it stops the partition.
type Route func(*sarama.ConsumerMessage) ([]*sarama.ProducerMessage, error)

// Router copies from Input to Target.
type Router struct {
	Name       string // of the group, too
	Input      string
	Partitions int32 // of the input
	Target     string
	Wide       int32 // partitions of the target
	Route      Route
	Positions  task.Positions
}

// Task is what the engine runs.
func (r Router) Task() *task.Task {
	return &task.Task{
		Name: r.Name, Group: r.Name, Input: r.Input, Partitions: r.Partitions, Outputs: []string{r.Target}, Positions: r.Positions,
		New: func(c *task.Claim) task.Processor {
			return &processor{Router: r, claim: c, partitioner: sarama.NewMurmur2Partitioner(r.Target)}
		},
	}
}

type processor struct {
	Router
	claim       *task.Claim
	partitioner sarama.Partitioner
}

// TakeOver implements task.Processor.
func (p *processor) TakeOver(ctx context.Context) error { return p.claim.Resume(ctx) }

// Begin implements task.Processor.
func (*processor) Begin(*task.Scope) {}

// Process implements task.Processor.
func (p *processor) Process(s *task.Scope, m *sarama.ConsumerMessage) error {
	records, err := p.Route(m)
	if err != nil {
		return &task.UnreadableError{Err: err}
	}
	for _, out := range records {
		out.Topic = p.Target
		partition, err := p.partitioner.Partition(out, p.Wide)
		if err != nil {
			return &task.UnreadableError{Err: err}
		}
		s.EmitTo(partition, out)
	}
	return nil
}

// Finish implements task.Processor.
func (*processor) Finish(*task.Scope) error { return nil }

// Kept implements task.Processor.
func (*processor) Kept(task.Commit) error { return nil }

// Look implements task.Processor.
func (*processor) Look(context.Context) error { return nil }
