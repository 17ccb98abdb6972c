package eventim

import (
	"fmt"
	"log/slog"
	"runtime/debug"
)

// crash is what a codec of a domain has panicked with. It is an error like any
// other way in which a value cannot be read or written, so that no record can
// end the process.
type crash struct {
	doing  string
	reason any
	stack  []byte
}

func (c *crash) Error() string { return fmt.Sprintf("%s panicked: %v", c.doing, c.reason) }

// LogValue adds the stack, which no answer carries.
func (c *crash) LogValue() slog.Value {
	return slog.GroupValue(slog.String("reason", c.Error()), slog.String("stack", string(c.stack)))
}

// caught calls fn, and returns what it panics with as a *crash.
func caught[T any](fn func() (T, error), doing func() string) (v T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &crash{doing(), p, debug.Stack()}
		}
	}()
	return fn()
}

// readBy decodes a payload with a codec of the domain.
func readBy[T any](decode func(Payload) (T, error), p Payload) (T, error) {
	return caught(func() (T, error) { return decode(p) }, func() string { return fmt.Sprintf("reading a %q", p.Type) })
}

// writeBy encodes a value with a codec of the domain.
func writeBy[T any](codec Codec[T], v T) (Payload, error) {
	return caught(func() (Payload, error) { return codec.Encode(v) }, func() string { return fmt.Sprintf("writing a %T", v) })
}
