package journey_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/journey"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

func TestTheJourneyIsThatOfTheDocumentation(t *testing.T) {
	server := loopkittest.NewServer(t, loopkittest.Strict())
	stats, err := journey.Send(t.Context(), "lk_dev", server.BaseURL())
	require.NoError(t, err)
	assert.Equal(t, int64(7), stats.Delivered)

	type step struct {
		kind    loopkittest.Kind
		subject string
		user    string
		values  map[string]any
	}
	var steps []step
	for _, m := range server.Messages() {
		subject := m.Name + m.GroupID
		if m.Kind == loopkittest.KindIdentify {
			subject = m.UserID
		}
		steps = append(steps, step{m.Kind, subject, m.UserID, m.Values})
	}
	assert.Equal(t, []step{
		{loopkittest.KindTrack, "page_view", "", map[string]any{"page": "/pricing"}},
		{loopkittest.KindTrack, "button_click", "", map[string]any{"button": "start_trial"}},
		{loopkittest.KindTrack, "user_signup", "", map[string]any{"method": "email", "source": "pricing_page"}},
		{loopkittest.KindIdentify, "user_123", "user_123", map[string]any{
			"email": "john@acme.com", "plan": "trial", "signup_date": "2025-01-15", "source": "pricing_page",
		}},
		{loopkittest.KindTrack, "team_invitation_accepted", "user_123", map[string]any{"team_id": "team_456", "role": "developer"}},
		{loopkittest.KindGroup, "team_456", "user_123", map[string]any{
			"name": "Acme Corp", "plan": "enterprise", "size": 25.0, "industry": "software",
		}},
		{loopkittest.KindTrack, "feature_used", "user_123", map[string]any{
			"feature": "api_integration", "team_id": "team_456", "user_role": "developer",
		}},
	}, steps)
	person := loopkittest.RequireIdentified(t, server, "user_123", "")
	assert.Len(t, person.Events, 5, "what came before the signup too")
	loopkittest.RequireMember(t, server, "team_456", "user_123")
}

func TestEachJourneyIsThatOfSomebodyNew(t *testing.T) {
	server := loopkittest.NewServer(t)
	for range 2 {
		_, err := journey.Send(t.Context(), "lk_dev", server.BaseURL())
		require.NoError(t, err)
	}
	person := loopkittest.RequireIdentified(t, server, "user_123", "")
	assert.Len(t, person.AnonymousIDs, 2)
}

func TestAJourneyThatDoesNotGetThroughIsAnError(t *testing.T) {
	server := loopkittest.NewServer(t)
	server.FailAll(loopkittest.Groups, loopkittest.Fault{Status: http.StatusUnprocessableEntity})
	stats, err := journey.Send(t.Context(), "lk_dev", server.BaseURL())
	require.Error(t, err)
	assert.Equal(t, int64(6), stats.Delivered)

	_, err = journey.Send(t.Context(), "", server.BaseURL())
	var wrong *loopkit.ArgumentError
	require.ErrorAs(t, err, &wrong)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = journey.Send(ctx, "lk_dev", server.BaseURL())
	require.ErrorIs(t, err, context.Canceled)
}
