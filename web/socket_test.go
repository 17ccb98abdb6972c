package web

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/eventim-go/eventim/invoices"
)

// pipes is a listener whose connections are in memory, so that time in a
// synctest bubble passes while they are silent.
type pipes struct {
	accept chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.accept:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// bubble serves a hub without Kafka inside a synctest bubble.
func bubble(t *testing.T, test func(t *testing.T, h *hub, dial func() *websocket.Conn)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s, err := New(Config{Aggregate: invoices.Aggregate, AllowedHosts: []string{"invoices.example"}, Logger: slog.New(slog.DiscardHandler)})
		must(t, err)
		defer s.drain()
		l := &live{hub: newTestHub(), replayer: (&testLog{}).replayer()}
		s.live.Store(l)
		listener := &pipes{accept: make(chan net.Conn), closed: make(chan struct{})}
		server := &http.Server{Handler: s.Handler(), ReadHeaderTimeout: time.Second}
		served := make(chan error, 1)
		go func() { served <- server.Serve(listener) }()
		var conns []*websocket.Conn
		test(t, l.hub, func() *websocket.Conn {
			dialer := websocket.Dialer{Subprotocols: []string{subprotocol}, NetDialContext: func(context.Context, string, string) (net.Conn, error) {
				ours, theirs := net.Pipe()
				listener.accept <- theirs
				return ours, nil
			}}
			conn, resp, err := dialer.DialContext(t.Context(), "ws://invoices.example/api/live", nil)
			must(t, err)
			must(t, resp.Body.Close())
			conns = append(conns, conn)
			return conn
		})
		for _, c := range conns {
			_ = c.Close()
		}
		l.hub.close()
		must(t, server.Close())
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
}

func readFrame(t *testing.T, c *websocket.Conn) map[string]any {
	t.Helper()
	var f map[string]any
	must(t, c.ReadJSON(&f))
	return f
}

func closedWith(t *testing.T, c *websocket.Conn) int {
	t.Helper()
	for {
		if _, _, err := c.NextReader(); err != nil {
			closed, ok := errors.AsType[*websocket.CloseError](err)
			if !ok {
				t.Fatalf("want a close frame, got %v", err)
			}
			return closed.Code
		}
	}
}

func TestNoHelloInTime(t *testing.T) {
	bubble(t, func(t *testing.T, _ *hub, dial func() *websocket.Conn) {
		t.Helper()
		began := time.Now()
		if code := closedWith(t, dial()); code != websocket.ClosePolicyViolation {
			t.Errorf("got close code %d", code)
		}
		if waited := time.Since(began); waited != helloTimeout {
			t.Errorf("closed after %v, want %v", waited, helloTimeout)
		}
	})
}

func TestHeartbeatsKeepAConnectionAlive(t *testing.T) {
	bubble(t, func(t *testing.T, h *hub, dial func() *websocket.Conn) {
		t.Helper()
		c := dial()
		must(t, c.WriteJSON(map[string]string{"type": "hello", "origin": "page-1"}))
		welcome := readFrame(t, c)
		began := time.Now()
		for i := range 20 { // five minutes, in which only pongs come from the client
			f := readFrame(t, c)
			if f["type"] != "heartbeat" || f["token"] != welcome["token"] {
				t.Fatalf("got %v", f)
			}
			if at := time.Since(began); at != time.Duration(i+1)*pingInterval {
				t.Errorf("heartbeat %d after %v", i, at)
			}
		}
		must(t, h.result(rejected(0, 10, "cmd-1", "")))
		if f := readFrame(t, c); f["token"] == welcome["token"] {
			t.Error("the token has not moved")
		}
	})
}

func TestDeadClientIsForgotten(t *testing.T) {
	bubble(t, func(t *testing.T, h *hub, dial func() *websocket.Conn) {
		t.Helper()
		c := dial()
		c.SetPingHandler(func(string) error { return nil }) // it never answers
		must(t, c.WriteJSON(map[string]string{"type": "hello", "origin": "page-1"}))
		began := time.Now()
		for {
			if _, _, err := c.NextReader(); err != nil {
				break
			}
		}
		if waited := time.Since(began); waited != pongTimeout {
			t.Errorf("given up after %v, want %v", waited, pongTimeout)
		}
		synctest.Wait()
		if h.size() != 0 {
			t.Errorf("%d connections are left", h.size())
		}
	})
}

// A client that does not read must not hold the server for longer than the
// write deadline, even when it never reads again.
func TestClientThatNeverReadsIsCutOff(t *testing.T) {
	bubble(t, func(t *testing.T, h *hub, dial func() *websocket.Conn) {
		t.Helper()
		c := dial()
		must(t, c.WriteJSON(map[string]string{"type": "hello", "origin": "page-1"}))
		readFrame(t, c)
		for i := range int64(1000) {
			must(t, h.result(rejected(0, 10+i, "cmd-1", "page-1")))
		}
		time.Sleep(writeTimeout + closeTimeout)
		synctest.Wait()
		if h.size() != 0 {
			t.Errorf("%d connections are left", h.size())
		}
	})
}

func TestSlowReaderIsClosedAndOthersAreNot(t *testing.T) {
	bubble(t, func(t *testing.T, h *hub, dial func() *websocket.Conn) {
		t.Helper()
		slow, fast := dial(), dial()
		for _, c := range []*websocket.Conn{slow, fast} { // two tabs of a page: the same results
			must(t, c.WriteJSON(map[string]string{"type": "hello", "origin": "page-1"}))
			readFrame(t, c)
		}
		began := time.Now()
		for i := range int64(300) { // more than a queue holds; the pipe of the slow one holds nothing
			must(t, h.result(rejected(0, 10+i, "cmd-1", "page-1")))
			if f := readFrame(t, fast); f["id"] != "cmd-1" {
				t.Fatalf("got %v", f)
			}
		}
		if waited := time.Since(began); waited != 0 {
			t.Errorf("the others waited %v for the slow one", waited)
		}
		if code := closedWith(t, slow); code != websocket.CloseTryAgainLater {
			t.Errorf("got close code %d, want %d", code, websocket.CloseTryAgainLater)
		}
		must(t, h.result(rejected(0, 400, "cmd-2", "page-1")))
		if f := readFrame(t, fast); f["id"] != "cmd-2" {
			t.Errorf("got %v", f)
		}
	})
}
