package metrics

import (
	"errors"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/projector"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// scrape is what Prometheus gets.
func scrape(t *testing.T, m *Metrics) string {
	t.Helper()
	server := httptest.NewServer(m.Serve())
	defer server.Close()
	client := server.Client()
	defer client.CloseIdleConnections()
	response, err := client.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != 200 {
		t.Fatalf("got %d, error %v\n%s", response.StatusCode, err, text)
	}
	return string(text)
}

func wants(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("it lacks %q", line)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

// What a handler does is counted, and a command that comes again is neither
// measured nor a dead letter.
func TestWhatAHandlerDoesIsCounted(t *testing.T) {
	t.Parallel()
	m := New()
	m.Reactor("numbering", func() []eventim.PartitionStatus {
		return []eventim.PartitionStatus{{Partition: 3, State: eventim.Restoring, Position: -1, End: -1}}
	})
	_ = m.Handler("series", func() []eventim.PartitionStatus { return nil })
	o := m.Handler("invoices", func() []eventim.PartitionStatus {
		return []eventim.PartitionStatus{
			{Partition: 3, State: eventim.Running, Position: 10, End: 17},
			{Partition: 4, State: eventim.Stopped, Position: -1, End: -1, StuckSince: time.Now().Add(-time.Hour)},
		}
	})
	o.Claimed(3)
	o.Claimed(4)
	o.Released(4)
	o.TakenOver(eventim.TakenOver{Took: time.Second})
	o.Decided(eventim.Decided{Commands: 3, Took: time.Millisecond})
	o.Transacted(eventim.Transaction{Took: 20 * time.Millisecond, Queued: 2 * time.Millisecond})
	o.Transacted(eventim.Transaction{Took: time.Second, Err: errors.New("no")})
	o.Answered(eventim.Answered{Outcome: eventim.Accepted, Time: time.Now()})
	o.Answered(eventim.Answered{Outcome: eventim.Failed, Code: "panic", Time: time.Now()})
	o.Answered(eventim.Answered{Outcome: eventim.Failed, Code: "panic", Time: time.Now().Add(-time.Hour), Replayed: true})
	o.Fenced(3, errors.New("no"))
	o.Ended("a")
	text := scrape(t, m)
	wants(t, text,
		`messaging_process_duration_seconds_count{handler="invoices",outcome="accepted"} 1`, `messaging_process_duration_seconds_count{handler="invoices",outcome="failed"} 1`,
		`eventim_dead_letters_total{code="panic",handler="invoices"} 1`, `eventim_repeated_commands_total{handler="invoices"} 1`,
		`eventim_rebalanced_partitions_total{change="claimed",handler="invoices"} 2`, `eventim_rebalanced_partitions_total{change="released",handler="invoices"} 1`,
		`eventim_takeover_duration_seconds_sum{handler="invoices"} 1`, `eventim_decision_duration_seconds_count{handler="invoices"} 1`,
		`eventim_transaction_duration_seconds_count{handler="invoices",outcome="committed"} 1`, `eventim_transaction_duration_seconds_count{handler="invoices",outcome="failed"} 1`,
		`eventim_transaction_phase_duration_seconds_sum{handler="invoices",phase="queued"} 0.002`,
		`eventim_fenced_batches_total{handler="invoices"} 1`, `eventim_ended_transactions_total{handler="invoices"} 1`,
		`eventim_partition_ready{handler="invoices",partition="3",state="running"} 1`, `eventim_partition_ready{handler="invoices",partition="4",state="stopped"} 0`,
		`eventim_partition_ready{handler="numbering",partition="3",state="restoring"} 0`,
		`eventim_partition_lag_records{handler="invoices",partition="3"} 7`, `eventim_partition_stuck_seconds{handler="invoices",partition="3"} 0`,
	)
	if !strings.Contains(text, `eventim_partition_stuck_seconds{handler="invoices",partition="4"} 36`) {
		t.Error("an hour does not show")
	}
}

func TestWhereViewsAreIsShown(t *testing.T) {
	t.Parallel()
	m := New()
	m.Projector(func() []projector.PartitionStatus {
		return []projector.PartitionStatus{
			{View: "list", Version: 2, Partition: 1, State: projector.Running, NextOffset: 40, End: 55, Oldest: time.Now().Add(-100 * time.Second)},
			{View: "list", Version: 2, Partition: 2, State: projector.Stopped, NextOffset: 9, End: -1},
		}
	})
	m.Sockets(func() int { return 12 })
	text := scrape(t, m)
	wants(t, text,
		`eventim_view_ready{partition="1",state="running",version="2",view="list"} 1`,
		`eventim_view_ready{partition="2",state="stopped",version="2",view="list"} 0`,
		`eventim_view_position{partition="1",version="2",view="list"} 40`,
		`eventim_view_lag_records{partition="1",version="2",view="list"} 15`,
		`eventim_view_lag_records{partition="2",version="2",view="list"} 0`,
		`eventim_view_lag_seconds{partition="2",version="2",view="list"} 0`,
		`eventim_websocket_connections 12`,
	)
	if !strings.Contains(text, `eventim_view_lag_seconds{partition="1",version="2",view="list"} 10`) {
		t.Error("a hundred seconds do not show")
	}
}
