package main

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eventim-go/eventim/embedded"
)

// The whole program: an order is confirmed, one expires for want of stock, one for want
// of money, and what that had reserved is there for another. Every other answer of the
// provider is lost.
func TestProgram(t *testing.T) {
	t.Parallel()
	broker, err := embedded.StartBroker(embedded.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := broker.Close(); err != nil {
			t.Error(err)
		}
	})
	p := program{t: t, address: freeAddress(t)}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- run(ctx, broker.Kafka(), t.TempDir(), p.address, &p.said) }()

	p.place("o1", `{"Item":"apple","Quantity":3,"Price":100}`)
	p.says("o1       main.Confirmed {Payment:payment-of-o1}")
	p.place("o2", `{"Item":"apple","Quantity":8,"Price":100}`)
	p.says("o2       main.Expired {Reason:out of stock}")
	p.place("o3", `{"Item":"apple","Quantity":7,"Price":5000}`)
	p.says("o3       main.Expired {Reason:the payment is declined}")
	p.says("apple    main.Released {Order:o3 Quantity:7}")
	p.place("o4", `{"Item":"apple","Quantity":7,"Price":100}`)
	p.says("o4       main.Confirmed {Payment:payment-of-o4}")

	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

type program struct {
	t       *testing.T
	address string
	said    said
}

// said is what the program has said so far.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func (p *program) says(line string) {
	p.t.Helper()
	p.until(func() bool { return strings.Contains(p.said.String(), line) }, line)
}

// place posts an order, as soon as the program listens.
func (p *program) place(id, body string) {
	p.t.Helper()
	p.until(func() bool {
		request, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, "http://"+p.address+"/orders/"+id, strings.NewReader(body))
		if err != nil {
			p.t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return false
		}
		_ = response.Body.Close()
		return response.StatusCode == http.StatusOK
	}, id+" is taken")
}

func (p *program) until(so func() bool, what string) {
	p.t.Helper()
	end := time.After(time.Minute)
	for tick := time.NewTicker(10 * time.Millisecond); !so(); {
		select {
		case <-end:
			p.t.Fatalf("it does not come to pass: %s; it says\n%s", what, p.said.String())
		case <-tick.C:
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
