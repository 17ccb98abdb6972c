package eventim_test

import (
	"context"
	"fmt"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
)

// Ask a jar of coins, and ask again as after an error.
func ExampleAsker() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	t := &exampleT{ctx: ctx}
	defer t.cleanup()
	kafka := eventimtest.Kafka(t)

	jars := jars
	jars.Name = eventimtest.Name(t, "jar")
	must(jars.CreateTopics(ctx, kafka, 1))
	handler, err := eventim.NewHandler(jars, eventim.HandlerConfig{Kafka: kafka, Dir: t.TempDir()})
	must(err)
	handled := make(chan error)
	go func() { handled <- handler.Run(ctx) }()

	asker, err := eventim.NewAsker(ctx, jars, kafka)
	must(err)
	for _, cmd := range []eventim.Command[PutCoins]{
		{ID: "payday", Aggregate: "kitchen", Payload: PutCoins{40}},
		{ID: "payday", Aggregate: "kitchen", Payload: PutCoins{40}},
		{Aggregate: "kitchen", Payload: PutCoins{70}},
	} {
		res, err := asker.Ask(ctx, cmd)
		must(err)
		_, effect := res.Effect()
		fmt.Println(res.Outcome, "at version", res.Version, "- a repeat:", res.Replayed, "- has an effect:", effect)
	}
	must(asker.Close())
	stop()
	must(<-handled)
	// Output:
	// accepted at version 1 - a repeat: false - has an effect: true
	// accepted at version 1 - a repeat: true - has an effect: true
	// rejected at version 1 - a repeat: false - has an effect: false
}
