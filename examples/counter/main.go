// Command counter counts: go run . apples 3
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"

	"github.com/eventim-go/eventim/embedded"
	"github.com/eventim-go/eventim/eventim"
)

type (
	Counter struct{ Total int } // the state
	Add     struct{ N int }     // the command
	Added   struct{ N int }     // the event
)

var counters = eventim.Aggregate[Counter, Add, Added]{
	Name: "counter", Commands: eventim.JSON[Add]("Add"), Events: eventim.JSON[Added]("Added"),
	Decider: eventim.Decider[Counter, Add, Added]{
		Decide: func(c Counter, cmd eventim.Command[Add]) ([]Added, error) {
			if cmd.Payload.N < 1 {
				return nil, eventim.Reject("not_positive", "a counter counts up, from %d", c.Total)
			}
			return []Added{{cmd.Payload.N}}, nil
		},
		Evolve: func(c Counter, e Added) Counter { return Counter{c.Total + e.N} },
	},
}

func main() {
	n, _ := strconv.Atoi(os.Args[2])
	broker, err := embedded.StartBroker(embedded.Config{Dir: ".data/kafka"})
	if err == nil {
		defer broker.Close()
		err = count(context.Background(), broker.Kafka(), ".data/handler", os.Args[1], n)
	}
	if err != nil {
		panic(err)
	}
}

// count adds n to the counter of that name, and prints where it is then.
func count(ctx context.Context, kafka eventim.Kafka, dir, name string, n int) error {
	if err := counters.CreateTopics(ctx, kafka, 1); err != nil {
		return err
	}
	handler, err := eventim.NewHandler(counters, eventim.HandlerConfig{Kafka: kafka, Dir: dir})
	if err != nil {
		return err
	}
	asker, err := eventim.NewAsker(ctx, counters, kafka)
	if err != nil {
		return err
	}
	defer asker.Close()
	ctx, stop := context.WithCancel(ctx)
	return eventim.RunAll(ctx, eventim.Part{Name: "handler", Run: handler.Run}, eventim.Part{Name: "count", Run: func(ctx context.Context) error {
		defer stop()
		result, err := asker.Ask(ctx, eventim.Command[Add]{Aggregate: name, Payload: Add{n}})
		if err == nil && result.Rejection == nil {
			fmt.Println(name, "is at", result.Snapshot.State.Total)
		}
		return err
	}})
}
