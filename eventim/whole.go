package eventim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// unmarshal is json.Unmarshal or unmarshalWhole.
type unmarshal func(data []byte, v any) error

// whole is a Codec that refuses what its type has no place for. What a handler
// reads it writes again: a state by an older program, which does not know all
// fields, would lose them, and so would one that is folded from such events.
// Those who only read take what they know.
type whole[T any] interface {
	decodeWhole(Payload) (T, error)
}

// DecodeWhole is Decode for what will be written again: the codecs of this package
// refuse members that the type does not have, where Decode leaves them out. So does
// a handler read its states, and the events that it folds again.
func DecodeWhole[T any](codec Codec[T], p Payload) (T, error) {
	if w, ok := codec.(whole[T]); ok {
		return readBy(w.decodeWhole, p)
	}
	return readBy(codec.Decode, p)
}

// unmarshalWhole is json.Unmarshal, but refuses members that v does not have. It
// cannot see into types that read themselves.
func unmarshalWhole(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	if name, ok := unknownField(err); ok {
		return fmt.Errorf("this program does not know the member %s, which would be lost: "+
			"start the newer program that wrote it, or, if this one has done away with it, raise Revision and the schema versions of events", name)
	}
	if err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("it goes on after its end")
	}
	return nil
}

// unknownField is the name in an error of encoding/json, which has no type for
// it.
func unknownField(err error) (name string, ok bool) {
	if err == nil {
		return "", false
	}
	return strings.CutPrefix(err.Error(), "json: unknown field ")
}
