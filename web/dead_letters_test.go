package web_test

import (
	"net/url"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/eventim-go/eventim/eventim"
)

// spoil writes a command that does not decode, and returns the path of its dead letter.
func (s *system) spoil(n *node, invoice string) (path string) {
	s.t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(s.kafka.Brokers...), kgo.DefaultProduceTopic(s.aggregate.Topics().Commands))
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.Close()
	r, err := c.ProduceSync(s.t.Context(), &kgo.Record{Key: []byte(invoice), Value: []byte(`{"customer":7}`), Headers: []kgo.RecordHeader{
		{Key: "ce_id", Value: []byte("spoilt")},
		{Key: "ce_type", Value: []byte("CreateInvoice")},
		{Key: "ce_schemaversion", Value: []byte("1")},
		{Key: "ce_actor", Value: []byte("Ada")},
	}}).First()
	if err != nil {
		s.t.Fatal(err)
	}
	id := r.Topic + "/" + eventim.Position{Partition: r.Partition, Offset: r.Offset}.String()
	path = "/api/operations/dead-letters/" + url.PathEscape(id)
	eventually(s.t, func() bool { return n.get(path).status == 200 }, func() string { return n.get(path).text })
	return path
}

// An operator sees what could not be handled, tries it again, and gives it up; a name
// with a slash is one segment of a path.
func TestDeadLettersOverHTTP(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.handle()
	n := s.serve()
	const list = "/api/operations/dead-letters"
	n.get(list).want(t, 200, "more", 0.0, "foreign", 0.0)
	path := s.spoil(n, "a/b")
	n.get(list).want(t, 200, "deadLetters.0.aggregate", "a/b", "deadLetters.0.code", "undecodable", "deadLetters.0.state", "open", "deadLetters.0.payload", nil)
	n.get(path).want(t, 200, "payload.customer", 7.0, "headers.3.value", "Ada", "actor", "Ada", "commandId", "spoilt")
	n.do("POST", path+"/retry", "").want(t, 200, "outcome", "failed", "code", "undecodable", "ended", false)
	n.get(path).want(t, 200, "state", "open", "attempts.0.outcome", "failed", "attempts.0.code", "undecodable")
	n.do("POST", path+"/discard?why=spoilt", "").want(t, 200, "state", "discarded", "ending.reason", "spoilt")
	n.do("POST", path+"/discard", "").want(t, 409, "code", "dead_letter_ended")
	n.do("POST", path+"/retry", "").want(t, 409, "code", "dead_letter_ended")
	if got := n.get(list); len(got.json("deadLetters").([]any)) != 0 {
		t.Errorf("what is discarded is listed: %s", got.text)
	}
	s.serve().get(list+"?all=true").want(t, 200, "deadLetters.0.state", "discarded")
	n.get(list+"/"+url.PathEscape("other/0:0")).want(t, 404, "code", "dead_letter_not_found")
	n.get(list+"/"+url.PathEscape(s.aggregate.Topics().Commands+"/0:77")).want(t, 404, "code", "dead_letter_not_found")
}

// Where nothing was ever numbered, and no topic of it is there, nothing is parked.
func TestNothingIsParked(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	n := s.serve()
	if got := n.get("/api/operations/parked"); got.status != 200 || len(got.json("parked").([]any)) != 0 {
		t.Errorf("got %d %s", got.status, got.text)
	}
	n.do("POST", "/api/operations/parked/a%2Fb/release", "").want(t, 404, "code", "not_parked")
	n.do("POST", "/api/operations/parked/a/release?how=forget", "").want(t, 400, "code", "request_invalid")
}
