package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/invoices"
)

// restoreCmd loads aggregates through a real handler, stops it in three ways,
// and measures how long the next one needs until all partitions are running.
type restoreCmd struct {
	Kafka      string `required:"" env:"EVENTIM_TEST_KAFKA" help:"Brokers, host:port, separated by commas."`
	Aggregates int    `default:"1000000" help:"Invoices to create."`
	Partitions int32  `default:"8" help:"Partitions of the topics."`
}

// Run implements the command.
func (c restoreCmd) Run(ctx context.Context) (err error) {
	dir, err := os.MkdirTemp("", "eventim-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b := restoreBench{
		restoreCmd: c, kafka: eventim.Kafka{Brokers: strings.Split(c.Kafka, ",")}, dir: dir,
		agg: aggregate("bench-"+uuid.NewString()[:8], c.Partitions),
	}
	if err := b.agg.CreateTopics(ctx, b.kafka, 1); err != nil {
		return err
	}
	return b.run(ctx)
}

type restoreBench struct {
	restoreCmd
	kafka eventim.Kafka
	agg   eventim.Aggregate[invoices.Invoice, invoices.Command, invoices.Event]
	dir   string
}

// start is what one start of a handler took.
type start struct {
	elapsed   time.Duration // from the start of the process until all partitions run
	records   map[string]int64
	snapshots time.Duration // the longest of the partitions' stretches of snapshots
}

func (b *restoreBench) run(ctx context.Context) error {
	h, first, err := b.start(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("empty store, empty topics: running after %s\n", first.elapsed.Round(time.Millisecond))
	began := time.Now()
	if err := errors.Join(b.create(ctx, 0, b.Aggregates), b.awaitHandled(ctx)); err != nil {
		return errors.Join(err, h.stop(syscall.SIGTERM))
	}
	fmt.Printf("loaded %d invoices in %s\n\n", b.Aggregates, time.Since(began).Round(time.Second))
	if err := h.stop(syscall.SIGTERM); err != nil {
		return err
	}
	clean, err := b.again(ctx, false)
	if err != nil {
		return err
	}
	b.print("after a clean stop", clean)
	killed, err := b.again(ctx, true)
	if err != nil {
		return err
	}
	b.print("after kill -9 under load", killed)
	return b.compare(ctx)
}

// again starts a handler and stops it: gently, or by kill -9 in the middle of
// a load, in which case the start after it is the one that is returned.
func (b *restoreBench) again(ctx context.Context, kill bool) (start, error) {
	h, s, err := b.start(ctx)
	if err != nil || !kill {
		return s, errors.Join(err, h.stop(syscall.SIGTERM))
	}
	var load sync.WaitGroup
	loading, stop := context.WithCancel(ctx)
	load.Go(func() { _ = b.create(loading, b.Aggregates, 10*b.Aggregates) }) // cut short by stop
	err = b.awaitProgress(ctx, int64(b.Aggregates/100))
	err = errors.Join(err, h.stop(syscall.SIGKILL))
	stop()
	load.Wait()
	if err != nil {
		return start{}, err
	}
	return b.again(ctx, false)
}

func (b *restoreBench) print(what string, s start) {
	t := b.agg.Topics()
	fmt.Printf("%-26s running after %8s, %9d snapshots and %9d results read\n",
		what, s.elapsed.Round(time.Millisecond), s.records[t.Snapshots], s.records[t.Results])
}

// compare puts the restore beside a loop that only reads the same topic with
// the same client: five times, in turns, of which the medians count.
func (b *restoreBench) compare(ctx context.Context) error {
	var restored, read []float64
	for range 5 {
		if err := os.RemoveAll(filepath.Join(b.dir, b.agg.Name)); err != nil {
			return err
		}
		s, err := b.again(ctx, false)
		if err != nil {
			return err
		}
		b.print("from a deleted store", s)
		restored = append(restored, float64(s.records[b.agg.Topics().Snapshots])/s.snapshots.Seconds())
		rate, err := b.readOnly(ctx)
		if err != nil {
			return err
		}
		read = append(read, rate)
	}
	slices.Sort(restored)
	slices.Sort(read)
	fmt.Printf("\nrestore: %.0f snapshots/s; a loop that only reads them: %.0f records/s; ratio %.2f\n",
		restored[2], read[2], restored[2]/read[2])
	return nil
}

// readOnly returns how many snapshots a second a loop reads that does nothing
// with them. It reads them twice, to be measured for about as long as a restore.
func (b *restoreBench) readOnly(ctx context.Context) (float64, error) {
	topic := b.agg.Topics().Snapshots
	ends, err := eventim.Ends(ctx, b.kafka, topic)
	if err != nil {
		return 0, err
	}
	var records atomic.Int64
	began := time.Now()
	errs := make(chan error, len(ends))
	for p, end := range ends {
		go func() {
			var err error
			for range 2 {
				err = errors.Join(err, eventim.Read(ctx, b.kafka, topic, nil, eventim.Positions{p: end}, func(eventim.Record) error {
					records.Add(1)
					return nil
				}))
			}
			errs <- err
		}()
	}
	for range ends {
		err = errors.Join(err, <-errs)
	}
	return float64(records.Load()) / time.Since(began).Seconds(), err
}

// create sends CreateInvoice for the invoices numbered [from, to).
func (b *restoreBench) create(ctx context.Context, from, to int) error {
	sender, err := eventim.NewSender(b.agg, b.kafka)
	if err != nil {
		return err
	}
	payload, err := b.agg.Commands.Decode(eventim.Payload{Type: "CreateInvoice", SchemaVersion: 1, Data: []byte(`{
		"customer":{"name":"Ada Lovelace","email":"ada@example.com","address":"12 St James's Square, London"},
		"currency":"EUR","issueDate":"2026-11-21","dueDate":"2026-12-21",
		"lines":[{"description":"Analysis","quantity":"3","unitPrice":"120.00"},{"description":"Notes","quantity":"7","unitPrice":"19.90"}]}`)})
	if err != nil {
		return errors.Join(err, sender.Close())
	}
	var next atomic.Int64
	next.Store(int64(from))
	var senders sync.WaitGroup
	var failed atomic.Pointer[error]
	for range 2000 {
		senders.Go(func() {
			for ctx.Err() == nil && failed.Load() == nil {
				i := int(next.Add(1)) - 1
				if i >= to {
					return
				}
				_, err := sender.Send(ctx, eventim.Command[invoices.Command]{Aggregate: "invoice-" + strconv.Itoa(i), Payload: payload})
				if err != nil {
					failed.Store(&err)
				}
			}
		})
	}
	senders.Wait()
	if err := failed.Load(); err != nil {
		return errors.Join(*err, sender.Close())
	}
	return errors.Join(ctx.Err(), sender.Close())
}

// awaitHandled waits until the group has committed the end of the commands.
func (b *restoreBench) awaitHandled(ctx context.Context) error {
	return b.await(ctx, func(committed, end int64) bool { return committed >= end })
}

// awaitProgress waits until n more commands have been handled.
func (b *restoreBench) awaitProgress(ctx context.Context, n int64) error {
	first := int64(-1)
	return b.await(ctx, func(committed, _ int64) bool {
		if first < 0 {
			first = committed
		}
		return committed >= first+n
	})
}

func (b *restoreBench) await(ctx context.Context, reached func(committed, end int64) bool) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(b.kafka.Brokers...))
	if err != nil {
		return err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		commands := b.agg.Topics().Commands
		ends, err := admin.ListEndOffsets(ctx, commands)
		if err != nil {
			return err
		}
		offsets, err := admin.FetchOffsets(ctx, b.agg.Group())
		if err != nil {
			return err
		}
		var committed, end int64
		ends.Each(func(o kadm.ListedOffset) { end += o.Offset })
		offsets.Each(func(o kadm.OffsetResponse) { committed += max(o.At, 0) })
		if reached(committed, end) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// process is a running handler.
type process struct{ cmd *exec.Cmd }

// start runs a handler as a process of its own and waits until it holds all
// partitions.
func (b *restoreBench) start(ctx context.Context) (*process, start, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, start{}, err
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), program, "handler", "--kafka", b.Kafka, "--data", b.dir, //nolint:gosec // ourselves
		"--name", b.agg.Name, "--partitions", strconv.Itoa(int(b.Partitions)))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, start{}, err
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, start{}, err
	}
	p := &process{cmd}
	s := start{records: map[string]int64{}}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var l progressLine
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return p, s, err
		}
		if l.Running {
			s.elapsed = time.Since(began)
			return p, s, nil
		}
		s.records[l.Stretch.Topic] += l.Stretch.Records
		if l.Stretch.Topic == b.agg.Topics().Snapshots {
			s.snapshots = max(s.snapshots, l.Stretch.Elapsed)
		}
	}
	return p, s, errors.Join(errors.New("the handler ended before its partitions were running"), cmd.Wait())
}

// stop ends the process with a signal and waits for it.
func (p *process) stop(signal syscall.Signal) error {
	if p == nil || p.cmd.ProcessState != nil {
		return nil
	}
	if err := p.cmd.Process.Signal(signal); err != nil {
		return err
	}
	err := p.cmd.Wait()
	if _, exited := errors.AsType[*exec.ExitError](err); exited && signal == syscall.SIGKILL {
		return nil
	}
	return err
}
