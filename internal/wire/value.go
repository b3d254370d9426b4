package wire

import (
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/google/uuid"
)

// Marshal is json.Marshal for a value that may become the values of a message,
// under the limits and with the errors of [AppendMessage].
func Marshal(v any, limit int) ([]byte, error) {
	return appendValue(nil, v, limits{end: limit, depth: maxDepth})
}

// appendValue appends any value. The types named here are those that cost no
// reflection and no allocation, and run no code of the caller's.
func appendValue(dst []byte, v any, lim limits) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(dst, `null`...), nil
	case string:
		return appendText(dst, v, lim)
	case bool:
		return appendBool(dst, v, lim)
	case int:
		return appendInt(dst, v, lim)
	case int8:
		return appendInt(dst, v, lim)
	case int16:
		return appendInt(dst, v, lim)
	case int32:
		return appendInt(dst, v, lim)
	case int64:
		return appendInt(dst, v, lim)
	case uint:
		return appendUint(dst, v)
	case uint8:
		return appendUint(dst, v)
	case uint16:
		return appendUint(dst, v)
	case uint32:
		return appendUint(dst, v)
	case uint64:
		return appendUint(dst, v)
	case uintptr:
		return appendUint(dst, v)
	case float32:
		return appendFloat(dst, float64(v), 32)
	case float64:
		return appendFloat64(dst, v, lim)
	case json.Number:
		return appendNumber(dst, v, lim)
	case time.Time:
		return appendTimeValue(dst, v)
	case time.Duration:
		return appendInt(dst, v, lim)
	case uuid.UUID:
		return append(AppendUUID(append(dst, '"'), v), '"'), nil
	case []byte:
		return appendBytes(dst, v, lim)
	case json.RawMessage:
		return appendRawMessage(dst, v, lim)

	case map[string]any:
		return appendObject(dst, v, lim, appendValue)
	case map[string]string:
		return appendObject(dst, v, lim, appendText)
	case map[string]bool:
		return appendObject(dst, v, lim, appendBool)
	case map[string]int:
		return appendObject(dst, v, lim, appendInt[int])
	case map[string]int64:
		return appendObject(dst, v, lim, appendInt[int64])
	case map[string]float64:
		return appendObject(dst, v, lim, appendFloat64)

	case []any:
		return appendArray(dst, v, lim, appendValue)
	case []string:
		return appendArray(dst, v, lim, appendText)
	case []bool:
		return appendArray(dst, v, lim, appendBool)
	case []int:
		return appendArray(dst, v, lim, appendInt[int])
	case []int64:
		return appendArray(dst, v, lim, appendInt[int64])
	case []float64:
		return appendArray(dst, v, lim, appendFloat64)
	case []map[string]any:
		return appendArray(dst, v, lim, appendValues)

	default:
		return appendForeign(dst, v, lim)
	}
}

func appendValues(dst []byte, v map[string]any, lim limits) ([]byte, error) {
	return appendObject(dst, v, lim, appendValue)
}

func appendBool(dst []byte, v bool, _ limits) ([]byte, error) {
	if v {
		return append(dst, `true`...), nil
	}
	return append(dst, `false`...), nil
}

func appendBytes(dst, v []byte, lim limits) ([]byte, error) {
	if v == nil {
		return append(dst, `null`...), nil
	}
	if !lim.fit(dst, base64.StdEncoding.EncodedLen(len(v))) {
		return dst, ErrTooLarge
	}
	dst = base64.StdEncoding.AppendEncode(append(dst, '"'), v)
	return append(dst, '"'), nil
}
