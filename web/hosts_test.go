package web_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/eventim-go/eventim/invoices"
	"github.com/eventim-go/eventim/web"
)

// offline is a server that is not connected to anything.
func offline(t testing.TB, configure ...func(*web.Config)) http.Handler {
	t.Helper()
	c := web.Config{Aggregate: invoices.Aggregate, Pool: deadPool(t), Logger: quiet()}
	for _, f := range configure {
		f(&c)
	}
	s, err := web.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return s.Handler()
}

// ask sends a request without a network.
func ask(t testing.TB, h http.Handler, method, target string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, http.NoBody)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestOnlyOwnHostsAreAnswered(t *testing.T) {
	t.Parallel()
	h := offline(t, func(c *web.Config) {
		c.AllowedHosts = []string{"invoices.example", "192.0.2.7:8080"}
		c.AllowedOrigins = []string{"https://books.example:8443"}
	})
	for host, want := range map[string]int{
		"localhost": 200, "localhost:8080": 200, "LOCALHOST.": 200, "shop.localhost": 200,
		"127.0.0.1:8080": 200, "127.8.8.8": 200, "[::1]:8080": 200, "[::ffff:127.0.0.1]": 200,
		"invoices.example": 200, "Invoices.Example:443": 200, "192.0.2.7": 200, "books.example": 200,
		"evil.example": 421, "evil.example:8080": 421, "invoices.example.evil.example": 421, "xinvoices.example": 421,
		"localhost.evil.example": 421, "127.0.0.1.evil.example": 421, "192.0.2.8": 421, "[2001:db8::1]": 421, "2130706433": 421,
	} {
		if got := ask(t, h, http.MethodGet, "http://"+host+"/openapi.json"); got.Code != want {
			t.Errorf("%s: got %d, want %d", host, got.Code, want)
		}
	}
	got := ask(t, h, http.MethodGet, "http://evil.example/api/invoices")
	if !strings.Contains(got.Body.String(), `"misdirected_request"`) || got.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("got %s", got.Body)
	}
}

func TestProbesComeUnderAnyAddressButNotUnderAnyName(t *testing.T) {
	t.Parallel()
	h := offline(t)
	for host, want := range map[string]int{"10.1.2.3:8080": 200, "[fd00::3]": 200, "evil.example": 421} {
		if got := ask(t, h, http.MethodGet, "http://"+host+"/healthz"); got.Code != want {
			t.Errorf("%s: got %d, want %d", host, got.Code, want)
		}
	}
}

func TestHostsThatAreNoneAreRefusedAtStart(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "https://invoices.example", "*.example", "a b"} {
		if _, err := web.New(web.Config{Aggregate: invoices.Aggregate, AllowedHosts: []string{name}}); err == nil {
			t.Errorf("%q: want an error", name)
		}
	}
}

// A page whose name was rebound sends its own name as Host, and with it an
// Origin that is the same.
func TestReboundPageReadsAndConnectsNothing(t *testing.T) {
	t.Parallel()
	n := newSystem(t).serve()
	h := http.Header{"Host": {"evil.example"}, "Origin": {"http://evil.example"}}
	if _, resp, err := n.dial("Host", "evil.example", "Origin", "http://evil.example"); err == nil || resp.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("websocket: got %v, error %v", resp, err)
	}
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodOptions} {
		req, err := http.NewRequestWithContext(t.Context(), method, n.url+"/api/invoices/inv-1/commands/CreateInvoice", strings.NewReader(create))
		if err != nil {
			t.Fatal(err)
		}
		req.Host, req.Header, req.Close = "evil.example", h, true
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusMisdirectedRequest {
			t.Errorf("%s: got %d", method, resp.StatusCode)
		}
	}
}

func TestListenerEverywhereIsReachedUnderAnyAddress(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	server, err := web.New(web.Config{Kafka: s.kafka, Pool: s.pool, Aggregate: s.aggregate, Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	s.run("server", func(ctx context.Context) error { return server.Run(ctx, ln) })
	for host, want := range map[string]int{"192.0.2.9:80": 200, "[2001:db8::1]": 200, "evil.example": 421} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:"+port+"/openapi.json", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Host, req.Close = host, true
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: got %d, want %d", host, resp.StatusCode, want)
		}
	}
}
