package main

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/internal/app"
	"github.com/eventim-go/eventim/invoices/series"
	"github.com/eventim-go/eventim/projector"
	"github.com/eventim-go/eventim/web"
)

type postgresFlags struct {
	Postgres             string `env:"EVENTIM_POSTGRES" default:"postgres://localhost:5432/eventim" placeholder:"URL" help:"Address of the database."`
	PostgresPasswordFile string `env:"EVENTIM_POSTGRES_PASSWORD_FILE" placeholder:"FILE" help:"File with the password."`
	PostgresConnections  int32  `env:"EVENTIM_POSTGRES_CONNECTIONS" default:"20" placeholder:"N" help:"Most connections at a time."`
}

func (f postgresFlags) open(ctx context.Context, name string) (*pgxpool.Pool, error) {
	password, err := secret("", f.PostgresPasswordFile)
	if err != nil {
		return nil, err
	}
	return app.Postgres{URL: f.Postgres, Password: password, Connections: f.PostgresConnections}.Open(ctx, name)
}

type handlerFlags struct {
	Data           string        `env:"EVENTIM_DATA" type:"path" default:"data" placeholder:"DIR" help:"Where the handler keeps its identity and its state, for itself alone. Losing it costs a restore from Kafka."`
	Lanes          int           `env:"EVENTIM_LANES" default:"2" placeholder:"N" help:"Transactions at a time."`
	MaxBatch       int           `env:"EVENTIM_MAX_BATCH" default:"500" placeholder:"N" help:"Most commands of a partition in a transaction."`
	SessionTimeout time.Duration `env:"EVENTIM_SESSION_TIMEOUT" default:"10s" placeholder:"TIME" help:"How soon the partitions of a killed handler go to another."`
	CachedStates   int           `env:"EVENTIM_CACHED_STATES" default:"10000" placeholder:"N" help:"Invoices kept in memory, for each partition."`
	CacheMiB       int64         `name:"cache-mib" env:"EVENTIM_CACHE_MIB" default:"64" placeholder:"N" help:"Memory for the blocks of the state stores, in MiB."`
}

func (f handlerFlags) part(a app.Aggregate, k eventim.Kafka, p process) (*app.Handler, error) {
	config := f.config(k, p)
	config.OnRestore = p.console.RestoreProgress(p.logger)
	var handler *app.Handler
	config.Observer = p.metrics.Handler("invoices", func() []eventim.PartitionStatus { return handler.Status() })
	var err error
	handler, err = app.NewHandler(a, config)
	return handler, err
}

func (f handlerFlags) config(k eventim.Kafka, p process) eventim.HandlerConfig {
	return eventim.HandlerConfig{
		Kafka: k, Dir: f.Data, Lanes: f.Lanes, MaxBatch: f.MaxBatch, CachedStates: f.CachedStates, CacheBytes: f.CacheMiB << 20,
		Session: f.SessionTimeout, Logger: p.logger,
	}
}

type numberingFlags struct {
	NumberFormat series.Format `env:"EVENTIM_NUMBER_FORMAT" default:"{YYYY}-{0000}" placeholder:"FORMAT" help:"How the numbers of invoices are written: fiscal year and number, once each. A series keeps the format of its first number, so another one takes effect with the next fiscal year."`
}

// part keeps its state beside that of a handler: f are its flags.
func (n numberingFlags) part(f handlerFlags, a app.Aggregate, k eventim.Kafka, p process) (*app.Numbering, error) {
	config := f.config(k, p)
	var numbering *app.Numbering
	config.Observer = p.metrics.Handler("series", func() []eventim.PartitionStatus { return numbering.SeriesStatus() })
	p.metrics.Reactor("numbering", func() []eventim.PartitionStatus { return numbering.Status() })
	var err error
	numbering, err = app.NewNumbering(a, n.NumberFormat, config)
	return numbering, err
}

type projectorFlags struct {
	ProjectorGroup string `env:"EVENTIM_PROJECTOR_GROUP" placeholder:"NAME" help:"Prefix of the consumer groups, <aggregate>-projector when empty."`
	ProjectorBatch int    `env:"EVENTIM_PROJECTOR_BATCH" default:"1000" placeholder:"N" help:"Most records in a transaction."`
	ProjectorLanes int    `env:"EVENTIM_PROJECTOR_LANES" default:"1" placeholder:"N" help:"Transactions at a time that take what waits in all partitions of all views; each has a connection beside the others. -1 for none: each partition has transactions of its own."`
}

func (f projectorFlags) part(a app.Aggregate, k eventim.Kafka, pool *pgxpool.Pool, p process) (*app.Projector, error) {
	views, err := app.NewProjector(a, pool, projector.Config{
		Kafka: k, Group: f.ProjectorGroup, MaxBatch: f.ProjectorBatch, Lanes: f.ProjectorLanes, Logger: p.logger,
	})
	if err != nil {
		return nil, err
	}
	p.metrics.Projector(views.Status)
	p.metrics.Pool(pool)
	return views, nil
}

type webFlags struct {
	Listen         string   `env:"EVENTIM_LISTEN" default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"Address of the page and the API. Without --login-issuer, everybody who reaches it may do everything."`
	AllowedHosts   []string `env:"EVENTIM_ALLOWED_HOSTS" placeholder:"HOST" help:"Names under which people reach this server, as a proxy passes them on. Loopback and the address that is listened on are always allowed; others are refused (421), since a stranger's name may resolve to this machine."`
	AllowedOrigins []string `env:"EVENTIM_ALLOWED_ORIGINS" placeholder:"ORIGIN" help:"Other sites whose pages may use the API and the websocket, with the cookies of a proxy: https://host[:port]."`
	ActorHeader    string   `env:"EVENTIM_ACTOR_HEADER" placeholder:"NAME" help:"Header in which the proxy says who sends a request, for the history. Only give it behind a proxy that sets it always."`
	MaxSockets     int      `env:"EVENTIM_MAX_SOCKETS" default:"20000" placeholder:"N" help:"Most websockets at a time."`
	RateLimit      int      `env:"EVENTIM_RATE_LIMIT" default:"100" placeholder:"N" help:"Most requests and live commands a second of a person or a program, where people log in; for each web node."`

	Login loginFlags `embed:"" prefix:"login-" group:"login"`
}

func (f webFlags) part(ctx context.Context, a app.Aggregate, k eventim.Kafka, pool *pgxpool.Pool, p process) (eventim.Part, error) {
	gate, err := f.Login.gate(pool, p)
	if err != nil {
		return eventim.Part{}, err
	}
	listener, err := app.Listen(ctx, f.Listen)
	if err != nil {
		return eventim.Part{}, err
	}
	p.metrics.Pool(pool)
	return app.Web(web.Config{
		Kafka: k, Pool: pool, Aggregate: a, Logger: p.logger,
		AllowedHosts: f.hosts(), AllowedOrigins: f.AllowedOrigins, Actor: f.actor(), Gate: gate, RateLimit: f.RateLimit, MaxSockets: f.MaxSockets,
	}, listener, p.metrics, p.logger)
}

// hosts adds a name that is listened on: the listener knows only its address.
func (f webFlags) hosts() []string {
	if host, _, err := net.SplitHostPort(f.Listen); err == nil && host != "" {
		return append([]string{host}, f.AllowedHosts...)
	}
	return f.AllowedHosts
}

func (f webFlags) actor() func(*http.Request) (string, error) {
	if f.ActorHeader == "" {
		return nil
	}
	return web.ActorHeader(f.ActorHeader)
}
