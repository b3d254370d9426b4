package main

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

func TestOneAnonymousIDLeadsFromTheVisitToTheTeam(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.agree(loopkit.Full) // and comes back to the start page
	b.get("/pricing")
	anonymousID := b.anonymousID()
	require.NotEmpty(t, anonymousID)
	user := b.signUp("john@acme.com")
	team := b.createTeam("Acme Corp")
	assert.Regexp(t, `^acme-corp-[0-9a-f]{4}$`, team)
	b.post("/plan", "plan", "pro")

	got := s.received()
	assert.Len(t, got.People, 1)
	person := got.person(t, user)
	assert.Equal(t, []string{anonymousID}, person.AnonymousIDs)
	assert.Equal(t, []string{"page_view", "page_view", "user_signup", "team_created", "plan_changed"}, events(person))
	assert.Equal(t, "john@acme.com", person.Traits["email"])
	assert.Equal(t, "John", person.Traits["name"])
	assert.Equal(t, "pro", person.Traits["plan"])
	assert.NotEmpty(t, person.Traits["signup_date"])
	assert.Equal(t, []string{team}, person.Groups)
	require.Len(t, got.Groups, 1)
	assert.Equal(t, []string{user}, got.Groups[0].Members)
	assert.Equal(t, map[string]any{"name": "Acme Corp", "plan": "pro", "size": 1.0}, got.Groups[0].Traits)

	for _, m := range got.Messages {
		assert.Equal(t, anonymousID, m.AnonymousID, "%s %s", m.Kind, m.Name)
		assert.Equal(t, got.Messages[0].SessionID, m.SessionID)
	}
	assert.Equal(t, anonymousID, b.anonymousID())
	assert.NotEmpty(t, got.Messages[0].SessionID)
	assert.Equal(t, got.Stats.Accepted, got.Stats.Delivered)
	assert.Len(t, got.Messages, int(got.Stats.Delivered))
}

func TestAnEventBeforeTheSignUpHasNoUserIDAndOneAfterItHas(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.agree(loopkit.Full)
	user := b.signUp("john@acme.com")
	b.get("/pricing")

	person := s.received().person(t, user)
	require.Equal(t, []string{"page_view", "user_signup", "page_view"}, events(person))
	assert.Empty(t, person.Events[0].UserID)
	assert.Empty(t, person.Events[1].UserID, "the signup is the visitor's last event")
	assert.Equal(t, user, person.Events[2].UserID)
	assert.Equal(t, map[string]any{"page": "/pricing"}, person.Events[2].Values)
	assert.Equal(t, "/pricing", person.Events[2].System["context"].(map[string]any)["page"])
}

func TestALoginIsIdentifiedOnceASession(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.agree(loopkit.Full)
	user := b.signUp("john@acme.com")
	for range 3 {
		b.get("/app")
	}
	b.post("/logout")
	assert.Equal(t, user, b.logIn("John@Acme.com "), "the user ID of an address is stable")
	b.get("/app")

	got := s.received()
	identifies := 0
	for _, m := range got.Messages {
		if m.Kind == collector.KindIdentify {
			identifies++
		}
	}
	assert.Equal(t, 2, identifies)
	person := got.person(t, user)
	assert.Equal(t, "email", person.Traits["login_method"])
	assert.NotEmpty(t, person.Traits["last_login"])
}

func TestTwoUsersOfOneBrowserAreTwoPeople(t *testing.T) {
	for name, between := range map[string]func(*browser){
		"a logout between them":    func(b *browser) { b.post("/logout") },
		"a stranger between them":  func(b *browser) { b.post("/logout"); b.get("/pricing") },
		"a signup over the other":  func(*browser) {},
		"a login that ended":       func(b *browser) { b.site.app.directory.endLogins() },
		"a login of the same user": func(b *browser) { b.logIn("john@acme.com"); b.post("/logout") },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			b := s.browser()
			b.agree(loopkit.Full)
			first := b.signUp("john@acme.com")
			firstID := b.anonymousID()
			between(b)
			second := b.signUp("user_123@example.com")
			b.get("/pricing")
			assert.NotEqual(t, firstID, b.anonymousID())
			assert.NotEqual(t, first, second)

			got := s.received()
			one, two := got.person(t, first), got.person(t, second)
			assert.Empty(t, one.Conflicts)
			assert.Empty(t, two.Conflicts)
			assert.Equal(t, []string{"page_view", "user_signup"}, events(one)[:2])
			assert.NotContains(t, one.AnonymousIDs, b.anonymousID())
			assert.Equal(t, "user_123@example.com", two.Traits["email"])
			assert.Equal(t, "page_view", events(two)[len(two.Events)-1])
			for _, e := range two.Events {
				assert.NotEqual(t, first, e.UserID)
			}
		})
	}
}

func TestALogoutGivesTheBrowserANewAnonymousID(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.agree(loopkit.Full)
	user := b.signUp("john@acme.com")
	before := b.anonymousID()
	page := b.post("/logout")
	assert.Equal(t, "/", page.path)
	assert.Contains(t, page.html, `href="/login"`)
	assert.NotEqual(t, before, b.anonymousID())

	got := s.received()
	stranger := got.person(t, b.anonymousID())
	assert.Empty(t, stranger.UserID)
	assert.Equal(t, []string{"page_view"}, events(stranger))
	assert.Equal(t, []string{"page_view", "user_signup"}, events(got.person(t, user)))
}

func TestATeamIsAGroupOfItsMembers(t *testing.T) {
	s := newSite(t)
	owner, other := s.browser(), s.browser()
	owner.agree(loopkit.Full)
	other.agree(loopkit.Full)
	first := owner.signUp("john@acme.com")
	team := owner.createTeam("Acme Corp")
	second := other.signUp("user_123@example.com")
	page := other.post("/teams/join", "team", team)
	assert.Equal(t, team, textOfElement(t, page.html, "team-id"))

	got := s.received()
	require.Len(t, got.Groups, 1)
	assert.Equal(t, []string{first, second}, got.Groups[0].Members)
	assert.Equal(t, 2.0, got.Groups[0].Traits["size"])
	assert.Contains(t, events(got.person(t, second)), "team_joined")
}

func TestADeletedAccountIsGone(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.agree(loopkit.Full)
	user := b.signUp("john@acme.com")
	team := b.createTeam("Acme Corp")
	before := b.anonymousID()
	s.received()
	page := b.post("/account/delete")
	assert.Equal(t, "/", page.path)
	assert.NotEqual(t, before, b.anonymousID())

	got := s.received()
	assert.Contains(t, got.kinds(), collector.KindDeleteUser)
	person := got.person(t, user)
	assert.True(t, person.Deleted)
	assert.Empty(t, person.Traits)
	assert.Empty(t, person.Events)
	assert.Equal(t, []string{"page_view"}, events(got.person(t, b.anonymousID())), "the visit after it is a stranger's")

	assert.Equal(t, http.StatusNotFound, b.post("/login", "email", "john@acme.com").status)
	again := b.signUp("john@acme.com")
	assert.NotEqual(t, user, again, "nothing of the account was kept")
	assert.Equal(t, http.StatusNotFound, b.post("/teams/join", "team", team).status, "a team without members is gone")
	assert.True(t, s.received().person(t, user).Deleted)
}

func TestADeletedTeamIsGoneAndItsMembersStay(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.agree(loopkit.Full)
	user := b.signUp("john@acme.com")
	b.createTeam("Acme Corp")
	page := b.post("/teams/delete")
	assert.Equal(t, "/app", page.path)
	assert.Contains(t, page.html, `id="team-create"`)

	got := s.received()
	require.Len(t, got.Groups, 1)
	assert.True(t, got.Groups[0].Deleted)
	person := got.person(t, user)
	assert.False(t, person.Deleted)
	assert.Empty(t, person.Groups)
}

func TestWithoutTheClientNothingIsDeleted(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.agree(loopkit.Full)
	user := b.signUp("john@acme.com")
	team := b.createTeam("Acme Corp")
	require.NoError(t, s.app.client.Close(t.Context()))
	for _, path := range []string{"/account/delete", "/teams/delete"} {
		page := b.post(path)
		assert.Equal(t, http.StatusServiceUnavailable, page.status)
		assert.Contains(t, page.html, "Nothing was deleted")
	}
	page := b.get("/app")
	assert.Equal(t, user, textOfElement(t, page.html, "user-id"))
	assert.Equal(t, team, textOfElement(t, page.html, "team-id"))
}

// endLogins ends all logins, as a database that was restored from a copy does.
func (d *directory) endLogins() {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.logins)
}
