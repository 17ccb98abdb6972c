package eventim

import (
	"bytes"
	"errors"
	"fmt"
)

// ErrUnknownCommand says that an aggregate has no command of a name.
var ErrUnknownCommand = errors.New("there is no such command")

// ParseCommand makes a command from its wire name and its JSON, as somebody has
// sent them over another way than Kafka: by HTTP, in a file, as arguments. The
// JSON is that of the newest schema; none at all is that of a command without
// members. It is read strictly, see Union.DecodeStrictly: what is wrong with it
// is an *InvalidError that says where. A name that the aggregate does not have
// is ErrUnknownCommand. The codec of the commands has to be a Union or a JSON.
func (a Aggregate[S, C, E]) ParseCommand(name string, data []byte) (C, error) {
	var zero C
	version, err := newestSchema(a.Commands, name)
	if err != nil {
		return zero, fmt.Errorf("%q of %s: %w", name, a.Name, err)
	}
	if len(bytes.TrimSpace(data)) == 0 {
		data = []byte("{}")
	}
	return decodeStrictly(a.Commands, Payload{Type: name, SchemaVersion: version, Data: data})
}

// newestSchema is the schema version that a codec writes under a wire name.
func newestSchema[T any](codec Codec[T], name string) (int, error) {
	switch c := codec.(type) {
	case Union[T]:
		if _, version, ok := c.Member(name); ok {
			return version, nil
		}
	case JSON[T]:
		if name == string(c) {
			return 1, nil
		}
	default:
		return 0, fmt.Errorf("a %T does not say what its newest schema is", codec)
	}
	return 0, ErrUnknownCommand
}
