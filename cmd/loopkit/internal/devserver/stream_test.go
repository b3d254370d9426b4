package devserver_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/devserver"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/sse"
)

// stream is one that a client reads.
type stream struct {
	t    testing.TB
	r    *sse.Reader
	last string
}

func (s *server) stream(query, lastEventID string) *stream {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	s.t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL()+"/api/stream?"+query, nil)
	require.NoError(s.t, err)
	if lastEventID != "" {
		r.Header.Set("Last-Event-ID", lastEventID)
	}
	response, err := http.DefaultClient.Do(r)
	require.NoError(s.t, err)
	s.t.Cleanup(func() { _ = response.Body.Close() }) // it was only read
	require.Equal(s.t, http.StatusOK, response.StatusCode)
	return &stream{t: s.t, r: sse.NewReader(response.Body)}
}

// next returns the next events: a track's name, or the event's own name and data.
func (s *stream) next(n int) []string {
	s.t.Helper()
	out := []string{}
	for range n {
		e, err := s.r.Next()
		require.NoError(s.t, err, "after %v", out)
		s.last = e.ID
		var record struct{ Name string }
		require.NoError(s.t, json.Unmarshal(e.Data, &record))
		if e.Name == "record" {
			out = append(out, record.Name)
		} else {
			out = append(out, e.Name+" "+string(e.Data))
		}
	}
	return out
}

func TestAStreamBeginsWithWhatThereIsAndGoesOn(t *testing.T) {
	s := start(t, devserver.Options{})
	s.track("a", "b")
	c := s.stream("", "")
	assert.Equal(t, []string{"a", "b"}, c.next(2))
	s.track("c", "d")
	assert.Equal(t, []string{"c", "d"}, c.next(2))
	assert.Equal(t, s.Store().Instance()+".4", c.last)
}

func TestAStreamResumesAfterTheLastEvent(t *testing.T) {
	s := start(t, devserver.Options{})
	s.track("a", "b", "c")
	instance := s.Store().Instance()
	assert.Equal(t, []string{"b", "c"}, s.stream("", instance+".1").next(2))
	assert.Equal(t, []string{"c"}, s.stream("since=2", "").next(1))
	assert.Equal(t, []string{"c"}, s.stream("since="+instance+".2", "").next(1))
	assert.Equal(t, []string{"c"}, s.stream("since=0&latest=1", instance+".2").next(1), "the header wins")

	ahead := s.stream("", instance+".99")
	s.track("d")
	assert.Equal(t, []string{"d"}, ahead.next(1))
}

func TestAStreamBeginsWithTheNewestIfAsked(t *testing.T) {
	s := start(t, devserver.Options{})
	s.track("a", "b", "c")
	c := s.stream("latest=2", "")
	s.track("d")
	assert.Equal(t, []string{"b", "c", "d"}, c.next(3))
}

func TestAStreamIsFiltered(t *testing.T) {
	s := start(t, devserver.Options{})
	s.track("a1", "b1", "a2")
	c := s.stream("q=name:a*&kind=track", "")
	assert.Equal(t, []string{"a1", "a2"}, c.next(2))
	s.track("b2", "a3")
	assert.Equal(t, []string{"a3"}, c.next(1))
}

func TestAClientOfAServerThatStartedAgainIsTold(t *testing.T) {
	s := start(t, devserver.Options{})
	s.track("a", "b")
	c := s.stream("", "another0000.7")
	assert.Equal(t, []string{"reset null", "a", "b"}, c.next(3))
	assert.Equal(t, []string{"b"}, s.stream("", s.Store().Instance()+".1").next(1))
}

func TestAClientIsToldThatTheStoreWasCleared(t *testing.T) {
	s := start(t, devserver.Options{})
	s.track("a", "b")
	c := s.stream("", "")
	assert.Equal(t, []string{"a", "b"}, c.next(2))
	late := c.last
	s.send(http.MethodPost, "/api/reset", "{}", asJSON)
	assert.Equal(t, []string{"reset null"}, c.next(1))
	s.track("c")
	assert.Equal(t, []string{"c"}, c.next(1))
	assert.Equal(t, []string{"reset null", "c"}, s.stream("", late).next(2))
	assert.Equal(t, []string{"c"}, s.stream("", "").next(1))
}

func TestAClientIsToldWhatItMissed(t *testing.T) {
	s := start(t, devserver.Options{Max: 2})
	s.track("a", "b", "c", "d", "e")
	instance := s.Store().Instance()
	assert.Equal(t, []string{`gap {"missed":2}`, "d", "e"}, s.stream("", instance+".1").next(3))
	assert.Equal(t, []string{"d", "e"}, s.stream("", instance+".3").next(2), "nothing was missed")
	assert.Equal(t, []string{"d", "e"}, s.stream("", "").next(2), "nobody misses what came before they did")
}

func TestASlowReaderMissesNothingThatTheServerStillHas(t *testing.T) {
	const count = 1000
	s := start(t, devserver.Options{})
	c := s.stream("", "")
	var body strings.Builder
	for i := range count {
		fmt.Fprintf(&body, `,{"name":"event_%d","anonymousId":"anon_456","timestamp":"2025-01-15T10:30:00Z","properties":{"text":%q}}`, i, strings.Repeat("x", 1000))
	}
	response, text := s.send(http.MethodPost, "/v1/tracks", "["+body.String()[1:]+"]", header{"Authorization", "Bearer lk_dev"})
	require.Equal(t, http.StatusOK, response.StatusCode, text)
	for i, name := range c.next(count) {
		require.Equal(t, fmt.Sprintf("event_%d", i), name)
	}
}

func TestStoppingTheServerEndsItsStreamsWithinASecond(t *testing.T) {
	s := start(t, devserver.Options{})
	s.track("a")
	streams := []*stream{s.stream("", ""), s.stream("q=name:b", ""), s.stream("", "")}
	page, err := http.Get(s.URL() + "/")
	require.NoError(t, err)
	require.NoError(t, page.Body.Close())
	streams[0].next(1)

	began := time.Now()
	require.NoError(t, s.stop())
	assert.Less(t, time.Since(began), time.Second)
	for _, c := range streams {
		for err = nil; err == nil; {
			_, err = c.r.Next()
		}
		assert.ErrorIs(t, err, io.EOF, "ended in order")
	}
}

func TestStoppingTheServerDoesNotWaitForASlowRequest(t *testing.T) {
	s := start(t, devserver.Options{})
	body, feed := io.Pipe()
	sent := make(chan error, 1)
	go func() {
		response, err := http.Post(s.BaseURL()+"/tracks?apiKey=lk_dev", "application/json", body)
		if err == nil {
			err = response.Body.Close()
		}
		sent <- err
	}()
	_, err := feed.Write([]byte(`{"tracks":[`))
	require.NoError(t, err)

	began := time.Now()
	require.NoError(t, s.stop())
	assert.Less(t, time.Since(began), time.Second)
	require.NoError(t, feed.Close())
	assert.Error(t, <-sent)
}
