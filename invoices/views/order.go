package views

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Order is what a list is sorted by: a name of Orders, with a - before it for the other
// way round. What is equal in it is sorted by id. "" is -updated: the last changed first.
type Order string

const lastChanged = Order("-updated")

// Orders returns the names of all orders, each both ways.
func Orders() []Order {
	var all []Order
	for _, name := range slices.Sorted(maps.Keys(orders)) {
		all = append(all, Order(name), Order("-"+name))
	}
	return all
}

// sortKey is one column of an order. Its value is written into cursors as text.
type sortKey struct {
	column  string // in SQL; of the version of the view before, too
	compare string // what is compared, of the column and of a value
	of      func(Row) string
	parse   func(string) (any, error)
}

// orders leave each row in one place only, with the id; amounts of different currencies
// are not compared.
var orders = map[string][]sortKey{
	"updated":  {{"updated_at", "%s", func(r Row) string { return strconv.FormatInt(r.UpdatedAt.UnixMicro(), 10) }, parseMicros}},
	"number":   {{`coalesce(invoice ->> 'number', '')`, `left(%s::text, 50) collate "C"`, func(r Row) string { return short(r.Number) }, parseText}},
	"customer": {{"customer_name", "lower(left(%s::text, 50))", func(r Row) string { return short(r.CustomerName) }, parseText}},
	"status":   {{"status", `left(%s::text, 50) collate "C"`, func(r Row) string { return short(r.Status) }, parseText}},
	"issued":   {{"issue_date", "%s", func(r Row) string { return r.IssueDate.Format(time.DateOnly) }, parseDay}},
	"due":      {{"due_date", "%s", func(r Row) string { return r.DueDate.Format(time.DateOnly) }, parseDay}},
	"total":    {currencyKey, {"total", "%s", func(r Row) string { return strconv.FormatInt(r.Total, 10) }, parseMinor}},
	"balance":  {currencyKey, {"balance", "%s", func(r Row) string { return strconv.FormatInt(r.Balance, 10) }, parseMinor}},
}

var currencyKey = sortKey{"currency", `left(%s::text, 50) collate "C"`, func(r Row) string { return short(r.Currency) }, parseText}

// short is how much of a text is compared, so that a cursor stays small whatever a log
// holds.
func short(s string) string { return string([]rune(s)[:min(50, utf8.RuneCountInString(s))]) }

func parseMicros(s string) (any, error) {
	micros, err := strconv.ParseInt(s, 10, 64)
	if at := time.UnixMicro(micros); err == nil && at.Year() > 0 && at.Year() < 10_000 {
		return at, nil
	}
	return nil, ErrCursor
}

func parseDay(s string) (any, error) { return time.Parse(time.DateOnly, s) }

func parseMinor(s string) (any, error) { return strconv.ParseInt(s, 10, 64) }

func parseText(s string) (any, error) {
	if storable(s) != s {
		return nil, ErrCursor
	}
	return s, nil
}

func (o Order) keys() ([]sortKey, error) {
	keys, ok := orders[strings.TrimPrefix(string(cmp.Or(o, lastChanged)), "-")]
	if !ok {
		return nil, fmt.Errorf("a list is not sorted by %q", string(o))
	}
	return keys, nil
}

func (o Order) descends() bool { return strings.HasPrefix(string(cmp.Or(o, lastChanged)), "-") }

// columns are what rows are compared by, the id last.
func columns(keys []sortKey) []string {
	var all []string
	for _, k := range keys {
		all = append(all, fmt.Sprintf(k.compare, k.column))
	}
	return append(all, "id")
}

// orderBy is the clause, from the last to the first if backwards.
func (o Order) orderBy(keys []sortKey, backwards bool) string {
	direction := ""
	if o.descends() != backwards {
		direction = " desc"
	}
	return strings.Join(columns(keys), direction+", ") + direction
}

// beyond adds the condition of the rows that follow a cursor, or lie before it if it
// leads back.
func (o Order) beyond(q *query, keys []sortKey, c cursor) error {
	var places []string
	var args []any
	for i, k := range keys {
		value, err := k.parse(c.values[i])
		if err != nil {
			return ErrCursor
		}
		places, args = append(places, fmt.Sprintf(k.compare, "%s")), append(args, value)
	}
	direction := ">"
	if o.descends() != c.back {
		direction = "<"
	}
	q.add("("+strings.Join(columns(keys), ", ")+") "+direction+" ("+strings.Join(append(places, "%s"), ", ")+")", append(args, c.id)...)
	return nil
}
