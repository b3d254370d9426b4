package loopkithttp_test

import (
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkithttp"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// loginOf is a handler in which somebody proved to be a user.
func loginOf(userID string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { loopkithttp.Login(w, r, userID, nil) }
}

// As in two tabs: no answer of the one has reached the browser before the other
// is asked for.
func TestTwoUsersWhoLogInAtOnceShareNoAnonymousID(t *testing.T) {
	client, loopkitServer := newClient(t)
	middleware := refreshing(client, &loopkithttp.Options{User: loggedIn}, false)
	users := []string{"user_A", "user_B"}
	answers := make([]answer, len(users))
	var all sync.WaitGroup
	for i, userID := range users {
		all.Go(func() {
			answers[i] = askHandler(middleware, get("/", anonymousCookie+"="+known), loginOf(userID))
		})
	}
	all.Wait()
	require.NoError(t, client.Flush(t.Context()))
	loopkittest.RequireNoConflicts(t, loopkitServer)
	var kept int
	for i, userID := range users {
		id := answers[i].cookie(anonymousCookie).Value
		loopkittest.RequireIdentified(t, loopkitServer, userID, id)
		if id == known {
			kept++
		}
	}
	assert.Equal(t, 1, kept, "what the visitor did before is one user's")
}

func TestALoginWhoseAnswerWasLostKeepsTheAnonymousID(t *testing.T) {
	for name, c := range map[string]struct {
		options loopkithttp.Options
		first   http.HandlerFunc
		lines   []string // of the first request, beside the anonymous ID
	}{
		"by Login":                     {loopkithttp.Options{}, loginOf("user_A"), nil},
		"by Login, with User":          {loopkithttp.Options{User: loggedIn}, loginOf("user_A"), nil},
		"because the program knows it": {loopkithttp.Options{User: loggedIn}, loginOf(""), []string{loginCookie + "=user_A"}},
	} {
		t.Run(name, func(t *testing.T) {
			client, loopkitServer := newClient(t)
			middleware := refreshing(client, &c.options, false)
			askHandler(middleware, get("/", append(c.lines, anonymousCookie+"="+known)...), c.first)
			again := askHandler(middleware, get("/", anonymousCookie+"="+known), loginOf("user_A"))
			assert.Equal(t, known, again.cookie(anonymousCookie).Value, "for the same user")
			other := askHandler(middleware, get("/", anonymousCookie+"="+known), loginOf("user_B"))
			assert.NotEqual(t, known, other.cookie(anonymousCookie).Value)

			other = ask(refreshing(client, &c.options, false), get("/", anonymousCookie+"="+known))
			assert.Equal(t, known, other.identity.AnonymousID, "a stranger may still be that user")
			require.NoError(t, client.Flush(t.Context()))
			loopkittest.RequireNoConflicts(t, loopkitServer)
		})
	}
}

func TestTheProgramsUserGetsNoAnonymousIDOfAnother(t *testing.T) {
	client, _ := newClient(t)
	middleware := refreshing(client, &loopkithttp.Options{User: loggedIn}, false)
	ask(middleware, get("/", anonymousCookie+"="+known, loginCookie+"=user_A"))
	a := ask(middleware, get("/", anonymousCookie+"="+known, loginCookie+"=user_B"))
	assert.NotEqual(t, known, a.identity.AnonymousID)
	assert.Equal(t, a.identity.AnonymousID, a.cookie(anonymousCookie).Value)
	a = ask(middleware, get("/", anonymousCookie+"="+a.identity.AnonymousID, loginCookie+"=user_A"))
	assert.NotEqual(t, known, a.identity.AnonymousID, "the new one is that user's")
}

func TestAMiddlewareInsideRemembersTheOwnersOfTheOneAround(t *testing.T) {
	client, _ := newClient(t)
	outer := refreshing(client, &loopkithttp.Options{User: loggedIn}, false)
	inner := refreshing(client, nil, false)
	both := func(next http.Handler) http.Handler { return outer(inner(next)) }
	ask(both, get("/", anonymousCookie+"="+known, loginCookie+"=user_A"))
	a := askHandler(both, get("/", anonymousCookie+"="+known), loginOf("user_B"))
	assert.NotEqual(t, known, a.cookie(anonymousCookie).Value)
}

func TestAnAnswerThatIsLateByTwoLogoutsDoesNotMixUsers(t *testing.T) {
	for _, between := range []string{"user_A", "user_C"} {
		client, loopkitServer := newClient(t)
		b, _ := withALateAnswer(t, client, &loopkithttp.Options{User: loggedIn},
			"/login?user=user_A", "/logout", "/login?user="+between, "/logout")
		b.visit("/login?user=user_B")
		require.NoError(t, client.Flush(t.Context()))
		loopkittest.RequireNoConflicts(t, loopkitServer)
	}
}

// The server cannot give such a client a new ID.
func TestAHeadersAnonymousIDStaysItsFirstUsers(t *testing.T) {
	client, loopkitServer := newClient(t)
	for _, options := range []*loopkithttp.Options{{}, {User: loggedIn}} {
		middleware := refreshing(client, options, false)
		for _, want := range []loopkit.Identity{{AnonymousID: known, UserID: "user_A"}, {UserID: "user_B"}} {
			a := askHandler(middleware, get("/", header+": "+known), func(w http.ResponseWriter, r *http.Request) {
				r = loopkithttp.Login(w, r, want.UserID, nil)
				assert.Equal(t, want, identityOf(t, r))
				assert.NoError(t, client.Track(r.Context(), "user_login", nil))
			})
			assert.Empty(t, a.Cookies())
			if options.User != nil {
				next := ask(middleware, get("/", header+": "+known, loginCookie+"="+want.UserID))
				assert.Equal(t, want, next.identity, "nor in the requests that follow")
			}
		}
	}
	require.NoError(t, client.Flush(t.Context()))
	loopkittest.RequireNoConflicts(t, loopkitServer)
	loopkittest.RequireTracked(t, loopkitServer, "user_B", "user_login")
	assert.NotContains(t, loopkittest.RequireIdentified(t, loopkitServer, "user_B", "").AnonymousIDs, known)
}

func TestWhoMayNotBeLinkedOwnsNoAnonymousID(t *testing.T) {
	client, _ := newClient(t)
	level := loopkit.Denied
	options := &loopkithttp.Options{Consent: func(*http.Request) loopkit.Consent { return level }}
	middleware := refreshing(client, options, false)
	for _, userID := range []string{"user_A", "undefined"} {
		for _, level = range []loopkit.Consent{loopkit.Denied, loopkit.AnonymousOnly, loopkit.Full} {
			if userID == "user_A" && level == loopkit.Full {
				continue
			}
			askHandler(middleware, get("/", anonymousCookie+"="+known), loginOf(userID))
		}
	}
	level = loopkit.Full
	a := askHandler(middleware, get("/", anonymousCookie+"="+known), loginOf("user_B"))
	assert.Equal(t, known, a.cookie(anonymousCookie).Value)
}
