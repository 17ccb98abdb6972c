// Command stock keeps the stock of a warehouse. It brings a broker and a Postgres:
//
//	go run . &
//	curl -d '{"Quantity":10}' localhost:8080/items/apple/Receive
//	curl -d '{"Order":"o1","Quantity":3}' localhost:8080/items/apple/Reserve
//	curl localhost:8080/items
package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"os/signal"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/eventim-go/eventim/embedded"
	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/migrations"
	"github.com/eventim-go/eventim/projector"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	servers, err := embedded.Start(ctx, embedded.Config{Dir: ".data"})
	if err != nil {
		log.Fatal(err)
	}
	defer servers.Close()
	if err := run(ctx, servers.Kafka(), servers.Postgres.URL(), ".data/handler", "localhost:8080"); err != nil {
		log.Print(err)
	}
}

// run runs the whole program until ctx ends.
func run(ctx context.Context, kafka eventim.Kafka, postgres, dir, address string) error {
	pool, err := pgxpool.New(ctx, postgres)
	if err != nil {
		return err
	}
	defer pool.Close()
	if err := migrations.Up(ctx, pool); err != nil {
		return err
	}
	if err := Items.CreateTopics(ctx, kafka, 1); err != nil {
		return err
	}
	handler, err := eventim.NewHandler(Items, eventim.HandlerConfig{Kafka: kafka, Dir: dir})
	if err != nil {
		return err
	}
	views, err := projector.New(pool, projector.Config{Kafka: kafka}, Stock)
	if err != nil {
		return err
	}
	asker, err := eventim.NewAsker(ctx, Items, kafka)
	if err != nil {
		return err
	}
	defer asker.Close()
	web := api{asker, projector.NewWaiter(pool), pool}
	return eventim.RunAll(ctx,
		eventim.Part{Name: "handler", Run: handler.Run},
		eventim.Part{Name: "projector", Run: views.Run},
		eventim.Part{Name: "waiter", Run: web.waiter.Run},
		eventim.Part{Name: "web", Run: func(ctx context.Context) error {
			return errors.Join(views.AwaitLive(ctx), web.serve(ctx, address))
		}},
	)
}

type api struct {
	asker  *eventim.Asker[Item, Command, Event]
	waiter *projector.Waiter
	pool   *pgxpool.Pool
}

func (a api) serve(ctx context.Context, address string) error {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /items/{item}/{command}", a.post)
	mux.HandleFunc("GET /items", a.get)
	server := http.Server{Addr: address, Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	defer context.AfterFunc(ctx, func() { server.Close() })()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func (a api) post(w http.ResponseWriter, r *http.Request) {
	result, err := a.ask(r)
	switch {
	case err != nil:
		http.Error(w, err.Error(), http.StatusBadRequest)
	case result.Rejection != nil:
		http.Error(w, result.Rejection.Message, http.StatusUnprocessableEntity)
	default:
		_ = json.NewEncoder(w).Encode(result.Snapshot.State)
	}
}

// ask sends a command, and waits for its result and until the view shows it.
func (a api) ask(r *http.Request) (eventim.Result[Item, Event], error) {
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, 1<<16))
	if err != nil {
		return eventim.Result[Item, Event]{}, err
	}
	payload, err := Items.ParseCommand(r.PathValue("command"), body)
	if err != nil {
		return eventim.Result[Item, Event]{}, err
	}
	result, err := a.asker.Ask(r.Context(), eventim.Command[Command]{
		ID: r.Header.Get("Idempotency-Key"), Aggregate: r.PathValue("item"), Payload: payload,
	})
	if p, changed := result.Effect(); err == nil && changed {
		err = a.waiter.Await(r.Context(), Stock.Name, p, nil)
	}
	return result, err
}

func (a api) get(w http.ResponseWriter, r *http.Request) {
	var rows []byte
	err := a.pool.QueryRow(r.Context(), `select coalesce(json_agg(s order by item), '[]') from stock s`).Scan(&rows)
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	_, _ = w.Write(rows)
}
