package views

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// query collects conditions and their arguments.
type query struct {
	conditions []string
	args       []any
}

// add adds a condition with a %s for each argument.
func (q *query) add(condition string, args ...any) {
	places := make([]any, len(args))
	for i := range args {
		places[i] = "$" + strconv.Itoa(len(q.args)+1+i)
	}
	q.conditions = append(q.conditions, fmt.Sprintf(condition, places...))
	q.args = append(q.args, args...)
}

func (q *query) where() string { return strings.Join(q.conditions, " and ") }

// ErrCursor says that a cursor is not one that a page gave out.
var ErrCursor = errors.New("the cursor is not one of this list: begin with the first page")

// cursor is the last row of a page. Rows that change while somebody turns the
// pages move to the first one; none is shown twice or left out otherwise.
type cursor struct {
	updatedAt time.Time // in microseconds, as Postgres has it
	id        string
}

func (c cursor) String() string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d:%s", c.updatedAt.UnixMicro(), c.id))
}

// CheckCursor returns ErrCursor for what is not a cursor. An empty one is that
// of the first page.
func CheckCursor(s string) error {
	if s == "" {
		return nil
	}
	_, err := parseCursor(s)
	return err
}

func parseCursor(s string) (cursor, error) {
	text, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return cursor{}, ErrCursor
	}
	micros, id, _ := strings.Cut(string(text), ":")
	at, err := strconv.ParseInt(micros, 10, 64)
	if err != nil || id == "" || storable(id) != id {
		return cursor{}, ErrCursor
	}
	return cursor{time.UnixMicro(at), id}, nil
}
