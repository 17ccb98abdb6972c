package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/eventim-go/eventim/embedded"
)

// The whole program, on a broker and a Postgres of its own: what a command has
// changed shows in the view as soon as it is answered.
func TestProgram(t *testing.T) {
	t.Parallel()
	servers, err := embedded.Start(t.Context(), embedded.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := servers.Close(); err != nil {
			t.Error(err)
		}
	})
	c := client{t, "http://" + freeAddress(t)}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		ended <- run(ctx, servers.Kafka(), servers.Postgres.URL(), t.TempDir(), strings.TrimPrefix(c.url, "http://"))
	}()

	c.untilReady()
	c.post("apple/Receive", `{"Quantity":10}`, `{"OnHand":10,"Reserved":{}}`)
	c.post("apple/Reserve", `{"Order":"o1","Quantity":3}`, `{"OnHand":10,"Reserved":{"o1":3}}`)
	c.post("apple/Reserve", `{"Order":"o2","Quantity":8}`, "of 7, an order gets at least 1")
	c.post("apple/Reserve", `{"Order":"o2"}`, "/Quantity of the payload is missing")
	c.post("apple/Eat", `{}`, `"Eat" of item: there is no such command`)
	for range 2 { // what is sent again has happened once
		c.post("pear/Receive", `{"Quantity":1}`, `{"OnHand":1,"Reserved":{}}`, "Idempotency-Key", "1")
	}
	if got := c.do(http.MethodGet, "/items", ""); got != `[{"item":"apple","version":2,"revision":1,"on_hand":10,"free":7}, `+"\n "+
		`{"item":"pear","version":1,"revision":1,"on_hand":1,"free":1}]` {
		t.Errorf("the view shows %s", got)
	}

	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

type client struct {
	t   *testing.T
	url string
}

func (c client) post(path, body, want string, header ...string) {
	c.t.Helper()
	if got := strings.TrimSpace(c.do(http.MethodPost, "/items/"+path, body, header...)); got != want {
		c.t.Errorf("POST %s %s: got %s, want %s", path, body, got, want)
	}
}

func (c client) do(method, path, body string, header ...string) string {
	c.t.Helper()
	request, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		c.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(text)
}

// untilReady waits until the view is there and the program listens.
func (c client) untilReady() {
	for tick := time.NewTicker(10 * time.Millisecond); ; <-tick.C {
		request, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, c.url+"/items", nil)
		if err != nil {
			c.t.Fatal(err)
		}
		if response, err := http.DefaultClient.Do(request); err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return
			}
		}
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
