package eventim_test

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
)

// Coins were counted in euros once. The events of then are read as those of now.
func ExampleUpcaster() {
	type CoinsPut struct{ Cents int }
	inCents := func(data []byte) ([]byte, error) {
		var old struct{ Euros int }
		if err := json.Unmarshal(data, &old); err != nil {
			return nil, err
		}
		return json.Marshal(CoinsPut{100 * old.Euros})
	}
	events := eventim.NewUnion(eventim.Of("CoinsPut", CoinsPut{}, inCents))

	old, err := events.Decode(eventim.Payload{Type: "CoinsPut", SchemaVersion: 1, Data: []byte(`{"Euros":3}`)})
	must(err)
	today, err := events.Encode(old)
	must(err)
	fmt.Printf("%+v, written as %s in schema version %d\n", old, today.Data, today.SchemaVersion)
	// Output: {Cents:300}, written as {"Cents":300} in schema version 2
}

// A jar gets to know how often coins were put into it. With a higher Revision, the
// state of each jar is folded again from its events.
func ExampleAggregate_revision() {
	ctx := context.Background()
	t := &exampleT{ctx: ctx}
	defer t.cleanup()
	kafka, name := eventimtest.Kafka(t), eventimtest.Name(t, "jar")

	before := jars
	before.Name = name
	must(before.CreateTopics(ctx, kafka, 1))
	res := putCoins(t, before, kafka)
	fmt.Printf("revision %d: %+v\n", res.Snapshot.Revision, res.Snapshot.State)

	type CountedJar struct{ Coins, Times int }
	after := eventim.Aggregate[CountedJar, PutCoins, CoinsPut]{
		Name: name, Commands: jars.Commands, Events: jars.Events, Revision: 2,
	}
	after.Decide = func(_ CountedJar, cmd eventim.Command[PutCoins]) ([]CoinsPut, error) {
		return []CoinsPut{{cmd.Payload.Coins}}, nil
	}
	after.Evolve = func(jar CountedJar, e CoinsPut) CountedJar { return CountedJar{jar.Coins + e.Coins, jar.Times + 1} }
	counted := putCoins(t, after, kafka)
	fmt.Printf("revision %d: %+v\n", counted.Snapshot.Revision, counted.Snapshot.State)
	// Output:
	// revision 1: {Coins:5}
	// revision 2: {Coins:10 Times:2}
}

// putCoins starts a handler, puts five coins into a jar, and stops it.
func putCoins[S any](t *exampleT, a eventim.Aggregate[S, PutCoins, CoinsPut], kafka eventim.Kafka) eventim.Result[S, CoinsPut] {
	ctx, stop := context.WithCancel(t.ctx)
	handler, err := eventim.NewHandler(a, eventim.HandlerConfig{Kafka: kafka, Dir: t.TempDir()})
	must(err)
	handled := make(chan error)
	go func() { handled <- handler.Run(ctx) }()
	asker, err := eventim.NewAsker(ctx, a, kafka)
	must(err)
	res, err := asker.Ask(ctx, eventim.Command[PutCoins]{Aggregate: "kitchen", Payload: PutCoins{5}})
	must(err)
	must(asker.Close())
	stop()
	must(<-handled)
	return res
}
