package views

import (
	"fmt"
	"strconv"
	"strings"
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
