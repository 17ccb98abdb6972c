package main

import (
	"log/slog"
	"runtime/debug"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/eventim-go/eventim/internal/app"
	"github.com/eventim-go/eventim/invoices"
)

// cli is the command line. Each flag can be given in the environment, too.
type cli struct {
	Handler     handlerCommand     `cmd:"" help:"Handle commands: decide them, and write results, events and snapshots."`
	Numbering   numberingCommand   `cmd:"" help:"Give invoices their numbers, without a gap: the handler of the series, and the reactor that asks it."`
	Projector   projectorCommand   `cmd:"" help:"Write the views to Postgres."`
	Web         webCommand         `cmd:"" help:"Serve the page, the HTTP API and the websocket."`
	All         allCommand         `cmd:"" help:"Run handler, numbering, projector and web in one process."`
	Topics      topicsCommand      `cmd:"" help:"Create, verify, list or copy the topics."`
	Migrate     migrateCommand     `cmd:"" help:"Bring the database up to date, before a new version starts."`
	Doctor      doctorCommand      `cmd:"" help:"Find what is wrong in Kafka, and mend it."`
	Reanchor    reanchorCommand    `cmd:"" help:"Forget a view, so that the next start of a projector builds it anew."`
	Views       viewsCommand       `cmd:"" help:"List the views, and what becomes of their rebuilds."`
	Rebuild     rebuildCommand     `cmd:"" help:"Build a view anew beside its live rows, compare, swap, and roll back."`
	Reproject   reprojectCommand   `cmd:"" help:"Make the rows of one invoice in a view anew."`
	DeadLetters deadLettersCommand `cmd:"" help:"List commands that could not be handled, retry and discard them."`
	Parked      parkedCommand      `cmd:"" help:"List what waits because a reaction failed, and release it."`
	Tokens      tokensCommand      `cmd:"" help:"Make, list and revoke what programs are known by."`
	Healthcheck healthcheckCommand `cmd:"" help:"Ask a health endpoint; for containers."`

	Log     logFlags         `embed:"" prefix:"log-" group:"log"`
	Version kong.VersionFlag `help:"Print the version."`
}

type logFlags struct {
	Format app.LogFormat `name:"format" env:"EVENTIM_LOG" enum:"auto,text,json" default:"auto" help:"How log lines look: text, json, or auto: text on a terminal, else json."`
	Level  slog.Level    `env:"EVENTIM_LOG_LEVEL" default:"info" placeholder:"LEVEL" help:"debug (with the Kafka client's own log), info, warn or error."`
}

const description = `The invoicing product on Kafka and Postgres.

Each flag can be given in the environment, too: see the help of a command.

Examples:

    export EVENTIM_KAFKA=kafka-1:9092,kafka-2:9092
    export EVENTIM_POSTGRES=postgres://eventim@postgres:5432/eventim
    invoices topics create && invoices migrate
    invoices handler --data /var/lib/eventim
    invoices numbering --data /var/lib/eventim-numbering
    invoices projector
    invoices web --listen :8080
`

func newParser(flags *cli, options ...kong.Option) *kong.Kong {
	options = append([]kong.Option{
		kong.Name("invoices"),
		kong.Description(description),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true, WrapUpperBound: 100}),
		kong.ValueFormatter(describe),
		kong.ExplicitGroups([]kong.Group{
			{Key: "handler", Title: "Handler:"},
			{Key: "numbering", Title: "Numbering:"},
			{Key: "projector", Title: "Projector:"},
			{Key: "web", Title: "Web:"},
			{Key: "login", Title: "Login:"},
			{Key: "kafka", Title: "Kafka:"},
			{Key: "postgres", Title: "Postgres:", Description: "What the URL lacks is taken from the variables of psql: PGUSER, PGPASSWORD, PGPASSFILE, PGSSLROOTCERT …"},
			{Key: "health", Title: "Health:"},
			{Key: "log", Title: "Log:"},
		}),
		kong.Vars{"version": version(), "views": strings.Join(app.ViewNames(invoices.Aggregate), ",")},
	}, options...)
	return kong.Must(flags, options...)
}

// describe is the help of a flag with its default and its variable.
func describe(v *kong.Value) string {
	var notes []string
	if v.HasDefault && v.Default != "" {
		notes = append(notes, "default "+v.Default)
	}
	for _, name := range v.Tag.Envs {
		notes = append(notes, "$"+name)
	}
	if len(notes) == 0 {
		return v.Help
	}
	return v.Help + " (" + strings.Join(notes, ", ") + ")"
}

func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return info.Main.Version + " " + info.GoVersion
}
