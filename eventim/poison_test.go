package eventim_test

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/eventim/eventimtest"
)

func poison() map[string]*kgo.Record {
	home, add := keyIn(0), []byte(`{"N":5}`)
	envelope := func(id string, more ...string) []kgo.RecordHeader {
		return head(append([]string{"ce_id", id, "ce_type", "Add", "ce_schemaversion", "1"}, more...)...)
	}
	large := strings.Repeat("\x01", 900<<10)
	return map[string]*kgo.Record{
		"random bytes":             {Key: home, Value: []byte("\x00\xff\xfe{{{"), Headers: envelope("p1")},
		"no headers":               {Key: home, Value: add},
		"no key":                   {Value: add, Headers: envelope("p2")},
		"empty key":                {Key: []byte{}, Value: add, Headers: envelope("p3")},
		"no value":                 {Key: home, Headers: envelope("p4")},
		"nothing at all":           {},
		"wrong partition":          {Key: keyIn(1), Value: add, Headers: envelope("p5")},
		"unknown type":             {Key: home, Value: add, Headers: head("ce_id", "p6", "ce_type", "Subtract", "ce_schemaversion", "1")},
		"future schema":            {Key: home, Value: add, Headers: head("ce_id", "p7", "ce_type", "Add", "ce_schemaversion", "2")},
		"no number of a schema":    {Key: home, Value: add, Headers: head("ce_id", "p8", "ce_type", "Add", "ce_schemaversion", "x")},
		"no number of a version":   {Key: home, Value: add, Headers: envelope("p9", "ce_expectedversion", "-1")},
		"headers that are no text": {Key: home, Value: []byte("\xff"), Headers: envelope("p10\xff\xfe", "ce_actor", "\xff\x00", "traceparent", "\xf0")},
		"large type":               {Key: home, Value: add, Headers: head("ce_id", "p11", "ce_type", large, "ce_schemaversion", "1")},
		"large id":                 {Key: home, Value: []byte("{"), Headers: envelope(large)},
		"large key":                {Key: []byte(large), Value: add, Headers: envelope("p12")},
		"large actor":              {Key: home, Value: []byte("{"), Headers: envelope("p13", "ce_actor", large)},
		"large id and key":         {Key: []byte(large[:400<<10]), Value: []byte("{"), Headers: envelope(large[:400<<10])},
		"decision that panics":     {Key: home, Value: []byte(`{"N":13}`), Headers: envelope("p14")},
		"large panic":              {Key: home, Value: []byte(`{"N":15}`), Headers: envelope("p15")},
		"large rejection":          {Key: home, Value: []byte(`{"N":16}`), Headers: envelope("p16")},
	}
}

// What cannot be handled gets a failed result and becomes a dead letter, and
// the partition goes on, now and after a restore.
func TestPoison(t *testing.T) {
	t.Parallel()
	s := newSystem(t, eventimtest.Kafka(t), 2)
	h := s.handle()
	c := s.raw()
	for name, r := range poison() {
		r.Topic = s.agg.Topics().Commands
		before := s.answered()
		s.produce(c, r)
		eventually(t, "an answer to "+name, func() bool { return s.answered() > before })
		if res := s.do(string(keyIn(0)), 100); res.Outcome != eventim.Accepted {
			t.Fatalf("after %s: %+v, want it accepted", name, res)
		}
	}
	h.stop()
	report := s.check(s.dir)
	if want := len(poison()); report.Failed != want || report.DeadLetters != want {
		t.Errorf("%s, want %d failed, and as many dead letters", report, want)
	}

	h = s.handle(in(t.TempDir())) // restores it all
	s.running(h)
	if res := s.do(string(keyIn(0)), 100); res.Outcome != eventim.Accepted {
		t.Errorf("after a restore: %+v, want it accepted", res)
	}
	h.stop()
	s.check()
}
