package exact

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/internal/collector"
)

func decoded(t *testing.T, properties string) *collector.Message {
	t.Helper()
	m, err := collector.Decode(collector.KindTrack, []byte(`{"name":"a","anonymousId":"b","timestamp":"2025-01-15T10:30:00Z","properties":`+properties+`}`))
	require.NoError(t, err)
	return &m
}

func TestIntegersKeepAllTheirDigits(t *testing.T) {
	got := Values(decoded(t, `{"id":12345678901234567890,"n":[-9007199254740993,{"deep":9007199254740993}],"even":9007199254740992,"size":25,"ratio":0.1000000000000000055,"text":"9007199254740993"}`))
	assert.Equal(t, map[string]any{
		"id":    json.Number("12345678901234567890"),
		"n":     []any{json.Number("-9007199254740993"), map[string]any{"deep": json.Number("9007199254740993")}},
		"even":  9007199254740992.0,
		"size":  25.0,
		"ratio": 0.1,
		"text":  "9007199254740993",
	}, got)
}

func TestValuesWithoutLongIntegersAreTheMessagesOwn(t *testing.T) {
	m := decoded(t, `{"id":123456789012345,"when":"2025-01-15"}`)
	got := Values(m)
	got["more"] = true
	assert.Contains(t, m.Values, "more", "nothing was decoded anew")
	assert.Nil(t, Values(&collector.Message{Kind: collector.KindDeleteUser}))
}
