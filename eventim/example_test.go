package eventim_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
)

// A command to a jar of coins, the fact that follows, and the state.
type (
	PutCoins struct{ Coins int }
	CoinsPut struct{ Coins int }
	Jar      struct{ Coins int }
)

var jars = eventim.Aggregate[Jar, PutCoins, CoinsPut]{
	Name: "jar",
	Decider: eventim.Decider[Jar, PutCoins, CoinsPut]{
		Decide: func(jar Jar, cmd eventim.Command[PutCoins]) ([]CoinsPut, error) {
			if jar.Coins+cmd.Payload.Coins > 100 {
				return nil, eventim.Reject("jar_full", "the jar holds 100 coins, and %d are in it", jar.Coins)
			}
			return []CoinsPut{{cmd.Payload.Coins}}, nil
		},
		Evolve: func(jar Jar, e CoinsPut) Jar { return Jar{jar.Coins + e.Coins} },
	},
	Commands: eventim.NewUnion(eventim.Of("PutCoins", PutCoins{})),
	Events:   eventim.NewUnion(eventim.Of("CoinsPut", CoinsPut{})),
}

// A whole program: topics, a handler, two commands, and their results.
func Example() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	t := &exampleT{ctx: ctx}
	defer t.cleanup()
	kafka := eventimtest.Kafka(t) // or eventim.Kafka{Brokers: []string{"localhost:9092"}}

	jars := jars
	jars.Name = eventimtest.Name(t, "jar")
	must(jars.CreateTopics(ctx, kafka, 1))
	handler, err := eventim.NewHandler(jars, eventim.HandlerConfig{Kafka: kafka, Dir: t.TempDir()})
	must(err)
	handled := make(chan error)
	go func() { handled <- handler.Run(ctx) }()

	sender, err := eventim.NewSender(jars, kafka)
	must(err)
	for _, coins := range []int{40, 70} {
		_, err := sender.Send(ctx, eventim.Command[PutCoins]{Aggregate: "kitchen", Payload: PutCoins{coins}})
		must(err)
	}
	must(sender.Close())

	from, seen := eventim.Positions{}, 0
	for p := range int32(12) {
		from[p] = 0
	}
	enough := errors.New("enough")
	err = eventim.Tail(ctx, kafka, jars.ResultTopic().Name, from, func(r eventim.Record) error {
		res, err := jars.ResultTopic().Decode(r)
		must(err)
		if res.Outcome == eventim.Accepted {
			fmt.Println("accepted:", res.Snapshot.State.Coins, "coins at version", res.Version)
		} else {
			fmt.Println("rejected:", res.Rejection.Message)
		}
		if seen++; seen == 2 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) {
		panic(err)
	}
	stop()
	must(<-handled)
	// Output:
	// accepted: 40 coins at version 1
	// rejected: the jar holds 100 coins, and 40 are in it
}
