package projector

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/internal/kafkalog"
	"github.com/eventim-go/eventim/internal/postgres"
	"github.com/eventim-go/eventim/internal/verdict"
)

// refusal is the error of a view that must not be written as things are: waiting
// changes nothing.
type refusal struct{ error }

func (e refusal) Unwrap() error { return e.error }

func refuse(format string, args ...any) error { return refusal{fmt.Errorf(format, args...)} }

// stays tells what ends the start from what is waited for.
func stays(err error) bool {
	_, refused := errors.AsType[refusal](err)
	return refused || errors.Is(err, sarama.ErrUnknownTopicOrPartition) || verdict.Stays(err)
}

// open connects and prepares all views, and returns those that are connected. Each
// waits for itself; all that are refused are in the error.
func (p *Projector) open(ctx context.Context) (opened []*consumer, err error) {
	waits, refused := context.WithCancel(ctx)
	defer refused()
	var wg sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	for _, c := range p.consumers {
		wg.Go(func() {
			connected, err := c.begin(ctx, waits, p.config.Group)
			mu.Lock()
			defer mu.Unlock()
			if connected {
				opened = append(opened, c)
			}
			if err != nil && stays(err) {
				errs = append(errs, err)
				refused()
			}
		})
	}
	wg.Wait()
	if len(errs) == 0 {
		errs = append(errs, ctx.Err())
	}
	return opened, errors.Join(errs...)
}

// begin connects c and prepares its view. It waits until waits ends.
func (c *consumer) begin(ctx, waits context.Context, group string) (connected bool, err error) {
	var cluster string
	err = c.await(waits, func() error {
		if err := postgres.CheckFit(ctx, c.pool); err != nil {
			return err
		}
		cluster, err = eventim.ClusterID(ctx, c.kafka)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("start the projector: %w", err)
	}
	err = c.await(waits, func() error {
		return c.open(fmt.Sprintf("%s-%s-v%d", group, c.view.name, c.view.version))
	})
	if err != nil {
		return false, err
	}
	return true, c.await(waits, func() error { return c.prepare(ctx, cluster) })
}

// await calls fn until it succeeds, fails for what stays, or ctx ends. What it
// waits for is in the status, and once in the log. When another view is refused,
// ctx ends and fn goes on: this one may be refused, too.
func (c *consumer) await(ctx context.Context, fn func() error) error {
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		err := fn()
		switch {
		case err == nil || stays(err):
			return err
		case ctx.Err() != nil:
			return context.Cause(ctx)
		}
		if postgres.Stale(err) {
			c.pool.Reset() // others may be to a better server
		}
		c.beginning.retrying(ctx, c.logger, err)
		if !kafkalog.Sleep(ctx, pause) {
			return context.Cause(ctx)
		}
	}
}

func (c *consumer) prepare(ctx context.Context, cluster string) error {
	logs, err := logsOf(ctx, c.client, c.view.topic)
	if err == nil {
		err = c.view.prepare(ctx, c.pool, cluster, logs)
	}
	var stored map[int32]position
	if err == nil {
		stored, err = c.view.positions(ctx, c.pool)
	}
	if err == nil {
		logs, err = logsOf(ctx, c.client, c.view.topic)
	}
	if err == nil {
		err = c.view.checkPositions(stored, logs)
	}
	if err != nil {
		return fmt.Errorf("prepare view %s: %w", c.view.name, err)
	}
	return nil
}
