package loopkit

import (
	"net/http"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v4"
)

type gateState uint8

const (
	gateOpen    gateState = iota
	gateBackoff           // the endpoint fails for now: one attempt at a time, after a wait
	gateHalted            // the endpoint refuses everything: the same, with long waits
)

const (
	maxRetryAfter    = 15 * time.Minute
	haltedProbeMin   = 30 * time.Second
	haltedProbeMax   = 5 * time.Minute
	haltedProbePause = time.Second // between probes that Flush asks for
)

// gate decides when an endpoint may be tried. All senders of the endpoint share
// it, so that an outage sees one probe and not one request a sender. The
// queue's lock guards it, because backoff/v4 is not safe for concurrent use.
type gate struct {
	state   gateState
	until   time.Time // no attempt before, unless open
	paused  time.Time // the server asked for none before
	probe   *attempt  // the one under way since the gate closed
	err     error     // the newest failure; nil when open
	since   time.Time // of the first failure in a row
	tried   time.Time // when it was last found halted
	told    bool      // of the halt
	retries *backoff.ExponentialBackOff
	probes  *backoff.ExponentialBackOff
}

func newGate(s *settings) gate {
	return gate{
		retries: backoff.NewExponentialBackOff(
			backoff.WithInitialInterval(s.RetryMin),
			backoff.WithMaxInterval(s.RetryMax),
			backoff.WithMultiplier(2),
			backoff.WithRandomizationFactor(0.5),
			backoff.WithMaxElapsedTime(0)),
		probes: backoff.NewExponentialBackOff(
			backoff.WithInitialInterval(haltedProbeMin),
			backoff.WithMaxInterval(haltedProbeMax),
			backoff.WithMultiplier(2),
			backoff.WithRandomizationFactor(0),
			backoff.WithMaxElapsedTime(0)),
	}
}

// admits reports whether an attempt may start now.
func (g *gate) admits(now time.Time) bool {
	return g.state == gateOpen || g.probe == nil && !now.Before(g.until)
}

// begin is called for each attempt. That of a gate that is not open is a probe.
func (g *gate) begin(a *attempt) {
	if g.state != gateOpen {
		g.probe = a
	}
}

// end reports whether the attempt is the probe. What the others met was sent
// before the gate closed.
func (g *gate) end(a *attempt) bool {
	if g.probe != a {
		return false
	}
	g.probe = nil
	return true
}

// success opens the gate fully, unless the server asked for a pause that has
// not passed.
func (g *gate) success(now time.Time) {
	g.retries.Reset()
	g.probes.Reset()
	g.told = false
	if now.Before(g.paused) {
		g.state, g.until = gateBackoff, g.paused
		return
	}
	g.state, g.probe, g.err = gateOpen, nil, nil
}

// answered notes that the server refused what was sent, not the endpoint:
// probes go on without a wait until one succeeds.
func (g *gate) answered(now time.Time, probe bool) {
	if probe {
		g.until = now
	}
}

// failure backs off. Only a probe, or the first failure of an open gate, makes
// the wait grow.
func (g *gate) failure(now time.Time, probe bool, pause time.Duration, err error) {
	if pause > 0 {
		g.paused = latest(g.paused, now.Add(pause))
	}
	switch {
	case g.state == gateOpen:
		g.since = now
		g.until = now.Add(g.retries.NextBackOff())
	case probe:
		g.until = now.Add(g.retries.NextBackOff())
	case g.state == gateHalted:
		return // the halt is what counts
	}
	g.until = latest(g.until, g.paused)
	g.state, g.err = gateBackoff, err
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// halt stops the endpoint but for rare probes. It reports whether nobody was
// told yet.
func (g *gate) halt(now time.Time, probe bool, err error) bool {
	g.err, g.tried = err, now
	if g.state != gateHalted || probe {
		g.until = now.Add(g.probes.NextBackOff())
	}
	first := !g.told
	g.state, g.told = gateHalted, true
	return first
}

// hasten lets Flush probe a halted endpoint now, at most once a second.
func (g *gate) hasten(now time.Time) {
	if g.state == gateHalted && now.Sub(g.tried) >= haltedProbePause && g.until.After(now) {
		g.until = now
	}
}

// haltedSince reports whether the endpoint was found halted after t, or shortly
// before.
func (g *gate) haltedSince(t time.Time) bool {
	return g.state == gateHalted && g.probe == nil && g.tried.After(t.Add(-haltedProbePause))
}

// retryAfter reads the Retry-After header (RFC 9110, section 10.2.3): seconds,
// or a date, which is compared with the response's own Date so that the clock
// of this machine does not matter. Garbage is 0, and nobody waits longer than
// 15 minutes.
func retryAfter(h http.Header, now time.Time) time.Duration {
	values := h.Values("Retry-After")
	if len(values) != 1 {
		return 0
	}
	value := values[0]
	if isDigits(value) {
		seconds, err := strconv.ParseUint(value, 10, 31)
		if err != nil { // a number too large to parse
			return maxRetryAfter
		}
		return min(time.Duration(seconds)*time.Second, maxRetryAfter)
	}
	date, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	if server, err := http.ParseTime(h.Get("Date")); err == nil {
		now = server
	}
	return min(max(0, date.Sub(now)), maxRetryAfter)
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
