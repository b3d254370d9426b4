package wire

import "time"

// The first and the last second whose year has four digits, in Unix time.
const (
	firstSecond = -62167219200 // 0000-01-01T00:00:00Z
	lastSecond  = 253402300799 // 9999-12-31T23:59:59Z
)

// writable says whether t has a year of four digits.
func writable(t time.Time) bool {
	second := t.Unix()
	return firstSecond <= second && second <= lastSecond
}

// AppendTime appends t in quotes: UTC, RFC 3339, cut to three decimals.
// A time outside of the years 0 to 9999, which the format cannot tell, is moved to the nearest end.
func AppendTime(dst []byte, t time.Time) []byte {
	switch second := t.Unix(); {
	case second < firstSecond:
		return append(dst, `"0000-01-01T00:00:00.000Z"`...)
	case second > lastSecond:
		return append(dst, `"9999-12-31T23:59:59.999Z"`...)
	}
	t = t.UTC()
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	millisecond := t.Nanosecond() / int(time.Millisecond)
	text := [...]byte{0: '"', 5: '-', 8: '-', 11: 'T', 14: ':', 17: ':', 20: '.', 24: 'Z', 25: '"'}
	putTwoDigits(text[1:3], year/100)
	putTwoDigits(text[3:5], year%100)
	putTwoDigits(text[6:8], int(month))
	putTwoDigits(text[9:11], day)
	putTwoDigits(text[12:14], hour)
	putTwoDigits(text[15:17], minute)
	putTwoDigits(text[18:20], second)
	putTwoDigits(text[21:23], millisecond/10)
	text[23] = '0' + byte(millisecond%10)
	return append(dst, text[:]...)
}

// putTwoDigits writes n, which is less than 100.
func putTwoDigits(dst []byte, n int) {
	tens := uint8(n) / 10
	dst[0], dst[1] = '0'+tens, '0'+uint8(n)-10*tens
}

// appendTimeValue appends a time among the caller's values as encoding/json does:
// in its own zone, to the nanosecond.
func appendTimeValue(dst []byte, t time.Time) ([]byte, error) {
	dst, err := t.AppendText(append(dst, '"'))
	if err != nil {
		return dst, &ValueError{Reason: "RFC 3339 has no form for this time: its year must be between 0 and 9999, its zone within 24 hours of UTC"}
	}
	return append(dst, '"'), nil
}
