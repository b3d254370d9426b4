// Package exact reads the values of a message without the loss of digits that
// float64 brings: IDs are often integers beyond 2⁵³.
package exact

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/loopkitai/loopkit-go/internal/collector"
)

// Values returns the traits or properties of a message. Integers that float64
// cannot hold are json.Number, everything else is as in Message.Values.
func Values(m *collector.Message) map[string]any {
	if m.ValuesKey == "" || !hasLongInteger(m.Raw) {
		return m.Values
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(m.Raw, &members) != nil {
		return m.Values
	}
	decoder := json.NewDecoder(bytes.NewReader(members[m.ValuesKey]))
	decoder.UseNumber()
	var values map[string]any
	if decoder.Decode(&values) != nil || len(values) != len(m.Values) {
		return m.Values
	}
	for key, value := range values {
		values[key] = simplified(value)
	}
	return values
}

// mostDigits is how many digits an integer may have to be sure to fit float64.
const mostDigits = 15

func hasLongInteger(raw []byte) bool {
	digits := 0
	for _, b := range raw {
		if b < '0' || b > '9' {
			digits = 0
		} else if digits++; digits > mostDigits {
			return true
		}
	}
	return false
}

// simplified turns the numbers that float64 can hold into that.
func simplified(v any) any {
	switch v := v.(type) {
	case json.Number:
		n, err := v.Float64()
		if err == nil && (!isInteger(v.String()) || strconv.FormatFloat(n, 'f', -1, 64) == v.String()) {
			return n
		}
	case map[string]any:
		for key, element := range v {
			v[key] = simplified(element)
		}
	case []any:
		for i, element := range v {
			v[i] = simplified(element)
		}
	}
	return v
}

func isInteger(s string) bool {
	for i := range len(s) {
		if (s[i] < '0' || s[i] > '9') && (i > 0 || s[i] != '-') {
			return false
		}
	}
	return true
}
