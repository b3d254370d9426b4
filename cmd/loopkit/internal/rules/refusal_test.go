package rules_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/rules"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

func TestARefusalIsExplainedWhereARuleKnowsTheReason(t *testing.T) {
	for body, want := range map[string][]string{
		`{"name":"page_view","userId":"user_123"}`:                              {"W-NOANON"},
		`{"name":"page_view","anonymous_id":"anon_456"}`:                        {"W-NOANON", "W-MEMBER"},
		`{"event":"page_view","anonymousId":"anon_456"}`:                        {"W-MEMBER"},
		`{"anonymousId":"anon_456","timestamp":"2025-01-15T10:30:00Z"}`:         nil, // it has no name, and the server says so
		`{"name":"page_view","anonymousId":"anon_456","ts":"2025-01-15T10:30"}`: {"W-MEMBER"},
	} {
		m, err := collector.Decode(collector.KindTrack, []byte(body))
		assert.Error(t, err)
		var ids []string
		for _, f := range rules.Refusal(rules.Input{Number: 7, Message: m}) {
			assert.Equal(t, int64(7), f.Subject)
			ids = append(ids, f.Rule.ID)
		}
		assert.Equal(t, want, ids, body)
	}
	assert.Empty(t, rules.Refusal(rules.Input{Message: collector.Message{Kind: collector.KindGroup}}), "it has no groupId, and the server says so")
}
