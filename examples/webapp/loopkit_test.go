package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

func TestWithAKeyEverythingGoesToLoopKit(t *testing.T) {
	server := loopkittest.NewServer(t, loopkittest.Strict(), loopkittest.WithKeys("lk_real"))
	s := newSiteFor(t, map[string]string{"LOOPKIT_API_KEY": "lk_real", "LOOPKIT_BASE_URL": server.BaseURL()})
	b := s.browser()
	b.agree(loopkit.Full)
	user := b.signUp("john@acme.com")
	team := b.createTeam("Acme Corp")

	got := s.received()
	assert.NotNil(t, got.People)
	assert.Empty(t, got.People)
	assert.Empty(t, got.Messages)
	assert.Equal(t, int64(5), got.Stats.Delivered)
	loopkittest.RequireIdentified(t, server, user, b.anonymousID())
	loopkittest.RequireMember(t, server, team, user)

	page := b.get("/pricing")
	requireWhole(t, page)
	assert.Contains(t, page.html, "Everything goes to LoopKit, at <code>"+server.BaseURL())
	assert.NotContains(t, page.html, "lk_real")
	assert.Contains(t, b.stream().until("accepted"), "Everything goes to LoopKit")
}

func TestWithoutABaseURLLoopKitIsTheDocumentedOne(t *testing.T) {
	place, err := openDestination(func(name string) string {
		return map[string]string{"LOOPKIT_API_KEY": "lk_real"}[name]
	})
	require.NoError(t, err)
	assert.Equal(t, loopkit.DefaultURL, place.baseURL)
	require.NoError(t, place.close())
}

func TestTheLocalServerStartsAnewBeforeItGrowsTooLarge(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.agree(loopkit.Full)
	visitor := loopkit.WithIdentity(t.Context(), loopkit.Identity{AnonymousID: "anon_456"})
	for range maxStored {
		require.NoError(t, s.app.client.Track(visitor, "feature_used", nil))
	}
	got := s.received()
	assert.Less(t, len(got.Messages), maxStored)
	assert.Equal(t, int64(1), s.app.place.local.restarts.Load())
	assert.Contains(t, b.get("/").html, "started anew 1 time,")
}

func TestAMessageThatIsRefusedIsAnswered(t *testing.T) {
	s := newSite(t)
	answer, err := http.Post(s.app.place.baseURL+"/tracks", "application/json", strings.NewReader("{}"))
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	assert.Equal(t, http.StatusUnauthorized, answer.StatusCode, "the local server knows one key")
	assert.Empty(t, s.received().Messages)
}
