package loopkithttp_test

import (
	"context"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkithttp"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// derivedFrom returns the anonymous ID that package loopkit derives from a user.
func derivedFrom(t testing.TB, userID string) string {
	t.Helper()
	client, err := loopkit.New("lk_test", nil)
	require.NoError(t, err)
	id := client.NewSession(loopkit.Identity{UserID: userID}).Identity().AnonymousID
	require.NoError(t, client.Close(context.Background()))
	return id
}

func TestAnInboundAnonymousIDIsOfAKnownForm(t *testing.T) {
	for id, want := range map[string]bool{
		loopkit.NewAnonymousID():       true,
		"anon_k3j9x2m1q_1737000000000": true, // LoopKit's JavaScript SDK
		"anon_0123456789abcdef":        true, // LoopKit's Unity SDK
		"a":                            true,
		"A.b|c:d-e_9":                  true,
		strings.Repeat("a", 128):       true,
		"anon_5":                       true,
		"":                             false,
		strings.Repeat("a", 129):       false,
		"undefined":                    false,
		"null":                         false,
		"nil":                          false,
		"NaN":                          false,
		"[object Object]":              false,
		"with space":                   false,
		"a\n":                          false,
		"a;b":                          false,
		"a=b":                          false,
		"a/b":                          false,
		"<script>":                     false,
		"ä":                            false,
		"\x00":                         false,
		"a\x80":                        false,
		derivedFrom(t, "user_123"):     false,
		"anon_00000000-0000-5000-0000-000000000000": false,
		"anon_ABCDEF00-0000-5000-0000-000000000000": false,
		"anon_ABCDEF00-0000-4000-0000-000000000000": true,
		"anon_01890a5d-ac96-774b-bcce-b302099a8057": true, // version 7
	} {
		assert.Equal(t, want, loopkithttp.Usable(id), "%q", id)
	}
}

func TestAVisitorCannotClaimAUsersAnonymousID(t *testing.T) {
	client, loopkitServer := newClient(t)
	require.NoError(t, client.Identify(t.Context(), "user_123", nil))
	theirs := derivedFrom(t, "user_123")
	for _, line := range []string{anonymousCookie + "=" + theirs, header + ": " + theirs} {
		a := askHandler(loopkithttp.Middleware(client, nil), get("/", line), func(w http.ResponseWriter, r *http.Request) {
			loopkithttp.Login(w, r, "mallory", nil)
		})
		assert.NotEqual(t, theirs, a.identity.AnonymousID)
	}
	require.NoError(t, client.Flush(t.Context()))
	assert.Equal(t, []string{theirs}, loopkittest.RequireIdentified(t, loopkitServer, "user_123", "").AnonymousIDs)
}

// FuzzRequest sends whatever a visitor may: it never leads to a panic, a message
// that is refused, an ID of another form, or a header that is not one line.
func FuzzRequest(f *testing.F) {
	for _, id := range []string{known, "", "undefined", "anon_\x00", derivedFrom(f, "user_123"), strings.Repeat("a", 129), "a; b=c"} {
		f.Add(id, id, id, id, id, "https://example.org/?q="+id, "example.com")
	}
	f.Add(known, known, linkedToNobodyKnown, aSession, "full", "https://example.org", "a.b.c.d:80")
	form := regexp.MustCompile(`^[A-Za-z0-9_.|:-]{1,128}$`)
	claimed := regexp.MustCompile(`(?i)^anon_[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$`)

	server := loopkittest.NewTransport(f)
	client, err := loopkit.New("lk_test", &loopkit.Options{HTTPClient: server.HTTPClient(), Logger: slog.New(slog.DiscardHandler), FlushInterval: -1, Overflow: loopkit.DropOldest})
	require.NoError(f, err)
	f.Cleanup(func() { require.NoError(f, client.Close(context.Background())) })
	middleware := loopkithttp.Middleware(client, &loopkithttp.Options{Sessions: true, User: user("user_123"), Consent: loopkithttp.ConsentFromCookie(loopkit.Full)})

	f.Fuzz(func(t *testing.T, given, id, linked, session, consent, referrer, host string) {
		r := get("/")
		r.Host = host
		r.Header[http.CanonicalHeaderKey(header)] = []string{given}
		r.Header.Set("Referer", referrer)
		r.Header.Set("User-Agent", referrer)
		r.Header["Cookie"] = []string{
			anonymousCookie + "=" + id + "; " + anonymousCookie + "=" + given, linkedCookie + "=" + linked,
			sessionCookie + "=" + session, loopkithttp.ConsentCookie + "=" + consent,
		}
		a := askHandler(middleware, r, func(w http.ResponseWriter, r *http.Request) {
			require.NoError(t, client.Track(r.Context(), "page_view", nil))
			r = loopkithttp.Login(w, r, "user_124", nil)
			require.NoError(t, client.Track(r.Context(), "page_view", nil))
			loopkithttp.SetConsent(w, loopkithttp.Logout(w, r), loopkit.Denied)
		})
		if a.consent == loopkit.Denied {
			require.Empty(t, a.identity.AnonymousID)
		} else {
			require.Regexp(t, form, a.identity.AnonymousID)
			require.NotRegexp(t, claimed, a.identity.AnonymousID)
		}
		require.Equal(t, "user_123", a.identity.UserID)
		for _, line := range a.Header["Set-Cookie"] {
			require.NotContains(t, line, "\n")
			require.NotContains(t, line, "\r")
		}
	})
}
