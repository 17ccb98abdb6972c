package errands

import (
	"context"
	"fmt"

	"github.com/eventim-go/eventim/eventim"
)

// CreateTopics makes the topics of a load.
func CreateTopics(ctx context.Context, prefix string, k eventim.Kafka, replication int16) error {
	for _, create := range []func(context.Context, eventim.Kafka, int16) error{
		Of(prefix).CreateTopics, DesksOf(prefix).CreateTopics, ProcessOf(prefix).CreateTopics,
	} {
		if err := create(ctx, k, replication); err != nil {
			return err
		}
	}
	return nil
}

// Run runs the handlers and the reactor of a load until ctx ends.
func Run(ctx context.Context, prefix string, c eventim.HandlerConfig) error {
	errands, err := eventim.NewHandler(Of(prefix), c)
	if err != nil {
		return err
	}
	desks, err := eventim.NewHandler(DesksOf(prefix), c)
	if err != nil {
		return err
	}
	process, err := eventim.NewReactorHandler(ProcessOf(prefix), c)
	if err != nil {
		return err
	}
	return eventim.RunAll(ctx, eventim.Part{Name: "errands", Run: errands.Run}, eventim.Part{Name: "desks", Run: desks.Run}, eventim.Part{Name: "process", Run: process.Run})
}

// Start starts errands, from a number on.
func Start(ctx context.Context, prefix string, k eventim.Kafka, from, count int) error {
	sender, err := eventim.NewSender(Of(prefix), k)
	if err != nil {
		return err
	}
	defer func() { _ = sender.Close() }() // what was sent is acknowledged
	for n := from; n < from+count; n++ {
		if _, err := sender.Send(ctx, eventim.Command[Command]{ID: fmt.Sprint("start-", n), Aggregate: fmt.Sprint("errand-", n), Payload: Command{"start", n}}); err != nil {
			return fmt.Errorf("start errand %d: %w", n, err)
		}
	}
	return nil
}
