package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"
)

// compete runs everything, prints tables to out as they are done, and returns them.
func compete(out io.Writer, rounds int, scale float64, only, profile string) (string, error) {
	s, err := startServer()
	if err != nil {
		return "", err
	}
	defer func() { _ = s.stop() }() // what it measured is taken
	var report strings.Builder
	print := func(text string) {
		_, _ = io.WriteString(io.MultiWriter(out, &report), text) // what is returned counts
	}
	print(heading(rounds))
	for _, w := range workloads() {
		if !strings.Contains(w.title, only) {
			continue
		}
		w.trial.Messages = max(1, int(float64(w.trial.Messages)*scale))
		w.trial.Warm = int(float64(w.trial.Warm) * min(1, scale))
		w.trial.Profile = profile
		table, err := s.contest(w, rounds)
		if err != nil {
			return "", err
		}
		print(table)
	}
	return report.String(), nil
}

// contest lets the contestants take turns, so that whatever else this machine
// does meets all of them.
func (s *server) contest(w workload, rounds int) (string, error) {
	results := map[string][]measurement{}
	var names []string
	for range rounds {
		for _, c := range contestants {
			if c.floor && !slices.Contains(w.floors, c.name) || w.only != "" && w.only != c.name {
				continue
			}
			t := w.trial
			t.Contestant = c.name
			if c.name != "LoopKit" {
				t.Profile = ""
			}
			if w.nowhere {
				t.URL = "http://127.0.0.1:1"
			}
			o, r, err := s.conduct(t, w.mode)
			if err != nil {
				return "", err
			}
			if !slices.Contains(names, c.name) {
				names = append(names, c.name)
			}
			results[c.name] = append(results[c.name], measurement{t, *o, r})
		}
	}
	return tableOf(w, names, results), nil
}

func tableOf(w workload, names []string, results map[string][]measurement) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n## %s\n\n", w.title)
	b.WriteString("| |")
	for _, c := range w.columns {
		fmt.Fprintf(&b, " %s |", c.title)
	}
	b.WriteString("\n|---|" + strings.Repeat("---:|", len(w.columns)) + "\n")
	for _, name := range names {
		fmt.Fprintf(&b, "| %s |", name)
		for _, c := range w.columns {
			fmt.Fprintf(&b, " %s |", cell(c, results[name], results[names[0]]))
		}
		b.WriteString("\n")
	}
	b.WriteString(aheadOfUs(w, names, results))
	return b.String()
}

// aheadOfUs names the libraries that do better than ours.
func aheadOfUs(w workload, names []string, results map[string][]measurement) string {
	var lines strings.Builder
	for _, name := range names[1:] {
		if slices.ContainsFunc(contestants, func(c entrant) bool { return c.name == name && c.floor }) {
			continue
		}
		for _, c := range w.columns {
			ours, theirs := quantile(valuesOf(c, results[names[0]]), 0.5), quantile(valuesOf(c, results[name]), 0.5)
			if c.compares && theirs < ours && !isBlocked(results[name]) {
				fmt.Fprintf(&lines, "\n%s is ahead in this: %s, %s against %s.\n", name, c.title, c.format(theirs), c.format(ours))
			}
		}
	}
	return lines.String()
}

func isBlocked(measured []measurement) bool {
	return slices.ContainsFunc(measured, func(m measurement) bool { return m.Blocked })
}

// cell is the median, the spread, and how many times the first row's it is.
func cell(c column, own, first []measurement) string {
	if isBlocked(own) {
		return "blocked for a minute"
	}
	values := valuesOf(c, own)
	middle := quantile(values, 0.5)
	text := c.format(middle)
	least, most := c.format(values[0]), c.format(values[len(values)-1])
	if least != most {
		text += fmt.Sprintf(" (%s to %s)", least, most)
	}
	if ours := quantile(valuesOf(c, first), 0.5); c.compares && ours > 0 && &own[0] != &first[0] {
		text += fmt.Sprintf(", %.1f×", middle/ours)
	}
	return text
}

func valuesOf(c column, measured []measurement) []float64 {
	var values []float64
	for _, m := range measured {
		values = append(values, c.value(m))
	}
	slices.Sort(values)
	return values
}

// heading says what was measured where.
func heading(rounds int) string {
	var b strings.Builder
	b.WriteString("# Benchmarks\n\n")
	fmt.Fprintf(&b, "`go run . -rounds %d` in benchmarks/, %s, %s, %d processors, %s/%s, %s.\n\n", rounds,
		time.Now().UTC().Format("2006-01-02"), processor(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
	b.WriteString("Each cell is the median of the rounds, with the least and the most; × is how many times our median that is. Losses are counted by the server.\n\n")
	b.WriteString("| | Version | Settings |\n|---|---|---|\n")
	versions := map[string]string{"Segment": "gopkg.in/segmentio/analytics-go.v3", "PostHog": "github.com/posthog/posthog-go"}
	for _, c := range contestants {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", c.name, versionOf(versions[c.name]), c.make().settings())
	}
	return b.String()
}

func versionOf(path string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok || path == "" {
		return "this one"
	}
	for _, m := range info.Deps {
		if m.Path == path {
			return path + " " + m.Version
		}
	}
	return path
}

// processor is the name of the processor, as Linux has it.
func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		out, err := exec.Command("uname", "-m").Output()
		if err != nil {
			return "an unknown processor"
		}
		return strings.TrimSpace(string(out))
	}
	_, rest, _ := strings.Cut(string(text), "model name")
	_, rest, _ = strings.Cut(rest, ": ")
	name, _, _ := strings.Cut(rest, "\n")
	return name
}

func seconds(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) + " s" }
func nanoseconds(v float64) string {
	if v >= 1e6 {
		return strconv.FormatFloat(v/1e6, 'f', 1, 64) + " ms"
	}
	if v >= 1e4 {
		return strconv.FormatFloat(v/1e3, 'f', 1, 64) + " µs"
	}
	return strconv.FormatFloat(v, 'f', 0, 64) + " ns"
}

func bytesOf(v float64) string {
	switch {
	case v >= 1<<20 || v <= -1<<20:
		return strconv.FormatFloat(v/(1<<20), 'f', 1, 64) + " MiB"
	case v >= 1<<10:
		return strconv.FormatFloat(v/(1<<10), 'f', 1, 64) + " KiB"
	}
	return strconv.FormatFloat(v, 'f', 0, 64) + " B"
}

// whole has commas between the thousands.
func whole(v float64) string {
	digits := strconv.FormatInt(int64(v), 10)
	sign := ""
	if digits[0] == '-' {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}
