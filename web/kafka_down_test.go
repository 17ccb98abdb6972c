package web_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
	"github.com/eventim-go/eventim/invoices"
	"github.com/eventim-go/eventim/web"
)

func TestKafkaDownWhenTheServerStarts(t *testing.T) {
	t.Parallel()
	s := &system{
		t: t, aggregate: invoices.Aggregate, pool: deadPool(t), configure: func(*web.Config) {},
		kafka: eventim.Kafka{Brokers: []string{freeAddress(t)}},
	}
	n := s.serveAnyway()
	got := n.post("inv-1", "CreateInvoice", create)
	got.want(t, http.StatusServiceUnavailable, "code", "kafka_unavailable")
	if got.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	n.get("/healthz").want(t, 200)
	n.get("/readyz").want(t, 503)
	n.get("/api/live", "Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Protocol", "eventim.v1.json").
		want(t, 503, "code", "kafka_unavailable")
}

// A command that Kafka does not acknowledge has an unknown outcome, and the
// answer says so. Its repeat takes effect once.
func TestKafkaThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	broker := eventimtest.Embedded(t)
	s := &system{
		t: t, aggregate: invoices.Aggregate, pool: deadPool(t), configure: func(*web.Config) {},
		kafka: eventim.Kafka{Brokers: broker.ListenAddrs()},
	}
	s.aggregate.Name, s.aggregate.Partitions = eventimtest.Name(t, "invoice"), 1
	if err := s.aggregate.CreateTopics(t.Context(), s.kafka, 1); err != nil {
		t.Fatal(err)
	}
	n := s.serve()
	c, _ := n.connect("page-1", "")
	release := make(chan struct{})
	topic := s.aggregate.Topics().Commands
	broker.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		if r, ok := req.(*kmsg.ProduceRequest); ok && len(r.Topics) == 1 && (r.Topics[0].Topic == topic || r.Topics[0].Topic == "") {
			broker.KeepControl()
			broker.SleepControl(func() { <-release })
		}
		return nil, nil, false
	})
	const limit = 64
	for i := range limit + 1 {
		c.command(fmt.Sprintf("cmd-%d", i), fmt.Sprintf("inv-%d", i), "CreateInvoice", create)
	}
	wantJSON(t, c.next("refused"), "id", fmt.Sprintf("cmd-%d", limit), "problem.code", "too_many_commands", "problem.status", 429.0)
	got := n.post("inv-http", "CreateInvoice", create, "Idempotency-Key", "cmd-http")
	got.want(t, http.StatusServiceUnavailable, "code", "kafka_unavailable", "commandId", "cmd-http")
	wantJSON(t, c.next("refused"), "problem.code", "kafka_unavailable")
	close(release)
	s.handle()
	eventually(t, func() bool {
		got = n.post("inv-http", "CreateInvoice", create, "Idempotency-Key", "cmd-http")
		return got.status == http.StatusOK
	}, func() string { return got.text })
	got.want(t, 200, "version", 1.0)
}
