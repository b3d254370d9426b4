package page_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/page"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/sse"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/store"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

// site is a collector and its page on a real server.
type site struct {
	t     testing.TB
	store *store.Store
	url   string
}

func newSite(t testing.TB, max int) *site {
	s := &site{t: t, store: store.New(max)}
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	s.url = server.URL
	mux.Handle("/v1/", collector.New(collector.Options{Record: s.store.Record}))
	mux.Handle("/", page.New(page.Options{Store: s.store, BaseURL: s.url, Version: "0.1.0"}))
	return s
}

// send posts a body to the collector and returns the status.
func (s *site) send(path, body string) int {
	r, err := http.NewRequest(http.MethodPost, s.url+path, strings.NewReader(body))
	require.NoError(s.t, err)
	r.Header.Set("Authorization", "Bearer lk_dev")
	r.Header.Set("Cookie", "session=secret")
	answer, err := http.DefaultClient.Do(r)
	require.NoError(s.t, err)
	require.NoError(s.t, answer.Body.Close())
	return answer.StatusCode
}

// track sends one event with some JSON of properties.
func (s *site) track(name, properties string) {
	s.send("/v1/tracks", `{"tracks":[{"name":`+quote(name)+`,"anonymousId":"anon_1","timestamp":"2025-01-15T10:30:00Z","properties":`+properties+`}]}`)
}

func quote(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings can always be encoded
	}
	return string(text)
}

func (s *site) get(path string) string {
	status, body := s.fetch(path)
	require.Equal(s.t, http.StatusOK, status, "%s: %s", path, body)
	return body
}

func (s *site) fetch(path string) (status int, body string) {
	answer, err := http.Get(s.url + path)
	require.NoError(s.t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(s.t, err)
	return answer.StatusCode, string(text)
}

// batch is what tests look at in the data of an event of the stream.
type batch struct {
	After, Last, Oldest  int64
	Replace              bool
	Older                int64
	Rows, Matched, Total int
	Instance             string
	HTML                 string
	People               []struct {
		Anonymous []string
		Person    string
	}
	Counts struct{ Events, People, Groups, Warnings int }
}

func (s *site) rows(path string) (b batch) {
	require.NoError(s.t, json.Unmarshal([]byte(s.get(path)), &b))
	return b
}

// stream is a connection to the live stream.
type stream struct {
	t      testing.TB
	events *sse.Reader
	id     string // of the last event
}

func (s *site) stream(query, lastEventID string) *stream {
	ctx, cancel := context.WithTimeout(s.t.Context(), 30*time.Second)
	s.t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/live"+query, nil)
	require.NoError(s.t, err)
	if lastEventID != "" {
		r.Header.Set("Last-Event-ID", lastEventID)
	}
	answer, err := http.DefaultClient.Do(r)
	require.NoError(s.t, err)
	s.t.Cleanup(func() { _ = answer.Body.Close() }) // the test is over
	require.Equal(s.t, http.StatusOK, answer.StatusCode)
	return &stream{t: s.t, events: sse.NewReader(bufio.NewReader(answer.Body))}
}

// next returns the next event and its data.
func (c *stream) next() (name string, b batch) {
	event, err := c.events.Next()
	require.NoError(c.t, err)
	require.NoError(c.t, json.Unmarshal(event.Data, &b))
	c.id = event.ID
	return event.Name, b
}

// until returns the batches up to one for which the condition holds.
func (c *stream) until(holds func(batch) bool) (last batch) {
	for {
		if _, b := c.next(); holds(b) {
			return b
		}
	}
}

func indexOf(t testing.TB, text, part string) int {
	at := strings.Index(text, part)
	require.GreaterOrEqual(t, at, 0, part)
	return at
}
