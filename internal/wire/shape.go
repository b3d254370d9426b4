package wire

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strings"
	"sync"
)

// shape is what a survey needs to know of a type.
type shape struct {
	kind                              reflect.Kind
	writesItself, pointerWritesItself bool    // by code of the program
	isScalar                          bool    // nothing inside it to look at
	elem                              *shape  // of a pointer, slice, array or map
	keysAreText                       bool    // of a map
	fields                            []field // of a struct, that encoding/json writes
}

type field struct {
	index        []int
	mayBeLeftOut bool // if it is empty
	shape        *shape
}

// in returns the field's value, unless it is that of an embedded nil pointer.
func (f *field) in(v reflect.Value) (reflect.Value, bool) {
	if len(f.index) == 1 {
		return v.Field(f.index[0]), true
	}
	value, err := v.FieldByIndexErr(f.index)
	return value, err == nil
}

var (
	shapes        sync.Map // of reflect.Type to *shape, as encoding/json has one
	marshaler     = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
)

func shapeOf(t reflect.Type) *shape {
	if known, ok := shapes.Load(t); ok {
		return known.(*shape)
	}
	made := map[reflect.Type]*shape{}
	s := makeShape(t, made)
	for t, s := range made { // complete by now
		shapes.Store(t, s)
	}
	return s
}

// makeShape finds the shapes of types that contain themselves in made.
func makeShape(t reflect.Type, made map[reflect.Type]*shape) *shape {
	if s := made[t]; s != nil {
		return s
	}
	s := &shape{kind: t.Kind(), writesItself: writesItself(t), pointerWritesItself: writesItself(reflect.PointerTo(t))}
	made[t] = s
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array:
		s.elem = makeShape(t.Elem(), made)
	case reflect.Map:
		s.elem = makeShape(t.Elem(), made)
		s.keysAreText = t.Key().Kind() == reflect.String && !writesItself(t.Key())
	case reflect.Struct:
		for _, f := range reflect.VisibleFields(t) {
			name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			flattened := f.Anonymous && name == "" // its fields are among the visible ones
			if f.IsExported() && !flattened && f.Tag.Get("json") != "-" {
				s.fields = append(s.fields, field{f.Index, strings.Contains(options, "omit"), makeShape(f.Type, made)})
			}
		}
	case reflect.Interface, reflect.String:
	default:
		s.isScalar = true
	}
	return s
}

func writesItself(t reflect.Type) bool { return t.Implements(marshaler) || t.Implements(textMarshaler) }
