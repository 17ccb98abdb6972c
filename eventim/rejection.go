package eventim

import (
	"errors"
	"fmt"
)

// Codes of the answers that the framework itself gives. A domain adds its own.
const (
	CodeVersionConflict = "version_conflict"   // Expected has passed
	CodeCommandIDReused = "command_id_reused"  // same aggregate and id, another command
	CodeAnswerGone      = "answer_gone"        // a repeat, whose first result is not kept any more
	CodeRejected        = "rejected"           // Decide returned an error without a code
	CodeUndecodable     = "undecodable"        // the payload of the command cannot be read
	CodeInvalidEnvelope = "invalid_envelope"   // an id, the actor or what else is around the payload breaks a rule of Command.Check
	CodePanic           = "decision_panicked"  // Decide or Evolve crashed
	CodeUnencodable     = "result_unencodable" // what the command causes has no wire form
	CodeTooLarge        = "result_too_large"   // what the command causes does not fit into a record
	CodeWrongPartition  = "wrong_partition"    // the sender does not partition by murmur2 of the key
)

// Rejection is why a command was not accepted: a stable code for programs and
// a message for people. Decide returns it as its error.
type Rejection struct {
	Code    string `json:"code"`
	Message string `json:"message"`

	// ForNow says that the command may be sent again, under its id; see
	// RejectForNow.
	ForNow bool `json:"forNow,omitempty"`
}

func (r *Rejection) Error() string { return r.Message }

// Is reports whether target is a rejection with the same code, so that a
// sentinel matches whatever its message.
func (r *Rejection) Is(target error) bool {
	t, ok := errors.AsType[*Rejection](target)
	return ok && t.Code == r.Code
}

// Reject makes a rejection. The code is part of the interface of a domain:
// never change one.
func Reject(code, format string, args ...any) *Rejection {
	return &Rejection{Code: code, Message: fmt.Sprintf(format, args...)}
}

// RejectForNow makes a rejection that is not remembered: the command takes up no
// id, as if it had never come, and is decided again when it comes again. It is for
// what time or others will change, such as a timer that goes off too early. For
// who repeats a command, not knowing whether it has arrived, this means that it
// may be rejected for now first, and accepted later; once at most, like any, and
// from then on a repeat gets that answer. Another command may take the id meanwhile.
// A program of before this kind of rejection remembers it like any.
func RejectForNow(code, format string, args ...any) *Rejection {
	r := Reject(code, format, args...)
	r.ForNow = true
	return r
}

func asRejection(err error) *Rejection {
	r, ok := errors.AsType[*Rejection](err)
	switch {
	case ok && r == nil: // a nil *Rejection is an error that is not nil
		return Reject(CodeRejected, "Decide returned a nil *Rejection as its error: it has to return nil itself")
	case ok:
		return r
	}
	return &Rejection{Code: CodeRejected, Message: err.Error()}
}
