package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/invoices"
)

// knock is a command as somebody brings it to each of the doors.
type knock struct {
	invoice, id, name, actor string
	expected                 *int64
	payload                  []byte
}

// What a door says: the codes of the doors differ, what they mean does not.
const (
	taken           = "taken"
	wrongEnvelope   = "the envelope is wrong"
	wrongPayload    = "the payload is wrong"
	unknownCommand  = "the command is unknown"
	notTransported  = "this door has no way to bring it" // says nothing about the others
	somethingUnsaid = "an answer that this test does not know: "
)

// verdicts of the web. Without Kafka, what is taken is not sent.
var verdicts = map[string]string{
	codeKafkaDown: taken, codeRequestInvalid: wrongEnvelope, codePayloadInvalid: wrongPayload, codeCommandUnknown: unknownCommand,
}

func verdictOf(code string) string {
	if verdict, ok := verdicts[code]; ok {
		return verdict
	}
	return somethingUnsaid + code
}

// doors are the ways in, without Kafka behind them.
type doors struct{ *Server }

type actorKey struct{}

func newDoors(t testing.TB) doors {
	t.Helper()
	s, err := New(Config{
		Aggregate: invoices.Aggregate, AllowedHosts: []string{"invoices.example"}, Logger: slog.New(slog.DiscardHandler),
		Actor: func(r *http.Request) (string, error) {
			actor, _ := r.Context().Value(actorKey{}).(string)
			return actor, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.drain)
	return doors{s}
}

// serve returns the code of the problem that a request is answered with.
func (d doors) serve(k knock, method, path string, header http.Header, body []byte) string {
	ctx := context.WithValue(context.Background(), actorKey{}, k.actor)
	r := httptest.NewRequestWithContext(ctx, method, path, bytes.NewReader(body))
	r.Host, r.Header = "invoices.example", header
	w := httptest.NewRecorder()
	d.Handler().ServeHTTP(w, r)
	var problem Problem
	if err := json.Unmarshal(w.Body.Bytes(), &problem); err != nil {
		return "status " + strconv.Itoa(w.Code)
	}
	return problem.Code
}

// http knocks with POST. No path leads to an empty segment or to dots, and no
// header carries an id that is empty, has a quote or is not ASCII.
func (d doors) http(k knock) string {
	isDots := func(s string) bool { return s == "" || s == "." || s == ".." }
	outside := func(r rune) bool { return r < '!' || r > '~' || r == '"' }
	if isDots(k.invoice) || isDots(k.name) || k.id == "" || strings.ContainsFunc(k.id, outside) {
		return notTransported
	}
	header := http.Header{"Content-Type": {mediaJSON}, "Idempotency-Key": {k.id}}
	if k.expected != nil {
		header.Set("If-Match", strconv.FormatInt(*k.expected, 10))
	}
	path := "/api/invoices/" + segment(k.invoice) + "/commands/" + url.PathEscape(k.name)
	return verdictOf(d.serve(k, http.MethodPost, path, header, k.payload))
}

// socket knocks with a frame. What is not JSON cannot stand in one.
func (d doors) socket(t *testing.T, k knock) string {
	t.Helper()
	if len(k.payload) > 0 && !json.Valid(k.payload) {
		return notTransported
	}
	handshake := http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Protocol": {subprotocol}}
	if verdict := verdictOf(d.serve(k, http.MethodGet, "/api/live", handshake, nil)); verdict != taken {
		return verdict // the actor, for all the commands of the connection
	}
	const unsaid = somethingUnsaid + "none"
	verdict := unsaid
	c := &socket{queue: newQueue(1), log: d.log, actor: k.actor, origin: "page", submit: func(ctx context.Context, r commandRequest) (eventim.Position, *Problem) {
		position, problem := d.submit(ctx, r)
		verdict = verdictOf(problem.Code)
		return position, problem
	}}
	err := c.handle(frameOf(k))
	c.lanes.wait()
	if err != nil {
		t.Errorf("%q ends the connection: %v", frameOf(k), err)
	}
	if verdict == unsaid && len(c.queue.take()) == 1 {
		return wrongEnvelope // it was refused before it was a command
	}
	return verdict
}

// frameOf writes the frame by hand, so that bytes which are not text stay.
func frameOf(k knock) []byte {
	text := func(s string) string {
		if utf8.ValidString(s) {
			quoted, _ := json.Marshal(s)
			return string(quoted)
		}
		pairs := []string{`"`, `\"`, `\`, `\\`}
		for control := range 0x20 {
			pairs = append(pairs, string(rune(control)), fmt.Sprintf(`\u%04x`, control))
		}
		return `"` + strings.NewReplacer(pairs...).Replace(s) + `"`
	}
	frame := `{"type":"command","id":` + text(k.id) + `,"invoice":` + text(k.invoice) + `,"command":` + text(k.name)
	if k.expected != nil {
		frame += `,"expected":` + strconv.FormatInt(*k.expected, 10)
	}
	if len(k.payload) > 0 {
		frame += `,"payload":` + string(k.payload)
	}
	return []byte(frame + "}")
}

// record knocks with a record that somebody else has written.
func (d doors) record(k knock) string {
	_, version, known := d.commands.Member(k.name)
	if !known {
		version = 1
	}
	rec := eventim.Record{Key: []byte(k.invoice), Value: k.payload}
	header := func(name, value string) {
		rec.Headers = append(rec.Headers, &eventim.Header{Key: []byte(name), Value: []byte(value)})
	}
	header("ce_id", k.id)
	header("ce_type", k.name)
	header("ce_actor", k.actor)
	header("ce_schemaversion", strconv.Itoa(version))
	if k.expected != nil {
		header("ce_expectedversion", strconv.FormatInt(*k.expected, 10))
	}
	_, err := d.aggregate.CommandTopic().Decode(rec)
	invalid, ok := errors.AsType[*eventim.InvalidError](err)
	switch {
	case err == nil:
		return taken
	case ok && invalid.Field != "Payload":
		return wrongEnvelope
	case !known:
		return unknownCommand
	default:
		return wrongPayload
	}
}

// agree wants the same of all doors. That the web knows no such command comes
// before what else is wrong, and a record without a value is no command, where
// no body and no payload are {}.
func (d doors) agree(t *testing.T, k knock) {
	t.Helper()
	if len(bytes.TrimSpace(k.payload)) == 0 {
		k.payload = nil
	}
	noBody := k.payload == nil
	overHTTP, overSocket := d.http(k), d.socket(t, k)
	if k.payload == nil {
		k.payload = []byte("{}")
	}
	raw := d.record(k)
	if overHTTP == wrongEnvelope && noBody && raw == wrongPayload {
		overHTTP = wrongPayload // of a body that has to be there
	}
	if !invoices.Asked(k.name) { // which comes by Kafka alone
		if overHTTP == taken || overSocket == taken {
			t.Errorf("%q is taken from people: over HTTP %s, over the websocket %s", k.name, overHTTP, overSocket)
		}
		return
	}
	for door, verdict := range map[string]string{"HTTP": overHTTP, "the websocket": overSocket} {
		bothRefuse := verdict == unknownCommand && raw == wrongEnvelope || verdict == wrongEnvelope && raw == unknownCommand
		if verdict != raw && verdict != notTransported && !bothRefuse {
			t.Errorf("%q %q %q by %q, payload %.300q: over %s %s, as a record %s", k.invoice, k.id, k.name, k.actor, k.payload, door, verdict, raw)
		}
	}
}

// Whatever somebody brings, all the ways in take it, or none does.
func FuzzDoors(f *testing.F) {
	const add = `{"description":"x","quantity":"1","unitPrice":"1"}`
	golden, err := filepath.Glob("../invoices/testdata/command/*.json")
	if err != nil || len(golden) == 0 {
		f.Fatalf("no golden commands: %v", err)
	}
	for _, file := range golden {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		name, _, _ := strings.Cut(filepath.Base(file), ".")
		f.Add("inv-1", "cmd-1", name, "", int64(-2), data)
		f.Add("inv-1", "cmd-1", name, "", int64(-2), []byte{})
		f.Add("inv-1", "cmd-1", name, "", int64(-2), []byte("{}"))
	}
	for _, name := range []string{
		"", ".", "..", "~..", "2026/001", "50%", "a b", "a\x00b", "a\nb", `a"b`, "a\u200bb", "a\u202eb", "\u00e9", "e\u0301", "\xff", "\xed\xa0\x80",
		"\ufffd", "?", "#", "a;b", strings.Repeat("x", 128), strings.Repeat("x", 129), strings.Repeat("x", 6000), strings.Repeat("\u00e9", 64),
	} {
		f.Add(name, "cmd-1", "AddLineItem", "", int64(-2), []byte(add))
		f.Add("inv-1", name, "AddLineItem", "", int64(-2), []byte(add))
		f.Add("inv-1", "cmd-1", name, "", int64(-2), []byte(add))
		f.Add("inv-1", "cmd-1", "AddLineItem", name, int64(-2), []byte(add))
	}
	for _, expected := range []int64{-1, 0, 1, 999_999_999_999_999_999, 1_000_000_000_000_000_000, 1<<63 - 1} {
		f.Add("inv-1", "cmd-1", "AddLineItem", "", expected, []byte(add))
	}
	for _, payload := range []string{
		`null`, `[]`, `1`, `"x"`, ` `, `{`, add + add, strings.Repeat(`[`, 9_000) + strings.Repeat(`]`, 9_000), strings.Repeat(`{"description":`, 20_000),
		`{"description":"x","description":"y","quantity":"1","unitPrice":"1"}`, `{"Description":"x","quantity":"1","unitPrice":"1"}`,
		`{"description":null,"quantity":"1","unitPrice":"1"}`, `{"description":"x","quantity":"1"}`, `{"description":"x","quantity":"1","unitPrice":"1","more":1}`,
		`{"description":"\ud800","quantity":"1","unitPrice":"1"}`, "{\"description\":\"\xff\",\"quantity\":\"1\",\"unitPrice\":\"1\"}",
		`{"description":"\u0000","quantity":"1","unitPrice":"1"}`, `{"description":"x","quantity":"1e400","unitPrice":"99999999999999999999"}`,
		`{"description":"x","quantity":1,"unitPrice":1}`,
	} {
		f.Add("inv-1", "cmd-1", "AddLineItem", "", int64(-2), []byte(payload))
	}
	d := newDoors(f)
	f.Fuzz(func(t *testing.T, invoice, id, name, actor string, expected int64, payload []byte) {
		k := knock{invoice: invoice, id: id, name: name, actor: actor, payload: payload}
		if expected != -2 { // which stands for none
			k.expected = &expected
		}
		d.agree(t, k)
	})
}
