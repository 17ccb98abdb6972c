package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/eventim-go/eventim/eventim"
	"github.com/eventim-go/eventim/invoices"
)

const (
	sendTimeout = 5 * time.Second
	maxWait     = time.Minute
	maxID       = 128

	// creation is the command that no invoice may exist for yet.
	creation = "CreateInvoice"
)

// commandRequest is a command as HTTP or a websocket brings it.
type commandRequest struct {
	id          string // of the command; generated when empty
	invoice     string
	name        string // wire name of the command
	expected    *int64
	payload     []byte
	origin      string
	actor       string
	traceparent string
}

// submit checks a command and sends it to Kafka. The problem says whether the
// outcome is known.
func (s *Server) submit(ctx context.Context, r commandRequest) (eventim.Position, *Problem) {
	l := s.live.Load()
	if l == nil {
		return eventim.Position{}, newProblem(codeKafkaDown,
			"This server is not connected to Kafka. The command was not sent; try again.").about(r.id)
	}
	cmd, problem := s.command(r)
	if problem != nil {
		return eventim.Position{}, problem.about(r.id)
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	sent, err := l.sender.Send(ctx, cmd)
	_, changed := errors.AsType[*eventim.TopicsError](err)
	switch {
	case changed:
		s.log.Error("command refused: nobody would handle it", "command", r.id, "error", err)
		return eventim.Position{}, newProblem(codeTopicsChanged,
			"The topics in Kafka were changed, so that nobody would handle the command. It was not sent.").about(r.id)
	case errors.Is(err, eventim.ErrTooLarge):
		return eventim.Position{}, newProblem(codeCommandTooLarge, "%s.", sentence(err)).about(r.id)
	case err != nil:
		s.log.Warn("command not acknowledged", "command", r.id, "invoice", r.invoice, "error", err)
		return eventim.Position{}, newProblem(codeKafkaDown,
			"Kafka did not acknowledge the command in time, so that its outcome is unknown. "+
				"Send it again with the same Idempotency-Key (%s): it takes effect at most once.", r.id).about(r.id)
	}
	return sent.Position, nil
}

func (s *Server) command(r commandRequest) (eventim.Command[invoices.Command], *Problem) {
	cmd := eventim.Command[invoices.Command]{
		ID: r.id, Aggregate: r.invoice, Expected: r.expected,
		Metadata: eventim.Metadata{Origin: r.origin, Actor: r.actor, Traceparent: r.traceparent},
	}
	for what, id := range map[string]string{"invoice": r.invoice, "command": r.id} {
		if !validID(id) {
			return cmd, newProblem(codeRequestInvalid, "The id of the %s has 1 to %d characters, none of them a space.", what, maxID)
		}
	}
	if r.origin != "" && !validID(r.origin) {
		return cmd, newProblem(codeRequestInvalid, "Eventim-Origin has at most %d characters, none of them a space.", maxID)
	}
	kind, ok := s.commandTypes[r.name]
	if !ok {
		return cmd, newProblem(codeCommandUnknown, "%q is not a command of invoices.", r.name)
	}
	if r.name == creation && r.expected == nil {
		cmd.Expected = new(int64(0))
	}
	if cmd.Expected != nil && *cmd.Expected < 0 {
		return cmd, newProblem(codeRequestInvalid, "The expected version is negative.")
	}
	var err error
	if cmd.Payload, err = kind.decode(s.aggregate, r.payload); err != nil {
		return cmd, newProblem(codePayloadInvalid, "%s.", sentence(err))
	}
	return cmd, nil
}

// commandType is one member of the union of commands.
type commandType struct {
	name    string
	version int // newest schema version
	goType  reflect.Type
}

// commandTypesOf finds out what the codec of the commands knows, by decoding
// an empty payload of each.
func commandTypesOf(a Aggregate) (map[string]commandType, error) {
	union, ok := a.Commands.(eventim.Union[invoices.Command])
	if !ok {
		return nil, fmt.Errorf("the commands of %s are a %T, not a Union", a.Name, a.Commands)
	}
	types := map[string]commandType{}
	for _, name := range union.Names() {
		v, err := union.Decode(eventim.Payload{Type: name, SchemaVersion: 1, Data: []byte("{}")})
		if err != nil {
			return nil, err
		}
		p, err := union.Encode(v)
		if err != nil {
			return nil, err
		}
		types[name] = commandType{name, p.SchemaVersion, reflect.TypeOf(v)}
	}
	return types, nil
}

// decode reads a payload of the newest schema. What the type does not have is
// a mistake of the sender, and better refused than ignored.
func (t commandType) decode(a Aggregate, data []byte) (invoices.Command, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		data = []byte("{}")
	}
	strict := json.NewDecoder(bytes.NewReader(data))
	strict.DisallowUnknownFields()
	if err := strict.Decode(reflect.New(t.goType).Interface()); err != nil {
		return nil, fmt.Errorf("%s: %s", t.name, mistake(err))
	}
	if _, err := strict.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: something follows the JSON object", t.name)
	}
	return a.Commands.Decode(eventim.Payload{Type: t.name, SchemaVersion: t.version, Data: data})
}

// validID accepts what fits into a header, a URL and a log line.
func validID(id string) bool {
	return id != "" && len(id) <= maxID && !strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' })
}

func newCommandID() string { return uuid.Must(uuid.NewV7()).String() }

// sentence is the text of an error for people: it starts with a capital.
func sentence(err error) string {
	s := err.Error()
	return strings.ToUpper(s[:1]) + s[1:]
}

// mistake says what is wrong with JSON in its own words: the sender knows no Go
// types.
func mistake(err error) string {
	if mistyped, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if mistyped.Field == "" {
			return fmt.Sprintf("the body is a JSON %s, and an object is expected", mistyped.Value)
		}
		return fmt.Sprintf("%s cannot be a JSON %s", memberPath(mistyped.Field), mistyped.Value)
	}
	return strings.TrimPrefix(err.Error(), "json: ")
}

// memberPath leaves out the embedded structs, which encoding/json names as if
// they were members; those begin with a small letter.
func memberPath(field string) string {
	names := strings.Split(field, ".")
	return strings.Join(slices.DeleteFunc(names, func(name string) bool { return name >= "A" && name < "[" }), ".")
}
