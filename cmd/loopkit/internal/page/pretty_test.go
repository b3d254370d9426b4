package page

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/store"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

func TestPrettyPrintingIsBoundedWhateverComes(t *testing.T) {
	for name, raw := range map[string]string{
		"many small elements": "[" + strings.Repeat("{},", 40_000) + "{}]",
		"more of them":        "[" + strings.Repeat("{},", 1_600_000) + "{}]",
		"deep arrays":         strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000),
		"deep objects":        strings.Repeat(`{"a":`, 9_000) + "1" + strings.Repeat("}", 9_000),
		"wide and deep":       strings.Repeat("[", 60) + "1" + strings.Repeat(",1", 50_000) + strings.Repeat("]", 60),
		"long strings":        `["` + strings.Repeat("é", 60_000) + `"]`,
		"no JSON":             strings.Repeat("é", 100_000),
	} {
		t.Run(name, func(t *testing.T) {
			begun := time.Now()
			pretty := prettyJSON([]byte(raw))
			assert.Less(t, time.Since(begun), 2*time.Second)
			text := plain(pretty.Tokens)
			assert.LessOrEqual(t, len(text), mostPretty)
			assert.True(t, pretty.More > 0 || strings.HasSuffix(text, "]") || strings.HasSuffix(text, "}"), "it is whole, or says what is missing")
			assert.NotContains(t, text, "\ufffd")
		})
	}
}

func TestWhatIsCutCountsTheRest(t *testing.T) {
	whole := `["` + strings.Repeat("a", mostPretty-6) + `"]`
	pretty := prettyJSON([]byte(whole))
	printed := len("[\n  \"") + mostPretty - 6 + len("\"\n]")
	assert.Equal(t, printed-mostPretty, pretty.More)
	assert.Equal(t, mostPretty, len(plain(pretty.Tokens)))
	assert.Zero(t, prettyJSON([]byte(`{"a":[1,{}]}`)).More)
}

func TestDeepLevelsAreInOneLine(t *testing.T) {
	text := plain(prettyJSON([]byte(strings.Repeat("[", 50) + "1" + strings.Repeat("]", 50))).Tokens)
	assert.Equal(t, 2*mostIndented, strings.Count(text, "\n"))
	assert.Contains(t, text, "[ [ [ [ [ [ [ [ [ [ 1 ] ] ] ]")
}

func TestALargeEventCanBeLookedAt(t *testing.T) {
	s := store.New(0)
	m, err := collector.Decode(collector.KindTrack, []byte(`{"name":"large","anonymousId":"a","timestamp":"2025-01-15T10:30:00Z","properties":{"a":[`+strings.Repeat("{},", 100_000)+`{}]}}`))
	assert.NoError(t, err)
	s.Record(collector.Request{Method: "POST", Status: 200, Body: m.Raw, Messages: 1}, []collector.Message{m})
	page := &pages{t, s, New(Options{Store: s})}
	begun := time.Now()
	_, html := page.get("/event/1")
	assert.Less(t, time.Since(begun), 3*time.Second)
	assert.Less(t, len(html), 8*mostPretty)
	assert.Contains(t, html, "more bytes; the raw body has all of it")
	assert.NotContains(t, html, "curl", "nothing that could be pasted")
	_, body := page.get("/event/1/body")
	assert.Equal(t, string(m.Raw), body)
}
