//go:build browser

package browser_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOneAnonymousIDLeadsFromTheFirstVisitToTheTeam(t *testing.T) {
	t.Parallel()
	site := startSite(t)
	john := site.browser()
	john.consent("full")
	anonymousID := john.anonymousID()
	john.visit("/pricing")
	userID := john.signUp("john@acme.com")
	teamID := john.createTeam("Acme Corp")
	john.submit("#plan", "plan", "pro")

	got := site.received()
	require.Len(t, got.People, 1)
	person := got.People[0]
	assert.Equal(t, userID, person.UserID)
	assert.Equal(t, []string{anonymousID}, person.AnonymousIDs)
	assert.Equal(t, anonymousID, john.anonymousID())
	assert.Empty(t, person.Conflicts)
	assert.Equal(t, []string{"/", "/pricing", "user_signup", "team_created", "plan_changed"}, story(person))
	events := inOrder(person)
	assert.Empty(t, events[0].UserID, "before the signup")
	assert.Equal(t, userID, events[4].UserID)
	assert.Equal(t, "john@acme.com", person.Traits["email"])
	assert.Equal(t, "pro", person.Traits["plan"])

	require.Len(t, got.Groups, 1)
	assert.Equal(t, teamID, got.Groups[0].ID)
	assert.Equal(t, []string{userID}, got.Groups[0].Members)
	assert.Equal(t, "Acme Corp", got.Groups[0].Traits["name"])
	assert.Equal(t, "pro", got.Groups[0].Traits["plan"])
}

func TestAUserOfTwoBrowsersIsOnePersonWithTwoAnonymousIDs(t *testing.T) {
	t.Parallel()
	site := startSite(t)
	laptop, phone := site.browser(), site.browser()
	laptop.consent("full")
	userID := laptop.signUp("john@acme.com")
	phone.consent("full")
	phone.visit("/pricing")
	assert.Equal(t, userID, phone.logIn("john@acme.com"))

	got := site.received()
	require.Len(t, got.People, 1)
	person := got.People[0]
	assert.Equal(t, userID, person.UserID)
	assert.ElementsMatch(t, []string{laptop.anonymousID(), phone.anonymousID()}, person.AnonymousIDs)
	assert.NotEqual(t, laptop.anonymousID(), phone.anonymousID())
	assert.Empty(t, person.Conflicts)
	assert.Equal(t, []string{"/", "user_signup", "/", "/pricing"}, story(person))
	assert.Equal(t, "email", person.Traits["login_method"])
}

func TestTwoUsersOfABrowserAreTwoPeople(t *testing.T) {
	t.Parallel()
	for name, between := range map[string]func(*browser){
		"a logout between them":         func(b *browser) { b.logOut() },
		"a login that ended by itself":  func(b *browser) { b.forgetLogin() },
		"a signup over the other login": func(*browser) {},
		"a stranger between the two":    func(b *browser) { b.logOut(); b.visit("/pricing") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			site := startSite(t)
			b := site.browser()
			b.consent("full")
			first := b.signUp("john@acme.com")
			firstID := b.anonymousID()
			between(b)
			second := b.signUp("jane@example.com")
			secondID := b.anonymousID()
			b.visit("/pricing")

			got := site.received()
			john, jane := got.person(site, first), got.person(site, second)
			assert.Len(t, got.People, 2)
			assert.Equal(t, []string{firstID}, john.AnonymousIDs)
			assert.Equal(t, []string{secondID}, jane.AnonymousIDs)
			assert.Empty(t, john.Conflicts)
			assert.Empty(t, jane.Conflicts)
			assert.Equal(t, "john@acme.com", john.Traits["email"])
			assert.Equal(t, "jane@example.com", jane.Traits["email"])
			assert.Equal(t, []string{"/", "user_signup"}, story(john))
		})
	}
}

func TestAUserWhoComesBackIsTheSamePerson(t *testing.T) {
	t.Parallel()
	site := startSite(t)
	b := site.browser()
	b.consent("full")
	userID := b.signUp("john@acme.com")
	firstID := b.anonymousID()
	b.logOut()
	b.visit("/pricing")
	assert.NotEqual(t, firstID, b.anonymousID())
	assert.Equal(t, userID, b.logIn("john@acme.com"))

	got := site.received()
	require.Len(t, got.People, 1)
	assert.ElementsMatch(t, []string{firstID, b.anonymousID()}, got.People[0].AnonymousIDs)
	assert.Empty(t, got.People[0].Conflicts)
}
