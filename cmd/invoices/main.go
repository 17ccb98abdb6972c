// Command invoices is the production binary of the invoicing product: each of
// its parts is a subcommand, configured by flags and by the environment.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/alecthomas/kong"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/internal/app"
	"github.com/eventim-go/eventim/internal/metrics"
)

// Exit codes.
const (
	failed = 1
	misuse = 2 // flags that cannot be understood
)

func main() {
	os.Exit(execute(context.Background(), os.Args[1:], os.Stdout, app.NewConsole(os.Stderr)))
}

// process is what subcommands get of the process that they run in.
type process struct {
	out     io.Writer
	console *app.Console
	logger  *slog.Logger
	metrics *metrics.Metrics
}

func execute(ctx context.Context, args []string, out io.Writer, console *app.Console) int {
	var flags cli
	parser := newParser(&flags, kong.Writers(out, console))
	command, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(console, "invoices: %v\nTry `invoices --help`, or `invoices <command> --help`.\n", err)
		return misuse
	}
	p := process{out: out, console: console, logger: console.Logger(flags.Log.Format, flags.Log.Level), metrics: metrics.New()}
	slog.SetDefault(p.logger)
	app.LogKafkaClient(p.logger)
	ctx, stop := app.NotifyContext(ctx, p.logger)
	defer stop()
	command.BindTo(ctx, (*context.Context)(nil))
	if err := command.Run(p); err != nil {
		p.complain(err, flags.Log.Format)
		return failed
	}
	return 0
}

const createAdvice = "`invoices topics create` creates topics that are missing, and lists those that differ."

// complain says why the process ends: to a person in words, else as a log line.
func (p process) complain(err error, format app.LogFormat) {
	topics, ofTopics := errors.AsType[*eventim.TopicsError](err)
	if p.console.Plain(format) {
		fmt.Fprintf(p.console, "invoices: %v\n", err)
		if ofTopics {
			fmt.Fprintln(p.console, createAdvice)
		}
		return
	}
	attrs := []any{slog.Any("error", err)}
	if ofTopics {
		attrs = append(attrs, slog.Any("differences", topics.Differences), slog.String("advice", createAdvice))
	}
	p.logger.Error("failed", attrs...)
}
