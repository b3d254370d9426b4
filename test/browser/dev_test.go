//go:build browser

package browser_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
)

// devServer is "loopkit dev", running as a program of its own.
type devServer struct {
	t    *testing.T
	url  string
	stop func()
}

// startDev starts a development server at a free port, unless the arguments say
// where. It ends with the test.
func startDev(t *testing.T, args ...string) *devServer {
	t.Helper()
	if !slices.Contains(args, "--addr") {
		args = append(args, "--addr", "127.0.0.1:0")
	}
	started := startProgram(t, loopkitCommand, append([]string{"dev"}, args...)...)
	_, url, found := strings.Cut(started.greeting, ": ")
	require.True(t, found, "the first line was %q", started.greeting)
	return &devServer{t: t, url: url, stop: started.stop}
}

// page opens a page of the server in a browser of its own.
func (s *devServer) page(path string) *browser {
	s.t.Helper()
	b := newBrowser(s.t, s.url)
	b.visit(path)
	return b
}

// livePage opens the Live page, and waits until its stream is open.
func (s *devServer) livePage() *browser {
	s.t.Helper()
	b := s.page("/")
	b.awaitConnection()
	return b
}

func (b *browser) awaitConnection() {
	b.t.Helper()
	b.await(`document.querySelector("#connection.connected")`)
}

// ask sends a request with JSON, and reads the answer.
func (s *devServer) ask(method, path string, body, answer any) {
	s.t.Helper()
	text, err := json.Marshal(body)
	require.NoError(s.t, err)
	said := s.send(method, path, string(text), http.StatusOK)
	if answer != nil {
		require.NoError(s.t, json.Unmarshal(said, answer), "%s", said)
	}
}

// post sends the body of a request of an SDK, in which NOW stands for the time.
func (s *devServer) post(path, body string) {
	s.t.Helper()
	s.send(http.MethodPost, path, body, http.StatusOK)
}

func (s *devServer) send(method, path, body string, status int) []byte {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	body = strings.ReplaceAll(body, "NOW", time.Now().UTC().Format(time.RFC3339Nano))
	request, err := http.NewRequestWithContext(ctx, method, s.url+path, strings.NewReader(body))
	require.NoError(s.t, err)
	request.Header.Set("Content-Type", "application/json")
	if !request.URL.Query().Has("apiKey") {
		request.Header.Set("Authorization", "Bearer lk_dev")
	}
	answer, err := http.DefaultClient.Do(request)
	require.NoError(s.t, err)
	said, err := io.ReadAll(answer.Body)
	assert.NoError(s.t, answer.Body.Close())
	require.NoError(s.t, err)
	require.Equal(s.t, status, answer.StatusCode, "%s", said)
	return said
}

// tracks sends events of one anonymous ID in one request. They are called
// name_1, name_2 and so on.
func (s *devServer) tracks(name string, n int) {
	s.t.Helper()
	records := make([]string, n)
	for i := range records {
		records[i] = fmt.Sprintf(`{"name":"%s_%d","anonymousId":"anon_456","timestamp":"NOW","properties":{"page":"/pricing","number":%d}}`, name, i+1, i)
	}
	s.post("/v1/tracks", `{"tracks":[`+strings.Join(records, ",")+`]}`)
}

// demo has the server send itself the journey of the documentation.
func (s *devServer) demo() {
	s.t.Helper()
	s.ask(http.MethodPost, "/api/demo", struct{}{}, nil)
}

// summary is what the server's API counts.
type summary struct {
	Events, People, Groups int
	Warnings               map[string]int
}

func (s *devServer) summary() (counted summary) {
	s.t.Helper()
	s.ask(http.MethodGet, "/api/summary", nil, &counted)
	return counted
}

// awaitEvents waits until the server has received a number of events.
func (s *devServer) awaitEvents(n int) {
	s.t.Helper()
	require.EventuallyWithT(s.t, func(c *assert.CollectT) {
		assert.Equal(c, n, s.summary().Events)
	}, patience, 20*time.Millisecond)
}

// travel sends the journey of the documentation with a client of the SDK, and
// calls a function before the signup becomes an identify.
func (s *devServer) travel(beforeIdentify func()) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	client, err := loopkit.New("lk_dev", &loopkit.Options{BaseURL: s.url + "/v1"})
	require.NoError(s.t, err)
	visitor := client.Session()
	for _, step := range []error{
		visitor.Track(ctx, "page_view", loopkit.Properties{"page": "/pricing"}),
		visitor.Track(ctx, "button_click", loopkit.Properties{"button": "start_trial"}),
		visitor.Track(ctx, "user_signup", loopkit.Properties{"method": "email", "source": "pricing_page"}),
		client.Flush(ctx),
	} {
		require.NoError(s.t, step)
	}
	beforeIdentify()
	for _, step := range []error{
		visitor.Identify(ctx, "user_123", loopkit.Traits{"plan": "trial", "signup_date": "2025-01-15"}),
		client.Flush(ctx),
		visitor.Group(ctx, "team_456", loopkit.Traits{"name": "Acme Corp", "plan": "enterprise", "size": 25}),
		client.Flush(ctx),
		visitor.Track(ctx, "feature_used", loopkit.Properties{"feature": "api_integration"}),
		client.Close(ctx),
	} {
		require.NoError(s.t, step)
	}
}
