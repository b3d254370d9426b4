//go:build browser

package browser_test

import "strings"

// The steps of a visitor of examples/webapp.

// consent answers the question that the site asks; level is the name of a
// loopkit.Consent.
func (b *browser) consent(level string) {
	b.t.Helper()
	b.visit("/")
	b.click("#consent-" + level)
}

// signUp makes an account and returns its user ID.
func (b *browser) signUp(email string) (userID string) {
	b.t.Helper()
	name, _, _ := strings.Cut(email, "@")
	b.visit("/signup")
	b.submit("#signup", "email", email, "name", name)
	return b.text("#user-id")
}

func (b *browser) logIn(email string) (userID string) {
	b.t.Helper()
	b.visit("/login")
	b.submit("#login", "email", email)
	return b.text("#user-id")
}

func (b *browser) logOut() {
	b.t.Helper()
	b.submit("#logout")
}

func (b *browser) createTeam(name string) (teamID string) {
	b.t.Helper()
	b.visit("/app")
	b.submit("#team-create", "name", name)
	return b.text("#team-id")
}

// forgetLogin ends the login as its expiry does: without LoopKit's cookies.
func (b *browser) forgetLogin() {
	b.t.Helper()
	for name := range b.cookies() {
		if !strings.HasPrefix(name, "loopkit_") {
			b.deleteCookie(name)
		}
	}
}
