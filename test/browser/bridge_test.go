//go:build browser

package browser_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ofTheSDK has the form of the IDs that LoopKit's browser SDK makes.
const ofTheSDK = "anon_k3j9x0abc_1732464000000"

// requireShared checks that cookie, SDK and bridge hold one ID, and returns it.
func (b *browser) requireShared() string {
	b.t.Helper()
	id := b.anonymousID()
	require.Equal(b.t, id, b.stored(sdkKey))
	require.Equal(b.t, id, b.stored(bridgeKey))
	return id
}

func TestTheServerTakesOverTheIDThatTheSDKHadFirst(t *testing.T) {
	t.Parallel()
	site := startSite(t)
	b := site.browser()
	b.visit("/")
	b.store(sdkKey, ofTheSDK)
	b.consent("full")
	assert.Equal(t, ofTheSDK, b.requireShared())
	b.visit("/pricing")
	userID := b.signUp("john@acme.com")

	john := site.received().person(site, userID)
	assert.Equal(t, []string{ofTheSDK}, john.AnonymousIDs)
	assert.Equal(t, []string{"/pricing", "user_signup"}, story(john))
	assert.Equal(t, ofTheSDK, b.requireShared())
}

func TestTheSDKFindsTheIDThatTheServerHadFirst(t *testing.T) {
	t.Parallel()
	b := startSite(t).browser()
	b.visit("/")
	assert.Empty(t, b.ours(), "before the consent")
	b.consent("full")
	id := b.requireShared()
	b.visit("/pricing")
	assert.Equal(t, id, b.requireShared())
}

func TestALogoutGivesTheSDKTheNewIDAndTheOldOneStaysAway(t *testing.T) {
	t.Parallel()
	site := startSite(t)
	b := site.browser()
	b.consent("full")
	john := b.signUp("john@acme.com")
	johnsID := b.requireShared()
	b.logOut()
	janesID := b.requireShared()
	assert.NotEqual(t, johnsID, janesID)
	b.visit("/pricing")
	jane := b.signUp("jane@example.com")
	assert.Equal(t, janesID, b.requireShared())

	got := site.received()
	assert.Equal(t, []string{johnsID}, got.person(site, john).AnonymousIDs)
	assert.Equal(t, []string{janesID}, got.person(site, jane).AnonymousIDs)
}

func TestTheServerFollowsWhenTheSDKTakesANewID(t *testing.T) {
	t.Parallel()
	site := startSite(t)
	b := site.browser()
	b.consent("full")
	first := b.requireShared()
	b.store(sdkKey, ofTheSDK)
	b.visit("/") // the bridge runs in this page
	assert.Equal(t, ofTheSDK, b.requireShared())
	b.visit("/pricing")

	got := site.received()
	assert.Len(t, got.People, 2)
	assert.Equal(t, []string{"/", "/"}, story(got.stranger(site, first)))
	assert.Equal(t, []string{"/pricing"}, story(got.stranger(site, ofTheSDK)))
}

func TestTheSDKGetsTheIDBackThatItsResetForgot(t *testing.T) {
	t.Parallel()
	b := startSite(t).browser()
	b.consent("full")
	id := b.requireShared()
	b.evaluate(fmt.Sprintf("localStorage.removeItem(%q)", sdkKey)) // all that LoopKit.reset() does to it
	b.visit("/pricing")
	assert.Equal(t, id, b.requireShared())
}

func TestTheServerIsRightWhenBothTookANewID(t *testing.T) {
	t.Parallel()
	b := startSite(t).browser()
	b.consent("full")
	b.signUp("john@acme.com")
	johnsID := b.requireShared()
	b.evaluate(`fetch("/logout", {method: "POST"}).then(() => "done")`)
	renewed := b.anonymousID()
	require.NotEqual(t, johnsID, renewed)
	b.store(sdkKey, ofTheSDK)
	b.visit("/pricing")
	assert.Equal(t, renewed, b.requireShared())
}

func TestTheServerTakesNoIDThatIsUnusableOrDerivedFromAUser(t *testing.T) {
	t.Parallel()
	b := startSite(t).browser()
	b.consent("full")
	id := b.requireShared()
	for _, bad := range []string{
		"",
		"null",
		"undefined",
		"two words",
		"a;b",
		"é",
		strings.Repeat("a", 129),
		"anon_6f1f3c1e-5f0b-5c55-9f0e-3d0a8f5c1b7d",
		"anon_6F1F3C1E-5F0B-5C55-9F0E-3D0A8F5C1B7D",
	} {
		b.store(sdkKey, bad)
		b.visit("/pricing")
		assert.Equal(t, id, b.requireShared(), "%q", bad)
	}
}
