package wire

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
)

// appendForeign appends a value of a type that the encoder does not know.
func appendForeign(dst []byte, v any, lim limits) ([]byte, error) {
	if object, ok := namedObject(v); ok {
		return appendObject(dst, object, lim, appendValue)
	}
	encoded, err := marshal(v, survey{room: lim.end - len(dst)}, lim.depth)
	if err != nil {
		return dst, err
	}
	return appendEncoded(dst, encoded, lim)
}

var namedObjectType = reflect.TypeFor[map[string]any]()

// namedObject returns a map[string]any that goes by another name, such as gin.H.
// Errors inside of it then have a full path, and its size is checked on the way.
func namedObject(v any) (map[string]any, bool) {
	switch v.(type) {
	case json.Marshaler, encoding.TextMarshaler:
		return nil, false
	}
	t := reflect.TypeOf(v)
	if t.Kind() != reflect.Map || t.Key() != namedObjectType.Key() || t.Elem() != namedObjectType.Elem() {
		return nil, false
	}
	return reflect.ValueOf(v).Convert(namedObjectType).Interface().(map[string]any), true
}

// marshal is json.Marshal after a survey that survives the caller's code and quotes none of its errors.
func marshal(v any, before survey, depth int) (encoded []byte, err error) {
	defer func() {
		// With GODEBUG=panicnil=1 a panic(nil) shows only in what it leaves behind: half a value, or none.
		if cause := recover(); cause != nil || err == nil && !json.Valid(encoded) {
			encoded, err = nil, errPanicked(v, cause)
		}
	}()
	if err := before.of(v, depth); err != nil {
		return nil, err
	}
	encoded, err = json.Marshal(v)
	if err != nil {
		return nil, &ValueError{Reason: marshalReason(v, err)}
	}
	return encoded, nil
}

func errPanicked(v, cause any) *ValueError {
	reason := fmt.Sprintf("encoding the %s panicked with a value of type %s", typeName(v), typeName(cause))
	return &ValueError{Reason: reason, Panicked: true}
}

// marshalReason explains an error of json.Marshal by Go types: its text may hold values.
func marshalReason(v any, err error) string {
	var (
		unsupportedType  *json.UnsupportedTypeError
		unsupportedValue *json.UnsupportedValueError
		marshaler        *json.MarshalerError
	)
	switch {
	case errors.As(err, &marshaler):
		return fmt.Sprintf("MarshalJSON or MarshalText of the %s returned an error or invalid JSON", shorten(marshaler.Type.String()))
	case errors.As(err, &unsupportedType):
		return fmt.Sprintf("JSON has no form for a %s; send a string, number, bool, map or slice", shorten(unsupportedType.Type.String()))
	case errors.As(err, &unsupportedValue):
		return fmt.Sprintf("the %s has a NaN or an infinity, which JSON has not; leave it out or send nil", typeName(v))
	default:
		return fmt.Sprintf("encoding/json cannot encode the %s; send a string, number, bool, map or slice", typeName(v))
	}
}

func typeName(v any) string { return shorten(fmt.Sprintf("%T", v)) }
