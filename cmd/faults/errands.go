package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/internal/errands"
	"github.com/eventim-go/eventim/internal/fleet"
)

// errandsCommand runs errands until it is told to end: a process of the load.
type errandsCommand struct {
	Kafka     []string      `env:"EVENTIM_KAFKA" help:"Some of the brokers."`
	Aggregate string        `env:"EVENTIM_AGGREGATE" help:"Prefix of the topics."`
	Session   time.Duration `env:"EVENTIM_SESSION_TIMEOUT" help:"How soon a killed process is replaced."`
	Data      string        `help:"The data directory."`
}

// Run runs the command.
func (c *errandsCommand) Run(ctx context.Context) error {
	return errands.Run(ctx, c.Aggregate, eventim.HandlerConfig{
		Kafka: eventim.Kafka{Brokers: c.Kafka}, Dir: c.Data, Session: c.Session, Logger: slog.New(slog.NewJSONHandler(os.Stderr, nil)),
	})
}

// addErrands starts so many processes that run errands, which are this program.
func (i *installation) addErrands(ctx context.Context, count int) error {
	if count == 0 {
		return nil
	}
	if err := errands.CreateTopics(ctx, aggregate, i.kafka(), int16(min(len(i.brokers), nodes))); err != nil { //nolint:gosec // small
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	own := &fleet.Fleet{Binary: self, Dir: i.dir, Env: i.fleet.Env}
	for n := range count {
		name := fmt.Sprint("errands-", n)
		p := own.Process(name, "errands", "--data", filepath.Join(i.dir, "data-"+name))
		i.errands = append(i.errands, p)
		if err := p.Start(); err != nil {
			return err
		}
	}
	return nil
}

func (i *installation) kafka() eventim.Kafka { return eventim.Kafka{Brokers: i.brokers} }

// killErrands kills what runs errands and starts it again.
func (n *nemesis) killErrands(ctx context.Context) (string, error) {
	p, down := n.one(n.errands), n.downtime()
	if err := p.Kill(); err != nil {
		return "", err
	}
	sleep(ctx, down)
	return fmt.Sprintf("%s, down for %v", p.Name, down.Round(time.Millisecond)), p.Start()
}

// sendErrands starts errands, two a second, until the function that it returns is called.
func (i *installation) sendErrands(ctx context.Context) (stop func() error, err error) {
	sender, err := eventim.NewSender(errands.Of(aggregate), i.kafka())
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ; ctx.Err() == nil; sleep(ctx, 500*time.Millisecond) {
			if errands.Start(ctx, sender, i.nextErrand) == nil { // else it is sent again, under the same id
				i.nextErrand++
			}
		}
	}()
	return sync.OnceValue(func() error { cancel(); <-ended; return sender.Close() }), nil
}
