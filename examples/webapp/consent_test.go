package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

// wander is a whole visit, from the first page to the team.
func wander(b *browser) (user string) {
	b.get("/")
	b.get("/pricing")
	user = b.signUp("john@acme.com")
	b.createTeam("Acme Corp")
	b.post("/plan", "plan", "pro")
	b.post("/logout")
	b.logIn("john@acme.com")
	return user
}

func TestWithoutAnAnswerThereIsNoCookieAndNothingIsSent(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	wander(b)
	assert.Empty(t, b.cookies())
	got := s.received()
	assert.Empty(t, got.Messages)
	assert.Zero(t, got.Stats.Accepted)
	assert.Zero(t, got.Stats.Refused)
	assert.Positive(t, got.Stats.Withheld)
	assert.Contains(t, b.get("/").html, "May we count your visit?")
}

func TestARefusalLeavesNoCookieButTheAnswer(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.agree(loopkit.Denied)
	wander(b)
	assert.Equal(t, onlyTheAnswer(loopkit.Denied), b.cookies())
	got := s.received()
	assert.Empty(t, got.Messages)
	assert.Positive(t, got.Stats.Withheld)
	assert.NotContains(t, b.get("/").html, "May we count your visit?")
}

func TestAConsentThatIsWithdrawnEndsTheCookies(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.agree(loopkit.Full)
	b.get("/pricing")
	require.NotEmpty(t, b.anonymousID())
	before := s.received()
	require.Len(t, before.Messages, 2)

	b.agree(loopkit.Denied)
	wander(b)
	assert.Equal(t, onlyTheAnswer(loopkit.Denied), b.cookies())
	assert.Len(t, s.received().Messages, 2)
}

func TestTheBrowsersOwnRefusalWinsOverTheAnswer(t *testing.T) {
	for _, signal := range []string{"Sec-GPC", "DNT"} {
		s := newSite(t)
		b := s.browser()
		b.header.Set(signal, "1")
		page := b.agree(loopkit.Full)
		assert.Contains(t, page.html, "asks not to be tracked")
		wander(b)
		assert.Equal(t, onlyTheAnswer(loopkit.Full), b.cookies())
		assert.Empty(t, s.received().Messages)
	}
}

func TestWithoutPersonalDataTheEmailIsAHash(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.agree(loopkit.Pseudonymous)
	user := wander(b)

	got := s.received()
	person := got.person(t, user)
	assert.Regexp(t, `^[0-9a-f]{64}$`, person.Traits["email_hash"])
	assert.NotContains(t, person.Traits, "email")
	assert.NotContains(t, person.Traits, "name")
	assert.Positive(t, got.Stats.Redacted)
	for _, m := range got.Messages {
		assert.NotContains(t, string(m.Raw), "john@acme.com")
	}
	assert.Contains(t, b.get("/").html, "email_hash")
}

func TestAnonymousOnlyNeverSaysWhoItIs(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.agree(loopkit.AnonymousOnly)
	user := wander(b)

	got := s.received()
	require.NotEmpty(t, got.Messages)
	for _, m := range got.Messages {
		assert.Equal(t, collector.KindTrack, m.Kind)
		assert.Empty(t, m.UserID)
		assert.NotContains(t, string(m.Raw), user)
	}
	assert.Empty(t, got.Groups)
}

func TestAConsentAfterTheSignUpIdentifiesTheUser(t *testing.T) {
	for _, before := range []loopkit.Consent{loopkit.Denied, loopkit.AnonymousOnly} {
		s := newSite(t)
		b := s.browser()
		b.agree(before)
		user := b.signUp("john@acme.com")
		b.agree(loopkit.Full)
		b.get("/app")
		person := s.received().person(t, user)
		assert.Equal(t, "john@acme.com", person.Traits["email"], "after %s", before)
		assert.Contains(t, person.AnonymousIDs, b.anonymousID())
	}
}

func TestAnAnswerThatIsNoneIsRefused(t *testing.T) {
	b := newSite(t).browser()
	page := b.post("/consent", "level", "everything", "back", "/")
	assert.Equal(t, http.StatusUnprocessableEntity, page.status)
	assert.Empty(t, b.cookies())
}

func TestAConsentLeadsBackToThePage(t *testing.T) {
	b := newSite(t).browser()
	assert.Equal(t, "/pricing", b.post("/consent", "level", "full", "back", "/pricing").path)
	assert.Contains(t, b.post("/teams", "name", "x").html, `name="back" value="/login"`)
	b.signUp("john@acme.com")
	assert.Contains(t, b.post("/teams", "name", "").html, `name="back" value="/app"`)
}

func TestBackIsAPathOfThisSite(t *testing.T) {
	for back, want := range map[string]string{
		"/":                   "/",
		"/pricing":            "/pricing",
		"/app?tab=team":       "/app?tab=team",
		"/a%2Fb":              "/a%2Fb",
		"/app#team":           "/app",
		"":                    "/",
		"pricing":             "/",
		"?a=b":                "/",
		"//example.com":       "/",
		"///example.com":      "/",
		`/\example.com`:       "/",
		`\\example.com`:       "/",
		"https://example.com": "/",
		"javascript:alert(1)": "/",
		"/\t/example.com":     "/",
		"/\r\nSet-Cookie: a":  "/",
		"/%":                  "/",
	} {
		assert.Equal(t, want, localPath(back), "%q", back)
	}
}

func FuzzLocalPath(f *testing.F) {
	for _, seed := range []string{"/", "/app?a=b", "//example.com", `/\example.com`, "https://example.com", "/./%2e%2e//x", "/\x00"} {
		f.Add(seed)
	}
	site, err := url.Parse("http://127.0.0.1:8080/")
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, back string) {
		local := localPath(back)
		// As browsers read it.
		for _, text := range []string{local, strings.ReplaceAll(local, `\`, "/")} {
			where, err := url.Parse(text)
			require.NoError(t, err)
			assert.Equal(t, site.Host, site.ResolveReference(where).Host)
			assert.True(t, strings.HasPrefix(text, "/") && !strings.HasPrefix(text, "//"), "%q", text)
		}
	})
}
