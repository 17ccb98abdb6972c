package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"os"
	"runtime/metrics"
	"runtime/pprof"
	"strings"
	"sync"
	"time"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/internal/app"
)

// contenderCmd are the contenders that are this program. They speak what child
// listens to.
type contenderCmd struct {
	Eventim contendEventim `cmd:"" help:"The command handler of the invoices."`
	Raw     contendRaw     `cmd:"" help:"A transactional loop that does nothing else."`
}

type contendFlags struct {
	Kafka      string `required:""`
	Name       string `required:""`
	Data       string `required:""`
	Partitions int32  `required:""`
	SessionMs  int    `required:""`
	Profile    string `help:"File for a CPU profile."`
}

func (f contendFlags) kafka() eventim.Kafka {
	return eventim.Kafka{Brokers: strings.Split(f.Kafka, ",")}
}

func (f contendFlags) session() time.Duration { return time.Duration(f.SessionMs) * time.Millisecond }

type contendEventim struct{ contendFlags }

// Run implements the command.
func (c contendEventim) Run(ctx context.Context) error {
	app.CollectLate() // as in production
	h, err := eventim.NewHandler(aggregate(c.Name, c.Partitions), eventim.HandlerConfig{
		Kafka: c.kafka(), Dir: c.Data, Session: c.session(),
	})
	if err != nil {
		return err
	}
	return c.attend(ctx, func(ctx context.Context, running func()) error {
		var watch sync.WaitGroup
		watching, stop := context.WithCancel(ctx)
		watch.Go(func() {
			if awaitRunning(watching, h.Status, int(c.Partitions)) == nil {
				running()
			}
		})
		err := h.Run(ctx)
		stop()
		watch.Wait()
		return err
	})
}

// attend runs a contender until its input or ctx ends.
func (f contendFlags) attend(ctx context.Context, run func(ctx context.Context, running func()) error) (err error) {
	if f.Profile != "" {
		finish, failed := startProfile(f.Profile)
		if failed != nil {
			return failed
		}
		defer func() { err = errors.Join(err, finish()) }()
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var mu sync.Mutex
	out := json.NewEncoder(os.Stdout)
	say := func(l childLine) {
		mu.Lock()
		defer mu.Unlock()
		_ = out.Encode(l) // nobody listens: the end of the input tells
	}
	go func() { // ends with the process: a read of a pipe cannot be cancelled
		defer stop()
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			say(childLine{Allocated: allocated()})
		}
	}()
	return run(ctx, func() { say(childLine{Running: true}) })
}

// allocated returns the bytes that were ever allocated on the heap.
func allocated() int64 {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	return int64(s[0].Value.Uint64()) //nolint:gosec // far below
}

// startProfile profiles the CPU into a file, and, in the end, what was
// allocated into another one beside it.
func startProfile(path string) (finish func() error, err error) {
	cpu, err := os.Create(path) //nolint:gosec // the caller's file
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(cpu); err != nil {
		return nil, errors.Join(err, cpu.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		allocs, err := os.Create(path + ".allocs") //nolint:gosec // the caller's file
		if err != nil {
			return errors.Join(err, cpu.Close())
		}
		return errors.Join(pprof.Lookup("allocs").WriteTo(allocs, 0), allocs.Close(), cpu.Close())
	}, nil
}
