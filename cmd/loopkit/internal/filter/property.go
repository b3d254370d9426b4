package filter

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/exact"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/store"
)

// prepareProperty compares numbers as numbers, and everything else as the text
// that JSON has for it, strings without their quotes.
func (t *Term) prepareProperty(name string) error {
	value, comparison := t.pattern, t.comparison
	if comparison == "" {
		t.match = func(e *store.Entry) bool {
			got, ok := property(exact.Values(message(e)), name)
			return ok && (value.any() || value.match(scalar(got)))
		}
		return nil
	}
	wanted, err := exactly(t.Value)
	if err != nil {
		return fmt.Errorf("%s is no number: %s needs one, such as %s:%s25", t.Value, comparison, t.Key, comparison)
	}
	t.match = func(e *store.Entry) bool {
		got, ok := property(exact.Values(message(e)), name)
		number, isNumber := rational(got)
		return ok && isNumber && compare(number.Cmp(wanted), comparison)
	}
	return nil
}

// exactly reads a number: an integer with all its digits, everything else as
// values have it.
func exactly(s string) (*big.Rat, error) {
	if n, ok := new(big.Int).SetString(s, 10); ok {
		return new(big.Rat).SetInt(n), nil
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return nil, err
	}
	if r, ok := rational(n); ok {
		return r, nil
	}
	return nil, errors.New("it is not finite")
}

// rational returns the number that a value is, if it is one.
func rational(v any) (*big.Rat, bool) {
	switch v := v.(type) {
	case float64:
		r := new(big.Rat).SetFloat64(v)
		return r, r != nil
	case json.Number: // an integer, see exact.Values
		n, ok := new(big.Int).SetString(v.String(), 10)
		if !ok {
			return nil, false
		}
		return new(big.Rat).SetInt(n), true
	}
	return nil, false
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
