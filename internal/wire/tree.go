package wire

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"

	"github.com/google/uuid"
)

// Tree returns a deep copy of m's Values that shares nothing with them. In it every
// object is a map[string]any, and every array a []any or a slice of strings,
// numbers or booleans. What the encoder leaves to encoding/json, and every
// json.RawMessage, becomes what its JSON says, with numbers as json.Number.
//
// The limit and the errors are those of [AppendMessage].
func (m *Message) Tree(limit int) (map[string]any, error) {
	t := tree{room: limit}
	object, err := copyObject(&t, m.Values, maxDepth, (*tree).value)
	if err != nil {
		return nil, prependPath(err, m.Kind.ValuesName())
	}
	if object == nil {
		object = map[string]any{}
	}
	return object, nil
}

// Tree returns the fields of f, and those of over, which wins.
func (f *Fields) Tree(over *Fields) (map[string]any, error) {
	switch {
	case f == nil && over == nil:
		return map[string]any{}, nil
	case f == nil:
		f, over = over, nil
	}
	var object map[string]any
	err := decode(appendFields(nil, f, over), &object)
	return object, err
}

func decode(text []byte, v any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber() // an int64 keeps all its digits
	return decoder.Decode(v)
}

// tree is a copy in the making.
type tree struct {
	room int // bytes that the copy may still take, as JSON at least
}

func (t *tree) take(bytes int) error {
	if t.room -= bytes; t.room < 0 {
		return ErrTooLarge
	}
	return nil
}

func (t *tree) value(v any, depth int) (any, error) {
	switch v := v.(type) {
	case nil, bool, int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64, uintptr,
		float32, float64, time.Time, time.Duration, uuid.UUID:
		return v, t.take(1)
	case string:
		return v, t.take(len(v))
	case json.Number:
		return v, t.take(len(v))
	case []byte:
		return copyList(t, v)

	case map[string]any:
		return objectOrNil(copyObject(t, v, depth, (*tree).value))
	case map[string]string:
		return objectOrNil(copyObject(t, v, depth, leaf[string]))
	case map[string]bool:
		return objectOrNil(copyObject(t, v, depth, leaf[bool]))
	case map[string]int:
		return objectOrNil(copyObject(t, v, depth, leaf[int]))
	case map[string]int64:
		return objectOrNil(copyObject(t, v, depth, leaf[int64]))
	case map[string]float64:
		return objectOrNil(copyObject(t, v, depth, leaf[float64]))

	case []any:
		return copyArray(t, v, depth, (*tree).value)
	case []map[string]any:
		return copyArray(t, v, depth, func(t *tree, v map[string]any, depth int) (any, error) {
			return objectOrNil(copyObject(t, v, depth, (*tree).value))
		})
	case []string:
		for _, s := range v {
			if err := t.take(len(s)); err != nil {
				return nil, err
			}
		}
		return copyList(t, v)
	case []bool:
		return copyList(t, v)
	case []int:
		return copyList(t, v)
	case []int64:
		return copyList(t, v)
	case []float64:
		return copyList(t, v)

	default:
		return t.foreign(v, depth)
	}
}

// foreign copies what has code of its own, or a type that is not known here.
func (t *tree) foreign(v any, depth int) (any, error) {
	if _, raw := v.(json.RawMessage); !raw {
		if object, ok := namedObject(v); ok {
			return objectOrNil(copyObject(t, object, depth, (*tree).value))
		}
	}
	text, err := appendValue(nil, v, limits{end: t.room, depth: depth})
	if err != nil {
		return nil, err
	}
	var copied any
	if err := decode(text, &copied); err != nil {
		return nil, &ValueError{Reason: "its JSON cannot be read again; send a string, number, bool, map or slice"}
	}
	return copied, t.take(len(text))
}

func leaf[V any](t *tree, v V, depth int) (any, error) { return t.value(v, depth) }

func copyList[V any](t *tree, list []V) (any, error) {
	if err := t.take(len(list)); err != nil { // each element takes at least a byte
		return nil, err
	}
	return slices.Clone(list), nil
}

// objectOrNil keeps what is null in JSON from becoming an object.
func objectOrNil(object map[string]any, err error) (any, error) {
	if object == nil {
		return nil, err
	}
	return object, err
}

func copyObject[V any](t *tree, object map[string]V, depth int, copyElement func(*tree, V, int) (any, error)) (map[string]any, error) {
	switch {
	case object == nil:
		return nil, t.take(1)
	case depth == 0:
		return nil, errTooDeep()
	}
	const least = len(`"":0,`)
	if len(object)*least > t.room { // before memory is taken for it
		return nil, ErrTooLarge
	}
	out := make(map[string]any, len(object))
	for name, value := range object {
		if err := t.take(len(name) + len(`"":,`)); err != nil {
			return nil, err
		}
		copied, err := copyElement(t, value, depth-1)
		if err != nil {
			return nil, inMember(err, name)
		}
		out[name] = copied
	}
	return out, t.take(1)
}

func copyArray[V any](t *tree, array []V, depth int, copyElement func(*tree, V, int) (any, error)) (any, error) {
	switch {
	case array == nil:
		return nil, t.take(1)
	case depth == 0:
		return nil, errTooDeep()
	}
	const least = len(`0,`)
	if len(array)*least > t.room {
		return nil, ErrTooLarge
	}
	out := make([]any, len(array))
	for i, value := range array {
		copied, err := copyElement(t, value, depth-1)
		if err != nil {
			return nil, inElement(err, i)
		}
		out[i] = copied
	}
	return out, t.take(1)
}
