package doctor

import (
	"net/http"
	"time"
)

// These are how far the clocks may be apart. Events are ordered by their
// timestamps, which are this machine's.
const (
	skewWarned = time.Minute
	skewFailed = 5 * time.Minute
)

// checkClock compares the Date of the answer with the middle of the exchange.
func checkClock(v visited) []Finding {
	const check = "clock"
	if v.err != nil {
		return nil
	}
	theirs, err := http.ParseTime(v.header.Get("Date"))
	if err != nil {
		return []Finding{warning(check, "the server does not tell its time", "compare this machine's clock with another one")}
	}
	ours := v.began.Add(v.ended.Sub(v.began) / 2)
	skew := ours.Sub(theirs.Add(time.Second / 2)) // the header leaves out the fraction
	const fix = "set the clock of this machine (timedatectl set-ntp true, or your system's settings of time): events carry its time, and people's journeys are ordered by it"
	switch {
	case skew.Abs() > skewFailed:
		return []Finding{problem(check, describeSkew(skew), fix)}
	case skew.Abs() > skewWarned:
		return []Finding{warning(check, describeSkew(skew), fix)}
	}
	return []Finding{ok(check, "right to the minute")}
}

func describeSkew(skew time.Duration) string {
	direction := " ahead of the server's"
	if skew < 0 {
		direction = " behind the server's"
	}
	return "the clock here is " + skew.Abs().Round(time.Second).String() + direction
}
