package eventim

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Limits of what stands around a payload, in bytes. They leave room in each
// record, index and log line that it comes into.
const (
	MaxID    = 128 // of a command id, an aggregate id and an origin
	MaxActor = 256

	maxVersion = 999_999_999_999_999_999 // 18 digits: any text of them is a number

	maxCause = MaxID + len("/9223372036854775807") // the id of an event is a cause, too
)

// InvalidError says what is wrong with a command before anybody has decided it:
// it will not pass by trying again.
type InvalidError struct {
	// Field is the member of Command that is wrong: ID, Aggregate, Expected,
	// Origin, Actor, Correlation, Causation or Payload.
	Field string

	// Pointer is where in the payload it is: a JSON Pointer (RFC 6901), "" for
	// the payload as a whole.
	Pointer string

	// Reason is a sentence without its subject, such as "is empty".
	Reason string
}

func (e *InvalidError) Error() string {
	if e.Pointer != "" {
		return fmt.Sprintf("%s of the payload %s", e.Pointer, e.Reason)
	}
	return subjects[e.Field] + " " + e.Reason
}

var subjects = map[string]string{
	"ID": "the command id", "Aggregate": "the aggregate id", "Expected": "the expected version", "Origin": "the origin",
	"Actor": "the actor", "Correlation": "the correlation id", "Causation": "the causation id", "Payload": "the payload",
}

// Check returns an *InvalidError for what is wrong with the envelope of c,
// several of them joined. It is the one rule for all ways in: Send refuses such
// a command, and a handler answers one that somebody else has written with
// CodeInvalidEnvelope.
func (c Command[C]) Check() error {
	var errs []error
	check := func(field, value string, rule func(string) error) {
		if err := rule(value); err != nil {
			errs = append(errs, &InvalidError{Field: field, Reason: err.Error()})
		}
	}
	check("ID", c.ID, checkID)
	check("Aggregate", c.Aggregate, checkID)
	check("Origin", c.Origin, optional(MaxID))
	check("Actor", c.Actor, checkActor)
	check("Correlation", c.Correlation, optional(maxCause))
	check("Causation", c.Causation, optional(maxCause))
	if c.Expected != nil && (*c.Expected < 0 || *c.Expected > maxVersion) {
		errs = append(errs, &InvalidError{Field: "Expected", Reason: "is negative, or has more than 18 digits"})
	}
	return errors.Join(errs...)
}

// ValidID tells whether id can be that of a command or of an aggregate: 1 to
// MaxID bytes of UTF-8 in NFC, each character of which can be seen. There are no
// spaces, controls or marks that only steer the direction of text. It is not "."
// or "..", which no link can name (RFC 3986, 5.2.4).
func ValidID(id string) bool { return checkID(id) == nil }

// ValidActor tells whether actor can be who asks: nobody (""), or a name of at
// most MaxActor bytes as people write it, with spaces inside.
func ValidActor(actor string) bool { return checkActor(actor) == nil }

func checkID(id string) error {
	switch id {
	case "":
		return errors.New("is empty")
	case ".", "..":
		return fmt.Errorf("is %q, which no link can name", id)
	}
	return checkName(id, MaxID)
}

func optional(limit int) func(string) error {
	return func(value string) error { return checkName(value, limit) }
}

func checkName(s string, limit int) error {
	if len(s) > limit {
		return fmt.Errorf("has %d bytes, and at most %d are allowed", len(s), limit)
	}
	if isPrintableASCII(s, '!') {
		return nil
	}
	return checkText(s, func(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) })
}

func checkActor(s string) error {
	if len(s) > MaxActor {
		return fmt.Errorf("has %d bytes, and at most %d are allowed", len(s), MaxActor)
	}
	if strings.TrimSpace(s) != s {
		return errors.New("begins or ends with a space")
	}
	if isPrintableASCII(s, ' ') {
		return nil
	}
	return checkText(s, unicode.IsGraphic)
}

func isPrintableASCII(s string, first byte) bool {
	for i := range len(s) {
		if s[i] < first || s[i] > '~' {
			return false
		}
	}
	return true
}

func checkText(s string, allowed func(rune) bool) error {
	if !utf8.ValidString(s) {
		return errors.New("is not valid UTF-8")
	}
	for _, r := range s {
		if !allowed(r) {
			return fmt.Errorf("contains %U, which cannot be seen", r)
		}
	}
	if !norm.NFC.IsNormalString(s) {
		return errors.New("is not normalized (NFC)")
	}
	return nil
}

const traceparentLength = 55

// traceparentForm is that of version 00. What later versions append is cut off.
var traceparentForm = regexp.MustCompile(`^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$`)

// validTraceparent is a W3C Trace Context, or nothing: a trace that cannot be
// read begins anew, and no command is refused for it.
func validTraceparent(header string) string {
	if len(header) > traceparentLength && header[traceparentLength] == '-' && !strings.HasPrefix(header, "00") {
		header = header[:traceparentLength]
	}
	const noTrace, noSpan = "-00000000000000000000000000000000-", "-0000000000000000-"
	if !traceparentForm.MatchString(header) || strings.HasPrefix(header, "ff") ||
		strings.Contains(header, noTrace) || strings.Contains(header, noSpan) {
		return ""
	}
	return header
}

// blank takes out of c what is wrong with its envelope, so that whoever answers
// it writes nothing that a log or a database cannot hold.
func (c *Command[C]) blank(wrong error) {
	fields := map[string]*string{
		"ID": &c.ID, "Aggregate": &c.Aggregate, "Origin": &c.Origin, "Actor": &c.Actor,
		"Correlation": &c.Correlation, "Causation": &c.Causation,
	}
	for _, invalid := range invalidErrors(wrong) {
		if field, ok := fields[invalid.Field]; ok {
			*field = ""
		}
	}
}

// invalidErrors returns those that Check has joined.
func invalidErrors(err error) []*InvalidError {
	joined, ok := err.(interface{ Unwrap() []error }) //nolint:errorlint // it is what errors.Join returns
	if !ok {
		if invalid, ok := errors.AsType[*InvalidError](err); ok {
			return []*InvalidError{invalid}
		}
		return nil
	}
	var all []*InvalidError
	for _, e := range joined.Unwrap() {
		all = append(all, invalidErrors(e)...)
	}
	return all
}
