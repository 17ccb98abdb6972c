package eventim

import (
	"reflect"
	"sync"
	"time"
)

// own returns a copy of v that shares no memory with it: what is done to one is
// not done to the other, whatever maps, slices and pointers the type has. A type
// that hides some of them in unexported fields knows alone how it is copied; it
// takes the way through the codec, or is v itself where there is none.
func own[T any](v T, codec Codec[T]) (T, error) {
	if shapeOf(reflect.TypeFor[T]()).plain {
		return v, nil
	}
	c := new(T)
	*c = v
	if detach(reflect.ValueOf(c).Elem()) {
		return *c, nil
	}
	if codec == nil {
		return v, nil
	}
	p, err := codec.Encode(v)
	if err != nil {
		return v, err
	}
	return codec.Decode(p)
}

// shape is what copying a type takes.
type shape struct {
	plain  bool  // an assignment copies all of it
	hidden bool  // it has memory that only its own methods reach
	fields []int // of a struct: those that are not plain
}

var shapes sync.Map // of reflect.Type

func shapeOf(t reflect.Type) shape {
	if known, ok := shapes.Load(t); ok {
		return known.(shape)
	}
	s := newShape(t)
	shapes.Store(t, s)
	return s
}

// newShape ends for recursive types, too: they recur behind a pointer, a slice,
// a map or an interface, which it does not follow.
func newShape(t reflect.Type) (s shape) {
	switch t.Kind() {
	case reflect.Map, reflect.Slice, reflect.Pointer, reflect.Interface:
	case reflect.Chan, reflect.Func, reflect.UnsafePointer:
		s.hidden = true
	case reflect.Array:
		s = shape{plain: shapeOf(t.Elem()).plain}
	case reflect.Struct:
		if t == reflect.TypeFor[time.Time]() { // its pointer is to a time zone, which nobody changes
			return shape{plain: true}
		}
		for i := range t.NumField() {
			f := t.Field(i)
			if shapeOf(f.Type).plain {
				continue
			}
			s.fields = append(s.fields, i)
			embedded := f.Anonymous && f.Type.Kind() == reflect.Struct
			s.hidden = s.hidden || !f.IsExported() && !embedded
		}
		s.plain = len(s.fields) == 0
	default:
		s.plain = true
	}
	return s
}

// detach replaces what v refers to by copies; false when it could not. It
// expects no cycles: what has some has no JSON either.
func detach(v reflect.Value) bool {
	s := shapeOf(v.Type())
	switch {
	case s.plain:
		return true
	case s.hidden:
		return false
	}
	switch v.Kind() {
	case reflect.Struct:
		for _, i := range s.fields {
			if !detach(v.Field(i)) {
				return false
			}
		}
		return true
	case reflect.Array:
		return detachAll(v)
	case reflect.Slice:
		return detachSlice(v)
	case reflect.Map:
		return detachMap(v)
	default: // a pointer or an interface
		return detachTarget(v)
	}
}

func detachAll(v reflect.Value) bool {
	if shapeOf(v.Type().Elem()).plain {
		return true
	}
	for i := range v.Len() {
		if !detach(v.Index(i)) {
			return false
		}
	}
	return true
}

func detachSlice(v reflect.Value) bool {
	if v.IsNil() {
		return true
	}
	c := reflect.MakeSlice(v.Type(), v.Len(), v.Len()) // no room: whoever appends gets an array of his own
	reflect.Copy(c, v)
	v.Set(c)
	return detachAll(c)
}

func detachMap(v reflect.Value) bool {
	if v.IsNil() {
		return true
	}
	c := reflect.MakeMapWithSize(v.Type(), v.Len())
	for it := v.MapRange(); it.Next(); {
		element := reflect.New(v.Type().Elem()).Elem()
		element.Set(it.Value())
		if !detach(element) {
			return false
		}
		c.SetMapIndex(it.Key(), element)
	}
	v.Set(c)
	return true
}

func detachTarget(v reflect.Value) bool {
	if v.IsNil() {
		return true
	}
	c := reflect.New(v.Elem().Type())
	c.Elem().Set(v.Elem())
	if !detach(c.Elem()) {
		return false
	}
	if v.Kind() == reflect.Interface {
		c = c.Elem()
	}
	v.Set(c)
	return true
}
