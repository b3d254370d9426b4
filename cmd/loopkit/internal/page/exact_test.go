package page

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/store"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

// pagesOf are pages over messages as they came.
func pagesOf(t *testing.T, kind collector.Kind, raws ...string) *pages {
	t.Helper()
	s := store.New(0)
	for _, raw := range raws {
		m, err := collector.Decode(kind, []byte(strings.ReplaceAll(raw, "NOW", "2025-01-15T10:30:00Z")))
		require.NoError(t, err)
		s.Record(collector.Request{Method: "POST", Path: "/v1/x", Status: 200, Auth: "bearer", Messages: 1}, []collector.Message{m})
	}
	return &pages{t, s, New(Options{Store: s, BaseURL: "http://127.0.0.1:4850", Version: "test"})}
}

func TestLongIntegersAreShownInAllTheirDigits(t *testing.T) {
	p := pagesOf(t, collector.KindTrack, `{"name":"a","anonymousId":"b","timestamp":"NOW","properties":{"id":12345678901234567890,"n":9007199254740993,"s":25}}`)
	_, live := p.get("/")
	assert.Contains(t, textOf(live), "id = 12345678901234567890 n = 9007199254740993 s = 25")
	_, drawer := p.get("/event/1")
	assert.NotContains(t, drawer, "9007199254740992")
	assert.NotContains(t, drawer, "12345678901234567000")
	text := textOf(drawer)
	assert.Contains(t, text, "n 9007199254740993 number")
	assert.Contains(t, text, `"id": uint64(12345678901234567890)`)
	assert.Contains(t, text, `"n": int64(9007199254740993)`)
	assert.Contains(t, p.text("/schema"), "9007199254740993")
	_, found := p.get("/?q=prop.n%3D9007199254740993")
	assert.Contains(t, textOf(found), "1 of 1 match")
}

func TestLongIntegersOfTraitsKeepTheirHistory(t *testing.T) {
	p := pagesOf(t, collector.KindIdentify,
		`{"userId":"u","timestamp":"NOW","traits":{"account":9007199254740993,"size":5}}`,
		`{"userId":"u","timestamp":"NOW","traits":{"account":9007199254740995,"size":5}}`)
	text := p.text("/people/u")
	assert.Contains(t, text, "account 9007199254740995 #2 9007199254740993 #1")
	assert.Contains(t, text, "size 5 #1")
}
