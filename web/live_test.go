package web_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/gorilla/websocket"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/internal/kafkalog"
	"github.com/eventim-go/eventim/invoices"
	"github.com/eventim-go/eventim/web"
)

// client is a page on the websocket.
type client struct {
	t    testing.TB
	conn *websocket.Conn
}

func (n *node) dial(header ...string) (*client, *http.Response, error) {
	h := http.Header{}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	dialer := websocket.Dialer{
		Subprotocols: []string{"eventim.v1.json"}, HandshakeTimeout: 10 * time.Second,
	}
	conn, resp, err := dialer.DialContext(n.t.Context(), "ws"+strings.TrimPrefix(n.url, "http")+"/api/live", h)
	if resp != nil && resp.Body != nil {
		n.t.Cleanup(func() { resp.Body.Close() })
	}
	if err != nil {
		return nil, resp, err
	}
	n.t.Cleanup(func() { conn.Close() })
	return &client{n.t, conn}, resp, nil
}

// connect says hello and returns the welcome too.
func (n *node) connect(origin, token string) (*client, map[string]any) {
	n.t.Helper()
	c, _, err := n.dial()
	if err != nil {
		n.t.Fatal(err)
	}
	c.send(map[string]any{"type": "hello", "origin": origin, "token": token})
	return c, c.next("welcome")
}

func (c *client) send(frame any) {
	c.t.Helper()
	if err := c.conn.WriteJSON(frame); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) command(id, invoice, command, payload string) {
	c.t.Helper()
	c.send(map[string]any{"type": "command", "id": id, "invoice": invoice, "command": command, "payload": json.RawMessage(payload)})
}

func (c *client) read() (map[string]any, error) {
	_ = c.conn.SetReadDeadline(time.Now().Add(30 * time.Second))
	var frame map[string]any
	err := c.conn.ReadJSON(&frame)
	return frame, err
}

// next reads to the next frame of a type.
func (c *client) next(kind string) map[string]any {
	c.t.Helper()
	for {
		frame, err := c.read()
		if err != nil {
			c.t.Fatalf("waiting for %s: %v", kind, err)
		}
		if frame["type"] == kind {
			return frame
		}
	}
}

// results reads until it has the result of each command, and returns them by
// id, with the last token.
func (c *client) results(ids ...string) (results map[string]map[string]any, token string) {
	c.t.Helper()
	results = map[string]map[string]any{}
	for missing := slices.Clone(ids); len(missing) > 0; {
		frame := c.next("result")
		id := frame["id"].(string)
		results[id], token = frame, frame["token"].(string)
		missing = slices.DeleteFunc(missing, func(m string) bool { return m == id })
	}
	return results, token
}

// closeCode reads until the server closes.
func (c *client) closeCode() int {
	c.t.Helper()
	for {
		if _, err := c.read(); err != nil {
			closed, ok := errors.AsType[*websocket.CloseError](err)
			if !ok {
				c.t.Fatalf("want a close frame, got %v", err)
			}
			return closed.Code
		}
	}
}

func TestCommandOverTheSocket(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.handle()
	n := s.serve()
	mine, welcome := n.connect("page-1", "")
	wantJSON(t, welcome, "resumed", false)
	theirs, _ := n.connect("page-2", "")
	mine.command("cmd-1", "inv-1", "CreateInvoice", create)
	ack := mine.next("ack")
	wantJSON(t, ack, "id", "cmd-1")
	result := mine.next("result")
	wantJSON(t, result, "id", "cmd-1", "invoice", "inv-1", "outcome", "accepted", "version", 1.0, "replayed", false,
		"position", ack["position"], "state.total.amount", "25.00")
	if events := result["events"].([]any); len(events) != 1 || dig(events[0], "type") != "InvoiceCreated" {
		t.Errorf("events: got %v", events)
	}
	frame, err := theirs.read() // what comes first is the change: the result is not theirs
	if err != nil {
		t.Fatal(err)
	}
	wantJSON(t, frame, "type", "changed", "invoice", "inv-1", "version", 1.0, "state.status", "draft", "position", ack["position"])
}

func TestRejectedAndRefusedOverTheSocket(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.handle()
	c, _ := s.serve().connect("page-1", "")
	c.command("cmd-1", "inv-1", "BurnInvoice", "{}")
	wantJSON(t, c.next("refused"), "id", "cmd-1", "problem.code", "command_unknown", "problem.status", 404.0)
	c.command("cmd-2", "inv-1", "SendInvoice", `{"x":1}`)
	wantJSON(t, c.next("refused"), "id", "cmd-2", "problem.code", "payload_invalid")
	c.command("cmd-3", "inv-1", "SendInvoice", "{}")
	wantJSON(t, c.next("result"), "id", "cmd-3", "outcome", "rejected", "code", "invoice_not_found", "state", nil)
	c.command("cmd-4", "inv-1", "CreateInvoice", create)
	c.next("result")
	c.send(map[string]any{"type": "command", "id": "cmd-5", "invoice": "inv-1", "command": "SendInvoice", "expected": 7})
	wantJSON(t, c.next("result"), "id", "cmd-5", "outcome", "rejected", "code", "version_conflict", "currentVersion", 1.0)
}

func TestCommandsOfAnInvoiceKeepTheirOrder(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.handle()
	c, _ := s.serve().connect("page-1", "")
	c.command("cmd-0", "inv-1", "CreateInvoice", create)
	ids := []string{"cmd-0"}
	for i := 1; i <= 30; i++ {
		id := fmt.Sprintf("cmd-%d", i)
		ids = append(ids, id)
		c.command(id, "inv-1", "AddLineItem", addLine)
	}
	results, _ := c.results(ids...)
	for i, id := range ids {
		wantJSON(t, results[id], "outcome", "accepted", "version", float64(i+1))
	}
}

func TestReconnectMissesNoResult(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.handle()
	first := s.serve()
	c, welcome := first.connect("page-1", "")
	c.command("cmd-1", "inv-1", "CreateInvoice", create)
	_, token := c.results("cmd-1")
	if token == welcome["token"] {
		t.Error("the token has not moved")
	}
	c.conn.Close()

	// While the page is away, on this server, without one, and on the next.
	first.post("inv-1", "AddLineItem", addLine, "Idempotency-Key", "cmd-2", "Eventim-Origin", "page-1").want(t, 200)
	first.post("inv-2", "CreateInvoice", create, "Idempotency-Key", "foreign", "Eventim-Origin", "page-2").want(t, 200)
	first.stop()
	s.send("cmd-3", "inv-1", "page-1")
	second := s.serve()
	second.post("inv-1", "AddLineItem", addLine, "Idempotency-Key", "cmd-4", "Eventim-Origin", "page-1").want(t, 200)

	c, welcome = second.connect("page-1", token)
	wantJSON(t, welcome, "resumed", true)
	results, _ := c.results("cmd-2", "cmd-3", "cmd-4")
	if len(results) != 3 {
		t.Errorf("got %d results, want 3: %v", len(results), results)
	}
	versions := map[any]any{}
	for versions["inv-2"] == nil || versions["inv-1"] != 4.0 {
		changed := c.next("changed")
		versions[changed["invoice"]] = changed["version"]
	}
	beat := c.next("heartbeat")
	c, welcome = second.connect("page-1", beat["token"].(string))
	wantJSON(t, welcome, "resumed", true)
	c.command("cmd-5", "inv-1", "AddLineItem", addLine)
	wantJSON(t, c.next("result"), "id", "cmd-5") // nothing old came before it
}

// send writes a command without a server.
func (s *system) send(id, invoice, origin string) {
	s.t.Helper()
	sender, err := eventim.NewSender(s.aggregate, s.kafka)
	if err != nil {
		s.t.Fatal(err)
	}
	defer sender.Close()
	payload, err := s.aggregate.Commands.Decode(eventim.Payload{Type: "AddLineItem", SchemaVersion: 1, Data: []byte(addLine)})
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := eventim.Command[invoices.Command]{ID: id, Aggregate: invoice, Metadata: eventim.Metadata{Origin: origin}, Payload: payload}
	if _, err := sender.Send(s.t.Context(), cmd); err != nil {
		s.t.Fatal(err)
	}
}

// A page that connects again and again, always with its last token, while
// commands never stop, gets every result.
func TestReconnectsUnderLoadMissNothing(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.handle()
	nodes := []*node{s.serve(), s.serve()}
	nodes[0].post("inv-1", "CreateInvoice", create).want(t, 200)
	c, welcome := nodes[0].connect("page-1", "")
	token := welcome["token"].(string)
	c.conn.Close()
	const commands = 150
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for i := range commands {
			_, _ = nodes[i%2].try(http.MethodPost, "/api/invoices/inv-1/commands/ChangeDetails", create[:strings.Index(create, `,"currency"`)]+`,"issueDate":"2026-11-21","dueDate":"2026-12-21"}`,
				"Idempotency-Key", fmt.Sprintf("cmd-%d", i), "Eventim-Origin", "page-1")
		}
	}()
	got := map[string]bool{}
	for round := 0; len(got) < commands; round++ {
		c, welcome := nodes[round%2].connect("page-1", token)
		wantJSON(t, welcome, "resumed", true)
		token = welcome["token"].(string)
		for range 1 + round%7 {
			if len(got) == commands {
				break
			}
			frame, err := c.read()
			if err != nil {
				t.Fatal(err)
			}
			if frame["type"] == "result" {
				got[frame["id"].(string)] = true
			}
			if next, ok := frame["token"].(string); ok {
				token = next
			}
		}
		c.conn.Close()
	}
	<-sent
}

func TestTokensThatCannotBeResumed(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.handle()
	n := s.serve()
	c, welcome := n.connect("page-1", "")
	old := welcome["token"].(string)
	other := newSystem(t)
	_, welcome = other.serve().connect("page-1", "")
	foreign := welcome["token"].(string)
	for i := range 5 {
		c.command(fmt.Sprintf("cmd-%d", i), fmt.Sprintf("inv-%d", i), "CreateInvoice", create)
	}
	c.results("cmd-0", "cmd-1", "cmd-2", "cmd-3", "cmd-4")
	s.forget(s.aggregate.Topics().Results)
	tokens := map[string]string{"garbage": "nonsense", "older than the log": old}
	if foreign != "" && s.kafka.Brokers[0] != other.kafka.Brokers[0] {
		tokens["other cluster"] = foreign
	}
	for name, token := range tokens {
		c, welcome := n.connect("page-1", token)
		if welcome["resumed"] != false {
			t.Errorf("%s: resumed", name)
		}
		c.command("again-"+name[:3], "inv-0", "AddLineItem", addLine)
		wantJSON(t, c.next("result"), "id", "again-"+name[:3]) // it works nevertheless
	}
}

// forget deletes all records of a topic, as its retention does.
func (s *system) forget(topic string) {
	s.t.Helper()
	ends, err := eventim.Ends(s.t.Context(), s.kafka, topic)
	if err != nil {
		s.t.Fatal(err)
	}
	admin, err := sarama.NewClusterAdmin(s.kafka.Brokers, kafkalog.Kafka(s.kafka).Config())
	if err != nil {
		s.t.Fatal(err)
	}
	defer admin.Close()
	if err := admin.DeleteRecords(topic, ends); err != nil {
		s.t.Fatal(err)
	}
}

func TestStrangersAreNotLetIn(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.configure = func(c *web.Config) { c.AllowedOrigins = []string{"https://friend.example"} }
	n := s.serve()
	for origin, status := range map[string]int{
		"https://evil.example": http.StatusForbidden, "null": http.StatusForbidden, n.url + ".evil.example": http.StatusForbidden,
		n.url: http.StatusSwitchingProtocols, "https://friend.example": http.StatusSwitchingProtocols,
	} {
		_, resp, err := n.dial("Origin", origin)
		if resp == nil {
			t.Fatal(err)
		}
		if resp.StatusCode != status {
			t.Errorf("origin %s: got status %d, want %d", origin, resp.StatusCode, status)
		}
	}
	n.get("/api/live").want(t, 400, "code", "request_invalid")
	n.get("/api/live", "Connection", "Upgrade", "Upgrade", "websocket").want(t, 400, "code", "subprotocol_missing")
}

func TestBadFramesEndTheConnection(t *testing.T) {
	t.Parallel()
	n := newSystem(t).serve()
	for name, test := range map[string]struct {
		frames []string
		kind   int
		code   int
	}{
		"no hello":      {[]string{`{"type":"command","id":"x"}`}, websocket.TextMessage, websocket.ClosePolicyViolation},
		"no origin":     {[]string{`{"type":"hello"}`}, websocket.TextMessage, websocket.ClosePolicyViolation},
		"two hellos":    {[]string{`{"type":"hello","origin":"a"}`, `{"type":"hello","origin":"a"}`}, websocket.TextMessage, websocket.ClosePolicyViolation},
		"no JSON":       {[]string{`hello`}, websocket.TextMessage, websocket.ClosePolicyViolation},
		"binary":        {[]string{`{"type":"hello","origin":"a"}`}, websocket.BinaryMessage, websocket.ClosePolicyViolation},
		"never a hello": {slices.Repeat([]string{`[]`}, 10_000), websocket.TextMessage, websocket.ClosePolicyViolation},
		"too long":      {[]string{strings.Repeat(" ", 2<<20)}, websocket.TextMessage, websocket.CloseMessageTooBig},
	} {
		t.Run(name, func(t *testing.T) {
			c, _, err := n.dial()
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range test.frames {
				_ = c.conn.WriteMessage(test.kind, []byte(f)) // the server may have closed
			}
			if code := c.closeCode(); code != test.code {
				t.Errorf("got close code %d, want %d", code, test.code)
			}
		})
	}
}

// One wrong member is the mistake of one frame, and the connection serves
// others.
func TestWrongFramesAreRefused(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.handle()
	c, _ := s.serve().connect("page-1", "")
	for member, frame := range map[string]string{
		"expected": `{"type":"command","id":"cmd-1","invoice":"inv-1","command":"SendInvoice","expected":"1"}`,
		"command":  `{"type":"command","id":"cmd-1","invoice":"inv-1","command":7}`,
		"invoice":  `{"type":"command","id":"cmd-1","invoice":["inv-1"],"command":"SendInvoice"}`,
		"type":     `{"type":1,"id":"cmd-1"}`,
		"twice":    `{"type":"command","id":"cmd-1","invoice":"inv-1","invoice":"inv-2","command":"SendInvoice"}`,
		"Invoice":  `{"type":"command","Invoice":"inv-1","command":"SendInvoice","id":"cmd-1"}`,
		"later":    `{"type":"command","id":"cmd-1","invoice":"inv-1","command":"SendInvoice","later":true}`,
		"token":    `{"type":"command","id":"cmd-1","invoice":"inv-1","command":"SendInvoice","token":"t"}`,
		"renew":    `{"type":"renew","id":"cmd-1"}`,
		"null":     `{"type":"command","id":"cmd-1","invoice":null,"command":"SendInvoice"}`,
		"Unicode":  `{"type":"command","id":"cmd-1","invoice":"\ud800","command":"SendInvoice"}`,
	} {
		c.send(json.RawMessage(frame))
		refused := c.next("refused")
		wantJSON(t, refused, "id", "cmd-1", "problem.code", "request_invalid", "problem.status", 400.0)
		if detail := dig(refused, "problem", "detail").(string); !strings.Contains(detail, member) || strings.Contains(detail, "clientFrame") {
			t.Errorf("%s: got %s", member, detail)
		}
	}
	c.send(json.RawMessage(`{"type":"command","id":1}`))
	wantJSON(t, c.next("refused"), "id", "", "problem.code", "request_invalid")
	for _, frame := range []string{`[]`, `{}`, `{"type":"command"}`, `{"type":"command","id":"a b","invoice":"inv-1","command":"SendInvoice"}`} {
		c.send(json.RawMessage(frame))
		wantJSON(t, c.next("refused"), "id", "", "problem.code", "request_invalid")
	}
	c.command("cmd-2", "inv-1", "CreateInvoice", create)
	wantJSON(t, c.next("result"), "id", "cmd-2", "outcome", "accepted")
}

// A hello that cannot be read is answered, and another one may follow.
func TestWrongHelloIsRefused(t *testing.T) {
	t.Parallel()
	c, _, err := newSystem(t).serve().dial()
	if err != nil {
		t.Fatal(err)
	}
	for member, frame := range map[string]string{
		"origin": `{"type":"hello","origin":1}`, "later": `{"type":"hello","origin":"page-1","later":{}}`, "id": `{"type":"hello","origin":"page-1","id":"x"}`,
	} {
		c.send(json.RawMessage(frame))
		refused := c.next("refused")
		wantJSON(t, refused, "id", map[string]string{"id": "x"}[member], "problem.code", "request_invalid")
		if detail := dig(refused, "problem", "detail").(string); !strings.Contains(detail, member) {
			t.Errorf("%s: got %s", member, detail)
		}
	}
	c.send(json.RawMessage(`{"type":"hello","origin":"page-1"}`))
	wantJSON(t, c.next("welcome"), "resumed", false)
}

func TestShutdownClosesWithGoingAway(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	n := s.serve()
	welcomed, _ := n.connect("page-1", "")
	silent, _, err := n.dial()
	if err != nil {
		t.Fatal(err)
	}
	waiting := make(chan reply, 1)
	go func() {
		r, _ := n.try(http.MethodPost, "/api/invoices/inv-1/commands/CreateInvoice", create, "Prefer", "wait=60")
		waiting <- r
	}()
	s.awaitRecords(s.aggregate.Topics().Commands, 1)
	stopped := make(chan struct{})
	go func() { defer close(stopped); n.stop() }()
	for _, c := range []*client{welcomed, silent} {
		if code := c.closeCode(); code != websocket.CloseGoingAway {
			t.Errorf("got close code %d, want %d", code, websocket.CloseGoingAway)
		}
	}
	(<-waiting).want(t, http.StatusAccepted, "outcome", "pending")
	<-stopped
	if _, err := n.try(http.MethodGet, "/healthz", ""); err == nil {
		t.Error("the server still answers")
	}
}

// awaitRecords waits until a topic has so many records.
func (s *system) awaitRecords(topic string, n int64) {
	s.t.Helper()
	var sum int64
	eventually(s.t, func() bool {
		ends, err := eventim.Ends(s.t.Context(), s.kafka, topic)
		if err != nil {
			s.t.Fatal(err)
		}
		sum = 0
		for _, end := range ends {
			sum += end
		}
		return sum >= n
	}, func() string { return fmt.Sprintf("%d records in %s", sum, topic) })
}

// The offsets of a topic that was deleted say nothing about the one that has
// its name now, even where that is as long.
func TestTokenOfADeletedTopicIsNotResumed(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	n := s.serve()
	_, welcome := n.connect("page-1", "")
	_, again := n.connect("page-1", welcome["token"].(string))
	wantJSON(t, again, "resumed", true)
	n.stop()

	s.recreate(s.aggregate.Topics().Results)
	_, after := s.serve().connect("page-1", welcome["token"].(string))
	wantJSON(t, after, "resumed", false)
}

// recreate deletes a topic and creates it anew.
func (s *system) recreate(topic string) {
	s.t.Helper()
	admin, err := sarama.NewClusterAdmin(s.kafka.Brokers, kafkalog.Kafka(s.kafka).Config())
	if err != nil {
		s.t.Fatal(err)
	}
	defer admin.Close()
	described, err := admin.DescribeTopics([]string{topic})
	if err != nil {
		s.t.Fatal(err)
	}
	was := described[0].Uuid
	if err := admin.DeleteTopic(topic); err != nil {
		s.t.Fatal(err)
	}
	detail := sarama.TopicDetail{NumPartitions: s.aggregate.Partitions, ReplicationFactor: 1}
	eventually(s.t, func() bool {
		err = admin.CreateTopic(topic, &detail, false)
		return err == nil
	}, func() string { return err.Error() })
	// For a moment, a broker may still know the one that was deleted.
	eventually(s.t, func() bool {
		described, err = admin.DescribeTopics([]string{topic})
		return err == nil && described[0].Err == sarama.ErrNoError && described[0].Uuid != was
	}, func() string { return fmt.Sprintf("%v, %v", described, err) })
}
