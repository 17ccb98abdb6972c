package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/internal/app"
	"github.com/eventim-go/eventim/invoices"
)

// handlerCmd is a handler as a process of its own, to be killed. It prints its
// progress as lines of JSON.
type handlerCmd struct {
	Kafka      string `required:""`
	Data       string `required:""`
	Name       string `required:""`
	Partitions int32  `required:""`
}

// progressLine is what a handler process says: a stretch of a restore that is
// done, or that all partitions are running.
type progressLine struct {
	Stretch *eventim.RestoreProgress `json:",omitempty"`
	Running bool                     `json:",omitempty"`
}

func aggregate(name string, partitions int32) eventim.Aggregate[invoices.Invoice, invoices.Command, invoices.Event] {
	a := invoices.Aggregate
	a.Name, a.Partitions = name, partitions
	return a
}

// Run implements the command.
func (c handlerCmd) Run(ctx context.Context) error {
	app.CollectLate() // as in production
	var mu sync.Mutex
	out := json.NewEncoder(os.Stdout)
	say := func(l progressLine) {
		mu.Lock()
		defer mu.Unlock()
		_ = out.Encode(l)
	}
	h, err := eventim.NewHandler(aggregate(c.Name, c.Partitions), eventim.HandlerConfig{
		Kafka: eventim.Kafka{Brokers: strings.Split(c.Kafka, ",")}, Dir: c.Data,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
		OnRestore: func(p eventim.RestoreProgress) {
			if p.Done() {
				say(progressLine{Stretch: &p})
			}
		},
	})
	if err != nil {
		return err
	}
	var watch sync.WaitGroup
	watching, stop := context.WithCancel(ctx)
	watch.Go(func() {
		if err := awaitRunning(watching, h.Status, int(c.Partitions)); err == nil {
			say(progressLine{Running: true})
		}
	})
	err = h.Run(ctx)
	stop()
	watch.Wait()
	return err
}

func awaitRunning(ctx context.Context, status func() []eventim.PartitionStatus, partitions int) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		running := 0
		for _, s := range status() {
			switch s.State {
			case eventim.Running:
				running++
			case eventim.Stopped:
				return fmt.Errorf("partition %d stopped: %w", s.Partition, s.Err)
			case eventim.Restoring:
			}
		}
		if running == partitions {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
