//go:build browser

package browser_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/loopkittest"
)

// ours returns the names of LoopKit's cookies and localStorage items.
func (b *browser) ours() []string {
	b.t.Helper()
	names := slices.Collect(maps.Keys(b.cookies()))
	items, _ := b.evaluate("Object.keys(localStorage)").([]any)
	for _, item := range items {
		names = append(names, "localStorage "+item.(string))
	}
	names = slices.DeleteFunc(names, func(name string) bool { return !strings.Contains(name, "loopkit") })
	slices.Sort(names)
	return names
}

func TestWithoutConsentNothingIsSentOrKept(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer func(*browser)
		keeps  []string
	}{
		"unanswered": {answer: func(*browser) {}, keeps: []string{}},
		"refused":    {answer: func(b *browser) { b.consent("denied") }, keeps: []string{consentCookie}},
		"Global Privacy Control, whatever the answer": {
			answer: func(b *browser) { b.sendHeader("Sec-GPC", "1"); b.consent("full") },
			keeps:  []string{consentCookie},
		},
		"Do Not Track, whatever the answer": {
			answer: func(b *browser) { b.sendHeader("DNT", "1"); b.consent("full") },
			keeps:  []string{consentCookie},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			site := startSite(t)
			b := site.browser()
			test.answer(b)
			b.visit("/pricing")
			b.signUp("john@acme.com")
			b.createTeam("Acme Corp")
			b.submit("#plan", "plan", "pro")
			b.logOut()
			b.logIn("john@acme.com")

			got := site.received()
			assert.Empty(t, got.Messages)
			assert.Zero(t, got.Stats.Accepted)
			assert.Positive(t, got.Stats.Withheld)
			assert.Equal(t, test.keeps, b.ours())
		})
	}
}

func TestAWithdrawnConsentEndsTheCookiesAndTheMessages(t *testing.T) {
	t.Parallel()
	site := startSite(t)
	b := site.browser()
	b.consent("full")
	b.signUp("john@acme.com")
	firstID := b.anonymousID()
	before := site.received()
	b.click("#consent-denied")
	b.visit("/pricing")
	b.submit("#logout")
	b.logIn("john@acme.com")

	cookies := b.cookies()
	assert.NotContains(t, cookies, anonymousCookie)
	assert.NotContains(t, cookies, linkedCookie)
	assert.NotContains(t, cookies, sessionCookie)
	assert.Equal(t, "denied", cookies[consentCookie].Value)
	after := site.received()
	assert.Equal(t, before.Messages, after.Messages)
	assert.Equal(t, before.Stats.Accepted, after.Stats.Accepted)
	assert.Greater(t, after.Stats.Withheld, before.Stats.Withheld)

	// The ID of before does not come back with a new consent, from localStorage.
	b.click("#consent-full")
	b.visit("/pricing")
	assert.NotEqual(t, firstID, b.anonymousID())
	assert.Equal(t, b.anonymousID(), b.stored(sdkKey))
}

func TestPseudonymousConsentSendsAHashInPlaceOfTheEmail(t *testing.T) {
	t.Parallel()
	site := startSite(t)
	b := site.browser()
	b.consent("pseudonymous")
	userID := b.signUp("john@acme.com")
	b.submit("#plan", "plan", "pro")
	b.logOut()
	b.logIn("john@acme.com")

	got := site.received()
	traits := got.person(site, userID).Traits
	assert.Regexp(t, "^[0-9a-f]{64}$", traits["email_hash"])
	assert.NotContains(t, traits, "email")
	assert.NotContains(t, traits, "name")
	assert.Equal(t, "pro", traits["plan"])
	assert.NotContains(t, got.text, "john@acme.com")
	assert.Len(t, got.People, 1)
}

func TestAnonymousConsentSendsEventsThatAreNobodys(t *testing.T) {
	t.Parallel()
	site := startSite(t)
	b := site.browser()
	b.consent("anonymous_only")
	userID := b.signUp("john@acme.com")
	b.createTeam("Acme Corp")
	b.submit("#plan", "plan", "pro")

	got := site.received()
	assert.Equal(t, map[loopkittest.Kind]int{loopkittest.KindTrack: 4}, got.kinds())
	require.Len(t, got.People, 1)
	assert.Equal(t, []string{"/", "user_signup", "team_created", "plan_changed"}, story(got.People[0]))
	assert.Empty(t, got.People[0].UserID)
	assert.Equal(t, []string{b.anonymousID()}, got.People[0].AnonymousIDs)
	assert.NotContains(t, got.text, userID)
	assert.NotContains(t, got.text, "john@acme.com")
	assert.NotContains(t, b.ours(), linkedCookie)
}
