// Command dev runs the whole product in one process: a Kafka broker, a
// Postgres server, the command handler, the projector and the page. It is for
// development and for trying out; cmd/invoices is for production.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/alecthomas/kong"

	"github.com/eventim-go/eventim/internal/app"
)

type flags struct {
	Port         int           `default:"8080" help:"Port of the page, on 127.0.0.1. 0 takes a free one."`
	AllowedHosts []string      `placeholder:"HOST,…" help:"Names under which the page is reached besides loopback, such as that of a tunnel."`
	Data         string        `default:".data" type:"path" placeholder:"DIR" help:"Where everything is kept (${default}). Another directory is another world, and may run at the same time on another port."`
	Login        string        `enum:"offered,required" default:"offered" help:"Whether people have to log in (required), or may do everything without (offered). Whom one can be is picked with a click, on this machine only."`
	Kafka        []string      `placeholder:"HOST:PORT,…" help:"Use this Kafka instead of the embedded broker."`
	Replication  int16         `default:"1" help:"Replication factor of the topics that are created."`
	Postgres     string        `placeholder:"URL" help:"Use this Postgres instead of starting one."`
	Log          app.LogFormat `enum:"auto,text,json" default:"auto" help:"Log lines as text or json; auto is text on a terminal."`
	LogLevel     slog.Level    `default:"info" help:"debug, info, warn or error."`
}

func main() {
	var f flags
	kong.Parse(&f, kong.Name("dev"), kong.Description("Runs the whole product in one process: Kafka, Postgres, handler, projector and page."))
	console := app.NewConsole(os.Stderr)
	logger := console.Logger(f.Log, f.LogLevel)
	slog.SetDefault(logger)
	app.LogKafkaClient(logger)
	ctx, stop := app.NotifyContext(context.Background(), logger)
	defer stop()
	if err := run(ctx, f, console, logger, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "dev:", err)
		os.Exit(1)
	}
}
