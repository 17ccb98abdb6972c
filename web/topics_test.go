package web_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Where partitions were added to the commands nobody handles half of them: no
// command is acknowledged any more, and the node says why.
func TestPartitionsAreAddedToTheCommands(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	n := s.serve()
	client, err := kgo.NewClient(kgo.SeedBrokers(s.kafka.Brokers...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	topic := s.aggregate.Topics().Commands
	if _, err := kadm.NewClient(client).CreatePartitions(t.Context(), 1, topic); err != nil {
		t.Fatal(err)
	}
	var ready reply
	eventually(t, func() bool {
		ready = n.get("/readyz")
		state, _ := ready.json("parts", "commands").(string)
		return strings.Contains(state, topic+": the partition count is 4, want 3")
	}, func() string { return "readyz: " + ready.text })
	n.get("/readyz").want(t, http.StatusServiceUnavailable, "status", "not ready")
	got := n.post("inv-1", "CreateInvoice", create, "Idempotency-Key", "cmd-1")
	got.want(t, http.StatusServiceUnavailable, "code", "topics_changed", "commandId", "cmd-1")
}
