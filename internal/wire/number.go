package wire

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

func appendInt[T ~int | ~int8 | ~int16 | ~int32 | ~int64](dst []byte, v T, _ limits) ([]byte, error) {
	return strconv.AppendInt(dst, int64(v), 10), nil
}

func appendUint[T ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~uintptr](dst []byte, v T) ([]byte, error) {
	return strconv.AppendUint(dst, uint64(v), 10), nil
}

func appendFloat64(dst []byte, f float64, _ limits) ([]byte, error) {
	return appendFloat(dst, f, 64)
}

// appendFloat writes as encoding/json and JavaScript do: exponents only for very
// small and very large numbers, and without a leading zero in them.
func appendFloat(dst []byte, f float64, bits int) ([]byte, error) {
	if bits == 64 {
		if short, ok := appendShortDecimal(dst, f); ok {
			return short, nil
		}
	}
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return dst, &ValueError{Reason: "JSON has no NaN and no infinity; leave it out or send nil"}
	}
	format := byte('f')
	if abs := math.Abs(f); abs != 0 {
		if bits == 64 && (abs < 1e-6 || abs >= 1e21) ||
			bits == 32 && (float32(abs) < 1e-6 || float32(abs) >= 1e21) {
			format = 'e'
		}
	}
	dst = strconv.AppendFloat(dst, f, format, -1, bits)
	if n := len(dst); format == 'e' && dst[n-4] == 'e' && dst[n-3] == '-' && dst[n-2] == '0' {
		dst = append(dst[:n-2], dst[n-1]) // e-09 is e-9
	}
	return dst, nil
}

// appendShortDecimal appends positive numbers of up to four decimals, which most
// prices, ratios and durations are, and reports whether f was one. If n/10000 is
// f and n has at most 15 digits, no shorter decimal is f: a float64 tells all
// decimals of 15 digits apart.
func appendShortDecimal(dst []byte, f float64) ([]byte, bool) {
	if !(f > 0 && f < 1e11) {
		return dst, false
	}
	n := uint64(f*10_000 + 0.5)
	if float64(n)/10_000 != f {
		return dst, false
	}
	dst = strconv.AppendUint(dst, n/10_000, 10)
	decimals := n % 10_000
	if decimals == 0 {
		return dst, true
	}
	dst = append(dst, '.')
	for ; decimals > 0; decimals = decimals % 1000 * 10 {
		dst = append(dst, '0'+byte(decimals/1000))
	}
	return dst, true
}

func appendNumber(dst []byte, n json.Number, lim limits) ([]byte, error) {
	if n == "" {
		return append(dst, '0'), nil // as encoding/json has it
	}
	if !lim.fit(dst, len(n)) {
		return dst, ErrTooLarge
	}
	if !isNumber(string(n)) {
		return dst, &ValueError{Reason: "this json.Number is not a number in JSON's notation"}
	}
	return append(dst, n...), nil
}

// isNumber says whether s is a number in JSON's notation.
func isNumber(s string) bool {
	s = strings.TrimPrefix(s, "-")
	whole := leadingDigits(s)
	if whole == 0 || whole > 1 && s[0] == '0' {
		return false
	}
	s = s[whole:]
	if fraction, found := strings.CutPrefix(s, "."); found {
		n := leadingDigits(fraction)
		if n == 0 {
			return false
		}
		s = fraction[n:]
	}
	if s == "" {
		return true
	}
	if s[0] != 'e' && s[0] != 'E' {
		return false
	}
	s = s[1:]
	if s != "" && (s[0] == '+' || s[0] == '-') {
		s = s[1:]
	}
	return s != "" && leadingDigits(s) == len(s)
}

func leadingDigits(s string) int {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return i
		}
	}
	return len(s)
}
