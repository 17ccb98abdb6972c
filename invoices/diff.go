package invoices

import (
	"encoding"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
)

// Change is what became of one field of an invoice.
type Change struct {
	Path   string     `json:"path" doc:"JSON Pointer (RFC 6901) into the invoice, in which a line and a payment stand by their id, not by where they are. The path /lines is of their order: the ids before and after." example:"/lines/3/quantity"`
	Kind   ChangeKind `json:"kind" enum:"added,removed,changed"`
	Before any        `json:"before,omitempty" doc:"What it was, unless it was added: as the invoice has it, so that amounts are amounts."`
	After  any        `json:"after,omitempty" doc:"What it is, unless it was removed."`
	Index  *int       `json:"index,omitempty" minimum:"0" doc:"Of a whole line or payment: where it stands after it was added, or stood before it was removed, counting from 0."`
}

// ChangeKind says what became of a field.
type ChangeKind string

// The kinds of changes.
const (
	FieldAdded   ChangeKind = "added"
	FieldRemoved ChangeKind = "removed"
	FieldChanged ChangeKind = "changed"
)

// Diff returns what makes b of a, in the order of the fields. It lacks nothing: a
// test makes b of a and the changes alone. The zero Invoice has no fields, so that
// all that an invoice says is added to it. Diff(b, a) is the same, seen from the
// other side.
func Diff(a, b Invoice) []Change {
	d := differ{changes: []Change{}, from: a.Status != "", to: b.Status != ""}
	d.fields("", reflect.ValueOf(a), reflect.ValueOf(b))
	return d.changes
}

// differ goes through two values of one type. It goes by the types, so that a field
// that an invoice gets in future is compared, too.
type differ struct {
	changes  []Change
	from, to bool // that side exists; else none of its zero fields does
}

// fields compares structs field by field, as JSON has them.
func (d *differ) fields(path string, a, b reflect.Value) {
	for i := range a.NumField() {
		field, before, after := a.Type().Field(i), a.Field(i), b.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if field.Anonymous && name == "" {
			d.fields(path, before, after)
			continue
		}
		optional := options == "omitzero"
		was := !before.IsZero() || d.from && !optional
		is := !after.IsZero() || d.to && !optional
		d.field(path+"/"+escapePointer.Replace(name), side{before, was}, side{after, is})
	}
}

// side is a value, or none.
type side struct {
	reflect.Value

	there bool
}

func (d *differ) field(path string, a, b side) {
	switch {
	case isKeyed(a.Type()):
		d.keyed(path, a.Value, b.Value)
	case a.there && b.there && isTree(a.Type()):
		d.fields(path, a.Value, b.Value)
	case a.there && b.there:
		if !equal(a.Value, b.Value) {
			d.add(Change{Path: path, Kind: FieldChanged, Before: a.Interface(), After: b.Interface()})
		}
	case b.there:
		d.add(Change{Path: path, Kind: FieldAdded, After: b.Interface()})
	case a.there:
		d.add(Change{Path: path, Kind: FieldRemoved, Before: a.Interface()})
	}
}

func (d *differ) add(c Change) { d.changes = append(d.changes, c) }

// keyed compares lists whose elements have ids.
func (d *differ) keyed(path string, a, b reflect.Value) {
	if a.Len() == b.Len() && a.Pointer() == b.Pointer() {
		return // versions of an invoice share what did not change
	}
	before, after := placesOf(a), placesOf(b)
	var kept [2][]string
	for i := range a.Len() {
		id := idAt(a, i)
		if _, stays := after[id]; stays {
			kept[0] = append(kept[0], id)
			continue
		}
		d.add(Change{Path: pathOf(path, id), Kind: FieldRemoved, Before: a.Index(i).Interface(), Index: new(i)})
	}
	for i := range b.Len() {
		id := idAt(b, i)
		was, stayed := before[id]
		if !stayed {
			d.add(Change{Path: pathOf(path, id), Kind: FieldAdded, After: b.Index(i).Interface(), Index: new(i)})
			continue
		}
		kept[1] = append(kept[1], id)
		if !equal(a.Index(was), b.Index(i)) {
			d.fields(pathOf(path, id), a.Index(was), b.Index(i))
		}
	}
	if !slices.Equal(kept[0], kept[1]) {
		d.add(Change{Path: path, Kind: FieldChanged, Before: idsIn(a), After: idsIn(b)})
	}
}

func idAt(list reflect.Value, i int) string { return list.Index(i).FieldByName("ID").String() }

func idsIn(list reflect.Value) []string {
	ids := make([]string, list.Len())
	for i := range ids {
		ids[i] = idAt(list, i)
	}
	return ids
}

func placesOf(list reflect.Value) map[string]int {
	places := make(map[string]int, list.Len())
	for i := range list.Len() {
		places[idAt(list, i)] = i
	}
	return places
}

// escapePointer writes a name as RFC 6901 does.
var escapePointer = strings.NewReplacer("~", "~0", "/", "~1")

func pathOf(list, id string) string { return list + "/" + escapePointer.Replace(id) }

// isKeyed tells whether values of t are lists whose elements have ids.
func isKeyed(t reflect.Type) bool {
	if t.Kind() != reflect.Slice || t.Elem().Kind() != reflect.Struct {
		return false
	}
	_, has := t.Elem().FieldByName("ID")
	return has
}

// isTree tells whether values of t are objects in JSON that say what is in them. An
// amount is none: half of it means nothing.
func isTree(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && !t.Implements(reflect.TypeFor[json.Marshaler]()) && !t.Implements(reflect.TypeFor[encoding.TextMarshaler]())
}

// equal is ==, where there is one. A list of nothing is as good as none.
func equal(a, b reflect.Value) bool {
	if a.Comparable() {
		return a.Equal(b)
	}
	if a.Kind() == reflect.Slice && a.Len() == 0 && b.Len() == 0 {
		return true
	}
	return reflect.DeepEqual(a.Interface(), b.Interface())
}
