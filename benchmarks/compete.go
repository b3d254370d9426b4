package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// results are the measurements of a workload, by entrant.
type results map[string][]measurement

// compete runs the workloads whose title contains only, prints tables to out as
// they are done, and returns them with the most telling numbers before them.
func compete(out io.Writer, rounds int, scale float64, only, profile string) (string, error) {
	if rounds < 1 || scale <= 0 {
		return "", errors.New("there is nothing to do: -rounds and -scale must be more than zero")
	}
	s, err := startServer()
	if err != nil {
		return "", err
	}
	defer func() { _ = s.stop() }() // what it measured is taken
	head := heading(rounds, scale)
	fmt.Fprint(out, head)
	var tables strings.Builder
	all := map[string]results{}
	for _, w := range workloads() {
		if !strings.Contains(w.title, only) {
			continue
		}
		w.trial.Profile = profile
		r, err := s.contest(w.scaled(scale), rounds)
		if err != nil {
			return "", err
		}
		all[w.title] = r
		table := tableOf(w, r)
		fmt.Fprint(out, table)
		tables.WriteString(table)
	}
	if len(all) == 0 {
		return "", fmt.Errorf("no workload has %q in its title", only)
	}
	short := inShort(all)
	fmt.Fprint(out, short)
	return head + short + tables.String(), nil
}

// contest lets the entrants take turns, each time beginning with another, so
// that whatever else this machine does meets all of them.
func (s *server) contest(w workload, rounds int) (results, error) {
	r := results{}
	for round := range rounds {
		for i := range entrants {
			e := entrants[(i+round)%len(entrants)]
			if !w.takes(e) {
				continue
			}
			t := w.trial
			t.Contestant = e.name
			if e.name != ours {
				t.Profile = ""
			}
			m, err := s.conduct(t, w.mode)
			if err != nil {
				return nil, err
			}
			r[e.name] = append(r[e.name], m)
		}
	}
	return r, nil
}

// check finds what makes a measurement worthless.
func (m measurement) check() error {
	switch {
	case m.sink.Malformed > 0:
		return fmt.Errorf("%s: %d names without a number arrived", m.Contestant, m.sink.Malformed)
	case m.Story == "outage": // its losses are the measurement
		return nil
	case m.CloseError != "":
		return fmt.Errorf("%s, %s: Close: %s", m.Contestant, m.Story, m.CloseError)
	case m.sink.Duplicates > 0:
		return fmt.Errorf("%s, %s: %d messages arrived twice without an outage", m.Contestant, m.Story, m.sink.Duplicates)
	}
	return nil
}
