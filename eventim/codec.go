package eventim

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
)

// Payload is a value as it stands in a record: its wire name, the version of
// its schema, and its bytes.
type Payload struct {
	Type          string // wire name, never a Go type name; the header ce_type
	SchemaVersion int    // counts from 1; the header ce_schemaversion
	Data          []byte // JSON, the record value

	marshalled bool // Data is the output of encoding/json
}

// Codec turns values into payloads and back. Decode must return an error for
// whatever it does not know: unknown history is never skipped. What it leaves out
// of a state is lost when that is written again.
type Codec[T any] interface {
	Encode(T) (Payload, error)
	Decode(Payload) (T, error)
}

// JSON is the codec of one type under one wire name, such as the state of an
// aggregate.
type JSON[T any] string

// Encode returns v as JSON under the wire name.
func (name JSON[T]) Encode(v T) (Payload, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return Payload{}, fmt.Errorf("encode %s: %w", string(name), err)
	}
	return Payload{Type: string(name), SchemaVersion: 1, Data: data, marshalled: true}, nil
}

// Decode reads the JSON of p, whose wire name must be that of the codec.
func (name JSON[T]) Decode(p Payload) (T, error) { return name.decode(p, json.Unmarshal) }

func (name JSON[T]) decodeWhole(p Payload) (T, error) { return name.decode(p, unmarshalWhole) }

func (name JSON[T]) decode(p Payload, unmarshal unmarshal) (T, error) {
	var v T
	if p.Type != string(name) {
		return v, fmt.Errorf("decode %s: the record is a %q", string(name), p.Type)
	}
	if p.SchemaVersion > 1 {
		return v, fmt.Errorf("decode %s: schema version %d, but this program knows only 1: upgrade it", string(name), p.SchemaVersion)
	}
	if err := unmarshal(p.Data, &v); err != nil {
		return v, fmt.Errorf("decode %s: %w", string(name), err)
	}
	return v, nil
}

func (name JSON[T]) check() error {
	if err := checkFields(reflect.TypeFor[T]()); err != nil {
		return fmt.Errorf("eventim.JSON %q: %w", string(name), err)
	}
	return nil
}

// DecodeStrictly is Decode for what others have sent, see Union.DecodeStrictly.
func (name JSON[T]) DecodeStrictly(p Payload) (T, error) {
	t := reflect.TypeFor[T]()
	if p.Type == string(name) && t.Kind() != reflect.Interface {
		if err := checkJSON(p.Data, t); err != nil {
			var zero T
			return zero, err
		}
	}
	v, err := name.Decode(p)
	if err != nil && p.Type == string(name) && p.SchemaVersion <= 1 {
		err = unreadable(p.Data, t, errors.Unwrap(err))
	}
	return v, err
}

// Upcaster turns the payload of one schema version into that of the next.
type Upcaster func(data []byte) ([]byte, error)

// Type is one member of a Union: a Go type under its wire name.
type Type[T any] struct {
	name      string
	goType    reflect.Type
	upcasters []Upcaster
}

// Of names the type of example on the wire. Never change a name that has been
// written. The i-th upcaster turns schema version i (counting from 1) into
// i+1, so that the current version is one more than their number.
func Of[T any](name string, example T, upcasters ...Upcaster) Type[T] {
	return Type[T]{name: name, goType: reflect.TypeOf(example), upcasters: upcasters}
}

func (m Type[T]) schemaVersion() int { return len(m.upcasters) + 1 }

func (m Type[T]) decode(p Payload, unmarshal unmarshal) (T, error) {
	data, err := m.upcast(p)
	if err != nil {
		var zero T
		return zero, err
	}
	v, err := m.read(data, unmarshal)
	if err != nil {
		return v, fmt.Errorf("decode %s: %w", m.name, err)
	}
	return v, nil
}

// upcast returns the payload in the newest schema.
func (m Type[T]) upcast(p Payload) ([]byte, error) {
	if p.SchemaVersion < 1 || p.SchemaVersion > m.schemaVersion() {
		return nil, fmt.Errorf("decode %s: schema version %d, but this program knows 1 to %d: upgrade it",
			m.name, p.SchemaVersion, m.schemaVersion())
	}
	data := p.Data
	for i, up := range m.upcasters[p.SchemaVersion-1:] {
		var err error
		if data, err = up(data); err != nil {
			return nil, fmt.Errorf("upcast %s from schema version %d: %w", m.name, p.SchemaVersion+i, err)
		}
	}
	return data, nil
}

func (m Type[T]) read(data []byte, unmarshal unmarshal) (T, error) {
	v := reflect.New(m.goType)
	if err := unmarshal(data, v.Interface()); err != nil {
		var zero T
		return zero, err
	}
	return v.Elem().Interface().(T), nil
}

// Union is the codec of a closed set of types, as JSON.
type Union[T any] struct {
	byName map[string]Type[T]
	byType map[reflect.Type]Type[T]
}

// NewUnion makes the codec of a closed set. It panics when a name or a type
// appears twice, and for a type with fields that would not be written, or would
// not come back: those that are not exported, have the tag json:"-", are
// interfaces, channels or functions. These are mistakes of the programmer. A type
// that has MarshalJSON and UnmarshalJSON is taken as it is; eventimtest.Scenario
// shows what becomes of its values.
func NewUnion[T any](members ...Type[T]) Union[T] {
	u := Union[T]{byName: map[string]Type[T]{}, byType: map[reflect.Type]Type[T]{}}
	for _, m := range members {
		if _, twice := u.byName[m.name]; twice {
			panic(fmt.Sprintf("eventim: wire name %q appears twice in a union", m.name))
		}
		if err := checkFields(m.goType); err != nil {
			panic(fmt.Sprintf("eventim: wire name %q: %v", m.name, err))
		}
		if _, twice := u.byType[m.goType]; twice {
			panic(fmt.Sprintf("eventim: type %v appears twice in a union", m.goType))
		}
		u.byName[m.name], u.byType[m.goType] = m, m
	}
	return u
}

// Encode returns v as JSON under the wire name of its type.
func (u Union[T]) Encode(v T) (Payload, error) {
	m, ok := u.byType[reflect.TypeOf(v)]
	if !ok {
		return Payload{}, fmt.Errorf("encode %T: it is not a member of the union: add it with eventim.Of", v)
	}
	data, err := json.Marshal(v)
	if err != nil {
		return Payload{}, fmt.Errorf("encode %s: %w", m.name, err)
	}
	return Payload{Type: m.name, SchemaVersion: m.schemaVersion(), Data: data, marshalled: true}, nil
}

// Decode reads p into the type of its wire name, through the upcasters that
// its schema version needs.
func (u Union[T]) Decode(p Payload) (T, error) { return u.decode(p, json.Unmarshal) }

func (u Union[T]) decodeWhole(p Payload) (T, error) { return u.decode(p, unmarshalWhole) }

func (u Union[T]) decode(p Payload, unmarshal unmarshal) (T, error) {
	m, ok := u.byName[p.Type]
	if !ok {
		var zero T
		return zero, fmt.Errorf("decode %q: the type is unknown to this program", p.Type)
	}
	return m.decode(p, unmarshal)
}

// DecodeStrictly is Decode for what others have sent. It refuses, with an
// *InvalidError, JSON that Decode would guess about: members that stand twice,
// that differ in case from those of the type, that it does not have, that are
// null or missing. A member may be missing when its tag has omitempty, omitzero
// or required:"false". Payloads of older schemas are checked after their
// upcasting.
func (u Union[T]) DecodeStrictly(p Payload) (T, error) {
	m, ok := u.byName[p.Type]
	if !ok {
		return u.Decode(p)
	}
	data, err := m.upcast(p)
	if err == nil {
		err = checkJSON(data, m.goType)
	}
	if err != nil {
		var zero T
		return zero, err
	}
	v, err := m.read(data, json.Unmarshal)
	if err != nil {
		return v, unreadable(data, m.goType, err)
	}
	return v, nil
}

// Member returns the zero value of the type with a wire name and its newest
// schema version; ok is false for a name that is not of the union.
func (u Union[T]) Member(name string) (zero T, schemaVersion int, ok bool) {
	m, ok := u.byName[name]
	if !ok {
		return zero, 0, false
	}
	return reflect.Zero(m.goType).Interface().(T), m.schemaVersion(), true
}

// strict is a Codec that can refuse what it would have to guess about.
type strict[T any] interface {
	DecodeStrictly(Payload) (T, error)
}

func decodeStrictly[T any](codec Codec[T], p Payload) (T, error) {
	if s, ok := codec.(strict[T]); ok {
		return readBy(s.DecodeStrictly, p)
	}
	return readBy(codec.Decode, p)
}

// Names lists the wire names of the union, sorted.
func (u Union[T]) Names() []string { return sortedKeys(u.byName) }
