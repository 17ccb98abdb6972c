package main

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/eventim-go/eventim/embedded"
	"github.com/eventim-go/eventim/eventim/eventimtest"
)

func TestCounters(t *testing.T) {
	t.Parallel()
	for _, s := range []eventimtest.Scenario[Counter, Add, Added]{
		{Name: "from nothing", When: Add{3}, Then: []Added{{3}}},
		{Name: "on and on", Given: []Added{{3}}, When: Add{4}, Then: []Added{{4}}},
		{Name: "down", Given: []Added{{3}}, When: Add{-1}, Rejected: "not_positive"},
	} {
		s.Run(t, counters)
	}
}

// The program twice, on a broker of its own.
func Example() {
	dir, err := os.MkdirTemp("", "counter-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	broker, err := embedded.StartBroker(embedded.Config{})
	if err != nil {
		panic(err)
	}
	defer broker.Close()
	for _, n := range []int{3, 4} {
		if err := count(context.Background(), broker.Kafka(), dir, "apples", n); err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// apples is at 3
	// apples is at 7
}
