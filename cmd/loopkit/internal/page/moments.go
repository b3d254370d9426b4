package page

import "time"

// when returns a time of day, with the date if that is not today's.
func when(t time.Time) string { return dated(t, "15:04:05.000") }

// whenInWords is when without fractions of a second, for sentences.
func whenInWords(t time.Time) string { return dated(t, time.TimeOnly) }

func dated(t time.Time, layout string) string {
	t = t.Local()
	if t.Format(time.DateOnly) == time.Now().Format(time.DateOnly) {
		return t.Format(layout)
	}
	return t.Format(time.DateTime)
}
