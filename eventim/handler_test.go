package eventim_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
)

// system is a counter on a cluster, as a test sees it.
type system struct {
	t       testing.TB
	kafka   eventim.Kafka
	agg     eventim.Aggregate[Count, Add, Added]
	dir     string
	sender  *eventim.Sender[Add]
	mu      sync.Mutex
	results map[string][]eventim.Result[Count, Added]
	arrived chan struct{}
}

func newSystem(t testing.TB, k eventim.Kafka, partitions int32) *system {
	t.Helper()
	s := &system{t: t, kafka: k, agg: counter, dir: t.TempDir(), results: map[string][]eventim.Result[Count, Added]{}, arrived: make(chan struct{}, 1)}
	s.agg.Name, s.agg.Partitions = eventimtest.Name(t, "counter"), partitions
	if err := s.agg.CreateTopics(t.Context(), k, 1); err != nil {
		t.Fatal(err)
	}
	sender, err := eventim.NewSender(s.agg, k)
	if err != nil {
		t.Fatal(err)
	}
	s.sender = sender
	t.Cleanup(func() { sender.Close() })
	from := eventim.Positions{}
	for p := range partitions {
		from[p] = 0
	}
	s.background(func(ctx context.Context) error {
		return eventim.Tail(ctx, k, s.agg.ResultTopic().Name, from, s.note)
	})
	return s
}

func (s *system) note(r eventim.Record) error {
	res, err := s.agg.ResultTopic().Decode(r)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.results[res.Command] = append(s.results[res.Command], res)
	select {
	case s.arrived <- struct{}{}:
	default:
	}
	return nil
}

// background runs fn until the test ends or the returned function is called.
func (s *system) background(fn func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := fn(ctx); err != nil {
			s.t.Error(err)
		}
	}()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	s.t.Cleanup(stop)
	return stop
}

func (s *system) handle(change ...func(*eventim.HandlerConfig)) (stop func()) {
	c := eventim.HandlerConfig{Kafka: s.kafka, Dir: s.dir, Session: 2 * time.Second, Logger: testLogger(s.t)}
	for _, f := range change {
		f(&c)
	}
	h, err := eventim.NewHandler(s.agg, c)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.background(h.Run)
}

func testLogger(t testing.TB) *slog.Logger {
	if os.Getenv("VERBOSE") == "" {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(t.Output(), nil))
}

func (s *system) send(cmd eventim.Command[Add]) eventim.Command[Add] {
	s.t.Helper()
	cmd, err := s.sender.Send(s.t.Context(), cmd)
	if err != nil {
		s.t.Fatal(err)
	}
	return cmd
}

// await waits until a command has n results, of which it returns the last.
func (s *system) await(command string, n int) eventim.Result[Count, Added] {
	s.t.Helper()
	deadline := time.After(60 * time.Second)
	for {
		s.mu.Lock()
		got := s.results[command]
		s.mu.Unlock()
		if len(got) >= n {
			return got[n-1]
		}
		select {
		case <-s.arrived:
		case <-deadline:
			s.t.Fatalf("command %s has %d results after a minute, want %d", command, len(got), n)
		}
	}
}

func TestHandlerAnswers(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 3)
	s.handle()
	first := s.send(eventim.Command[Add]{Aggregate: "a", Payload: Add{N: 2, Times: 1}})
	res := s.await(first.ID, 1)
	if res.Outcome != eventim.Accepted || res.Version != 2 || res.Snapshot.State.Sum != 4 || len(res.Events) != 2 {
		t.Fatalf("result %+v, want two events and the sum 4", res)
	}
	for i := range 20 {
		c := s.send(eventim.Command[Add]{Aggregate: fmt.Sprint("k", i), Payload: Add{N: i + 100}})
		if res := s.await(c.ID, 1); res.Snapshot.State.Sum != i+100 {
			t.Fatalf("result %+v, want %d", res, i+100)
		}
	}
	again := s.send(eventim.Command[Add]{ID: first.ID, Aggregate: "a", Payload: Add{N: 2, Times: 1}})
	if res := s.await(again.ID, 2); !res.Replayed || res.Version != 2 || res.Outcome != eventim.Accepted {
		t.Fatalf("a repeat got %+v, want the first answer", res)
	}
}
