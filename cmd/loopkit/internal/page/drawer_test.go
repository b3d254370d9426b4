package page_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTheDrawerHasEverythingAboutAnEvent(t *testing.T) {
	s := newSite(t, 0)
	s.send("/v1/tracks?apiKey=lk_secret", `{"tracks":[{"name":"user_signup","messageId":"m-1","userId":"user_123","anonymousId":"anon_1","timestamp":"2025-01-15T10:30:00Z","properties":{"z":1.50,"a":"it's"},"system":{"sdk":{"name":"loopkit-go","version":"0.1.0"},"sessionId":"s-1"}}]}`)
	html := s.get("/event/1")
	for _, want := range []string{
		"user_signup", "user_123", "anon_1", "loopkit-go 0.1.0", "s-1", "m-1", "2025-01-15T10:30:00.000Z",
		`<span class="json-key">&#34;anonymousId&#34;</span>`,
		`<span class="json-number">1.50</span>`, // as it was written
		"Bearer ", "••••••", "Cookie",
		"$LOOPKIT_API_KEY",
		`it&#39;\&#39;&#39;s`,
		"client.Track(ctx, &#34;user_signup&#34;, loopkit.Properties{",
	} {
		assert.Contains(t, html, want)
	}
	assert.NotContains(t, html, "session=secret")
	assert.NotContains(t, html, "lk_dev\n")
	assert.Less(t, indexOf(t, html, "&#34;a&#34;"), indexOf(t, html, "&#34;z&#34;"), "keys are sorted")
}

func TestAnEventThatIsGoneSaysSo(t *testing.T) {
	s := newSite(t, 0)
	status, html := s.fetch("/event/7")
	assert.Equal(t, http.StatusNotFound, status)
	assert.Contains(t, html, "no longer kept")
	assert.Contains(t, s.get("/?sel=7"), "no longer kept")
	status, _ = s.fetch("/event/x")
	assert.Equal(t, http.StatusNotFound, status)
}

func TestTheBodyIsServedAsText(t *testing.T) {
	s := newSite(t, 0)
	s.send("/v1/tracks", `<script>alert(1)</script>`)
	answer, err := http.Get(s.url + "/event/1/body")
	assert.NoError(t, err)
	assert.NoError(t, answer.Body.Close())
	assert.Equal(t, "text/plain; charset=utf-8", answer.Header.Get("Content-Type"))
	assert.Equal(t, "nosniff", answer.Header.Get("X-Content-Type-Options"))
	assert.Equal(t, `<script>alert(1)</script>`, s.get("/event/1/body"))
}
