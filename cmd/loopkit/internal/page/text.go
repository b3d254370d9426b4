package page

import (
	"fmt"
	"html/template"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// functions are what templates can call.
var functions = template.FuncMap{
	"visible":      visible,
	"clip":         clip,
	"clock":        clock,
	"iso":          iso,
	"plural":       plural,
	"grouped":      grouped,
	"size":         size,
	"personURL":    personURL,
	"anonymousURL": anonymousURL,
	"groupURL":     groupURL,
	"eventURL":     eventURL,
	"liveURL":      liveURL,
	"literal":      literal,
	"when":         when,
	"whenInWords":  whenInWords,
}

// visible writes what would change the text around it, or not be seen at all,
// as an escape: control characters, and those that set the direction of text.
func visible(s string) string {
	if strings.IndexFunc(s, hidden) < 0 && utf8.ValidString(s) {
		return s
	}
	var out strings.Builder
	for _, r := range s {
		if hidden(r) {
			fmt.Fprintf(&out, `\u%04x`, r)
		} else {
			out.WriteRune(r)
		}
	}
	return out.String()
}

func hidden(r rune) bool {
	return unicode.IsControl(r) || r == '\u200b' || r == '\ufeff' || r == '\u2028' || r == '\u2029' ||
		unicode.Is(unicode.Bidi_Control, r)
}

// clip returns s, made visible, in at most limit characters.
func clip(limit int, s string) string {
	// What is cut off needs no look: s may be megabytes long.
	end, n := len(s), 0
	for i := range s {
		if n == limit {
			end = i
			break
		}
		n++
	}
	if end == len(s) {
		return visible(s)
	}
	return visible(strings.TrimRightFunc(strings.ToValidUTF8(s[:end], ""), unicode.IsSpace)) + "…"
}

// clock returns the time of day, or less of it with the date if that is not today's.
func clock(t time.Time) string {
	t, now := t.Local(), time.Now()
	switch {
	case t.Format(time.DateOnly) == now.Format(time.DateOnly):
		return t.Format("15:04:05.000")
	case t.Year() == now.Year():
		return t.Format("Jan 2 15:04")
	}
	return t.Format(time.DateOnly)
}

func iso(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }

// plural returns "1 event" or "2 events".
func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%s %ss", grouped(n), one)
}

// grouped writes a number with commas between thousands.
func grouped(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// size writes a number of bytes for people.
func size(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case n < 999_950:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}
