// Command bench measures the engine. Each figure that is to be compared comes
// from one run, on one broker.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

type cli struct {
	Compare   compareCmd   `cmd:"" help:"Measure the handler beside a raw loop, Kafka Streams and goka, on one broker."`
	Page      pageCmd      `cmd:"" help:"Make docs/benchmarks.md and its plots from results that were kept, which may be of several runs."`
	Contender contenderCmd `cmd:"" hidden:"" help:"Run a contender that compare starts and stops."`
	Restore   restoreCmd   `cmd:"" help:"Measure how long a handler needs to have a million states again: after a clean stop, after kill -9, and from nothing."`
	Repeats   repeatsCmd   `cmd:"" help:"Measure how fast a handler answers commands that it has handled before, and how long one behind many repeats waits."`
	HTTP      httpCmd      `cmd:"" name:"http" help:"Measure the whole product from HTTP to result and row, beside a plain program with one Postgres transaction for each request."`
	Plain     plainCmd     `cmd:"" hidden:"" help:"Run the plain program that http starts and stops."`
	IDs       idsCmd       `cmd:"" name:"ids" help:"Measure what it costs to remember command ids, a tenth and three tenths of 86,400,000, beside what it did cost before."`
	Rebalance rebalanceCmd `cmd:"" help:"Measure how long partitions pause when members join, leave and die, those that stay and those that move, beside a handler of before."`
	Handler   handlerCmd   `cmd:"" hidden:"" help:"Run the handler that the benchmarks start and kill."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	var c cli
	k := kong.Parse(&c, kong.Name("bench"), kong.Description("Measures the engine of Eventim."),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.UsageOnError())
	if err := k.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
