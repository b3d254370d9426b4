package doctor

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/loopkitai/loopkit-go/loopkittest"
)

func TestAHealthyEnvironmentHasNoFault(t *testing.T) {
	server := loopkittest.NewServer(t, loopkittest.WithKeys(testKey))
	env := healthy(t, server.BaseURL())
	env.Probe = true
	findings := Run(t.Context(), env)
	assert.Equal(t, OK, Worst(findings), "%v", findings)
	var checks []string
	for _, f := range findings {
		checks = append(checks, f.Check)
	}
	assert.Equal(t, []string{"key", "address", "proxy", "DNS", "connection", "clock", "server",
		"probe tracks", "probe identifies", "probe groups", "probe deletion", "opt-out", "state"}, checks)
}

func TestWithoutAProbeTheKeyStaysHereAndNothingIsRecorded(t *testing.T) {
	server := loopkittest.NewServer(t)
	requireFinding(t, examine(t, healthy(t, server.BaseURL())), "probe", Skipped, "the key was not tried")
	assert.Empty(t, server.Messages())
	for _, r := range server.Requests() {
		assert.Equal(t, loopkittest.SDKVersions, r.Endpoint)
		assert.Equal(t, "none", r.Auth)
	}
}

func TestAProbeSendsNoMessage(t *testing.T) {
	server := loopkittest.NewServer(t)
	env := healthy(t, server.BaseURL())
	env.Probe = true
	examine(t, env)
	for _, m := range server.Messages() {
		assert.Equal(t, loopkittest.KindDeleteUser, m.Kind)
		assert.Regexp(t, "^loopkit-doctor-[A-Z2-7]{26}$", m.UserID)
	}
	assert.Len(t, server.Messages(), 1)
}

func TestTheWorstStatusCounts(t *testing.T) {
	good, odd, bad := ok("a", ""), warning("b", "", ""), problem("c", "", "")
	assert.Equal(t, OK, Worst(nil))
	assert.Equal(t, OK, Worst([]Finding{good, skipped("d", "", "")}), "what is not tried is no fault")
	assert.Equal(t, Warning, Worst([]Finding{good, odd, good}))
	assert.Equal(t, Failed, Worst([]Finding{odd, bad, good, odd}))
}

func TestAnInterruptedRunEndsAtOnce(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.Equal(t, Failed, Worst(Run(ctx, healthy(t, loopkittest.NewServer(t).BaseURL()))))
}
