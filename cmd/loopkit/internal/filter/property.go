package filter

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/store"
)

// prepareProperty compares numbers as numbers, and everything else as the text
// that JSON has for it, strings without their quotes.
func (t *Term) prepareProperty(name string) error {
	value, comparison := t.pattern, t.comparison
	if comparison == "" {
		t.match = func(e *store.Entry) bool {
			got, ok := property(message(e).Values, name)
			return ok && (value.any() || value.match(scalar(got)))
		}
		return nil
	}
	wanted, err := strconv.ParseFloat(t.Value, 64)
	if err != nil {
		return fmt.Errorf("%s is no number: %s needs one, such as %s:%s25", t.Value, comparison, t.Key, comparison)
	}
	t.match = func(e *store.Entry) bool {
		got, ok := property(message(e).Values, name)
		number, isNumber := got.(float64)
		return ok && isNumber && compare(number, comparison, wanted)
	}
	return nil
}

// property finds a value by its key, which may itself hold dots, or by the way
// to it through nested objects.
func property(values map[string]any, name string) (any, bool) {
	if v, ok := values[name]; ok {
		return v, true
	}
	for at := 0; ; at++ {
		next := strings.IndexByte(name[at:], '.')
		if next < 0 {
			return nil, false
		}
		at += next
		if inner, ok := values[name[:at]].(map[string]any); ok {
			if v, ok := property(inner, name[at+1:]); ok {
				return v, true
			}
		}
	}
}

func scalar(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	text, err := json.Marshal(v)
	if err != nil {
		return "" // nothing that was JSON fails
	}
	return string(text)
}
