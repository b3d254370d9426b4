package main

import (
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// shared is one browser that several people use.
type shared struct {
	t       *testing.T
	loopkit *loopkittest.Server
	client  *loopkit.Client
	site    *httptest.Server
	browser *http.Client
}

func newShared(t *testing.T) *shared {
	s := &shared{t: t, loopkit: loopkittest.NewServer(t, loopkittest.Strict())}
	var err error
	s.client, err = loopkit.New("lk_test", &loopkit.Options{BaseURL: s.loopkit.BaseURL()})
	require.NoError(t, err)
	s.site = httptest.NewTLSServer(site(s.client))
	t.Cleanup(s.site.Close)
	s.browser = s.site.Client()
	s.browser.Jar, err = cookiejar.New(nil)
	require.NoError(t, err)
	return s
}

func (s *shared) get(path string) {
	s.t.Helper()
	answer, err := s.browser.Get(s.site.URL + path)
	require.NoError(s.t, err)
	require.NoError(s.t, answer.Body.Close())
}

func (s *shared) post(path, user string) {
	s.t.Helper()
	answer, err := s.browser.PostForm(s.site.URL+path, url.Values{"user": {user}})
	require.NoError(s.t, err)
	require.NoError(s.t, answer.Body.Close())
}

func TestASignUpMergesWhatTheVisitorDidBefore(t *testing.T) {
	s := newShared(t)
	s.get("/pricing")
	s.post("/signup", "user_1")
	s.get("/pricing")
	require.NoError(t, s.client.Close(t.Context()))

	person := loopkittest.RequireIdentified(t, s.loopkit, "user_1", "")
	assert.Len(t, person.Events, 3)
	assert.Len(t, person.AnonymousIDs, 1)
	assert.Equal(t, person.Events[0].AnonymousID, person.AnonymousIDs[0])
	loopkittest.RequireMember(t, s.loopkit, "team_456", "user_1")
	assert.Len(t, s.loopkit.People(), 1)
}

func TestTwoUsersOfABrowserAreNeverMerged(t *testing.T) {
	for name, between := range map[string]func(*shared){
		"a logout between them":             func(s *shared) { s.post("/logout", "") },
		"a login over the other":            func(*shared) {},
		"a login that ended by itself":      func(*shared) { logins.Clear() },
		"a stranger between the two":        func(s *shared) { s.post("/logout", ""); s.get("/pricing") },
		"the same user once more, and then": func(s *shared) { s.post("/login", "user_1"); s.post("/logout", "") },
	} {
		t.Run(name, func(t *testing.T) {
			s := newShared(t)
			s.get("/pricing")
			s.post("/signup", "user_1")
			between(s)
			s.post("/login", "user_2")
			s.get("/pricing")
			s.post("/login", "user_2")
			require.NoError(t, s.client.Close(t.Context()))

			first := loopkittest.RequireIdentified(t, s.loopkit, "user_1", "")
			second := loopkittest.RequireIdentified(t, s.loopkit, "user_2", "")
			assert.Empty(t, first.Conflicts)
			assert.Empty(t, second.Conflicts)
			assert.Len(t, first.Events, 2)
			assert.Equal(t, "user_2", second.Events[len(second.Events)-1].UserID)
		})
	}
}
