package errands

import (
	"context"
	"errors"
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

// Start starts the errand of that number. After an error, it may be started or not, and
// can be started again.
func Start(ctx context.Context, sender *eventim.Sender[Command], n int) error {
	_, err := sender.Send(ctx, eventim.Command[Command]{ID: fmt.Sprint("start-", n), Aggregate: fmt.Sprint("errand-", n), Payload: Command{"start", n}})
	if err != nil {
		return fmt.Errorf("start errand %d: %w", n, err)
	}
	return nil
}

// StartMany starts the first errands of a load.
func StartMany(ctx context.Context, prefix string, k eventim.Kafka, count int) error {
	sender, err := eventim.NewSender(Of(prefix), k)
	if err != nil {
		return err
	}
	for n := range count {
		if err := Start(ctx, sender, n); err != nil {
			return errors.Join(err, sender.Close())
		}
	}
	return sender.Close()
}
