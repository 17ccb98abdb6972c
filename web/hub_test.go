package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strconv"
	"testing"

	"github.com/IBM/sarama"
	"github.com/gorilla/websocket"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/invoices"
)

// rejected is the record of a rejected command.
func rejected(partition int32, offset int64, command, origin string) eventim.Record {
	return record(partition, offset, "inv-1", `{"outcome":"rejected","version":1,"code":"invoice_empty","message":"no lines"}`,
		"ce_commandid", command, "ce_originid", origin, "ce_commandoffset", "7")
}

// draft is the record of a snapshot.
func draft(partition int32, offset int64, invoice string, version int) eventim.Record {
	return record(partition, offset, invoice, `{"currency":"EUR","status":"draft"}`,
		"ce_type", "invoice", "ce_schemaversion", "1", "ce_version", strconv.Itoa(version), "ce_staterevision", "1", "ce_commandoffset", "7")
}

func record(partition int32, offset int64, key, value string, headers ...string) eventim.Record {
	r := eventim.Record{Position: eventim.Position{Partition: partition, Offset: offset}, Key: []byte(key), Value: []byte(value)}
	for h := range slices.Chunk(append(headers, "ce_time", "2026-11-21T05:00:00Z"), 2) {
		r.Headers = append(r.Headers, &eventim.Header{Key: []byte(h[0]), Value: []byte(h[1])})
	}
	return r
}

func newTestHub() *hub {
	start := token{epoch: "cluster", results: offsets{10, 20}, snapshots: offsets{5, 5}}
	return newHub(invoices.Aggregate, start, slog.New(slog.DiscardHandler))
}

// framesIn counts the frames that wait in a queue.
func framesIn(t *testing.T, q *queue) (results, changes int) {
	t.Helper()
	for _, f := range q.take() {
		if f.changed != "" {
			changes++
		} else {
			results++
		}
	}
	return results, changes
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestHubRoutes(t *testing.T) {
	t.Parallel()
	h := newTestHub()
	mine, theirs, silent := newQueue(10), newQueue(10), newQueue(10)
	for _, q := range []*queue{mine, theirs, silent} {
		if !h.admit(q) {
			t.Fatal("not admitted")
		}
	}
	at := h.subscribe(mine, "page-1")
	h.subscribe(theirs, "page-2")
	must(t, h.result(rejected(1, 25, "cmd-1", "page-1")))
	must(t, h.result(rejected(0, 10, "cmd-2", "")))
	must(t, h.snapshot(draft(0, 5, "inv-1", 1)))
	for _, c := range []struct {
		name             string
		queue            *queue
		results, changes int
	}{{"its origin", mine, 1, 1}, {"another", theirs, 0, 1}, {"before hello", silent, 0, 0}} {
		if results, changes := framesIn(t, c.queue); results != c.results || changes != c.changes {
			t.Errorf("%s: got %d results and %d changes", c.name, results, changes)
		}
	}
	if !slices.Equal(at.results, offsets{10, 20}) {
		t.Errorf("subscribed at %v", at.results)
	}
	if !slices.Equal(h.at.results, offsets{11, 26}) || !slices.Equal(h.at.snapshots, offsets{6, 5}) {
		t.Errorf("the hub is at %v", h.at)
	}
	for _, q := range []*queue{mine, theirs, silent} {
		h.dismiss(q)
	}
	if len(h.all)+len(h.origins) != 0 {
		t.Errorf("left behind: %v %v", h.all, h.origins)
	}
	h.close()
	if h.admit(newQueue(1)) {
		t.Error("admitted after close")
	}
}

func TestHubPassesOverWhatItCannotRead(t *testing.T) {
	t.Parallel()
	h := newTestHub()
	q := newQueue(1)
	h.admit(q)
	h.subscribe(q, "page-1")
	must(t, h.result(record(0, 10, "inv-1", "?", "ce_originid", "page-1")))
	must(t, h.snapshot(record(0, 5, "inv-1", "?")))
	must(t, h.snapshot(record(0, 6, "inv-1", "")))
	if h.at.results[0] != 11 || h.at.snapshots[0] != 7 || len(q.take()) != 0 {
		t.Errorf("the hub is at %v", h.at)
	}
	if h.result(rejected(2, 0, "cmd-1", "")) == nil {
		t.Error("a new partition went unnoticed")
	}
}

func TestHubClosesASlowConnectionOnly(t *testing.T) {
	t.Parallel()
	h := newTestHub()
	slow, fast := newQueue(2), newQueue(2)
	for _, q := range []*queue{slow, fast} {
		h.admit(q)
		h.subscribe(q, "page-1")
		q.take()
	}
	for i := range 5 {
		must(t, h.result(rejected(0, int64(10+i), "cmd-1", "page-1")))
		if n := len(fast.take()); n != 1 {
			t.Errorf("the fast one got %d frames", n)
		}
	}
	if !slow.isClosed() || slow.code != websocket.CloseTryAgainLater || fast.isClosed() {
		t.Error("want the slow one closed with 1013, and only that")
	}
}

// testLog is a topic of two partitions that a replayer reads, with what was
// read of it.
type testLog struct {
	records map[string][]eventim.Record
	starts  eventim.Positions
	reads   []string
	pause   func()
}

func (l *testLog) read(_ context.Context, topic string, from, to eventim.Positions, fn func(eventim.Record) error) error {
	l.reads = append(l.reads, fmt.Sprintf("%s %v-%v", topic, from, to))
	if l.pause != nil {
		l.pause()
	}
	for p, start := range from {
		if start < l.starts[p] {
			return fmt.Errorf("read: %w", eventim.ErrOffsetOutOfRange)
		}
	}
	for _, r := range l.records[topic] {
		p := r.Position
		if p.Offset < from[p.Partition] || p.Offset >= to[p.Partition] {
			continue
		}
		if err := fn(r); err != nil {
			return err
		}
	}
	return nil
}

func (l *testLog) replayer() *replayer {
	return &replayer{aggregate: invoices.Aggregate, log: slog.New(slog.DiscardHandler), read: l.read, wake: make(chan struct{}, 1)}
}

func positionToken(results ...int64) token {
	return token{epoch: "cluster", results: results, snapshots: offsets{0, 0}}
}

func TestReplaySendsExactlyWhatWasMissed(t *testing.T) {
	t.Parallel()
	log := &testLog{records: map[string][]eventim.Record{
		"invoice-results": {
			rejected(0, 3, "before", "page-1"), rejected(0, 4, "first", "page-1"), rejected(0, 5, "foreign", "page-2"),
			rejected(0, 6, "second", "page-1"), rejected(0, 9, "after", "page-1"), rejected(1, 0, "third", "page-1"),
		},
		"invoice-snapshots": {draft(0, 1, "inv-1", 1), draft(0, 2, "inv-2", 1), draft(0, 3, "inv-1", 2)},
	}}
	to := token{epoch: "cluster", results: offsets{9, 1}, snapshots: offsets{4, 0}}
	r, err := newReplay("page-1", positionToken(4, 0), to)
	must(t, err)
	log.replayer().pass(t.Context(), []*replay{r})
	must(t, <-r.settled)
	if len(r.frames) != 3 || len(r.changed) != 2 {
		t.Errorf("got %d results and %d changes, want 3 and 2", len(r.frames), len(r.changed))
	}
	if !slices.Equal(r.at.results, offsets{7, 1}) {
		t.Errorf("the token of the last frame is at %v", r.at.results)
	}
}

func TestReplayOfOneOldTokenFailsAlone(t *testing.T) {
	t.Parallel()
	log := &testLog{starts: eventim.Positions{0: 100}}
	var batch []*replay
	to := positionToken(200, 0)
	for i := range 9 {
		from := positionToken(150, 0)
		if i == 4 {
			from = positionToken(50, 0)
		}
		r, err := newReplay("page-"+strconv.Itoa(i), from, to)
		must(t, err)
		batch = append(batch, r)
	}
	log.replayer().pass(t.Context(), batch)
	for i, r := range batch {
		if err := <-r.settled; (err != nil) != (i == 4) {
			t.Errorf("connection %d: %v", i, err)
		}
	}
}

// manyChanges is a log in which more invoices than are told have changed since
// the first offsets of the snapshots.
func manyChanges() *testLog {
	log := &testLog{records: map[string][]eventim.Record{}}
	for i := range 2 * maxReplayFrames {
		log.records["invoice-snapshots"] = append(log.records["invoice-snapshots"], draft(0, int64(i), "inv-"+strconv.Itoa(i), 1))
	}
	return log
}

func changesSince(t *testing.T, origin string, snapshot int64) *replay {
	t.Helper()
	from, to := positionToken(5, 5), positionToken(5, 5)
	from.snapshots, to.snapshots = offsets{snapshot, 0}, offsets{2 * maxReplayFrames, 0}
	r, err := newReplay(origin, from, to)
	must(t, err)
	return r
}

// A refusal costs a pass over the log; whoever comes again with the token, or
// with an older one, is told without.
func TestRefusalsAreRemembered(t *testing.T) {
	t.Parallel()
	log := manyChanges()
	p := log.replayer()
	first := changesSince(t, "page-1", 500)
	p.pass(t.Context(), []*replay{first})
	if err := <-first.settled; !errors.Is(err, errTooManyChanges) {
		t.Fatalf("got %v", err)
	}
	log.reads = nil
	for _, older := range []int64{500, 499, 0} {
		if err := p.do(changesSince(t, "page-2", older), nil); !errors.Is(err, errTooManyChanges) {
			t.Errorf("since %d: got %v", older, err)
		}
	}
	if len(log.reads) > 0 {
		t.Errorf("got %d reads, want none", len(log.reads))
	}
	newer := changesSince(t, "page-1", 1500)
	p.pass(t.Context(), []*replay{newer})
	must(t, <-newer.settled)
	foreign := changesSince(t, "page-1", 0)
	foreign.from.epoch = "other"
	if err := p.refusals.of(foreign); err != nil {
		t.Errorf("another cluster: got %v", err)
	}
}

func TestRefusalsByAKafkaThatIsDownAreForgotten(t *testing.T) {
	t.Parallel()
	p := manyChanges().replayer()
	p.read = func(context.Context, string, eventim.Positions, eventim.Positions, func(eventim.Record) error) error {
		return sarama.ErrOutOfBrokers
	}
	r := changesSince(t, "page-1", 1500)
	p.pass(t.Context(), []*replay{r})
	if err := <-r.settled; !errors.Is(err, errNotResumed) {
		t.Errorf("got %v", err)
	}
	if err := p.refusals.of(r); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestTooManyResultsOfOneOriginRefuseNoOther(t *testing.T) {
	t.Parallel()
	var f refusals
	mine, theirs := changesSince(t, "page-1", 0), changesSince(t, "page-2", 0)
	f.remember(mine, errTooManyResults)
	if f.of(mine) == nil || f.of(theirs) != nil {
		t.Errorf("got %v and %v", f.of(mine), f.of(theirs))
	}
}

// One old token among many does not cost the others what they missed, and many
// old ones cost no more than finding out where they begin to be too old.
func TestOldTokensDoNotRefuseNewerOnes(t *testing.T) {
	t.Parallel()
	log := manyChanges()
	var batch []*replay
	for i := range 256 {
		batch = append(batch, changesSince(t, "page-1", int64(1000-100+i))) // from 1000 on they are told
	}
	log.replayer().pass(t.Context(), batch)
	for i, r := range batch {
		if err := <-r.settled; (err != nil) != (i < 100) {
			t.Errorf("connection %d: %v", i, err)
		}
	}
	if len(log.reads) > 4*8+4 { // two topics; halved 8 times, both halves
		t.Errorf("got %d reads", len(log.reads))
	}
}

func TestReplaysThatWaitShareAPass(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}, 1), make(chan struct{})
	log := &testLog{pause: func() { entered <- struct{}{}; <-release }}
	p := log.replayer()
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- p.run(ctx) }()
	done := make(chan error)
	start := func() {
		r, err := newReplay("page-1", positionToken(1, 0), positionToken(2, 0))
		must(t, err)
		go func() { done <- p.do(r, nil) }()
	}
	start()
	<-entered
	for range 50 {
		start()
	}
	for { // until all wait
		p.mu.Lock()
		waiting := len(p.waiting)
		p.mu.Unlock()
		if waiting == 50 {
			break
		}
		runtime.Gosched()
	}
	log.pause = nil
	close(release)
	for range 51 {
		must(t, <-done)
	}
	cancel()
	must(t, <-stopped)
	if len(log.reads) != 4 { // of two topics each
		t.Errorf("got %d reads, want 4: %v", len(log.reads), log.reads)
	}
}

func TestReplaysThatAreRefused(t *testing.T) {
	t.Parallel()
	to := positionToken(1_000_000, 5)
	for name, from := range map[string]token{
		"other cluster":    {epoch: "other", results: to.results, snapshots: to.snapshots},
		"other partitions": {epoch: "cluster", results: offsets{1}, snapshots: to.snapshots},
		"too far behind":   positionToken(0, 0),
	} {
		if _, err := newReplay("page-1", from, to); !errors.Is(err, errNotResumed) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := newReplay("page-1", positionToken(1_000_001, 5), to); err != nil {
		t.Errorf("ahead of this node: %v", err)
	}
}

func TestReplayOfTooManyResultsIsNotResumed(t *testing.T) {
	t.Parallel()
	log := &testLog{records: map[string][]eventim.Record{}}
	for i := range maxReplayFrames + 1 {
		log.records["invoice-results"] = append(log.records["invoice-results"], rejected(0, int64(i), "cmd", "page-1"))
	}
	r, err := newReplay("page-1", positionToken(0, 0), positionToken(5000, 0))
	must(t, err)
	log.replayer().pass(t.Context(), []*replay{r})
	if err := <-r.settled; !errors.Is(err, errNotResumed) {
		t.Errorf("got %v", err)
	}
}

func TestReplayOfTooManyChangesIsNotResumed(t *testing.T) {
	t.Parallel()
	log := &testLog{records: map[string][]eventim.Record{}}
	for i := range maxReplayFrames + 1 {
		log.records["invoice-snapshots"] = append(log.records["invoice-snapshots"], draft(0, int64(i), "inv-"+strconv.Itoa(i), 1))
	}
	from := positionToken(0, 0)
	to := from.clone()
	to.snapshots[0] = 5000
	r, err := newReplay("page-1", from, to)
	must(t, err)
	log.replayer().pass(t.Context(), []*replay{r})
	if err := <-r.settled; !errors.Is(err, errNotResumed) {
		t.Errorf("got %v", err)
	}
}
