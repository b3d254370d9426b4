package rules

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/records"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

// noon is when the tests' messages are sent and arrive, unless they say otherwise.
var noon = time.Date(2025, time.January, 15, 12, 0, 0, 0, time.UTC)

// parse reads a message as it is in a file. A time such as "12:00:30" is that of
// noon's day, and a message without one is of noon.
func parse(t testing.TB, line string) collector.Message {
	t.Helper()
	if !strings.Contains(line, `"timestamp"`) {
		line = strings.TrimSuffix(line, "}") + `,"timestamp":"12:00:00"}`
	}
	if from := strings.Index(line, `"timestamp":"`) + len(`"timestamp":"`); line[from+2] == ':' {
		line = line[:from] + noon.Format(time.DateOnly) + "T" + line[from:from+len("12:00:00")] + "Z" + line[from+len("12:00:00"):]
	}
	m, err := records.Decode([]byte(line))
	if err != nil {
		require.ErrorIs(t, err, records.ErrNoAnonymousID, line)
	}
	return m
}

// observation is a message to observe.
type observation struct {
	number  int64
	message collector.Message
	request *collector.Request
}

// inFile are the lines of a file.
func inFile(t testing.TB, lines ...string) (out []observation) {
	for i, line := range lines {
		out = append(out, observation{int64(i + 1), parse(t, line), nil})
	}
	return out
}

// live are lines that arrive one a request, at noon.
func live(t testing.TB, lines ...string) []observation {
	return arriving(t, collector.Request{Time: noon, Auth: "bearer"}, lines...)
}

func arriving(t testing.TB, r collector.Request, lines ...string) []observation {
	out := inFile(t, lines...)
	for i := range out {
		request := r
		request.Index = i + 1
		out[i].request = &request
	}
	return out
}

// findingsOf returns the findings as "3 W-PII: traits.email (email)", the
// conclusions behind the others.
func findingsOf(c *Checker, observations ...observation) (found []string) {
	add := func(findings []Finding) {
		for _, f := range findings {
			found = append(found, text(f))
		}
	}
	for _, o := range observations {
		add(c.Observe(Input{Number: o.number, Message: o.message, Request: o.request}))
	}
	add(c.Conclude())
	return found
}

func text(f Finding) string { return fmt.Sprintf("%d %s: %s", f.Subject, f.Rule.ID, f.Detail) }

func newChecker() *Checker {
	c := NewChecker()
	c.now = func() time.Time { return noon }
	return c
}

// of keeps the findings of one rule.
func of(id string, found []string) []string {
	var kept []string
	for _, f := range found {
		if strings.Contains(f, " "+id+": ") {
			kept = append(kept, f)
		}
	}
	return kept
}
