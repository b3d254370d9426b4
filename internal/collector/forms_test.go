package collector_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/internal/collector"
)

const (
	identify = `{"userId":"user_123","anonymousId":"anon_456","traits":{"plan":"pro"},"timestamp":"2025-01-15T10:30:00Z"}`
	group    = `{"groupId":"team_456","userId":"user_123","anonymousId":"anon_456","traits":{"size":25},"timestamp":"2025-01-15T10:30:00Z"}`
	track    = `{"name":"page_view","anonymousId":"anon_456","properties":{"page":"/pricing"},"timestamp":"2025-01-15T10:30:00.123Z"}`
)

func withProperties(message string) string {
	return strings.Replace(message, "traits", "properties", 1)
}

func serve(t *testing.T, opts collector.Options) (*collector.Collector, string) {
	t.Helper()
	c := collector.New(opts)
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	return c, server.URL + "/v1"
}

type header map[string]string

// send returns the status and the answer.
func send(t *testing.T, method, url, body string, headers ...header) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer lk_test")
	req.Header.Set("Content-Type", "application/json")
	for _, h := range headers {
		for name, value := range h {
			req.Header.Set(name, value)
			if value == "" {
				req.Header.Del(name)
			}
		}
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	assert.Equal(t, "application/json", res.Header.Get("Content-Type"))
	assert.True(t, json.Valid(text), "%s", text)
	return res.StatusCode, strings.TrimSpace(string(text))
}

func compressed(t *testing.T, body string, to func(io.Writer) io.WriteCloser) string {
	t.Helper()
	var b bytes.Buffer
	w := to(&b)
	_, err := io.WriteString(w, body)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.String()
}

func TestEveryAttestedFormIsAccepted(t *testing.T) {
	toGzip := func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }
	toZlib := func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }
	toFlate := func(w io.Writer) io.WriteCloser { f, _ := flate.NewWriter(w, -1); return f }
	tests := map[string]struct {
		path, body string
		header     header
		want       collector.Request
	}{
		"the page's identify":       {path: "/identifies", body: identify, want: collector.Request{Form: "object", Messages: 1}},
		"the page's group":          {path: "/groups", body: group, want: collector.Request{Form: "object", Messages: 1}},
		"a bare track":              {path: "/tracks", body: track, want: collector.Request{Form: "object", Messages: 1}},
		"the SDKs' identifies":      {path: "/identifies", body: `{"identifies":[` + withProperties(identify) + `]}`, want: collector.Request{Form: "envelope", Messages: 1}},
		"the SDKs' groups":          {path: "/groups", body: `{"groups":[` + withProperties(group) + `]}`, want: collector.Request{Form: "envelope", Messages: 1}},
		"the SDKs' tracks":          {path: "/tracks", body: `{"tracks":[` + track + `,` + track + `]}`, want: collector.Request{Form: "envelope", Messages: 2}},
		"an array":                  {path: "/tracks", body: ` [` + track + `]`, want: collector.Request{Form: "array", Messages: 1}},
		"an empty envelope":         {path: "/tracks", body: `{"tracks":[]}`, want: collector.Request{Form: "envelope"}},
		"text/plain":                {path: "/tracks", body: track, header: header{"Content-Type": "text/plain"}, want: collector.Request{Form: "object", Messages: 1}},
		"an offset in a timestamp":  {path: "/tracks", body: strings.Replace(track, "123Z", "123+02:00", 1), want: collector.Request{Form: "object", Messages: 1}},
		"a key without Bearer":      {path: "/tracks", body: track, header: header{"Authorization": "lk_test"}, want: collector.Request{Form: "object", Messages: 1, Auth: "raw"}},
		"a key in the query":        {path: "/tracks?apiKey=lk_test", body: track, header: header{"Authorization": ""}, want: collector.Request{Form: "object", Messages: 1, Auth: "query"}},
		"gzip":                      {path: "/tracks", body: compressed(t, track, toGzip), header: header{"Content-Encoding": "gzip"}, want: collector.Request{Form: "object", Messages: 1, Compression: "gzip"}},
		"deflate with zlib header":  {path: "/tracks", body: compressed(t, track, toZlib), header: header{"Content-Encoding": "deflate"}, want: collector.Request{Form: "object", Messages: 1, Compression: "deflate"}},
		"deflate without":           {path: "/tracks", body: compressed(t, track, toFlate), header: header{"Content-Encoding": "deflate"}, want: collector.Request{Form: "object", Messages: 1, Compression: "deflate"}},
		"members that nobody knows": {path: "/tracks", body: strings.Replace(track, "{", `{"later":1,`, 1), want: collector.Request{Form: "object", Messages: 1}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c, base := serve(t, collector.Options{Keys: []string{"lk_test"}})
			status, answer := send(t, http.MethodPost, base+test.path, test.body, test.header)
			require.Equal(t, 200, status, answer)
			assert.JSONEq(t, `{"success":true}`, answer)

			require.Len(t, c.Requests(), 1)
			got := c.Requests()[0]
			assert.Len(t, c.Messages(), test.want.Messages)
			assert.Equal(t, test.want.Form, got.Form)
			assert.Equal(t, test.want.Messages, got.Messages)
			assert.Equal(t, test.want.Compression, got.Compression)
			assert.Equal(t, int64(len(test.body)), got.Bytes, "bytes as received")
			assert.Equal(t, 200, got.Status)
			assert.Empty(t, got.Header.Get("Authorization"))
			assert.NotContains(t, got.Path, "lk_test")
			if test.want.Auth == "" {
				test.want.Auth = "bearer"
			}
			assert.Equal(t, test.want.Auth, got.Auth)
		})
	}
}

func TestTheBaseURLMayHaveAnyPath(t *testing.T) {
	c, base := serve(t, collector.Options{})
	root := strings.TrimSuffix(base, "/v1")
	for _, path := range []string{"/tracks", "/v1/tracks", "/eu/users/tracks"} {
		status, answer := send(t, http.MethodPost, root+path, track)
		assert.Equal(t, 200, status, answer)
	}
	assert.Len(t, c.Messages(), 3)
	assert.Equal(t, "/eu/users/tracks", c.Requests()[2].Path)
	assert.Equal(t, collector.Tracks, c.Requests()[2].Endpoint)
}

func TestAMessageIsKeptAsItWasSent(t *testing.T) {
	c, base := serve(t, collector.Options{})
	body := `{"messageId":"m1","groupId":"team_456","groupType":"guild","userId":"u","anonymousId":"a",` +
		`"properties":{"size":25,"nested":{"a":[1]}},"timestamp":"2025-01-15T10:30:00.5Z",` +
		`"system":{"sdk":{"name":"x","version":"1"},"sessionId":"s1"}}`
	status, answer := send(t, http.MethodPost, base+"/groups", body)
	require.Equal(t, 200, status, answer)
	m := c.Messages()[0]
	assert.Equal(t, collector.KindGroup, m.Kind)
	assert.Equal(t, []string{"m1", "team_456", "guild", "u", "a", "s1"},
		[]string{m.MessageID, m.GroupID, m.GroupType, m.UserID, m.AnonymousID, m.SessionID})
	assert.Equal(t, map[string]any{"size": 25.0, "nested": map[string]any{"a": []any{1.0}}}, m.Values)
	assert.Equal(t, "properties", m.ValuesKey)
	assert.Equal(t, "2025-01-15T10:30:00.5Z", m.Timestamp.Format("2006-01-02T15:04:05.9Z07:00"))
	assert.JSONEq(t, body, string(m.Raw))
	assert.Equal(t, map[string]any{"name": "x", "version": "1"}, m.System["sdk"])
}

func TestTheVendorsJourneyMergesIntoOnePerson(t *testing.T) {
	text, err := os.ReadFile("testdata/vendor-js-1.1.4-journey.json")
	require.NoError(t, err)
	var captured []struct {
		Method, URL string
		Body        json.RawMessage
	}
	require.NoError(t, json.Unmarshal(text, &captured))
	c, base := serve(t, collector.Options{})
	for _, request := range captured {
		status, answer := send(t, request.Method, strings.TrimSuffix(base, "/v1")+request.URL,
			string(request.Body), header{"Authorization": ""})
		require.Equal(t, 200, status, answer)
	}

	require.Len(t, c.People(), 1)
	p, ok := c.Person("user_123")
	require.True(t, ok)
	assert.Equal(t, []string{"anon_1r84nv2es_1795486093718"}, p.AnonymousIDs)
	assert.Equal(t, "trial", p.Traits["plan"])
	assert.Equal(t, []string{"team_456"}, p.Groups)
	var events []string
	for _, e := range p.Events {
		events = append(events, e.Name)
	}
	assert.Equal(t, []string{"page_view", "button_click", "user_signup", "team_invitation_accepted", "feature_used"}, events)
	g, ok := c.Group("team_456")
	require.True(t, ok)
	assert.Equal(t, "organization", g.Type)
	assert.Equal(t, []string{"user_123"}, g.Members)
}
