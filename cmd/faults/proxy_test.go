package main

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/eventim-go/eventim/eventim/eventimtest"
)

// through starts a broker and a proxy before it, and returns a client of the
// proxy with a transactional producer.
func through(t *testing.T) (*proxy, *kgo.Client) {
	t.Helper()
	broker := eventimtest.Embedded(t)
	p, err := newProxy(t.Context(), broker.ListenAddrs())
	if err != nil {
		t.Fatal(err)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(p.addresses()...), kgo.TransactionalID(t.Name()),
		kgo.DefaultProduceTopic("records"), kgo.RequestTimeoutOverhead(time.Second), kgo.RetryTimeout(5*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		client.Close()
		if err := p.close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := kadm.NewClient(client).CreateTopic(t.Context(), 1, 1, nil, "records"); err != nil {
		t.Fatal(err)
	}
	return p, client
}

// transact writes a record in a transaction.
func transact(ctx context.Context, c *kgo.Client) error {
	if err := c.BeginTransaction(); err != nil {
		return err
	}
	if err := c.ProduceSync(ctx, kgo.StringRecord("r")).FirstErr(); err != nil {
		return errors.Join(err, c.EndTransaction(ctx, kgo.TryAbort))
	}
	return c.EndTransaction(ctx, kgo.TryCommit)
}

func TestProxyPasses(t *testing.T) {
	t.Parallel()
	p, client := through(t)
	if err := transact(t.Context(), client); err != nil {
		t.Fatal(err)
	}
	found, err := kadm.NewClient(client).ListBrokers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range found {
		if b.Port != port(p.addresses()[0]) {
			t.Errorf("the client knows broker %d at port %d, which is not the proxy's", b.NodeID, b.Port)
		}
	}
}

func TestProxyStrikesEndOfTransaction(t *testing.T) {
	t.Parallel()
	for name, m := range map[string]mode{"late": {lateEnd: 50 * time.Millisecond}, "double": {doubleEnd: time.Millisecond}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, client := through(t)
			p.set(m)
			_ = transact(t.Context(), client) // whether it is known to have worked is no matter
			if struck := p.set(mode{}); struck != 1 {
				t.Fatalf("%d ends of transactions were struck, want 1", struck)
			}
		})
	}
}

func TestProxyHolds(t *testing.T) {
	t.Parallel()
	for name, m := range map[string]mode{"requests": {holdRequests: true}, "responses": {holdResponses: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, client := through(t)
			if err := transact(t.Context(), client); err != nil {
				t.Fatal(err)
			}
			p.set(m)
			done := make(chan error, 1)
			go func() { done <- client.Ping(t.Context()) }()
			if err := await(t.Context(), 10*time.Second, "a frame is held", func() bool { return p.hits() > 0 }); err != nil {
				t.Fatal(err)
			}
			select {
			case err := <-done:
				t.Fatalf("a request was answered (%v) while frames were held", err)
			default:
			}
			p.set(mode{})
			if err := <-done; err != nil {
				t.Errorf("after the partition: %v", err)
			}
		})
	}
}

func TestProxyHalfCloses(t *testing.T) {
	t.Parallel()
	p, client := through(t)
	if err := transact(t.Context(), client); err != nil {
		t.Fatal(err)
	}
	if closed := p.halfClose(); closed == 0 {
		t.Fatal("there was no connection to close")
	}
	if again := p.halfClose(); again != 0 {
		t.Errorf("%d connections were closed twice", again)
	}
	err := await(t.Context(), 10*time.Second, "the client connects again", func() bool { return client.Ping(t.Context()) == nil })
	if err != nil {
		t.Error(err)
	}
}
