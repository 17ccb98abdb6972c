package eventim_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
)

type (
	asker   = eventim.Asker[Count, Add, Added]
	counted = eventim.Result[Count, Added]
)

// asker connects an asker to the cluster of s.
func (s *system) asker(k eventim.Kafka) *asker {
	s.t.Helper()
	q, err := eventim.NewAsker(s.t.Context(), s.agg, k)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if n := q.Expected(); n != 0 {
			s.t.Errorf("the asker still expects %d commands", n)
		}
		if err := q.Close(); err != nil {
			s.t.Error(err)
		}
	})
	return q
}

// ask asks and wants an answer.
func ask(t *testing.T, q *asker, id, aggregate string, n int) counted {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	res, err := q.Ask(ctx, eventim.Command[Add]{ID: id, Aggregate: aggregate, Payload: Add{N: n}})
	if err != nil {
		t.Fatalf("ask command %q: %v", id, err)
	}
	return res
}

func TestAskTellsTheOutcome(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 2)
	s.handle()
	q := s.asker(s.kafka)
	first := ask(t, q, "1", "a", 2)
	if effect, ok := first.Effect(); first.Outcome != eventim.Accepted || first.Snapshot.State.Sum != 2 || !ok || effect != first.CommandPosition {
		t.Errorf("got %+v, want it accepted, with an effect where it stands", first)
	}
	for n, want := range map[int]eventim.Outcome{0: eventim.Rejected, 13: eventim.Failed} {
		res := ask(t, q, "", "a", n)
		if _, ok := res.Effect(); res.Outcome != want || res.Rejection == nil || res.Command == "" || ok {
			t.Errorf("adding %d: got %+v, want it %s, without an effect", n, res, want)
		}
	}
	again := ask(t, q, "1", "a", 2)
	if effect, ok := again.Effect(); !again.Replayed || again.Version != 1 || !ok || effect != first.CommandPosition {
		t.Errorf("again: got %+v, want the first answer, with its effect", again)
	}
	if other := ask(t, q, "1", "a", 3); other.Rejection == nil || other.Rejection.Code != eventim.CodeCommandIDReused {
		t.Errorf("another command of this id: got %+v", other)
	}
	if elsewhere := ask(t, q, "1", "b", 3); elsewhere.Replayed || elsewhere.Version != 1 {
		t.Errorf("this id of another aggregate: got %+v", elsewhere)
	}
}

// One id, asked by many at once, has one effect, and everybody an answer.
func TestAskByManyAtOnce(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 3)
	s.handle()
	q := s.asker(s.kafka)
	const aggregates, ids, times = 3, 5, 4
	var first atomic.Int64
	var all sync.WaitGroup
	for i := range aggregates * ids * times {
		all.Go(func() {
			aggregate, id := fmt.Sprint("a", i%aggregates), fmt.Sprint("c", i/aggregates%ids)
			res, err := q.Ask(t.Context(), eventim.Command[Add]{ID: id, Aggregate: aggregate, Payload: Add{N: 1}})
			if err != nil || res.Outcome != eventim.Accepted || res.Aggregate != aggregate || res.Command != id {
				t.Errorf("%s of %s: got %+v, %v", id, aggregate, res, err)
			}
			if !res.Replayed {
				first.Add(1)
			}
		})
	}
	all.Wait()
	if first.Load() != aggregates*ids {
		t.Errorf("%d answers are the first, want %d", first.Load(), aggregates*ids)
	}
	if res := ask(t, q, "last", "a0", 1); res.Snapshot.State.Adds != ids+1 {
		t.Errorf("after %d ids the counter has counted %d", ids+1, res.Snapshot.State.Adds)
	}
}

// slowAcks is a network on which what a broker answers to a sender arrives only
// when it is let through.
type slowAcks struct{ let chan struct{} }

func (n slowAcks) kafka(k eventim.Kafka) eventim.Kafka {
	k.Configure = func(c *sarama.Config) { c.Net.Proxy.Enable, c.Net.Proxy.Dialer = true, n }
	return k
}

func (n slowAcks) Dial(network, address string) (net.Conn, error) {
	conn, err := net.Dial(network, address) //nolint:noctx // the interface has no context
	return &slowConn{Conn: conn, network: n}, err
}

type slowConn struct {
	net.Conn
	network slowAcks
	sends   atomic.Bool
}

func (c *slowConn) Write(frame []byte) (int, error) {
	const produce = 0
	if len(frame) > 8 && binary.BigEndian.Uint16(frame[4:]) == produce {
		c.sends.Store(true)
	}
	return c.Conn.Write(frame)
}

func (c *slowConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.sends.Load() {
		<-c.network.let
	}
	return n, err
}

func TestAskWhenTheResultIsBeforeTheAck(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 1)
	s.handle()
	net := slowAcks{make(chan struct{})}
	q := s.asker(net.kafka(s.kafka))
	asked := make(chan counted)
	go func() {
		defer close(asked)
		asked <- ask(t, q, "1", "a", 2)
	}()
	s.await("1", 1)
	ask(t, s.asker(s.kafka), "2", "a", 3) // its result is behind the first one
	close(net.let)
	if res := <-asked; res.Version != 1 || res.Replayed {
		t.Errorf("got %+v, want the result that came before the ack", res)
	}
}

func TestAskWhenNothingIsAcknowledged(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 1)
	net := slowAcks{make(chan struct{})}
	q := s.asker(net.kafka(s.kafka))
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	res, err := q.Ask(ctx, eventim.Command[Add]{Aggregate: "a", Payload: Add{N: 2}})
	if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, eventim.ErrUnanswered) || res.Command == "" || res.Outcome != "" {
		t.Fatalf("got %+v, %v, want that time is over, and an id", res, err)
	}
	close(net.let)
	s.handle()
	if again := ask(t, q, res.Command, "a", 2); again.Outcome != eventim.Accepted || again.Snapshot.State.Adds != 1 {
		t.Errorf("asked again: got %+v, want one effect", again)
	}
}

func TestAskWhenNobodyAnswers(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 1)
	q := s.asker(s.kafka)
	gaveUp := errors.New("the caller has gone")
	var res counted
	var err error
	for wait := 50 * time.Millisecond; !errors.Is(err, eventim.ErrUnanswered); wait *= 2 {
		ctx, cancel := context.WithTimeoutCause(t.Context(), wait, gaveUp)
		res, err = q.Ask(ctx, eventim.Command[Add]{ID: "1", Aggregate: "a", Payload: Add{N: 2}})
		cancel()
		if !errors.Is(err, gaveUp) || res.Command != "1" || res.Outcome != "" {
			t.Fatalf("got %+v, %v, want the cause of the end", res, err)
		}
	}
	sent := s.send(eventim.Command[Add]{ID: "2", Aggregate: "a", Payload: Add{N: 1}})
	if res.CommandPosition.Offset != sent.Position.Offset-1 {
		t.Errorf("the command stands at %s, before %s", res.CommandPosition, sent.Position)
	}
	s.handle()
	again := ask(t, q, "1", "a", 2)
	if !again.Replayed || again.Version != 1 || again.Snapshot.State.Adds != 1 {
		t.Errorf("asked again: got %+v, want the first answer", again)
	}
}

func TestAskAfterTheResultsAreCut(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 1)
	q := s.asker(s.kafka)
	cut := errors.New("cut")
	asked := make(chan error, 1)
	go func() {
		_, err := q.Ask(t.Context(), eventim.Command[Add]{ID: "1", Aggregate: "a", Payload: Add{N: 2}})
		asked <- err
	}()
	eventually(t, "the command is in Kafka", func() bool {
		ends, err := eventim.Ends(t.Context(), s.kafka, s.agg.Topics().Commands)
		return err == nil && ends[0] == 1
	})
	q.Break(cut)
	if err := <-asked; !errors.Is(err, cut) {
		t.Errorf("who waits gets %v, want the reason", err)
	}
	if _, err := q.Ask(t.Context(), eventim.Command[Add]{Aggregate: "a", Payload: Add{N: 2}}); !errors.Is(err, cut) || !errors.Is(q.Err(), cut) {
		t.Errorf("who asks gets %v, and Err is %v, want the reason", err, q.Err())
	}
}

func TestAskRefusesWhatSendDoes(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 1)
	q := s.asker(s.kafka)
	_, err := q.Ask(t.Context(), eventim.Command[Add]{Aggregate: "a b", Payload: Add{N: 2}})
	if _, ok := errors.AsType[*eventim.InvalidError](err); !ok {
		t.Errorf("got %v, want an *InvalidError", err)
	}
	if q.Err() != nil {
		t.Errorf("Err is %v, want none", q.Err())
	}
}
