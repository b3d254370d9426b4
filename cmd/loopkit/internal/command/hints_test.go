package command

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/loopkitai/loopkit-go/loopkittest"
)

func TestTheRulesOfDevGiveHints(t *testing.T) {
	server := loopkittest.NewServer(t)
	for rule, args := range map[string][]string{
		"W-EMAILID":     {"identify", "user@example.com", "--trait", "plan=pro"},
		"W-EMPTYTRAITS": {"identify", "user_123"},
		"W-GROUPID":     {"group", "group-1", "--user", "user_123"},
		"W-NAMESTYLE":   {"track", "Button Click", "--user", "user_123"},
		"W-NESTED":      {"identify", "user_123", "--trait", `tags:=["a"]`},
		"W-PII":         {"track", "user_signup", "--user", "user_123", "--prop", "email=user@example.com"},
	} {
		for _, more := range [][]string{nil, {"--json"}, {"--dry-run"}, {"--dialect", "envelopes"}} {
			r := shellWith(t, server).run(append(args, more...)...)
			assert.Zero(t, r.status, "%q", args)
			assert.Regexp(t, `^loopkit: hint: .+ \[`+rule+`\]\n$`, r.err)
			assert.NotContains(t, r.out, rule)
		}
	}
}

func TestNoHintIsAboutWhatMayHaveBeenSentBefore(t *testing.T) {
	server := loopkittest.NewServer(t)
	shell := shellWith(t, server)
	assert.Empty(t, shell.run("group", "team_456", "--user", "user_123").err)
	assert.Empty(t, shell.run("track", "user_signup", "--user", "user_123", "--at", "2019-07-20").err)
}
