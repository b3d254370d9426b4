package loopkittest_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/loopkittest"
)

const (
	identify = `{"userId":"user_123","anonymousId":"anon_456","traits":{"plan":"pro"},"timestamp":"2025-01-15T10:30:00Z"}`
	group    = `{"groupId":"team_456","userId":"user_123","anonymousId":"anon_456","traits":{"size":25},"timestamp":"2025-01-15T10:30:00Z"}`
	track    = `{"name":"page_view","anonymousId":"anon_456","properties":{"page":"/pricing"},"timestamp":"2025-01-15T10:30:00.123Z"}`
)

// everyKind runs a test over TCP and in the process.
func everyKind(t *testing.T, test func(t *testing.T, s *loopkittest.Server)) {
	t.Run("over TCP", func(t *testing.T) { test(t, loopkittest.NewServer(t)) })
	t.Run("in the process", func(t *testing.T) { test(t, loopkittest.NewTransport(t)) })
}

func request(t *testing.T, ctx context.Context, s *loopkittest.Server, method, path string, body io.Reader) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, s.BaseURL()+path, body)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer lk_test")
	req.Header.Set("Content-Type", "application/json")
	return req
}

// post sends a body and returns the response, its body read.
func post(t *testing.T, ctx context.Context, s *loopkittest.Server, path, body string) (*http.Response, string, error) {
	t.Helper()
	res, err := s.HTTPClient().Do(request(t, ctx, s, http.MethodPost, path, strings.NewReader(body)))
	if err != nil {
		return nil, "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res, strings.TrimSpace(string(text)), nil
}

func mustPost(t *testing.T, s *loopkittest.Server, path, body string) {
	t.Helper()
	res, text, err := post(t, t.Context(), s, path, body)
	require.NoError(t, err)
	require.Equal(t, 200, res.StatusCode, text)
}

func mustDelete(t *testing.T, s *loopkittest.Server, path string) {
	t.Helper()
	res, err := s.HTTPClient().Do(request(t, t.Context(), s, http.MethodDelete, path, nil))
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, 200, res.StatusCode)
}

func status(t *testing.T, s *loopkittest.Server, path, body string) int {
	t.Helper()
	res, _, err := post(t, t.Context(), s, path, body)
	require.NoError(t, err)
	return res.StatusCode
}

func TestAServerRemembersWhatItReceives(t *testing.T) {
	everyKind(t, func(t *testing.T, s *loopkittest.Server) {
		mustPost(t, s, "/tracks", track)
		mustPost(t, s, "/identifies", identify)
		mustPost(t, s, "/groups", group)

		assert.Len(t, s.Messages(), 3)
		assert.Len(t, s.MessagesOf(loopkittest.KindGroup), 1)
		require.Len(t, s.Requests(), 3)
		assert.Equal(t, int64(len(track)), s.Requests()[0].Bytes)
		assert.Equal(t, "/v1/tracks", s.Requests()[0].Path)
		p := loopkittest.RequireIdentified(t, s, "user_123", "anon_456")
		assert.Equal(t, "pro", p.Traits["plan"])
		assert.Equal(t, "/pricing", loopkittest.RequireTracked(t, s, "anon_456", "page_view").Values["page"])
		assert.Equal(t, []string{"user_123"}, loopkittest.RequireMember(t, s, "team_456", "anon_456").Members)
		assert.Len(t, s.People(), 1)
		assert.Len(t, s.Groups(), 1)

		mustDelete(t, s, "/users/user_123")
		p, ok := s.Person("user_123")
		assert.True(t, ok && p.Deleted)

		s.Reset()
		assert.Empty(t, s.Messages())
		assert.Empty(t, s.Requests())
	})
}

func TestOptionsReachTheServer(t *testing.T) {
	strict := loopkittest.NewTransport(t, loopkittest.Strict())
	assert.Equal(t, 400, status(t, strict, "/tracks", "["+track+"]"))
	keyed := loopkittest.NewTransport(t, loopkittest.WithKeys("lk_other"))
	assert.Equal(t, 401, status(t, keyed, "/tracks", track))

	forgetless := loopkittest.NewTransport(t, loopkittest.WithoutDeletion())
	res, err := forgetless.HTTPClient().Do(request(t, t.Context(), forgetless, http.MethodDelete, "/users/u", nil))
	require.NoError(t, err)
	assert.NoError(t, res.Body.Close())
	assert.Equal(t, 404, res.StatusCode)
}

func TestASocketAndItsRoundTripperShareMessagesAndFaults(t *testing.T) {
	s := loopkittest.NewServer(t)
	inProcess := &http.Client{Transport: s.RoundTripper()}
	s.Script(loopkittest.Tracks, loopkittest.Fault{Status: 503})
	res, err := inProcess.Do(request(t, t.Context(), s, http.MethodPost, "/tracks", strings.NewReader(track)))
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	assert.Equal(t, 503, res.StatusCode)
	mustPost(t, s, "/tracks", track)
	assert.Len(t, s.Requests(), 2)
}
