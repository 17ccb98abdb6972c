// Command reservations takes orders, reserves stock for them and charges the customer.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/eventim-go/eventim/embedded"
	"github.com/eventim-go/eventim/eventim"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	broker, err := embedded.StartBroker(embedded.Config{Dir: ".data/kafka"})
	if err != nil {
		log.Fatal(err)
	}
	defer broker.Close()
	log.Println("ended:", run(ctx, broker.Kafka(), ".data/handler", "localhost:8080", os.Stdout))
}

// run runs the whole program until ctx ends. It says what happens.
func run(ctx context.Context, kafka eventim.Kafka, dir, address string, out io.Writer) error {
	process := Reservations((&Provider{payments: map[string]string{}}).Charging())
	err := errors.Join(Orders.CreateTopics(ctx, kafka, 1), Stock.CreateTopics(ctx, kafka, 1), process.CreateTopics(ctx, kafka, 1))
	if err != nil {
		return err
	}
	config := eventim.HandlerConfig{Kafka: kafka, Dir: dir}
	orders, noOrders := eventim.NewHandler(Orders, config)
	stock, noStock := eventim.NewHandler(Stock, config)
	reservations, noProcess := eventim.NewReactorHandler(process, config)
	if err := errors.Join(noOrders, noStock, noProcess); err != nil {
		return err
	}
	return eventim.RunAll(ctx,
		eventim.Part{Name: "orders", Run: orders.Run},
		eventim.Part{Name: "stock", Run: stock.Run},
		eventim.Part{Name: "reservations", Run: reservations.Run},
		eventim.Part{Name: "what orders do", Run: tell(ctx, kafka, Orders.EventTopic(), out)},
		eventim.Part{Name: "what the stock does", Run: tell(ctx, kafka, Stock.EventTopic(), out)},
		eventim.Part{Name: "web", Run: func(ctx context.Context) error { return serve(ctx, kafka, address) }},
	)
}

// tell writes down what happens to the aggregates of a topic from now on.
func tell[E any](ctx context.Context, kafka eventim.Kafka, topic eventim.Topic[eventim.Event[E]], out io.Writer) func(context.Context) error {
	ends, err := eventim.Ends(ctx, kafka, topic.Name)
	return func(ctx context.Context) error {
		if err != nil {
			return err
		}
		return eventim.Tail(ctx, kafka, topic.Name, ends, func(r eventim.Record) error {
			e, err := topic.Decode(r)
			if err == nil {
				fmt.Fprintf(out, "%-8s %T %+v\n", e.Aggregate, e.Payload, e.Payload)
			}
			return err
		})
	}
}

// serve fills the shelves, once, however often it is started, and takes orders.
func serve(ctx context.Context, kafka eventim.Kafka, address string) error {
	stock, err := eventim.NewSender(Stock, kafka)
	if err != nil {
		return err
	}
	defer stock.Close()
	if _, err = stock.Send(ctx, eventim.Command[StockCommand]{ID: "opening", Aggregate: "apple", Payload: Receive{10}}); err != nil {
		return err
	}
	orders, err := eventim.NewSender(Orders, kafka)
	if err != nil {
		return err
	}
	defer orders.Close()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /orders/{id}", func(w http.ResponseWriter, r *http.Request) {
		var place Place
		err := json.NewDecoder(r.Body).Decode(&place)
		if err == nil {
			_, err = orders.Send(r.Context(), eventim.Command[OrderCommand]{Aggregate: r.PathValue("id"), Payload: place})
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	})
	server := http.Server{Addr: address, Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	defer context.AfterFunc(ctx, func() { server.Close() })()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
