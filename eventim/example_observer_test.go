package eventim_test

import (
	"context"
	"fmt"
	"sync"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
)

// Counts of what a handler does, for whatever collects them.
func ExampleObserver() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	t := &exampleT{ctx: ctx}
	defer t.cleanup()
	kafka := eventimtest.Kafka(t)

	jars := jars
	jars.Name = eventimtest.Name(t, "jar")
	must(jars.CreateTopics(ctx, kafka, 1))
	answers := make(chan eventim.Answered, 10)
	var mu sync.Mutex
	records := 0
	handler, err := eventim.NewHandler(jars, eventim.HandlerConfig{
		Kafka: kafka, Dir: t.TempDir(),
		Observer: eventim.Observer{
			Answered: func(a eventim.Answered) { answers <- a },
			Transacted: func(x eventim.Transaction) {
				mu.Lock()
				defer mu.Unlock()
				if x.Err == nil {
					records += x.Records
				}
			},
		},
	})
	must(err)
	handled := make(chan error)
	go func() { handled <- handler.Run(ctx) }()

	sender, err := eventim.NewSender(jars, kafka)
	must(err)
	for _, coins := range []int{40, 70} {
		_, err := sender.Send(ctx, eventim.Command[PutCoins]{Aggregate: "kitchen", Payload: PutCoins{coins}})
		must(err)
		a := <-answers
		fmt.Println(a.Outcome, a.Code, "at version", a.Version)
	}
	must(sender.Close())
	stop()
	must(<-handled)
	fmt.Println(records, "records: two results, an event, a snapshot")
	// Output:
	// accepted  at version 1
	// rejected jar_full at version 1
	// 4 records: two results, an event, a snapshot
}
