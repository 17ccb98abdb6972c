package web

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// clientFrame is what a client sends: hello or command.
type clientFrame struct {
	Type string

	Origin string // of hello
	Token  string

	ID       string // of command
	Invoice  string
	Command  string
	Expected *int64
	Payload  json.RawMessage
}

// frameMembers are the members of each type of frame.
var frameMembers = map[string][]string{
	"hello":   {"type", "origin", "token"},
	"command": {"type", "id", "invoice", "command", "expected", "payload"},
}

// syntaxOnly is what is asked of a frame as a whole. A payload is held to more
// by its command, which says where it is wrong.
var syntaxOnly = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}

// parseFrame reads a frame. What is wrong with it is a problem of that frame,
// whose id is read if it can be; what is no JSON ends the connection.
func parseFrame(data []byte) (f clientFrame, wrong *Problem, err error) {
	if !jsontext.Value(data).IsValid(syntaxOnly...) {
		return f, nil, protocolError("a frame is not JSON")
	}
	d := jsontext.NewDecoder(bytes.NewBuffer(data), syntaxOnly...)
	if d.PeekKind() != '{' {
		return f, newProblem(codeRequestInvalid, "A frame is an object."), nil
	}
	names, wrong := f.read(d)
	if wrong != nil {
		return f, wrong, nil
	}
	allowed, known := frameMembers[f.Type]
	if !known {
		return f, newProblem(codeRequestInvalid, "A frame of the type %q is not known.", f.Type), nil
	}
	for _, name := range names {
		if !slices.Contains(allowed, name) {
			return f, newProblem(codeRequestInvalid, "The member %q of a %s is not known.", name, f.Type), nil
		}
	}
	return f, nil, nil
}

// read takes the members of an object that is known to be JSON: all of them,
// also after one that is wrong, since the id of the frame may follow.
func (f *clientFrame) read(d *jsontext.Decoder) (names []string, wrong *Problem) {
	_, _ = d.ReadToken() // the brace; the syntax has been checked
	for d.PeekKind() == '"' {
		token, _ := d.ReadToken()
		name := token.String()
		value, _ := d.ReadValue()
		reason := "stands twice"
		if !slices.Contains(names, name) {
			reason = f.set(name, value)
		}
		if reason != "" && wrong == nil {
			wrong = newProblem(codeRequestInvalid, "The member %q of a frame %s.", name, reason)
		}
		names = append(names, name)
	}
	return names, wrong
}

// set takes one member, or says why it cannot.
func (f *clientFrame) set(name string, value jsontext.Value) (reason string) {
	switch name {
	case "type":
		return setText(&f.Type, value)
	case "origin":
		return setText(&f.Origin, value)
	case "token":
		return setText(&f.Token, value)
	case "id":
		return setText(&f.ID, value)
	case "invoice":
		return setText(&f.Invoice, value)
	case "command":
		return setText(&f.Command, value)
	case "expected":
		if json.Unmarshal(value, &f.Expected) != nil {
			return "cannot be " + described(value) + ": it is a version, such as 4"
		}
	case "payload":
		f.Payload = bytes.Clone(value)
	default:
		return "is not known"
	}
	return ""
}

func setText(s *string, value jsontext.Value) (reason string) {
	switch {
	case value.Kind() != '"':
		return "cannot be " + described(value) + ": it is a text"
	case !value.IsValid():
		return "is not text in Unicode"
	}
	_ = json.Unmarshal(value, s) // a text
	return ""
}

func described(value jsontext.Value) string {
	switch value.Kind() {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a text"
	case '0':
		return "this number"
	default:
		return string(value) // null, true or false
	}
}
