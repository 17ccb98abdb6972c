package eventim

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/IBM/sarama"
)

var update = flag.Bool("update", false, "write the golden files anew")

// goldenRecord is a record as it stands in a golden file, for people to read.
type goldenRecord struct {
	Topic   string          `json:"topic"`
	Key     string          `json:"key"`
	Headers [][2]string     `json:"headers"`
	Value   json.RawMessage `json:"value"`
}

// The golden files are the wire form: what stands in the topics of those who
// use this. A change that breaks one cannot read history.
func TestGoldenRecords(t *testing.T) {
	t.Parallel()
	a := ticker()
	at := time.Date(2026, 1, 2, 3, 4, 5, 6_000_000, time.UTC)
	meta := Metadata{Origin: "page", Actor: "ann", Correlation: "talk", Causation: "before", Traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}
	cmd := Command[tick]{ID: "c1", Aggregate: "a", Expected: new(int64(0)), Metadata: meta, Time: at, Payload: tick{2}}
	sent, err := a.encodeCommand(cmd)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "command", sent)
	first := goldenCommand(t, sent, at, 7)
	again, reused, rejected, failed := first, first, first, first
	again.Position.Offset, reused.Position.Offset, rejected.Position.Offset, failed.Position.Offset = 8, 9, 10, 11
	reused.Value = []byte(`{"N":3}`)
	rejected.Headers = replaced(first.Headers, headerID, "c2")
	failed.Headers = replaced(first.Headers, headerID, "c3")
	failed.Value = []byte(`"?"`)

	d := decided(t, a, maxOutputBytes, first, again, reused, rejected, failed)
	for i, name := range []string{"result-accepted", "event", "result-repeated", "result-reused", "result-rejected", "result-failed", "dead-letter", "snapshot"} {
		if i >= len(d) {
			t.Fatalf("%d records, want one more, the %s", len(d), name)
		}
		golden(t, name, d[i])
	}
	if len(d) != 8 {
		t.Errorf("%d records, want 8", len(d))
	}
}

func goldenCommand(t *testing.T, m *sarama.ProducerMessage, at time.Time, offset int64) Record {
	t.Helper()
	r := written(t, m)
	r.Time, r.Position = at, Position{0, offset}
	return r
}

func replaced(headers []*Header, name, value string) []*Header {
	var list []*Header
	for _, h := range headers {
		if string(h.Key) == name {
			h = &Header{Key: h.Key, Value: []byte(value)}
		}
		list = append(list, h)
	}
	return list
}

func golden(t *testing.T, name string, m *sarama.ProducerMessage) {
	t.Helper()
	r := written(t, m)
	g := goldenRecord{Topic: r.Topic, Key: string(r.Key), Value: r.Value}
	for _, h := range r.Headers {
		g.Headers = append(g.Headers, [2]string{string(h.Key), string(h.Value)})
	}
	got, err := json.MarshalIndent(g, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", name+".json")
	if *update {
		if err := os.WriteFile(path, append(got, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path) //nolint:gosec // the test's own
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(bytes.TrimSpace(want), got) {
		t.Errorf("%s is written as\n%s\nwant\n%s", name, got, want)
	}
}

// What stands in the golden files can be read.
func TestGoldenRecordsAreRead(t *testing.T) {
	t.Parallel()
	a := ticker()
	at := time.Date(2026, 1, 2, 3, 4, 5, 6_000_000, time.UTC)
	meta := Metadata{Origin: "page", Actor: "ann", Correlation: "talk", Causation: "before", Traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}
	caused := meta
	caused.Causation = "c1"
	event := Event[tick]{Aggregate: "a", Version: 1, Time: at, Command: "c1", Metadata: caused, CommandPosition: Position{0, 7}, Payload: tick{2}}
	snapshot := Snapshot[ticks]{Aggregate: "a", Version: 1, Revision: 1, Time: at, Command: "c1", CommandPosition: Position{0, 7}, State: ticks{2}}
	reads(t, "command", a.decodeCommand, Command[tick]{ID: "c1", Aggregate: "a", Expected: new(int64(0)), Metadata: meta, Time: time.Time{}.UTC(), Payload: tick{2}})
	reads(t, "event", a.decodeEvent, event)
	reads(t, "snapshot", a.decodeSnapshot, snapshot)
	reads(t, "result-accepted", a.decodeResult, Result[ticks, tick]{
		Command: "c1", Aggregate: "a", Outcome: Accepted, Version: 1, Time: at, Metadata: meta,
		Events: []Event[tick]{event}, Snapshot: &snapshot, CommandPosition: Position{0, 7},
	})
	reads(t, "result-rejected", a.decodeResult, Result[ticks, tick]{
		Command: "c2", Aggregate: "a", Outcome: Rejected, Version: 1, Time: at, Metadata: meta, CommandPosition: Position{0, 10},
		Rejection: Reject(CodeVersionConflict, "expected version 0, but a is at version 1"),
	})
}

func reads[T any](t *testing.T, name string, decode func(Record) (T, error), want T) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name+".json")) //nolint:gosec // the test's own
	if err != nil {
		t.Fatal(err)
	}
	var g goldenRecord
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	r := Record{Topic: g.Topic, Key: []byte(g.Key), Value: g.Value}
	for _, h := range g.Headers {
		r.Headers = append(r.Headers, &Header{Key: []byte(h[0]), Value: []byte(h[1])})
	}
	if got, err := decode(r); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%s is read as\n%+v, %v\nwant\n%+v", name, got, err, want)
	}
}
