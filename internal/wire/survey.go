package wire

import "reflect"

// survey looks at a value before encoding/json does, which has neither a limit
// of depth (a long list linked by pointers overflows the stack, and that ends the
// process) nor one of size (what is too large is encoded whole, and then refused).
//
// What a value's own MarshalJSON or MarshalText does, nobody can look at. Its own
// IsZero is called, as encoding/json does.
type survey struct {
	room int // bytes that may still be written; each value takes at least one
}

// maxHops bounds pointers to pointers, which add no depth.
const maxHops = 1000

// of looks at v, and returns ErrTooLarge or an error that says that v is too
// deep, if it is.
func (s *survey) of(v any, depth int) error {
	return s.look(reflect.ValueOf(v), shapeOf(reflect.TypeOf(v)), depth, maxHops)
}

func (s *survey) look(v reflect.Value, t *shape, depth, hops int) error {
	if t.isScalar || t.writesItself || t.pointerWritesItself && v.CanAddr() {
		return s.take(1)
	}
	switch t.kind {
	case reflect.Pointer, reflect.Interface:
		inner := v.Elem()
		switch {
		case !inner.IsValid():
			return s.take(len(`null`))
		case hops == 0:
			return errTooDeep()
		case t.kind == reflect.Pointer:
			return s.look(inner, t.elem, depth, hops-1)
		}
		return s.look(inner, shapeOf(inner.Type()), depth, hops-1)
	case reflect.String: // a json.Number has no quotes
		return s.take(max(1, v.Len()))
	case reflect.Map, reflect.Slice:
		if v.IsNil() {
			return s.take(len(`null`))
		}
		if t.kind == reflect.Slice && t.elem.kind == reflect.Uint8 { // base64
			return s.take(v.Len())
		}
	}
	if depth == 0 {
		return errTooDeep()
	}
	if err := s.take(len(`{}`)); err != nil {
		return err
	}
	return s.lookInside(v, t, depth-1, hops)
}

func (s *survey) take(bytes int) error {
	if s.room -= bytes; s.room < 0 {
		return ErrTooLarge
	}
	return nil
}

func (s *survey) lookInside(v reflect.Value, t *shape, depth, hops int) error {
	switch t.kind {
	case reflect.Struct:
		for i := range t.fields {
			f := &t.fields[i]
			value, ok := f.in(v)
			if !ok || f.isLeftOut(value) {
				continue
			}
			if err := s.look(value, f.shape, depth, hops); err != nil {
				return err
			}
		}
	case reflect.Map:
		for entries := v.MapRange(); entries.Next(); {
			if t.keysAreText {
				if err := s.take(entries.Key().Len()); err != nil {
					return err
				}
			}
			if err := s.look(entries.Value(), t.elem, depth, hops); err != nil {
				return err
			}
		}
	default: // an array or a slice
		if t.elem.isScalar {
			return s.take(v.Len())
		}
		for i := range v.Len() {
			if err := s.look(v.Index(i), t.elem, depth, hops); err != nil {
				return err
			}
		}
	}
	return nil
}

// isEmpty is true for all that omitempty or omitzero leave out.
func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Map, reflect.Slice, reflect.String, reflect.Array:
		return v.Len() == 0 || v.IsZero()
	}
	return v.IsZero()
}
