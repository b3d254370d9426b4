package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

func tableOf(w workload, r results) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n## %s\n\n| |", w.title)
	for _, c := range w.columns {
		fmt.Fprintf(&b, " %s |", c.title)
	}
	b.WriteString("\n|---|" + strings.Repeat("---:|", len(w.columns)) + "\n")
	for _, e := range entrants {
		if r[e.name] == nil {
			continue
		}
		fmt.Fprintf(&b, "| %s |", e.name)
		for _, c := range w.columns {
			fmt.Fprintf(&b, " %s |", cell(c, e.name, r))
		}
		b.WriteString("\n")
	}
	b.WriteString(aheadOfUs(w, r))
	return b.String()
}

// aheadOfUs names the libraries that do better than ours with its defaults.
func aheadOfUs(w workload, r results) string {
	var ahead []string
	for _, e := range entrants {
		if e.invited || e.name == ours || r[e.name] == nil {
			continue
		}
		for _, c := range w.columns {
			theirs, own := c.medianOf(r[e.name]), c.medianOf(r[ours])
			if c.isBetter(theirs, own) {
				ahead = append(ahead, fmt.Sprintf("%s, %s: %s against %s", e.name, c.title, c.format(theirs), c.format(own)))
			}
		}
	}
	if len(ahead) == 0 {
		return ""
	}
	return "\nAhead of LoopKit: " + strings.Join(ahead, "; ") + ".\n"
}

// cell is the median, the spread, and how many times ours it is.
func cell(c column, name string, r results) string {
	values := c.valuesOf(r[name])
	middle := quantile(values, 0.5)
	text := c.format(middle)
	if least, most := c.format(values[0]), c.format(values[len(values)-1]); least != most {
		text += fmt.Sprintf(" (%s to %s)", least, most)
	}
	if own := c.medianOf(r[ours]); c.better != neither && name != ours && own > 0 && middle > 0 {
		text += ", " + times(middle/own)
	}
	return text
}

func times(ratio float64) string { return decimal(ratio, 1) + "×" }

func seconds(v float64) string { return decimal(v, 2) + " s" }

func nanoseconds(v float64) string {
	switch {
	case v >= 1e6:
		return decimal(v/1e6, 1) + " ms"
	case v >= 1e4:
		return decimal(v/1e3, 1) + " µs"
	}
	return decimal(v, 0) + " ns"
}

func bytesOf(v float64) string {
	switch {
	case math.Abs(v) >= 1<<20:
		return decimal(v/(1<<20), 1) + " MiB"
	case math.Abs(v) >= 1<<10:
		return decimal(v/(1<<10), 1) + " KiB"
	}
	return decimal(v, 0) + " B"
}

// decimal says "?" for what nobody knows.
func decimal(v float64, decimals int) string {
	if math.IsNaN(v) {
		return "?"
	}
	return strconv.FormatFloat(v, 'f', decimals, 64)
}

// whole has commas between the thousands.
func whole(v float64) string {
	digits, sign := strconv.FormatInt(int64(v), 10), ""
	if digits[0] == '-' {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}
