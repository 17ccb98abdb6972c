package views

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
)

// ErrCursor says that a cursor is not one that a page of this list gave out.
var ErrCursor = errors.New("the cursor is not one of this list: begin with the first page")

// cursor is the last row of a page, or the first one for the way back. Rows that change
// while somebody turns the pages may move to another one; none is shown twice or left
// out otherwise.
type cursor struct {
	order  Order
	back   bool
	values []string // of the keys of the order
	id     string
}

// cursorOf is the cursor at a row.
func cursorOf(r Row, o Order, keys []sortKey, back bool) cursor {
	c := cursor{order: cmp.Or(o, lastChanged), back: back, id: r.ID}
	for _, k := range keys {
		c.values = append(c.values, k.of(r))
	}
	return c
}

// cursorJSON is a cursor as clients hold it. They do not look inside.
type cursorJSON struct {
	Order  Order    `json:"o"`
	Back   bool     `json:"b,omitzero"`
	Values []string `json:"v"`
	ID     string   `json:"i"`
}

func (c cursor) String() string {
	text, err := json.Marshal(cursorJSON{c.order, c.back, c.values, c.id})
	if err != nil {
		panic(err) // there is nothing in it that can fail
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// CheckCursor returns ErrCursor for what is not a cursor of a list in that order. An
// empty one is that of the first page.
func CheckCursor(s string, o Order) error {
	if s == "" {
		return nil
	}
	_, err := parseCursor(s, o)
	return err
}

func parseCursor(s string, o Order) (cursor, error) {
	text, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return cursor{}, ErrCursor
	}
	var c cursorJSON
	if err := json.Unmarshal(text, &c); err != nil {
		// Pages that were loaded before there were orders have micros:id.
		micros, id, _ := strings.Cut(string(text), ":")
		c = cursorJSON{Order: lastChanged, Values: []string{micros}, ID: id}
	}
	keys, err := o.keys()
	if err != nil || c.Order != cmp.Or(o, lastChanged) || len(c.Values) != len(keys) || c.ID == "" || storable(c.ID) != c.ID {
		return cursor{}, ErrCursor
	}
	for i, k := range keys {
		if _, err := k.parse(c.Values[i]); err != nil {
			return cursor{}, ErrCursor
		}
	}
	return cursor{c.Order, c.Back, c.Values, c.ID}, nil
}
