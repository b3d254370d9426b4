package wire

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	goodNumbers = []string{"0", "-0", "7", "10", "-12", "0.5", "12.50", "1e3", "1E+3", "1.5e-30", "0e0"}
	badNumbers  = []string{"-", "+1", "01", "-01", ".5", "1.", "1.e3", "1e", "1e+", "1e+x", "1x", "0x1", " 1", "1 ", "1\n", "1_000", "NaN", "Infinity", "1,5", `"1"`, "[1]", "null", "--1", "1e5.5"}
)

func TestNumbersAreInJSONsNotation(t *testing.T) {
	for _, n := range goodNumbers {
		assert.True(t, isNumber(n), n)
	}
	for _, n := range badNumbers {
		assert.False(t, isNumber(n), n)
	}
}

func FuzzNumbersAreThoseOfEncodingJSON(f *testing.F) {
	for _, n := range append(goodNumbers, badNumbers...) {
		f.Add(n)
	}
	f.Fuzz(func(t *testing.T, n string) {
		if n == "" {
			return // zero
		}
		_, err := json.Marshal(json.Number(n))
		require.Equal(t, err == nil, isNumber(n), "%q", n)
	})
}
