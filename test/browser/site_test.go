//go:build browser

package browser_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// site is examples/webapp, running as a program of its own. It sends to the
// LoopKit-like server that it holds.
type site struct {
	t      *testing.T
	url    string
	client *http.Client // what reads /loopkit/received; no visitor of the site
}

// startSite starts the program, and ends it as Ctrl-C does.
func startSite(t *testing.T) *site {
	t.Helper()
	started := startProgram(t, webapp, "-addr", "127.0.0.1:0")
	url, found := strings.CutPrefix(started.greeting, "Open ")
	require.True(t, found, "the first line was %q", started.greeting)
	s := &site{t: t, url: url, client: &http.Client{Transport: &http.Transport{}, Timeout: patience}}
	t.Cleanup(s.client.CloseIdleConnections)
	return s
}

// browser starts a browser of its own for one visitor of the site.
func (s *site) browser() *browser {
	s.t.Helper()
	return newBrowser(s.t, s.url)
}

// fetch returns what the site answers to somebody without cookies.
func (s *site) fetch(ctx context.Context, path string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, nil)
	if err != nil {
		return nil, err
	}
	answer, err := s.client.Do(request)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(answer.Body)
	if e := answer.Body.Close(); err == nil {
		err = e
	}
	return body, err
}
