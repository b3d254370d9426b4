package loopkit_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	loopkit "github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// The complete user journey of LoopKit's documentation page.
func TestTheJourneyAgainstAStrictServer(t *testing.T) {
	s := loopkittest.NewServer(t, loopkittest.Strict(), loopkittest.WithKeys(testKey))
	var log bytes.Buffer
	c := newClient(t, s, func(o *loopkit.Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	const anonymousID, userID = "anon_456", "user_123"

	anonymous := visitor(anonymousID)
	require.NoError(t, c.Track(anonymous, "page_view", loopkit.Properties{"page": "/pricing"}))
	require.NoError(t, c.Track(anonymous, "button_click", loopkit.Properties{"button": "start_trial"}))
	require.NoError(t, c.Track(anonymous, "user_signup", loopkit.Properties{"method": "email", "source": "pricing_page"}))
	require.NoError(t, c.Identify(anonymous, userID, loopkit.Traits{
		"email": "john@acme.com", "plan": "trial", "signup_date": "2025-01-15", "source": "pricing_page"}))

	user := loopkit.WithUser(anonymous, userID)
	require.NoError(t, c.Track(user, "team_invitation_accepted", loopkit.Properties{"team_id": "team_456", "role": "developer"}))
	require.NoError(t, c.Group(user, "team_456", loopkit.Traits{
		"name": "Acme Corp", "plan": "enterprise", "size": 25, "industry": "software"}))
	require.NoError(t, c.Track(user, "feature_used", loopkit.Properties{
		"feature": "api_integration", "team_id": "team_456", "user_role": "developer"}))
	require.NoError(t, c.Close(t.Context()))

	messages := s.Messages()
	require.Len(t, messages, 7)
	order := map[loopkittest.Kind]int{}
	for i, m := range messages {
		order[m.Kind] = i
		assert.Equal(t, anonymousID, m.AnonymousID, "one anonymous ID throughout")
		early := m.Name == "page_view" || m.Name == "button_click" || m.Name == "user_signup"
		assert.Equal(t, early, m.UserID == "", "%s: a user ID after the identify and not before", m.Name)
	}
	assert.Less(t, order[loopkittest.KindIdentify], order[loopkittest.KindGroup])

	for _, r := range s.Requests() {
		assert.Equal(t, 200, r.Status)
		assert.Equal(t, "bearer", r.Auth)
		assert.NotContains(t, r.Path, testKey)
	}
	assert.Equal(t, 1, strings.Count(log.String(), "\n"), log.String())
	assert.Contains(t, log.String(), "key=email", "the documentation's example sends personal data")

	person := loopkittest.RequireIdentified(t, s, userID, anonymousID)
	assert.Len(t, person.Events, 5)
	assert.Equal(t, map[string]any{
		"email": "john@acme.com", "plan": "trial", "signup_date": "2025-01-15", "source": "pricing_page"}, person.Traits)
	assert.Equal(t, []string{"team_456"}, person.Groups)
	team, ok := s.Group("team_456")
	require.True(t, ok)
	assert.Equal(t, []string{userID}, team.Members)
	assert.Equal(t, "organization", team.Type)
	assert.Equal(t, 25.0, team.Traits["size"])
}
