package devserver_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/devserver"
)

func TestEveryFormThatLoopKitsSDKsSendIsTaken(t *testing.T) {
	s := start(t, devserver.Options{})
	track := `{"name":"page_view","anonymousId":"anon_456","timestamp":"2025-01-15T10:30:00Z","properties":{"page":"/"}}`
	identify := `{"userId":"user_123","anonymousId":"anon_456","%s":{"plan":"pro"},"timestamp":"2025-01-15T10:30:00Z"}`
	bearer := header{"Authorization", "Bearer lk_dev", "Content-Type", "application/json"}
	tests := map[string]struct {
		path, body string
		header     header
		auth, form string
	}{
		"an envelope":              {"/v1/tracks", `{"tracks":[` + track + `]}`, bearer, "bearer", "envelope"},
		"a bare object":            {"/v1/tracks", track, bearer, "bearer", "object"},
		"a bare array":             {"/v1/tracks", "[" + track + "," + track + "]", bearer, "bearer", "array"},
		"traits":                   {"/v1/identifies", strings.Replace(identify, "%s", "traits", 1), bearer, "bearer", "object"},
		"properties":               {"/v1/identifies", strings.Replace(identify, "%s", "properties", 1), bearer, "bearer", "object"},
		"a key without Bearer":     {"/v1/tracks", track, header{"Authorization", "lk_dev"}, "raw", "object"},
		"a key in the query":       {"/v1/tracks?apiKey=lk_dev", track, nil, "query", "object"},
		"a beacon of a string":     {"/v1/tracks?apiKey=lk_dev", `{"tracks":[` + track + `]}`, header{"Content-Type", "text/plain;charset=UTF-8"}, "query", "envelope"},
		"a compressed body":        {"/v1/tracks", compressed(track), header{"Authorization", "Bearer lk_dev", "Content-Encoding", "gzip"}, "bearer", "object"},
		"a page of another origin": {"/v1/tracks?apiKey=lk_dev", track, header{"Origin", "http://localhost:3000", "Sec-Fetch-Site", "same-site"}, "query", "object"},
	}
	for name, test := range tests {
		response, text := s.send(http.MethodPost, test.path, test.body, test.header)
		assert.Equal(t, http.StatusOK, response.StatusCode, "%s: %s", name, text)
		assert.JSONEq(t, `{"success":true}`, text)
		entries := s.Store().Snapshot().Entries
		r := entries[len(entries)-1].Request
		assert.Equal(t, test.auth, r.Auth, name)
		assert.Equal(t, test.form, r.Form, name)
	}
}

func compressed(text string) string {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write([]byte(text))
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic(err)
	}
	return out.String()
}

func TestWhatIsRefusedIsShownWithItsReason(t *testing.T) {
	s := start(t, devserver.Options{})
	bearer := header{"Authorization", "Bearer lk_dev"}
	for _, test := range []struct {
		body   string
		header header
		status int
		reason string
	}{
		{trackBody("page_view"), nil, 401, "no API key"},
		{"no JSON", bearer, 400, "the body is not JSON"},
		{`{"tracks":[{"name":"page_view"}]}`, bearer, 400, "message 1 of 1: a track needs anonymousId"},
		{`{"tracks":"` + strings.Repeat("x", 5<<20) + `"}`, bearer, 413, "the body is over 5242880 bytes"},
	} {
		response, text := s.send(http.MethodPost, "/v1/tracks", test.body, test.header)
		assert.Equal(t, test.status, response.StatusCode)
		assert.JSONEq(t, `{"success":false,"message":"`+test.reason+`"}`, text)
		entries := s.Store().Snapshot().Entries
		assert.Equal(t, test.reason, entries[len(entries)-1].Request.Refusal)
	}
	response, _ := s.send(http.MethodPost, "/v1/nothing", "{}", bearer)
	assert.Equal(t, http.StatusNotFound, response.StatusCode)
}

func TestKeysAndCookiesAreKeptNowhere(t *testing.T) {
	journal := t.TempDir() + "/events.ndjson"
	s := start(t, devserver.Options{Journal: journal})
	const secret = "s3cr3t"
	for _, h := range []header{
		{"Authorization", "Bearer lk_" + secret},
		{"Authorization", "lk_" + secret},
		{"Referer", "http://localhost:3000/?apiKey=" + secret, "Cookie", "session=" + secret, "Proxy-Authorization", "Basic " + secret},
		{"Referer", "http://localhost:3000/#apiKey=" + secret},
		{"X-Api-Key", secret, "X-Original-Url", "/v1/tracks?apiKey=" + secret, "X-Auth-Token", secret, "Forwarded", "for=" + secret},
	} {
		response, _ := s.send(http.MethodPost, "/v1/tracks?apiKey=lk_"+secret, trackBody("page_view"), h)
		assert.Equal(t, http.StatusOK, response.StatusCode)
	}
	for _, path := range []string{"/", "/?sel=1", "/events/1", "/warnings", "/api/events", "/api/summary", "/api/warnings", "/api/export"} {
		_, text := s.send(http.MethodGet, path, "", nil)
		assert.NotContains(t, text, secret, path)
	}
	for _, e := range s.Store().Snapshot().Entries {
		assert.NotContains(t, fmt.Sprint(e.Request.Header), secret)
		assert.NotContains(t, e.Request.Path, secret)
	}
	assert.NotContains(t, readFile(t, journal), secret)
}

func TestHeadersThatSayHowAMessageWasSentAreKept(t *testing.T) {
	s := start(t, devserver.Options{})
	s.send(http.MethodPost, "/v1/tracks?apiKey=lk_dev", trackBody("a"), header{
		"Content-Type", "application/json", "User-Agent", strings.Repeat("x", 5000), "Origin", "http://localhost:3000",
		"Referer", "http://localhost:3000/pricing?plan=pro", "Traceparent", "00-1-2-01", "X-Loopkit-Anonymous-Id", "anon_456",
	})
	kept := s.Store().Snapshot().Entries[0].Request.Header
	assert.Equal(t, strings.Repeat("x", 1024)+"…", kept.Get("User-Agent"))
	kept.Del("User-Agent")
	assert.Equal(t, http.Header{
		"Accept-Encoding": {"gzip"}, "Content-Type": {"application/json"}, "Origin": {"http://localhost:3000"},
		"Referer": {"http://localhost:3000/pricing"}, "Traceparent": {"00-1-2-01"}, "X-Loopkit-Anonymous-Id": {"anon_456"},
	}, kept)
}

func TestTheClientAndTheServerUnderstandEachOther(t *testing.T) {
	s := start(t, devserver.Options{Chaos: devserver.Chaos{FailPercent: 50, FailStatus: 503}, Random: sequence(0.1, 0.9)})
	client, err := loopkit.New(devserver.Key, &loopkit.Options{BaseURL: s.BaseURL(), RetryMin: 1e6, RetryMax: 2e6})
	require.NoError(t, err)
	visitor := client.Session()
	require.NoError(t, visitor.Track(t.Context(), "page_view", nil))
	require.NoError(t, visitor.Identify(t.Context(), "user_123", loopkit.Traits{"plan": "pro"}))
	_, err = client.DeleteUser(t.Context(), "user_456")
	require.NoError(t, err)
	require.NoError(t, client.Close(t.Context()))
	assert.Equal(t, int64(3), client.Stats().Delivered)
	assert.Positive(t, client.Stats().Retries)
	person, ok := s.Store().Snapshot().Person("user_123")
	require.True(t, ok)
	assert.Len(t, person.Events, 1)
}

func TestIPv6IsLoopbackToo(t *testing.T) {
	err := devserver.CheckAddr("[::1]:0")
	assert.NoError(t, err)
}
