package eventim_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
	"github.com/eventim-go/eventim/internal/checker"
)

// system is a counter on a cluster, as a test sees it.
type system struct {
	t      testing.TB
	kafka  eventim.Kafka
	agg    eventim.Aggregate[Count, Add, Added]
	dir    string
	sender *eventim.Sender[Add]
	untail func() // ends the reading of the results

	mu      sync.Mutex
	results map[string][]eventim.Result[Count, Added]
	arrived chan struct{} // closed, and made anew, when there are more results
	ledger  []string      // acknowledged command ids
}

func newSystem(t testing.TB, k eventim.Kafka, partitions int32, change ...func(*eventim.Aggregate[Count, Add, Added])) *system {
	t.Helper()
	s := &system{
		t: t, kafka: k, agg: counter, dir: t.TempDir(),
		results: map[string][]eventim.Result[Count, Added]{}, arrived: make(chan struct{}),
	}
	s.agg.Name, s.agg.Partitions = eventimtest.Name(t, "counter"), partitions
	for _, f := range change {
		f(&s.agg)
	}
	if err := s.agg.CreateTopics(t.Context(), k, 1); err != nil {
		t.Fatal(err)
	}
	s.connect()
	return s
}

// connect starts a sender of commands and the reading of the results.
func (s *system) connect() {
	s.t.Helper()
	sender, err := eventim.NewSender(s.agg, s.kafka)
	if err != nil {
		s.t.Fatal(err)
	}
	s.sender = sender
	s.t.Cleanup(func() { _ = sender.Close() })
	from := eventim.Positions{}
	for p := range s.agg.Partitions {
		from[p] = 0
	}
	results := s.agg.ResultTopic()
	s.untail = s.background(func(ctx context.Context) error {
		return eventim.Tail(ctx, s.kafka, results.Name, from, func(r eventim.Record) error {
			res, err := results.Decode(r)
			if err == nil {
				s.note(res)
			}
			return err
		})
	})
}

func (s *system) note(res eventim.Result[Count, Added]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.results[res.Command] = append(s.results[res.Command], res)
	close(s.arrived)
	s.arrived = make(chan struct{})
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

// handling is a handler that runs in the process of the test.
type handling struct {
	*eventim.Handler[Count, Add, Added]
	stop func()
}

// handle runs a handler on the data directory of the system.
func (s *system) handle(change ...func(*eventim.HandlerConfig)) handling {
	s.t.Helper()
	c := eventim.HandlerConfig{Kafka: s.kafka, Dir: s.dir, Session: 2 * time.Second, Logger: testLogger(s.t)}
	for _, f := range change {
		f(&c)
	}
	h, err := eventim.NewHandler(s.agg, c)
	if err != nil {
		s.t.Fatal(err)
	}
	return handling{h, s.background(h.Run)}
}

// in lets a handler run on another data directory.
func in(dir string) func(*eventim.HandlerConfig) {
	return func(c *eventim.HandlerConfig) { c.Dir = dir }
}

// testLogger writes to the test's output when VERBOSE is set.
func testLogger(t testing.TB) *slog.Logger {
	t.Helper()
	if os.Getenv("VERBOSE") == "" {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(t.Output(), nil))
}

// lengthOf is how far a topic is written, all partitions together, with what stands between
// the records.
func lengthOf(t testing.TB, k eventim.Kafka, topic string) (n int64) {
	t.Helper()
	ends, err := eventim.Ends(t.Context(), k, topic)
	if err != nil {
		t.Error(err)
	}
	for _, end := range ends {
		n += end
	}
	return n
}

// readAll reads what is committed in a topic.
func readAll(t testing.TB, k eventim.Kafka, topic string, fn func(eventim.Record) error) {
	t.Helper()
	ends, err := eventim.Ends(t.Context(), k, topic)
	if err == nil {
		err = eventim.Read(t.Context(), k, topic, nil, ends, fn)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// eventually waits until a condition holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	if !comesTrue(holds) {
		t.Fatalf("after %v, still not: %s", patience, what)
	}
}

// comesTrue waits until something holds, which is not for ever.
func comesTrue(holds func() bool) bool {
	deadline := time.Now().Add(patience)
	for !holds() {
		if time.Now().After(deadline) {
			return false
		}
		time.Sleep(5 * time.Millisecond)
	}
	return true
}

// patience is how long a test waits for what takes a moment. Who expects it to
// fail sets less.
var patience = func() time.Duration {
	if d, err := time.ParseDuration(os.Getenv("EVENTIM_TEST_PATIENCE")); err == nil {
		return d
	}
	return time.Minute
}()

// running waits until the handler handles all partitions.
func (s *system) running(h handling) {
	s.t.Helper()
	eventually(s.t, "the handler handles all partitions", func() bool {
		status := h.Status()
		return len(status) == int(s.agg.Partitions) && !slices.ContainsFunc(status, func(p eventim.PartitionStatus) bool {
			return p.State != eventim.Running
		})
	})
}

// send sends a command, again until it is acknowledged.
func (s *system) send(cmd eventim.Command[Add]) eventim.Command[Add] {
	s.t.Helper()
	for {
		sent, err := s.sender.Send(s.t.Context(), cmd)
		if err == nil {
			s.mu.Lock()
			s.ledger = append(s.ledger, sent.ID)
			s.mu.Unlock()
			return sent
		}
		_, invalid := errors.AsType[*eventim.InvalidError](err)
		if invalid || errors.Is(err, eventim.ErrTooLarge) || s.t.Context().Err() != nil {
			s.t.Error(err)
			return sent
		}
		cmd.ID = sent.ID
	}
}

func (s *system) add(aggregate string, n int) eventim.Command[Add] {
	s.t.Helper()
	return s.send(eventim.Command[Add]{Aggregate: aggregate, Payload: Add{N: n}})
}

// await waits until a command has n results, of which it returns the last.
func (s *system) await(command string, n int) eventim.Result[Count, Added] {
	s.t.Helper()
	deadline := time.After(time.Minute)
	for {
		s.mu.Lock()
		got, arrived := s.results[command], s.arrived
		s.mu.Unlock()
		if len(got) >= n {
			return got[n-1]
		}
		select {
		case <-arrived:
		case <-deadline:
			s.t.Fatalf("command %s has %d results after a minute, want %d", command, len(got), n)
		}
	}
}

// do sends a command and waits for its first result.
func (s *system) do(aggregate string, n int) eventim.Result[Count, Added] {
	s.t.Helper()
	return s.await(s.add(aggregate, n).ID, 1)
}

// check lets the independent checker judge what the system left in Kafka, and
// in the state stores of the data directories.
func (s *system) check(dirs ...string) *checker.Report {
	s.t.Helper()
	return s.checkWith(checker.Options{Copies: s.copies(false, dirs...)})
}

func (s *system) checkWith(o checker.Options) *checker.Report {
	s.t.Helper()
	o.Brokers, o.Aggregate, o.Acknowledged = s.kafka.Brokers, s.agg.Name, s.ledger
	if o.Fold == nil {
		o.Fold = countFold
	}
	report, err := checker.Check(s.t.Context(), o)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := report.Err(); err != nil {
		s.t.Error(err)
	}
	return report
}

// copies reads the state stores in the data directories of handlers that have
// ended. A handler that has lost a partition is behind.
func (s *system) copies(behind bool, dirs ...string) []checker.Copy {
	s.t.Helper()
	var copies []checker.Copy
	for _, dir := range dirs {
		for p := range s.agg.Partitions {
			c, err := s.copyOf(dir, p)
			if err != nil {
				s.t.Error(err)
				continue
			}
			c.Behind = behind
			copies = append(copies, c)
		}
	}
	return copies
}

// copyOf reads the state store of a partition; one that was never made is
// empty.
func (s *system) copyOf(dir string, p int32) (checker.Copy, error) {
	path := filepath.Join(dir, s.agg.Name, strconv.Itoa(int(p)))
	c := checker.Copy{Name: path, Partitions: []int32{p}, States: map[string]checker.State{}}
	kept, err := eventim.ReadStore(path)
	if errors.Is(err, pebble.ErrDBDoesNotExist) {
		return c, nil
	}
	for id, v := range kept.States {
		c.States[id] = checker.State{Version: v.Version, JSON: v.Data}
	}
	return c, err
}

// countFold is the fold of the counter, written for the checker.
func countFold(state any, e checker.Event) (any, error) {
	type count struct {
		Sum, Adds int
		Note      string `json:",omitempty"`
	}
	before, _ := state.(count)
	var v struct {
		N    int
		Note string
	}
	err := json.Unmarshal(e.Data, &v)
	return count{before.Sum + v.N, before.Adds + 1, v.Note}, err
}
