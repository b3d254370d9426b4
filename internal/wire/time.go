package wire

import "time"

const maxYear = 9999

// writable says whether t has a year of four digits.
func writable(t time.Time) bool {
	year := t.UTC().Year()
	return 0 <= year && year <= maxYear
}

// AppendTime appends t in quotes: UTC, RFC 3339, cut to three decimals.
// A time outside of the years 0 to 9999, which the format cannot tell, is moved to the nearest end.
func AppendTime(dst []byte, t time.Time) []byte {
	t = t.UTC()
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	millisecond := t.Nanosecond() / int(time.Millisecond)
	if year < 0 {
		return append(dst, `"0000-01-01T00:00:00.000Z"`...)
	}
	if year > maxYear {
		return append(dst, `"9999-12-31T23:59:59.999Z"`...)
	}
	return append(dst, '"',
		digit(year/1000), digit(year/100), digit(year/10), digit(year), '-',
		digit(int(month)/10), digit(int(month)), '-',
		digit(day/10), digit(day), 'T',
		digit(hour/10), digit(hour), ':',
		digit(minute/10), digit(minute), ':',
		digit(second/10), digit(second), '.',
		digit(millisecond/100), digit(millisecond/10), digit(millisecond), 'Z', '"')
}

// digit returns the last digit of n.
func digit(n int) byte { return '0' + byte(n%10) }

// appendTimeValue appends a time among the caller's values as encoding/json does:
// in its own zone, to the nanosecond.
func appendTimeValue(dst []byte, t time.Time) ([]byte, error) {
	dst, err := t.AppendText(append(dst, '"'))
	if err != nil {
		return dst, &ValueError{Reason: "RFC 3339 has no form for this time: its year must be between 0 and 9999, its zone within 24 hours of UTC"}
	}
	return append(dst, '"'), nil
}
