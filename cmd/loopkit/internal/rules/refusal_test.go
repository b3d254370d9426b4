package rules_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/rules"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

func TestARefusalIsExplainedWhereARuleKnowsTheReason(t *testing.T) {
	found := rules.Refusal(rules.Input{Number: 7, Message: collector.Message{Kind: collector.KindTrack, Name: "page_view", UserID: "user_123"}})
	require.Len(t, found, 1)
	assert.Equal(t, "W-NOANON", found[0].Rule.ID)
	assert.Equal(t, int64(7), found[0].Subject)

	assert.Empty(t, rules.Refusal(rules.Input{Message: collector.Message{Kind: collector.KindTrack, AnonymousID: "anon_456"}}), "it has no name, and the server says so")
}
