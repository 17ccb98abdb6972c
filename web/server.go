// Package web serves invoices to people and programs: commands and reads over
// HTTP, results and changes over a websocket, and the page.
package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gorilla/websocket"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/invoices"
	"github.com/eventim-go/eventim/projector"
	"github.com/eventim-go/eventim/web/access"
)

// Config says what a server needs.
type Config struct {
	Kafka     eventim.Kafka
	Pool      *pgxpool.Pool
	Aggregate Aggregate // invoices.Aggregate; tests give it another name
	Logger    *slog.Logger

	// AllowedHosts are the names and addresses under which the server is
	// reached, besides loopback, those of AllowedOrigins, and the address that
	// it listens on: host[:port] each, the port counts for nothing. A request
	// for any other is refused with 421.
	AllowedHosts []string

	// AllowedOrigins may use the API and the websocket from a browser besides
	// the server's own pages, with credentials: scheme://host[:port] each.
	AllowedOrigins []string

	// Actor says who sends a request, for the history: the place for a proxy's
	// or a session's finding. With an error no command is taken, and its text is
	// the sender's to read. Nil: nobody is known.
	Actor func(*http.Request) (string, error)

	// Gate lets people in, and says who may do what. Nil: everybody may do
	// everything. With a gate there is no Actor: it knows the person.
	Gate *access.Gate

	// RateLimit is how many requests and live commands a second a person or a
	// program may send to this server, where a gate knows them. 100 when 0.
	RateLimit int

	// QueueSize is how many frames may wait for a slow websocket before it is
	// closed. 256 when 0.
	QueueSize int

	// MaxSockets bounds the open websockets. 20000 when 0.
	MaxSockets int
}

// Server is the web node. Any number of them may run.
type Server struct {
	kafka          eventim.Kafka
	pool           *pgxpool.Pool
	aggregate      Aggregate
	log            *slog.Logger
	hosts          hosts // listen is called before anything is served
	allowedOrigins []string
	actor          func(*http.Request) (string, error)
	gate           *access.Gate // nil where nobody has to log in
	people         *limits
	strangers      *limits // of an address, by who is not known
	queueSize      int
	maxSockets     int
	now            func() time.Time

	commands eventim.Union[invoices.Command]
	upgrader websocket.Upgrader
	waiter   *projector.Waiter
	exports  chan struct{} // one for each file that is being written
	health   *health
	handling *handling
	openAPI  *huma.OpenAPI
	handler  http.Handler

	live    atomic.Pointer[live] // nil until Kafka is there
	drained context.Context      // ends when nothing may wait for results any longer
	drain   context.CancelFunc
}

// drainTimeout is more than the longest request takes once nothing waits for
// results any more: headers, body, Send and queries are bounded by 5 s each.
const drainTimeout = 20 * time.Second

// New makes a server; it does not connect to anything yet.
func New(c Config) (*Server, error) {
	commands, ok := c.Aggregate.Commands.(eventim.Union[invoices.Command])
	if !ok {
		return nil, fmt.Errorf("web: the commands of %s are a %T, not a Union", c.Aggregate.Name, c.Aggregate.Commands)
	}
	origins, err := originsOf(c.AllowedOrigins)
	if err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	hosts, err := newHosts(c.AllowedHosts, origins)
	if err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	s := &Server{
		hosts: hosts, kafka: c.Kafka, pool: c.Pool, aggregate: c.Aggregate, log: cmp.Or(c.Logger, slog.Default()),
		allowedOrigins: origins, actor: c.Actor, gate: c.Gate,
		queueSize: cmp.Or(c.QueueSize, 256), maxSockets: cmp.Or(c.MaxSockets, 20_000), now: time.Now,
		commands: commands, waiter: projector.NewWaiter(c.Pool), exports: make(chan struct{}, maxExports(c.Pool)), health: newHealth("kafka", "postgres", "live", "commands"), handling: &handling{now: time.Now},
	}
	if s.gate != nil && s.actor != nil {
		return nil, errors.New("web: who sends a request is said by a gate or by Actor, not by both")
	}
	if s.actor == nil {
		s.actor = func(*http.Request) (string, error) { return "", nil }
	}
	s.drained, s.drain = context.WithCancel(context.Background())
	s.upgrader = websocket.Upgrader{
		Subprotocols: []string{subprotocol}, CheckOrigin: s.allowedOrigin, HandshakeTimeout: writeTimeout, Error: refuseHandshake,
		// Thousands of idle connections share write buffers.
		WriteBufferSize: 1 << 10, WriteBufferPool: &bufferPool{},
	}
	s.limitPeople(c.RateLimit)
	s.handler, err = s.routes()
	return s, err
}

// Handler is what Run serves. Without Run only what needs no Kafka works.
func (s *Server) Handler() http.Handler { return s.handler }

// OpenAPI is the description of the API, as /openapi.json serves it.
func (s *Server) OpenAPI() ([]byte, error) { return s.openAPI.MarshalJSON() }

// Run serves on ln, and tails the results and the snapshots, until ctx ends.
// It then closes the websockets with 1001, lets the requests in flight finish,
// and returns nil. It closes ln. It runs once.
func (s *Server) Run(ctx context.Context, ln net.Listener) error {
	s.hosts.listen(ln.Addr())
	server := &http.Server{
		Handler:           s.handler,
		ConnContext:       withWire,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      maxWait + 15*time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	// The tails and the waiter outlive ctx until all who wait for them are gone.
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	g, background := errgroup.WithContext(background)
	g.Go(func() error { return s.goLive(background) })
	g.Go(func() error { return s.waiter.Run(background) })
	g.Go(func() error { return s.health.watch(background, "kafka", s.checkKafka) })
	g.Go(func() error { return s.health.watch(background, "postgres", s.checkPostgres) })
	g.Go(func() error { return s.health.watch(background, "commands", s.checkCommands) })
	g.Go(func() error { return s.watchHandling(background) })
	if s.gate != nil {
		g.Go(func() error { return s.gate.Run(background) })
	}
	g.Go(func() error {
		if err := server.Serve(wires{ln}); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	select {
	case <-ctx.Done():
	case <-background.Done(): // something failed
	}
	s.finish(context.WithoutCancel(ctx), server)
	stop()
	err := g.Wait()
	if l := s.live.Load(); l != nil {
		err = errors.Join(err, l.sender.Close())
	}
	return err
}

// finish lets go of everyone: who waits for a result is told that it is
// pending, the websockets to reconnect, and the rest is answered.
func (s *Server) finish(ctx context.Context, server *http.Server) {
	s.log.Info("shutting down")
	s.drain()
	if l := s.live.Load(); l != nil {
		l.hub.close()
	}
	ctx, cancel := context.WithTimeout(ctx, drainTimeout)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		s.log.Warn("requests were cut off", "error", err)
		_ = server.Close()
	}
}
