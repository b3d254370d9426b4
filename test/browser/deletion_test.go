//go:build browser

package browser_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/loopkittest"
)

func TestADeletedAccountIsDeletedInLoopKitAndStaysSo(t *testing.T) {
	t.Parallel()
	site := startSite(t)
	b := site.browser()
	b.consent("full")
	first := b.signUp("john@acme.com")
	firstID := b.anonymousID()
	b.submit("#plan", "plan", "pro") // still in the queue, maybe, when the deletion comes
	b.submit("#account-delete")
	b.visit("/pricing")
	assert.NotEqual(t, firstID, b.anonymousID())
	second := b.signUp("john@acme.com")
	assert.NotEqual(t, first, second)

	got := site.received()
	assert.Equal(t, 1, got.kinds()[loopkittest.KindDeleteUser])
	john := got.person(site, first)
	assert.True(t, john.Deleted)
	assert.False(t, john.RecreatedAfterDeletion)
	assert.Empty(t, john.Traits)
	assert.Empty(t, john.Events)
	again := got.person(site, second)
	assert.Equal(t, []string{b.anonymousID()}, again.AnonymousIDs)
	assert.Empty(t, again.Conflicts)
	for _, p := range got.People {
		assert.Equal(t, p.UserID != first, !p.Deleted)
	}
}

func TestADeletedTeamIsDeletedInLoopKitAndItsMembersStay(t *testing.T) {
	t.Parallel()
	site := startSite(t)
	b := site.browser()
	b.consent("full")
	userID := b.signUp("john@acme.com")
	teamID := b.createTeam("Acme Corp")
	b.submit("#team-delete")
	b.visit("/app")
	b.submit("#plan", "plan", "pro")

	got := site.received()
	require.Len(t, got.Groups, 1)
	assert.Equal(t, teamID, got.Groups[0].ID)
	assert.True(t, got.Groups[0].Deleted)
	assert.False(t, got.Groups[0].RecreatedAfterDeletion)
	john := got.person(site, userID)
	assert.False(t, john.Deleted)
	assert.Empty(t, john.Groups)
	assert.Equal(t, "pro", john.Traits["plan"])
}
