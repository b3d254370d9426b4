package wire

import (
	"encoding"
	"encoding/json"
	"reflect"
	"slices"
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
	mayBeLeftOut bool                     // if it is empty
	saysZero     func(reflect.Value) bool // its own IsZero, if omitzero asks that
	shape        *shape
}

func (f *field) isLeftOut(v reflect.Value) bool {
	return f.mayBeLeftOut && (isEmpty(v) || f.saysZero != nil && f.saysZero(v))
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
	zeroer        = reflect.TypeFor[interface{ IsZero() bool }]()
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
		s.fields = fieldsOf(t, made)
	case reflect.Interface, reflect.String:
	default:
		s.isScalar = true
	}
	return s
}

func writesItself(t reflect.Type) bool { return t.Implements(marshaler) || t.Implements(textMarshaler) }

// candidate is a field of a struct that encoding/json writes, unless another has
// its name: the least deep one wins, then the one with a tag, and nobody if that
// does not decide.
type candidate struct {
	reflect.StructField        // its Index is from the outermost struct
	options             string // of its tag
	tagged, ambiguous   bool
}

// fieldsOf finds the fields that encoding/json writes. reflect.VisibleFields
// follows the rules of Go, which look neither at tags nor at their names.
func fieldsOf(t reflect.Type, made map[reflect.Type]*shape) []field {
	found := map[string]*candidate{}
	level, times := []reflect.StructField{{Type: t}}, map[reflect.Type]int{}
	visited := map[reflect.Type]bool{}
	for len(level) > 0 {
		var next []reflect.StructField // structs whose fields are taken for those of t
		nextTimes := map[reflect.Type]int{}
		for _, outer := range level {
			if visited[outer.Type] {
				continue
			}
			visited[outer.Type] = true
			for i := range outer.Type.NumField() {
				f := outer.Type.Field(i)
				f.Index = append(slices.Clone(outer.Index), i)
				name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
				inner := f.Type
				if inner.Kind() == reflect.Pointer && inner.Name() == "" {
					inner = inner.Elem()
				}
				embeds := f.Anonymous && inner.Kind() == reflect.Struct
				switch {
				case f.Tag.Get("json") == "-" || !f.IsExported() && !embeds:
				case embeds && name == "":
					if nextTimes[inner]++; nextTimes[inner] == 1 {
						f.Type = inner
						next = append(next, f)
					}
				default:
					c := &candidate{f, options, name != "", times[outer.Type] > 1}
					if name == "" {
						name = f.Name
					}
					found[name] = stronger(found[name], c)
				}
			}
		}
		level, times = next, nextTimes
	}
	var fields []field
	for _, c := range found {
		if !c.ambiguous {
			fields = append(fields, field{c.Index, strings.Contains(c.options, "omit"), zeroMethod(c), makeShape(c.Type, made)})
		}
	}
	return fields
}

// stronger returns which of two fields of one name is written; the first may be
// nil, and is not deeper than the second.
func stronger(a, b *candidate) *candidate {
	switch {
	case a == nil, len(a.Index) == len(b.Index) && b.tagged && !a.tagged:
		return b
	case len(a.Index) == len(b.Index) && a.tagged == b.tagged:
		a.ambiguous = true
	}
	return a
}

// zeroMethod returns what asks a field's IsZero, as omitzero does; nil if it has
// none.
func zeroMethod(c *candidate) func(reflect.Value) bool {
	isZero := func(v reflect.Value) bool { return v.Interface().(interface{ IsZero() bool }).IsZero() }
	switch {
	case !strings.Contains(c.options, "omitzero"):
		return nil
	case c.Type.Implements(zeroer):
		return func(v reflect.Value) bool {
			return v.Kind() == reflect.Interface && v.Elem().Kind() == reflect.Pointer && v.Elem().IsNil() || isZero(v)
		}
	case reflect.PointerTo(c.Type).Implements(zeroer):
		return func(v reflect.Value) bool {
			p := reflect.New(v.Type())
			p.Elem().Set(v)
			return isZero(p)
		}
	}
	return nil
}
