package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/eventim-go/eventim/eventim"
)

// repeatsCmd lets a handler work off commands, sets the offsets of its group
// back to the beginning, and lets it work them off again, which changes nothing.
type repeatsCmd struct {
	Kafka      string `required:"" env:"EVENTIM_TEST_KAFKA" help:"Brokers, host:port, separated by commas."`
	Commands   int    `default:"1000000" help:"Commands to handle twice."`
	Partitions int32  `default:"12" help:"Partitions of the topics."`
	Same       int    `default:"10000" help:"How often one command is sent before the one that is to be answered."`
}

// Run implements the command.
func (c repeatsCmd) Run(ctx context.Context) (err error) {
	dir, err := os.MkdirTemp("", "eventim-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b := repeatsBench{c, restoreBench{
		restoreCmd: restoreCmd{c.Kafka, c.Commands, c.Partitions}, kafka: eventim.Kafka{Brokers: strings.Split(c.Kafka, ",")}, dir: dir,
		agg: aggregate("bench-"+uuid.NewString()[:8], c.Partitions),
	}}
	if err := b.agg.CreateTopics(ctx, b.kafka, 1); err != nil {
		return err
	}
	return b.run(ctx)
}

type repeatsBench struct {
	repeatsCmd
	restoreBench
}

func (b *repeatsBench) run(ctx context.Context) error {
	if err := b.create(ctx, 0, b.Aggregates); err != nil {
		return err
	}
	ordinary, err := b.workOff(ctx, "handled")
	if err != nil {
		return err
	}
	before, err := eventim.Ends(ctx, b.kafka, b.agg.Topics().Events)
	if err != nil {
		return err
	}
	if err := b.reset(ctx); err != nil {
		return err
	}
	repeated, err := b.workOff(ctx, "repeated")
	if err != nil {
		return err
	}
	fmt.Printf("repeats: %.2f of the rate, %.2f of the memory\n", repeated.rate/ordinary.rate, float64(repeated.memory)/float64(ordinary.memory))
	after, err := eventim.Ends(ctx, b.kafka, b.agg.Topics().Events)
	if err != nil {
		return err
	}
	for p, end := range after {
		if end != before[p] {
			return fmt.Errorf("partition %d has %d events more", p, end-before[p])
		}
	}
	return b.same(ctx)
}

// work is what working off a backlog took.
type work struct {
	rate   float64 // commands a second
	memory int64   // bytes, at most
}

// workOff runs a handler until it has handled all commands.
func (b *repeatsBench) workOff(ctx context.Context, what string) (w work, err error) {
	h, _, err := b.start(ctx)
	if err != nil {
		return w, errors.Join(err, h.stop(syscall.SIGKILL))
	}
	began := time.Now()
	err = b.awaitHandled(ctx)
	w.rate = float64(b.Commands) / time.Since(began).Seconds()
	if err == nil {
		w.memory, err = peakOf(h.cmd.Process.Pid)
	}
	fmt.Printf("%-9s %d commands, %.0f a second, with at most %d MiB\n", what, b.Commands, w.rate, w.memory>>20)
	return w, errors.Join(err, h.stop(syscall.SIGTERM))
}

// reset sets the offsets of the group to 0.
func (b *repeatsBench) reset(ctx context.Context) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(b.kafka.Brokers...))
	if err != nil {
		return err
	}
	defer client.Close()
	var offsets kadm.Offsets
	for p := range b.agg.Partitions {
		offsets.AddOffset(b.agg.Topics().Commands, p, 0, -1)
	}
	return kadm.NewClient(client).CommitAllOffsets(ctx, b.agg.Group(), offsets)
}

// same sends one command many times, and measures how long another one behind
// them waits.
func (b *repeatsBench) same(ctx context.Context) error {
	h, _, err := b.start(ctx)
	if err != nil {
		return errors.Join(err, h.stop(syscall.SIGKILL))
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(b.kafka.Brokers...))
	if err != nil {
		return errors.Join(err, h.stop(syscall.SIGTERM))
	}
	defer client.Close()
	record := func(id string) *kgo.Record {
		return &kgo.Record{
			Topic: b.agg.Topics().Commands, Key: []byte("invoice-0"), Value: []byte(`{}`),
			Headers: []kgo.RecordHeader{
				{Key: "ce_id", Value: []byte(id)}, {Key: "ce_type", Value: []byte("SendInvoice")}, {Key: "ce_schemaversion", Value: []byte("1")},
			},
		}
	}
	var records []*kgo.Record
	for range b.Same {
		records = append(records, record("the same"))
	}
	if err := client.ProduceSync(ctx, append(records, record("another"))...).FirstErr(); err != nil {
		return errors.Join(err, h.stop(syscall.SIGTERM))
	}
	began := time.Now()
	err = b.awaitHandled(ctx)
	fmt.Printf("a command behind %d repeats of one: handled %s after they were sent\n", b.Same, time.Since(began).Round(time.Millisecond))
	return errors.Join(err, h.stop(syscall.SIGTERM))
}
