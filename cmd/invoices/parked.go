package main

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/invoices/operations"
)

type parkedCommand struct {
	List    listParked    `cmd:"" help:"List the invoices whose numbering could not go on."`
	Release releaseParked `cmd:"" help:"Let one go on, and wait for what becomes of it."`
}

type listParked struct {
	JSON bool `name:"json" help:"Write JSON."`
	ofKafka
}

// Run runs the command.
func (c *listParked) Run(ctx context.Context, p process) error {
	return c.with(ctx, p, func(ctx context.Context, i operations.Installation) error {
		list, err := i.Parked(ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			return encode(p.out, list)
		}
		if len(list.Parked) == 0 {
			fmt.Fprintln(p.out, "nothing is parked")
			return nil
		}
		table := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "INSTANCE\tREACTOR\tSINCE\tWAITING\tREASON")
		for _, i := range list.Parked {
			fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%s\n", cell(i.Instance), i.Reactor, i.Since.Format(time.DateTime), len(i.Messages), cell(i.Reason))
		}
		return table.Flush()
	})
}

type releaseParked struct {
	Instance string `arg:"" help:"As the list has it."`
	How      string `default:"retry" enum:"retry,discard-first,discard-all" placeholder:"HOW" help:"retry tells it all that waits, discard-first all but the message that it could not react to, discard-all nothing."`
	ofKafka
}

// Run runs the command.
func (c *releaseParked) Run(ctx context.Context, p process) error {
	return c.with(ctx, p, func(ctx context.Context, i operations.Installation) error {
		r, err := i.Release(ctx, c.Instance, eventim.Release(c.How))
		if err != nil {
			return err
		}
		fmt.Fprintf(p.out, "%s: %d messages wait no more\n", c.Instance, r.Ended)
		if r.Parked != nil {
			return fmt.Errorf("%s is parked again, with %d messages: %s", c.Instance, len(r.Parked.Messages), r.Parked.Reason)
		}
		return nil
	})
}
