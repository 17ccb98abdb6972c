package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/eventim-go/eventim/internal/app"
	"github.com/eventim-go/eventim/invoices"
)

// greeting is for the person who started the program, beside the log.
const greeting = `
  the page    %s
  log in      %s/login as one of four people, to see what each may do
  the data    %s  (kept between starts; another --data and --port run beside it)
  Kafka       kcat -b %s -L
  Postgres    psql '%s' -c 'select * from invoice_list'
  stop it with Ctrl-C

`

// announce says where the page is once everything works, and waits for ctx.
func (d dev) announce(ctx context.Context, handler func() app.Health) error {
	page := "http://" + d.listener.Addr().String()
	for !d.works(ctx, page, handler()) {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(20 * time.Millisecond):
		}
	}
	if _, err := fmt.Fprintf(d.out, "listening on %s\n", page); err != nil {
		return err
	}
	_, err := fmt.Fprintf(d.console, greeting, page, page, d.dir, strings.Join(d.servers.kafka.Brokers, ","), d.servers.postgres)
	<-ctx.Done()
	return err
}

// works reports whether commands are handled, each view can be read, and the
// page is served.
func (d dev) works(ctx context.Context, page string, handler app.Health) bool {
	return handler.Ready && len(handler.Partitions) > 0 && d.viewsExist(ctx) && ready(ctx, page)
}

func (d dev) viewsExist(ctx context.Context) bool {
	var missing int
	err := d.pool.QueryRow(ctx, `select count(*) from unnest($1::text[]) as view where to_regclass('public.' || view) is null`,
		app.ViewNames(invoices.Aggregate)).Scan(&missing)
	return err == nil && missing == 0
}

func ready(ctx context.Context, page string) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, page+"/readyz", http.NoBody)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}
