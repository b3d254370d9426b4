package rules

import (
	"strconv"
	"strings"
	"time"
	"unicode"
)

// longestShown bounds IDs, names and keys in details.
const longestShown = 48

// shown returns an ID, a name or a key for a detail: as it is if it is plain,
// in quotes if not, and not at all if it holds an e-mail address.
func shown(id string) string {
	if holdsEmail(id) {
		return "(an e-mail address)"
	}
	if len(id) > longestShown {
		cut := longestShown
		for cut > 0 && id[cut]&0xc0 == 0x80 { // inside a rune
			cut--
		}
		return quoted(id[:cut]) + "…"
	}
	return quoted(id)
}

func quoted(id string) string {
	odd := func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_-.:|/", r)
	}
	if id == "" || strings.ContainsFunc(id, odd) {
		return strconv.Quote(id)
	}
	return id
}

// listed joins keys, a few of them.
func listed(keys []string) string {
	const most = 5
	if more := len(keys) - most; more > 0 {
		return strings.Join(keys[:most], ", ") + " and " + strconv.Itoa(more) + " more"
	}
	return strings.Join(keys, ", ")
}

// span is a duration for people: "2h5m", "1.5s", "3 days".
func span(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d >= 2*day:
		return strconv.Itoa(int(d/day)) + " days"
	case d >= time.Minute:
		return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	}
	return d.Round(time.Millisecond).String()
}
