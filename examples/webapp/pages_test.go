package main

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
)

// states are the situations in which a visitor may look at the pages.
var states = map[string]func(*browser){
	"before the answer": func(*browser) {},
	"after a refusal":   func(b *browser) { b.agree(loopkit.Denied) },
	"anonymous":         func(b *browser) { b.agree(loopkit.AnonymousOnly) },
	"logged in":         func(b *browser) { b.agree(loopkit.Pseudonymous); b.signUp("john@acme.com") },
	"in a team": func(b *browser) {
		b.agree(loopkit.Full)
		b.signUp("john@acme.com")
		b.createTeam(`<b>"Acme" & Co</b>`)
	},
	"on a plan": func(b *browser) {
		b.agree(loopkit.Full)
		b.signUp("john@acme.com")
		b.createTeam("Acme Corp")
		b.post("/plan", "plan", "enterprise")
	},
	"after the deletion": func(b *browser) {
		b.agree(loopkit.Full)
		b.signUp("john@acme.com")
		b.createTeam("Acme Corp")
		b.post("/teams/delete")
		b.post("/account/delete")
	},
	"refused by the browser": func(b *browser) { b.header.Set("Sec-GPC", "1"); b.agree(loopkit.Full) },
}

func TestEveryPageIsWholeInEveryState(t *testing.T) {
	for state, reach := range states {
		t.Run(state, func(t *testing.T) {
			s := newSite(t)
			b := s.browser()
			reach(b)
			s.received()
			for path, status := range map[string]int{
				"/": 200, "/pricing": 200, "/signup": 200, "/login": 200, "/app": 200, "/nowhere": 404,
			} {
				page := b.get(path)
				assert.Equal(t, status, page.status, path)
				requireWhole(t, page)
			}
			refused := b.post("/login", "email", `"><script>alert(1)</script>@example.com`)
			assert.Equal(t, http.StatusUnprocessableEntity, refused.status)
			requireWhole(t, refused)
			requireWhole(t, b.post("/plan", "plan", "gold"))
		})
	}
}

// requireWhole fails unless a page is well-formed, its scripts are those that its
// policy allows, and everything to fill in has a label.
func requireWhole(t *testing.T, page answer) {
	t.Helper()
	require.Contains(t, page.header.Get("Content-Type"), "text/html")
	require.True(t, strings.HasSuffix(page.html, "</html>"))
	ids, labels, fields := map[string]bool{}, map[string]bool{}, []string{}
	nonces := 0
	// The decoder reads HTML whose elements are closed, but no scripts.
	withoutScripts := regexp.MustCompile(`(?s)(<script[^>]*>).*?</script>`).ReplaceAllString(page.html, "$1</script>")
	decoder := xml.NewDecoder(strings.NewReader(withoutScripts))
	decoder.Strict, decoder.AutoClose, decoder.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err, page.html)
		element, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		attributes := map[string]string{}
		for _, a := range element.Attr {
			attributes[a.Name.Local] = a.Value
			assert.False(t, a.Name.Local == "style" || strings.HasPrefix(a.Name.Local, "on"), "the policy forbids %s", a.Name.Local)
		}
		if id := attributes["id"]; id != "" {
			assert.False(t, ids[id], "two elements #%s", id)
			ids[id] = true
		}
		switch element.Name.Local {
		case "label":
			labels[attributes["for"]] = true
		case "input", "select":
			if attributes["type"] != "hidden" {
				fields = append(fields, attributes["id"])
			}
		case "form":
			assert.Equal(t, "post", attributes["method"])
		case "script":
			if attributes["src"] == "" {
				assert.Contains(t, page.header.Get("Content-Security-Policy"), "'nonce-"+attributes["nonce"]+"'")
				nonces++
			} else {
				assert.True(t, strings.HasPrefix(attributes["src"], "/static/"))
			}
		}
	}
	assert.Equal(t, 1, nonces, "the bridge is the only inline script")
	for _, id := range fields {
		assert.True(t, labels[id], "#%s has no label", id)
	}
	for _, id := range []string{"received", "consent-full", "consent-pseudonymous", "consent-anonymous_only", "consent-denied"} {
		assert.True(t, ids[id], "#%s is missing", id)
	}
}

func TestTheNonceIsNewInEveryAnswer(t *testing.T) {
	b := newSite(t).browser()
	nonce := regexp.MustCompile(`'nonce-([^']{20,})'`)
	first := nonce.FindStringSubmatch(b.get("/").header.Get("Content-Security-Policy"))
	second := nonce.FindStringSubmatch(b.get("/").header.Get("Content-Security-Policy"))
	require.NotNil(t, first)
	require.NotNil(t, second)
	assert.NotEqual(t, first[1], second[1])
	page := b.get("/")
	assert.Contains(t, page.html, `<script nonce="`+nonce.FindStringSubmatch(page.header.Get("Content-Security-Policy"))[1]+`"`)
}

func TestThePanelShowsWhatArrived(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.agree(loopkit.Full)
	user := b.signUp("john@acme.com")
	team := b.createTeam("<i>Acme</i>")
	s.received()
	html := b.get("/pricing").html
	assert.Equal(t, 5, strings.Count(html, `<li class="message `), "two visits are under way, if not there")
	assert.Contains(t, html, `title="`+user+`"`)
	assert.Contains(t, html, `<code class="group-id">`+team)
	assert.Contains(t, html, "merged into")
	assert.Contains(t, html, "john@acme.com")
	assert.Contains(t, html, "&lt;i&gt;Acme&lt;/i&gt;")
	assert.NotContains(t, html, "<i>Acme")
	assert.Contains(t, html, `&#34;name&#34;: &#34;page_view&#34;`, "the JSON of a message")
	assert.Contains(t, html, `<span class="tag">you</span>`)
}

func TestEachIDHasAColourOfItsOwn(t *testing.T) {
	s := newSite(t)
	colours := map[int]bool{}
	for range hues {
		b := s.browser()
		b.agree(loopkit.Full)
		s.received()
		you := s.app.panel(visitor{AnonymousID: b.anonymousID()}).You.Anonymous
		assert.Equal(t, b.anonymousID(), you.ID)
		assert.False(t, colours[you.Hue])
		colours[you.Hue] = true
	}
}

func TestFormsSayWhatIsWrong(t *testing.T) {
	b := newSite(t).browser()
	b.signUp("john@acme.com")
	for _, c := range []struct {
		status int
		text   string
		page   answer
	}{
		{404, "No account has this address", b.post("/login", "email", "user_123@example.com")},
		{422, "Give an address", b.post("/login", "email", "john")},
		{422, "Give an address", b.post("/login")},
		{422, "Give an address", b.post("/signup", "email", "John <john@acme.com>", "name", "John")},
		{422, "Give an address", b.post("/signup", "email", strings.Repeat("a", 250)+"@example.com", "name", "John")},
		{422, "Give your name", b.post("/signup", "email", "user_123@example.com", "name", " ")},
		{409, "Log in instead", b.post("/signup", "email", "JOHN@acme.com", "name", "John")},
		{422, "Give a name for the team", b.post("/teams", "name", "")},
		{404, "No team has this ID", b.post("/teams/join", "team", "acme-corp-0000")},
		{404, "You are in no team", b.post("/teams/delete")},
		{422, "Choose one of the plans", b.post("/plan", "plan", "gold")},
		{404, "There is no such page", b.get("/admin")},
		{404, "There is no such page", b.post("/pricing")},
	} {
		assert.Equal(t, c.status, c.page.status, c.text)
		assert.Contains(t, c.page.html, c.text)
		assert.Contains(t, c.page.html, `role="alert"`)
	}
}

func TestOnlyItsOwnerDeletesATeam(t *testing.T) {
	s := newSite(t)
	owner, member := s.browser(), s.browser()
	owner.signUp("john@acme.com")
	team := owner.createTeam("Acme Corp")
	member.signUp("user_123@example.com")
	assert.NotContains(t, member.post("/teams/join", "team", team).html, `id="team-delete"`)
	assert.Equal(t, http.StatusForbidden, member.post("/teams/delete").status)
	assert.Equal(t, http.StatusConflict, member.post("/teams", "name", "Another").status)

	owner.post("/account/delete")
	assert.Contains(t, member.get("/app").html, `id="team-delete"`, "the next member owns it")
}

func TestWhatNeedsALoginLeadsToIt(t *testing.T) {
	b := newSite(t).browser()
	for _, path := range []string{"/plan", "/teams", "/teams/join", "/teams/delete", "/account/delete"} {
		assert.Equal(t, "/login", b.post(path).path, path)
	}
	assert.Equal(t, "/login", b.get("/app").path)
	assert.Equal(t, "/", b.post("/logout").path)
}

func TestPostsOfOtherSitesAreRefused(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	user := b.signUp("john@acme.com")
	for name, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://example.com"} {
		b.header = http.Header{name: {value}}
		assert.Equal(t, http.StatusForbidden, b.post("/account/delete").status, name)
		assert.Equal(t, http.StatusForbidden, b.post("/consent", "level", "full").status, name)
	}
	b.header = http.Header{"Sec-Fetch-Site": {"same-origin"}}
	assert.Equal(t, user, textOfElement(t, b.get("/app").html, "user-id"))
	assert.Equal(t, "/", b.post("/logout").path)
}

func TestEveryAnswerIsGuarded(t *testing.T) {
	b := newSite(t).browser()
	for _, path := range []string{"/", "/nowhere", "/static/app.css", "/static/nothing", "/loopkit/received"} {
		header := b.get(path).header
		assert.Contains(t, header.Get("Content-Security-Policy"), "default-src 'none'", path)
		assert.Contains(t, header.Get("Content-Security-Policy"), "frame-ancestors 'none'", path)
		assert.NotContains(t, header.Get("Content-Security-Policy"), "unsafe", path)
		assert.Equal(t, "nosniff", header.Get("X-Content-Type-Options"), path)
		assert.Equal(t, "same-origin", header.Get("Cross-Origin-Opener-Policy"), path)
	}
}

func TestABodyIsBounded(t *testing.T) {
	b := newSite(t).browser()
	page := b.post("/login", "email", strings.Repeat("a", maxFormBytes))
	assert.Equal(t, http.StatusUnprocessableEntity, page.status)
}

func TestAssetsAreServedAndDirectoriesAreNot(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.agree(loopkit.Full)
	s.received()
	for path, contentType := range map[string]string{"app.css": "text/css", "app.js": "text/javascript", "lantern.svg": "image/svg+xml"} {
		asset := b.get("/static/" + path)
		assert.Equal(t, http.StatusOK, asset.status)
		assert.Contains(t, asset.header.Get("Content-Type"), contentType)
		assert.Empty(t, asset.header["Set-Cookie"], "no visit")
	}
	for _, path := range []string{"/static/", "/static/nothing", "/static/%2e%2e/main.go"} {
		assert.Equal(t, http.StatusNotFound, b.get(path).status, path)
	}
}
