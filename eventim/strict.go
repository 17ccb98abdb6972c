package eventim

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// checkJSON holds what somebody has sent to the type that it is for, where
// encoding/json would guess: names that stand twice or differ in case, members
// that the type does not have, null, text that is not Unicode. A member may be
// absent when its tag has omitempty, omitzero or required:"false". What the
// values mean is for the type's own Unmarshal.
func checkJSON(data []byte, t reflect.Type) error { return walk(data, t, false) }

func walk(data []byte, t reflect.Type, try bool) error {
	// The decoder refuses names that stand twice, and lone surrogates.
	d := jsonWalk{jsontext.NewDecoder(bytes.NewBuffer(data)), try}
	if err := d.value(t); err != nil {
		return err
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return &InvalidError{Field: "Payload", Reason: "goes on after its end"}
	}
	return nil
}

// jsonWalk goes through JSON beside the type that it is for.
type jsonWalk struct {
	*jsontext.Decoder
	try bool // let each type that reads itself do so, to find the one that cannot
}

func (d jsonWalk) value(t reflect.Type) error {
	kind := d.PeekKind()
	if kind == 'n' {
		_, err := d.ReadToken()
		if err == nil && hasNil(t) {
			return nil // it is what encoding/json writes for a nil slice
		}
		return d.invalidAt(err, "is null")
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case readsItself(t):
	case kind == '{' && t.Kind() == reflect.Struct:
		return d.object(membersOf(t), nil)
	case kind == '{' && t.Kind() == reflect.Map:
		return d.object(members{}, t.Elem())
	case kind == '[' && (t.Kind() == reflect.Slice || t.Kind() == reflect.Array):
		return d.array(t.Elem())
	}
	raw, err := d.ReadValue() // of one token, or whatever json.Unmarshal makes of it
	if err != nil || !d.try {
		return d.invalid(err)
	}
	if err := json.Unmarshal(raw, reflect.New(t).Interface()); err != nil {
		return &InvalidError{Field: "Payload", Pointer: string(d.StackPointer()), Reason: reasonOf(err)}
	}
	return nil
}

// object checks each member: that of a struct, or any of a map of other.
func (d jsonWalk) object(m members, other reflect.Type) error {
	if _, err := d.ReadToken(); err != nil {
		return d.invalid(err)
	}
	missing := slices.Clone(m.required)
	for d.PeekKind() == '"' {
		token, err := d.ReadToken()
		if err != nil {
			return d.invalid(err)
		}
		name := token.String()
		t, known := m.types[name]
		if !known && other == nil {
			return d.invalidAt(nil, "is not known")
		}
		if !known {
			t = other
		}
		missing = slices.DeleteFunc(missing, func(required string) bool { return required == name })
		if err := d.value(t); err != nil {
			return err
		}
	}
	if _, err := d.ReadToken(); err != nil {
		return d.invalid(err)
	}
	if len(missing) > 0 {
		pointer := d.StackPointer().AppendToken(missing[0])
		return &InvalidError{Field: "Payload", Pointer: string(pointer), Reason: "is missing"}
	}
	return nil
}

func (d jsonWalk) array(element reflect.Type) error {
	if _, err := d.ReadToken(); err != nil {
		return d.invalid(err)
	}
	for d.PeekKind() != ']' {
		if err := d.value(element); err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return d.invalid(err)
}

// invalid says what the decoder has found, where, and not how it is made.
func (d jsonWalk) invalid(err error) error {
	if err == nil {
		return nil
	}
	syntax, ok := errors.AsType[*jsontext.SyntacticError](err)
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		return &InvalidError{Field: "Payload", Pointer: string(syntax.JSONPointer), Reason: "stands twice"}
	case ok:
		return &InvalidError{Field: "Payload", Reason: fmt.Sprintf("is not JSON in UTF-8 at byte %d: %v", syntax.ByteOffset, syntax.Err)}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &InvalidError{Field: "Payload", Reason: fmt.Sprintf("ends at byte %d, in the middle of JSON", d.InputOffset())}
	}
	return &InvalidError{Field: "Payload", Reason: "is not JSON"}
}

func (d jsonWalk) invalidAt(err error, reason string) error {
	if err != nil {
		return d.invalid(err)
	}
	return &InvalidError{Field: "Payload", Pointer: string(d.StackPointer()), Reason: reason}
}

// unreadable says where data cannot become a t, which err says, and why.
func unreadable(data []byte, t reflect.Type, err error) error {
	if located := walk(data, t, true); located != nil {
		return located
	}
	return &InvalidError{Field: "Payload", Reason: reasonOf(err)}
}

// reasonOf says in the words of JSON what encoding/json says in those of Go.
func reasonOf(err error) string {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return "cannot be a JSON " + wrong.Value
	}
	return "cannot be read: " + err.Error()
}

// members are those of a struct in JSON.
type members struct {
	types    map[string]reflect.Type
	required []string
}

var structs sync.Map // members by reflect.Type

func membersOf(t reflect.Type) members {
	if known, ok := structs.Load(t); ok {
		return known.(members)
	}
	m := members{types: map[string]reflect.Type{}}
	for _, f := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" || !f.IsExported() || f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct {
			continue
		}
		if name == "" {
			name = f.Name
		}
		if _, shadowed := m.types[name]; shadowed {
			continue // fields of the outer struct come first
		}
		m.types[name] = f.Type
		if !strings.Contains(options, "omit") && f.Tag.Get("required") != "false" {
			m.required = append(m.required, name)
		}
	}
	structs.Store(t, m)
	return m
}

var (
	jsonUnmarshaler = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
)

func hasNil(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Slice, reflect.Map:
		return true
	default:
		return false
	}
}

func readsItself(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(jsonUnmarshaler) || p.Implements(textUnmarshaler)
}
