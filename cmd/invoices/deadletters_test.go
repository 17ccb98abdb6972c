package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/invoices/operations"
)

// produce writes one record as it is, where its key belongs, and returns where it stands.
func produce(t *testing.T, k eventim.Kafka, topic, key, value string, headers ...string) string {
	t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(k.Brokers...))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	r := &kgo.Record{Topic: topic, Key: []byte(key), Value: []byte(value)}
	for i := 0; i < len(headers); i += 2 {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: headers[i], Value: []byte(headers[i+1])})
	}
	if err := c.ProduceSync(t.Context(), r).FirstErr(); err != nil {
		t.Fatal(err)
	}
	return topic + "/" + eventim.Position{Partition: r.Partition, Offset: r.Offset}.String()
}

// What could not be handled is listed, shown, tried again and given up by a person.
func TestDeadLettersByAPerson(t *testing.T) {
	t.Parallel()
	k, aggregate, env := installation(t)
	env = append(env, "EVENTIM_LOG=text", "EVENTIM_OPERATOR=Olga")
	if said := succeed(t, env, "dead-letters", "list"); said != "no dead letters\n" { // there is not even a topic
		t.Errorf("of nothing, it says %q", said)
	}
	succeed(t, env, "topics", "create")
	start(t, append(env, "EVENTIM_HEALTH_LISTEN=127.0.0.1:0"), "handler", "--data", t.TempDir())
	id := produce(t, k, aggregate+"-commands", "a/b", `{"customer":7}`, "ce_id", "spoilt", "ce_type", "CreateInvoice\x1b[2J", "ce_schemaversion", "1")
	eventually(t, "it is listed", func() bool {
		said := succeed(t, env, "dead-letters", "list")
		if strings.Contains(said, "\x1b") {
			t.Fatalf("the terminal is told what somebody has sent: %q", said)
		}
		return strings.Contains(said, id) && strings.Contains(said, "a/b") && strings.Contains(said, "undecodable")
	})
	var shown operations.DeadLetter
	if err := json.Unmarshal([]byte(succeed(t, env, "dead-letters", "show", id)), &shown); err != nil || string(shown.Payload) == "" || len(shown.Headers) != 3 {
		t.Errorf("it is shown as %+v, error %v", shown, err)
	}
	for range 2 {
		code, said, why := run(t, env, "dead-letters", "retry", id)
		if code != failed || !strings.Contains(said, `"outcome": "failed"`) || !strings.Contains(why, "stays") {
			t.Errorf("a retry ends with %d\n%s%s", code, said, why)
		}
	}
	succeed(t, env, "dead-letters", "discard", id, "--why", "a test")
	if said := succeed(t, env, "dead-letters", "list"); said != "no dead letters\n" {
		t.Errorf("in the end, it says %q", said)
	}
	var list operations.DeadLetterList
	if err := json.Unmarshal([]byte(succeed(t, env, "dead-letters", "list", "--all", "--json")), &list); err != nil || len(list.DeadLetters) != 1 {
		t.Fatalf("%+v, error %v", list, err)
	}
	if d := list.DeadLetters[0]; d.State != "discarded" || d.Ending.By != "Olga" || d.Ending.Reason != "a test" || len(d.Attempts) != 2 || d.Attempts[0].By != "Olga" {
		t.Errorf("on record is %+v", d)
	}
	if code, _, why := run(t, env, "dead-letters", "show", "nothing"); code != failed || !strings.Contains(why, "no such dead letter") {
		t.Errorf("what is not there ends with %d: %s", code, why)
	}
}

// An invoice that names what can be no series is parked, is again when it is released,
// and is given up.
func TestParkedByAPerson(t *testing.T) {
	t.Parallel()
	k, aggregate, env := installation(t)
	env = append(env, "EVENTIM_LOG=text")
	if said := succeed(t, env, "parked", "list"); said != "nothing is parked\n" {
		t.Errorf("of nothing, it says %q", said)
	}
	succeed(t, env, "topics", "create")
	start(t, append(env, "EVENTIM_HEALTH_LISTEN=127.0.0.1:0"), "numbering", "--data", t.TempDir())
	produce(t, k, aggregate+"-events", "a/b", `{"series":"no series"}`, "ce_id", "a/b/1", "ce_type", "InvoiceSent", "ce_schemaversion", "1", "ce_version", "1",
		"ce_time", "2026-11-21T10:00:00Z", "ce_commandid", "c", "ce_commandoffset", "0")
	eventually(t, "it is parked", func() bool { return strings.Contains(succeed(t, env, "parked", "list"), "a/b") })
	if code, said, why := run(t, env, "parked", "release", "a/b"); code != failed || !strings.Contains(said, "0 messages wait no more") || !strings.Contains(why, "parked again") {
		t.Errorf("a release ends with %d\n%s%s", code, said, why)
	}
	if said := succeed(t, env, "parked", "release", "a/b", "--how", "discard-first"); said != "a/b: 1 messages wait no more\n" {
		t.Errorf("it says %q", said)
	}
	if said := succeed(t, env, "parked", "list"); said != "nothing is parked\n" {
		t.Errorf("in the end, it says %q", said)
	}
	if code, _, why := run(t, env, "parked", "release", "a/b"); code != failed || !strings.Contains(why, "not parked") {
		t.Errorf("what is not parked ends with %d: %s", code, why)
	}
}
