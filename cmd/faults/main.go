// Command faults proves the promises of the invoicing product: it runs it as
// processes, lets faults happen to them and to what they depend on, and judges
// what is left.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// cli is the command line.
type cli struct {
	Verify  verifyCommand  `cmd:"" help:"Judge a running system, or with --self-test the judge. Exit code 1 on any violation."`
	Report  reportCommand  `cmd:"" help:"Show the reports of runs, and write them into the documents."`
	Torn    tornCommand    `cmd:"" help:"Kill the only broker under load and start it again at once, until it tears transactions; judge what is left."`
	Errands errandsCommand `cmd:"" hidden:"" help:"Run errands: a process of the load."`
	Run     runCommand     `cmd:"" help:"Let faults happen to a system on real Kafka and Postgres, and judge it."`
}

func main() {
	if err := run(); err != nil {
		if !errors.Is(err, errFailed) {
			fmt.Fprintln(os.Stderr, "faults:", err)
		}
		os.Exit(1)
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var flags cli
	command := kong.Parse(&flags, kong.Name("faults"), kong.Description("Faults against the invoicing product, and an independent judge."))
	command.BindTo(ctx, (*context.Context)(nil))
	return command.Run()
}

// errFailed means that everything has been said.
var errFailed = errors.New("failed")

// errViolated means that the report, which has been printed, is bad.
var errViolated = errors.New("promises are violated")
