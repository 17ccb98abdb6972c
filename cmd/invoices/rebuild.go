package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/eventim-go/eventim/internal/app"
	"github.com/eventim-go/eventim/projector"
)

type rebuildCommand struct {
	Start    startRebuildCommand    `cmd:"" default:"withargs" help:"Start a rebuild: invoices rebuild VIEW."`
	Status   rebuildStatusCommand   `cmd:"" help:"Show the progress by partition, and what a comparison has found."`
	Compare  compareRebuildCommand  `cmd:"" help:"Compare what is built with the live rows, at equal positions."`
	Swap     swapRebuildCommand     `cmd:"" help:"Make what is built live, in one transaction."`
	Rollback rollbackRebuildCommand `cmd:"" help:"Bring the rows of before the swap back, in one transaction."`
	Pause    pauseRebuildCommand    `cmd:"" help:"Have nobody work on it until it is resumed."`
	Resume   resumeRebuildCommand   `cmd:"" help:"Go on with one that was paused, or has failed."`
	Cancel   cancelRebuildCommand   `cmd:"" help:"Drop what is built or, after the swap, the rows of before."`
}

// ofView is what all commands about the rebuild of a view need.
type ofView struct {
	View     string        `arg:"" enum:"${views}" help:"One of ${enum}."`
	Postgres postgresFlags `embed:"" group:"postgres"`
}

// with calls fn with the rebuilds of the database.
func (v ofView) with(ctx context.Context, p process, fn func(projector.Rebuilds) error) error {
	return withRebuilds(ctx, p, v.Postgres, fn)
}

func withRebuilds(ctx context.Context, p process, flags postgresFlags, fn func(projector.Rebuilds) error) error {
	return withPool(ctx, p, flags, func(pool *pgxpool.Pool) error { return fn(projector.NewRebuilds(pool)) })
}

func withPool(ctx context.Context, p process, flags postgresFlags, fn func(*pgxpool.Pool) error) error {
	pool, err := flags.open(ctx, "rebuild")
	if err != nil {
		return err
	}
	defer pool.Close()
	if err := app.AwaitPostgres(ctx, pool, p.logger); err != nil {
		return err
	}
	return fn(pool)
}

type startRebuildCommand struct {
	Rate  int           `placeholder:"N" help:"Records a second at most while it is building, of all partitions together; as many as there are without."`
	Swap  bool          `help:"Let it go live by itself, if it is equal to the live rows when it is built."`
	Grace time.Duration `default:"24h" placeholder:"TIME" help:"How long the rows of before are kept after the swap."`
	Watch bool          `help:"Show the progress until it is built, live, or has failed."`
	ofView
}

// Help is shown by rebuild start --help.
func (c *startRebuildCommand) Help() string {
	return `The projectors that run do it, each some of the partitions, from the beginning of
the topic. Readers see the live rows until a swap. What is built is compared with
them; then "invoices rebuild swap VIEW" makes it live, and "rollback" takes that
back, for as long as the rows of before are kept.`
}

// Run runs the command.
func (c *startRebuildCommand) Run(ctx context.Context, p process) error {
	return c.with(ctx, p, func(r projector.Rebuilds) error {
		id, err := r.Start(ctx, c.View, projector.RebuildOptions{Rate: c.Rate, SwapWhenEqual: c.Swap, Grace: c.Grace})
		if err != nil {
			return err
		}
		fmt.Fprintf(p.out, "rebuild %d of %s is asked for; projectors that run take it up\n", id, c.View)
		if !c.Watch {
			return nil
		}
		return watchRebuild(ctx, r, c.View, p)
	})
}

type rebuildStatusCommand struct {
	Watch bool `help:"Show the progress until it is built, live, or has failed."`
	JSON  bool `name:"json" help:"Write JSON."`
	ofView
}

// Run runs the command.
func (c *rebuildStatusCommand) Run(ctx context.Context, p process) error {
	return c.with(ctx, p, func(r projector.Rebuilds) error {
		if c.Watch {
			return watchRebuild(ctx, r, c.View, p)
		}
		found, err := r.Find(ctx, c.View)
		if err != nil {
			return err
		}
		if c.JSON {
			return encode(p.out, found)
		}
		return printRebuild(p.out, found)
	})
}

type compareRebuildCommand struct{ ofView }

// Run runs the command.
func (c *compareRebuildCommand) Run(ctx context.Context, p process) error {
	return c.with(ctx, p, func(r projector.Rebuilds) error {
		found, err := r.Compare(ctx, c.View)
		if err != nil {
			return err
		}
		if err := printComparison(p.out, found); err != nil {
			return err
		}
		if !found.Equal() {
			return errors.New("they differ")
		}
		return nil
	})
}

type swapRebuildCommand struct {
	DespiteDifferences bool `help:"Swap although it differs from the live rows, or was not compared."`
	ofView
}

// Run runs the command.
func (c *swapRebuildCommand) Run(ctx context.Context, p process) error {
	return c.with(ctx, p, func(r projector.Rebuilds) error {
		err := r.Swap(ctx, c.View, c.DespiteDifferences)
		if errors.Is(err, projector.ErrDiffers) {
			err = fmt.Errorf("%w (`invoices rebuild status %s` shows what; --despite-differences swaps nevertheless)", err, c.View)
		}
		if err != nil {
			return err
		}
		found, err := r.Find(ctx, c.View)
		if err != nil {
			return err
		}
		fmt.Fprintf(p.out, "rebuild %d of %s is live", found.ID, c.View)
		if found.KeepUntil != nil {
			fmt.Fprintf(p.out, "; until %s, `invoices rebuild rollback %s` takes it back", found.KeepUntil.Format(time.RFC3339), c.View)
		}
		fmt.Fprintln(p.out)
		return nil
	})
}

type rollbackRebuildCommand struct{ ofView }

// Run runs the command.
func (c *rollbackRebuildCommand) Run(ctx context.Context, p process) error {
	return c.change(ctx, p, projector.Rebuilds.Rollback, "shows the rows of before; what was built is kept: swap or cancel it")
}

type pauseRebuildCommand struct{ ofView }

// Run runs the command.
func (c *pauseRebuildCommand) Run(ctx context.Context, p process) error {
	return c.change(ctx, p, projector.Rebuilds.Pause, "pauses its rebuild")
}

type resumeRebuildCommand struct {
	Rate *int `placeholder:"N" help:"From now on, records a second at most; 0 for as many as there are. As before without."`
	ofView
}

// Run runs the command.
func (c *resumeRebuildCommand) Run(ctx context.Context, p process) error {
	return c.change(ctx, p, func(r projector.Rebuilds, ctx context.Context, view string) error { //nolint:revive // as a method has it
		if c.Rate != nil {
			if err := r.Slow(ctx, view, *c.Rate); err != nil {
				return err
			}
		}
		return r.Resume(ctx, view)
	}, "goes on with its rebuild")
}

type cancelRebuildCommand struct{ ofView }

// Run runs the command.
func (c *cancelRebuildCommand) Run(ctx context.Context, p process) error {
	return c.change(ctx, p, projector.Rebuilds.Cancel, "keeps its live rows alone")
}

// change does one thing, and says what the view does then.
func (v ofView) change(ctx context.Context, p process, what func(projector.Rebuilds, context.Context, string) error, then string) error {
	return v.with(ctx, p, func(r projector.Rebuilds) error {
		if err := what(r, ctx, v.View); err != nil {
			return err
		}
		_, err := fmt.Fprintf(p.out, "%s %s\n", v.View, then)
		return err
	})
}

type reprojectCommand struct {
	ID    string     `required:"" placeholder:"ID" help:"Id of the invoice."`
	Kafka kafkaFlags `embed:"" group:"kafka"`
	ofView
}

// Help is shown by reproject --help.
func (c *reprojectCommand) Help() string {
	return `Deletes the rows of the invoice from the live view and applies its records anew, in
one transaction. It reads one partition of the topic; the view goes on meanwhile.`
}

// Run runs the command.
func (c *reprojectCommand) Run(ctx context.Context, p process) error {
	k, err := c.Kafka.connection("invoices-reproject")
	if err != nil {
		return err
	}
	if err := app.AwaitKafka(ctx, k, p.logger); err != nil {
		return err
	}
	return withPool(ctx, p, c.Postgres, func(pool *pgxpool.Pool) error {
		for _, view := range app.Views(c.Kafka.aggregate()) {
			if projector.NameOf(view) != c.View {
				continue
			}
			records, err := projector.Reproject(ctx, pool, k, view, c.ID)
			if err != nil {
				return err
			}
			fmt.Fprintf(p.out, "%s of %s is made anew, of %d records\n", c.ID, c.View, records)
		}
		return nil
	})
}
