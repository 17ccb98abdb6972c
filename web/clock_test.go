package web_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/eventim-go/eventim/eventim"
)

// A command id that came by Kafka, whatever clock its sender has, comes again by
// HTTP, and the other way round, before and after a restore: it takes effect once.
func TestClocksOfSendersDoNotMatterToHTTP(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	stop := s.handle()
	n := s.serve()
	raw, err := kgo.NewClient(kgo.SeedBrokers(s.kafka.Brokers...), kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	n.post("inv-1", "CreateInvoice", create).want(t, http.StatusOK)
	n.post("inv-1", "AddLineItem", addLine, "Idempotency-Key", "line").want(t, http.StatusOK, "version", 2.0)
	line := s.commandOf("line")
	produce := func(id string, at time.Time) {
		t.Helper()
		rec := &kgo.Record{Topic: line.Topic, Key: line.Key, Value: line.Value, Timestamp: at}
		for _, h := range line.Headers {
			header := kgo.RecordHeader{Key: string(h.Key), Value: h.Value}
			if header.Key == "ce_id" {
				header.Value = []byte(id)
			}
			rec.Headers = append(rec.Headers, header)
		}
		if err := raw.ProduceSync(t.Context(), rec).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	clocks := map[string]time.Time{
		"slow": time.Now().Add(-25 * time.Hour), "fast": time.Now().Add(25 * time.Hour), "zero": time.UnixMilli(0), "none": time.UnixMilli(-1),
	}
	versions, last := map[string]any{}, 2.0
	for clock, at := range clocks {
		produce("kafka-"+clock, at)
		n.post("inv-1", "AddLineItem", addLine, "Idempotency-Key", "http-"+clock).want(t, http.StatusOK, "replayed", false, "version", last+2)
		versions["kafka-"+clock], versions["http-"+clock] = last+1, last+2
		last += 2
	}
	again := func() {
		t.Helper()
		for clock, at := range clocks {
			produce("http-"+clock, at)
			for _, id := range []string{"kafka-" + clock, "http-" + clock} {
				n.post("inv-1", "AddLineItem", addLine, "Idempotency-Key", id).want(t, http.StatusOK, "replayed", true, "version", versions[id])
			}
		}
	}
	again()
	stop()
	s.handle() // restores it all
	again()
	n.post("inv-1", "AddLineItem", addLine).want(t, http.StatusOK, "version", last+1)
}

// commandOf is the record of a command.
func (s *system) commandOf(id string) (found eventim.Record) {
	s.t.Helper()
	topic := s.aggregate.Topics().Commands
	ends, err := eventim.Ends(s.t.Context(), s.kafka, topic)
	if err == nil {
		err = eventim.Read(s.t.Context(), s.kafka, topic, nil, ends, func(rec eventim.Record) error {
			if rec.Header("ce_id") == id {
				found = rec
			}
			return nil
		})
	}
	if err != nil || found.Topic == "" {
		s.t.Fatalf("the command %s: %v, %v", id, found, err)
	}
	return found
}
