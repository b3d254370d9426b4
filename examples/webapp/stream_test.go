package main

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
)

// panelStream is a browser's live panel.
type panelStream struct {
	t      *testing.T
	answer *http.Response
	lines  *bufio.Scanner
	leave  context.CancelFunc
}

func (b *browser) stream() *panelStream {
	t := b.site.t
	ctx, leave := context.WithCancel(t.Context())
	t.Cleanup(leave)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.site.server.URL+"/loopkit/stream", nil)
	require.NoError(t, err)
	answer, err := b.client.Do(r)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, answer.Body.Close()) })
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, 1<<20)
	return &panelStream{t, answer, lines, leave}
}

// until reads panels until one contains text, and returns it.
func (p *panelStream) until(text string) string {
	p.t.Helper()
	for p.lines.Scan() {
		data, found := strings.CutPrefix(p.lines.Text(), "data: ")
		if !found {
			continue
		}
		var html string
		require.NoError(p.t, json.Unmarshal([]byte(data), &html))
		if strings.Contains(html, text) {
			return html
		}
	}
	p.t.Fatalf("the stream ended before %q came: %v", text, p.lines.Err())
	return ""
}

func TestThePanelIsLive(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.agree(loopkit.Full)
	panel := b.stream()
	assert.Equal(t, "text/event-stream", panel.answer.Header.Get("Content-Type"))
	assert.Empty(t, panel.answer.Header["Set-Cookie"], "a stream is no visit")
	panel.until("Anonymous visitor")
	user := b.signUp("john@acme.com")
	html := panel.until(`<span class="merged">merged into</span>`)
	assert.Contains(t, html, "john@acme.com")
	assert.Contains(t, html, user)
	team := b.createTeam("Acme Corp")
	panel.until(`data-key="` + team)
}

func TestThePanelIsTheBrowsersOwn(t *testing.T) {
	s := newSite(t)
	b, other := s.browser(), s.browser()
	b.agree(loopkit.Full)
	other.agree(loopkit.Full)
	s.received()
	assert.Contains(t, b.stream().until("This browser is"), `title="`+b.anonymousID())
	assert.Contains(t, other.stream().until("This browser is"), `title="`+other.anonymousID())
}

func TestThePanelCountsWhatIsWithheld(t *testing.T) {
	b := newSite(t).browser()
	panel := b.stream()
	panel.until("<dt>withheld</dt><dd>0</dd>")
	b.get("/")
	panel.until("<dt>withheld</dt><dd>1</dd>")
}

func TestStreamsAreBounded(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	open := make([]*panelStream, maxStreams)
	for i := range open {
		open[i] = b.stream()
		open[i].until("withheld")
	}
	refused := b.stream()
	assert.Equal(t, http.StatusServiceUnavailable, refused.answer.StatusCode)
	assert.NotEmpty(t, refused.answer.Header.Get("Retry-After"))

	open[0].leave()
	s.app.streams <- struct{}{} // waits until the one that left is noticed
	<-s.app.streams
	again := b.stream()
	assert.Equal(t, http.StatusOK, again.answer.StatusCode)
}

func TestStreamsEndWithTheServer(t *testing.T) {
	s := newSite(t)
	panel := s.browser().stream()
	panel.until("withheld")
	s.end()
	for panel.lines.Scan() {
		assert.NotContains(t, panel.lines.Text(), "error")
	}
	require.NoError(t, panel.lines.Err(), "the answer is complete")
}
