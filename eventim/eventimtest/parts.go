package eventimtest

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"time"
)

// parts are all that a value holds, by their paths: also what is behind
// pointers, in maps and in unexported fields. They are text, so that nothing
// that is done to the value later is done to them. A time is its instant, and a
// nil slice is an empty one; a nil map is not, since writing to it panics.
type parts map[string]string

func partsOf(v any) parts {
	p := parts{}
	if v != nil {
		p[""] = reflect.TypeOf(v).String()
		p.add("", reflect.ValueOf(v), map[uintptr]bool{})
	}
	return p
}

// changed says what is another part in q, the first by its path; "" when
// nothing is.
func (p parts) changed(q parts) string {
	all := maps.Clone(p)
	maps.Copy(all, q)
	for _, path := range slices.Sorted(maps.Keys(all)) {
		was, before := p[path]
		is, after := q[path]
		switch {
		case before && !after:
			return fmt.Sprintf("%s was %s, and is gone", named(path), was)
		case after && !before:
			return fmt.Sprintf("%s was not there, and is %s", named(path), is)
		case was != is:
			return fmt.Sprintf("%s was %s, and is %s", named(path), was, is)
		}
	}
	return ""
}

func named(path string) string {
	if path == "" {
		return "it"
	}
	return path
}

func (p parts) add(path string, v reflect.Value, above map[uintptr]bool) {
	switch v.Kind() {
	case reflect.Struct:
		p.addStruct(path, v, above)
	case reflect.Map:
		p.addMap(path, v, above)
	case reflect.Slice, reflect.Array:
		p[path] = fmt.Sprintf("%d elements", v.Len())
		for i := range v.Len() {
			p.add(fmt.Sprintf("%s[%d]", path, i), v.Index(i), above)
		}
	case reflect.Pointer, reflect.Interface:
		p.addTarget(path, v, above)
	default:
		p[path] = scalar(v)
	}
}

func (p parts) addStruct(path string, v reflect.Value, above map[uintptr]bool) {
	if v.Type() == reflect.TypeFor[time.Time]() {
		p[path] = instant(v)
		return
	}
	for i := range v.NumField() {
		p.add(path+"."+v.Type().Field(i).Name, v.Field(i), above)
	}
}

// instant leaves out the location, which does not come back from JSON.
func instant(v reflect.Value) string {
	if v.CanInterface() {
		return v.Interface().(time.Time).UTC().Format(time.RFC3339Nano)
	}
	return fmt.Sprintf("%d %d", v.FieldByName("wall").Uint(), v.FieldByName("ext").Int())
}

func (p parts) addMap(path string, v reflect.Value, above map[uintptr]bool) {
	if v.IsNil() {
		p[path] = "a nil map"
		return
	}
	p[path] = fmt.Sprintf("a map of %d", v.Len())
	for it := v.MapRange(); it.Next(); {
		p.add(path+"["+keyText(it.Key())+"]", it.Value(), above)
	}
}

func keyText(key reflect.Value) string {
	k := parts{}
	k.add("", key, map[uintptr]bool{})
	if only, ok := k[""]; ok && len(k) == 1 {
		return only
	}
	return fmt.Sprint(map[string]string(k)) // sorted
}

// addTarget ends where a value refers to itself.
func (p parts) addTarget(path string, v reflect.Value, above map[uintptr]bool) {
	if v.IsNil() {
		p[path] = "nil"
		return
	}
	if v.Kind() == reflect.Interface {
		p[path] = v.Elem().Type().String()
		p.add(path, v.Elem(), above)
		return
	}
	at := v.Pointer()
	if above[at] {
		p[path] = "a cycle"
		return
	}
	above[at] = true
	p[path] = "not nil"
	p.add(path, v.Elem(), above)
	delete(above, at)
}

func scalar(v reflect.Value) string {
	switch {
	case v.Kind() == reflect.String:
		return strconv.Quote(v.String())
	case v.CanInt():
		return strconv.FormatInt(v.Int(), 10)
	case v.CanUint():
		return strconv.FormatUint(v.Uint(), 10)
	case v.CanFloat():
		return strconv.FormatFloat(v.Float(), 'g', -1, 64)
	case v.CanComplex():
		return strconv.FormatComplex(v.Complex(), 'g', -1, 128)
	case v.Kind() == reflect.Bool:
		return strconv.FormatBool(v.Bool())
	}
	return fmt.Sprintf("%v at %d", v.Type(), v.Pointer()) // a channel or a function
}
