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

// compete runs everything, prints tables to out as they are done, and returns
// them with the most telling numbers before them.
func compete(out io.Writer, rounds int, scale float64, only, profile string) (string, error) {
	s, err := startServer()
	if err != nil {
		return "", err
	}
	defer func() { _ = s.stop() }() // what it measured is taken
	head := heading(rounds)
	fmt.Fprint(out, head)
	var tables strings.Builder
	all := map[string]results{}
	for _, w := range workloads() {
		if !strings.Contains(w.title, only) {
			continue
		}
		w.trial.Messages = max(1, int(float64(w.trial.Messages)*scale))
		w.trial.Rehearsed = min(w.trial.Rehearsed, 1000*int(float64(w.trial.Rehearsed)*scale/1000+1)) // whole batches
		w.trial.Warm = int(float64(w.trial.Warm) * min(1, scale))
		w.trial.Profile = profile
		r, err := s.contest(w, rounds)
		if err != nil {
			return "", err
		}
		all[w.title] = r
		table := tableOf(w, r)
		fmt.Fprint(out, table)
		tables.WriteString(table)
	}
	short := inShort(all)
	fmt.Fprint(out, short)
	return head + short + tables.String(), nil
}

// results are the measurements of a workload, by contestant.
type results map[string][]measurement

// contest lets the contestants take turns, so that whatever else this machine
// does meets all of them.
func (s *server) contest(w workload, rounds int) (results, error) {
	r := results{}
	for range rounds {
		for _, c := range contestants {
			if !w.takes(c) {
				continue
			}
			t := w.trial
			t.Contestant = c.name
			if c.name != ours {
				t.Profile = ""
			}
			if w.nowhere {
				t.URL = "http://127.0.0.1:1"
			}
			o, seen, err := s.conduct(t, w.mode)
			if err != nil {
				return nil, err
			}
			r[c.name] = append(r[c.name], measurement{t, *o, seen})
		}
	}
	return r, nil
}

func tableOf(w workload, r results) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n## %s\n\n", w.title)
	b.WriteString("| |")
	for _, c := range w.columns {
		fmt.Fprintf(&b, " %s |", c.title)
	}
	b.WriteString("\n|---|" + strings.Repeat("---:|", len(w.columns)) + "\n")
	for _, contestant := range contestants {
		if r[contestant.name] == nil {
			continue
		}
		fmt.Fprintf(&b, "| %s |", contestant.name)
		for _, c := range w.columns {
			fmt.Fprintf(&b, " %s |", cell(c, contestant.name, r))
		}
		b.WriteString("\n")
	}
	b.WriteString(aheadOfUs(w, r))
	return b.String()
}

// aheadOfUs names the libraries that do better than ours.
func aheadOfUs(w workload, r results) string {
	var lines strings.Builder
	for _, contestant := range contestants {
		if contestant.floor || contestant.name == ours || r[contestant.name] == nil || isBlocked(r[contestant.name]) {
			continue
		}
		for _, c := range w.columns {
			if theirs, own := medianOf(c, r[contestant.name]), medianOf(c, r[ours]); c.compares && theirs < own {
				fmt.Fprintf(&lines, "\n%s is ahead in this: %s, %s against %s.\n", contestant.name, c.title, c.format(theirs), c.format(own))
			}
		}
	}
	return lines.String()
}

func isBlocked(measured []measurement) bool {
	return slices.ContainsFunc(measured, func(m measurement) bool { return m.Blocked })
}

// cell is the median, the spread, and how many times ours it is.
func cell(c column, contestant string, r results) string {
	measured := r[contestant]
	if isBlocked(measured) {
		return "blocked for a minute"
	}
	values := valuesOf(c, measured)
	text := c.format(quantile(values, 0.5))
	least, most := c.format(values[0]), c.format(values[len(values)-1])
	if least != most {
		text += fmt.Sprintf(" (%s to %s)", least, most)
	}
	if own := medianOf(c, r[ours]); c.compares && contestant != ours && own > 0 {
		text += fmt.Sprintf(", %.1f×", quantile(values, 0.5)/own)
	}
	return text
}

func medianOf(c column, measured []measurement) float64 { return quantile(valuesOf(c, measured), 0.5) }

func valuesOf(c column, measured []measurement) []float64 {
	var values []float64
	for _, m := range measured {
		values = append(values, c.value(m))
	}
	slices.Sort(values)
	return values
}

// heading says what was measured where and how.
func heading(rounds int) string {
	var b strings.Builder
	fmt.Fprintf(&b, `# Benchmarks

Made by %s; run it to have them of your machine (%s prints the same without writing it).

| | |
|---|---|
| Machine | %s, %d processors, %s/%s, %s, %s |
| A cell | the median of the rounds, of which there are %d (least to most), and how many times our median that is |
| Rounds | the contestants take turns in each, so that whatever else the machine does meets all of them |
| Processes | one for the server and one for each trial: a client's processor time is its own, and the server's is nobody's |
| Rehearsal | %s messages have arrived before the clock starts, unless the title says otherwise: connections and memory are there, as in a server that has been at work. In outages the process has used memory before: on a virtual machine the first touch of a page can take longer than twenty calls |
| Losses | counted by the server, by the number of each event; no client's word is believed |
| Time of a call | includes about 50 ns of reading the clock where single calls are measured |
| Arguments | made once, unless the title says otherwise: what is measured is the library |

`, "`make bench-report`", "`make bench-peers`", processor(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), time.Now().UTC().Format("2006-01-02"), rounds, whole(rehearsal))
	b.WriteString("| | Version | Settings |\n|---|---|---|\n")
	versions := map[string]string{"LoopKit": "github.com/loopkitai/loopkit-go", "Segment": "gopkg.in/segmentio/analytics-go.v3", "PostHog": "github.com/posthog/posthog-go"}
	for _, c := range contestants {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", c.name, versionOf(versions[c.name]), c.make().settings())
	}
	return b.String()
}

func versionOf(path string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok || path == "" {
		return "–"
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
