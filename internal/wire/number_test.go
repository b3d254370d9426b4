package wire

import (
	"encoding/json"
	"math"
	"math/rand/v2"
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

func FuzzFloatsAreThoseOfEncodingJSON(f *testing.F) {
	for _, v := range []float64{0, math.Copysign(0, -1), 1, -1, 0.1, 1.5, 19.99, 0.0001, 0.00001, 99999999999.9999, 1e11, 1e15, 1e21, 1e-7, 0.3 - 0.1, math.MaxFloat64, math.SmallestNonzeroFloat64} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, v float64) {
		cents := math.Trunc(v*100) / 100
		for _, v := range []float64{v, cents, math.Nextafter(cents, math.Inf(1)), math.Nextafter(cents, 0), math.Trunc(v), -cents} {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				continue
			}
			theirs, err := json.Marshal(v)
			require.NoError(t, err)
			ours, err := appendFloat(nil, v, 64)
			require.NoError(t, err)
			require.Equal(t, string(theirs), string(ours))
		}
	})
}

func TestShortDecimalsAreThoseOfEncodingJSON(t *testing.T) {
	for range 100_000 {
		n := rand.Int64N(1e15)
		for _, v := range []float64{float64(n) / 10_000, float64(n%1e6) / 100, float64(n % 1e9), math.Nextafter(float64(n%1e7)/10_000, 0)} {
			theirs, err := json.Marshal(v)
			require.NoError(t, err)
			ours, err := appendFloat(nil, v, 64)
			require.NoError(t, err)
			require.Equal(t, string(theirs), string(ours))
		}
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
