package loopkithttp_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkithttp"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// loginCookie stands for the program's own login: its value is the user.
const loginCookie = "login"

func loggedIn(r *http.Request) string {
	if cookie, err := r.Cookie(loginCookie); err == nil {
		return cookie.Value
	}
	return ""
}

// accounts is a program in which users log in and out. Each of its events says
// who caused it.
func accounts(t *testing.T, client *loopkit.Client) http.Handler {
	track := func(r *http.Request, event string) {
		assert.NoError(t, client.Track(r.Context(), event, loopkit.Properties{"by": r.FormValue("by")}))
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/view", func(_ http.ResponseWriter, r *http.Request) { track(r, "page_view") })
	mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		user := r.FormValue("user")
		http.SetCookie(w, &http.Cookie{Name: loginCookie, Value: user, Path: "/"})
		track(loopkithttp.Login(w, r, user, loopkit.Traits{"plan": "trial"}), "user_login")
	})
	mux.HandleFunc("/logout", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: loginCookie, Path: "/", MaxAge: -1})
		track(loopkithttp.Logout(w, r), "user_logout")
	})
	mux.HandleFunc("/end", func(w http.ResponseWriter, _ *http.Request) { // of a login that nobody ended
		http.SetCookie(w, &http.Cookie{Name: loginCookie, Path: "/", MaxAge: -1})
	})
	// /own is a login of a program that calls Identify itself.
	mux.HandleFunc("/own", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: loginCookie, Value: r.FormValue("user"), Path: "/"})
	})
	mux.HandleFunc("/identify", func(_ http.ResponseWriter, r *http.Request) {
		if user := loggedIn(r); user != "" {
			assert.NoError(t, client.Identify(r.Context(), user, nil))
		}
	})
	return mux
}

// sequences returns all sequences of up to n steps in which both users occur.
func sequences(steps []string, n int) [][]string {
	all := [][]string{{}}
	for from := 0; n > 0; n-- {
		before := all[from:]
		from = len(all)
		for _, sequence := range before {
			for _, step := range steps {
				all = append(all, append(sequence[:len(sequence):len(sequence)], step))
			}
		}
	}
	return slices.DeleteFunc(all, func(sequence []string) bool {
		text := strings.Join(sequence, " ")
		return !strings.Contains(text, " A") || !strings.Contains(text, " B")
	})
}

func userOf(name string, i int) string { return fmt.Sprintf("user_%s_%d", name, i) }

// causedBy is who does a step: who is logged in then, else who logs in next,
// for that is who LoopKit merges a stranger into; else nobody.
func causedBy(sequence []string, at int) string {
	for i := at; i >= 0; i-- {
		path, name, login := strings.Cut(sequence[i], " ")
		if login {
			return name
		}
		if path == "/logout" || path == "/end" {
			break
		}
	}
	for _, step := range sequence[at:] {
		if _, name, login := strings.Cut(step, " "); login {
			return name
		}
	}
	return "nobody"
}

func TestTwoUsersOfABrowserNeverShareAnAnonymousID(t *testing.T) {
	for _, c := range []struct {
		name    string
		options loopkithttp.Options
		steps   []string
	}{
		{"where the program knows who is logged in", loopkithttp.Options{User: loggedIn}, []string{"/view", "/login A", "/login B", "/logout", "/end"}},
		{"with sessions", loopkithttp.Options{User: loggedIn, Sessions: true}, []string{"/view", "/login A", "/login B", "/logout", "/end"}},
		{"where only Login and Logout know", loopkithttp.Options{}, []string{"/view", "/login A", "/login B", "/logout"}},
		{"where the program identifies by itself", loopkithttp.Options{User: loggedIn}, []string{"/view", "/own A", "/own B", "/identify", "/end"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, loopkitServer := newClient(t)
			server := serve(t, loopkithttp.Middleware(client, &c.options)(accounts(t, client)))
			all := sequences(c.steps, 4)
			for i, sequence := range all {
				b := newBrowser(t, server)
				sequence = append(sequence, "/view")
				for at, step := range sequence {
					path, name, _ := strings.Cut(step, " ")
					query := url.Values{"user": {userOf(name, i)}, "by": {userOf(causedBy(sequence, at), i)}}
					b.visit(path + "?" + query.Encode())
				}
			}
			require.NoError(t, client.Flush(t.Context()))

			owner := map[string]string{} // of each anonymous ID
			for _, m := range loopkitServer.Messages() {
				if m.UserID == "" {
					continue
				}
				if before, known := owner[m.AnonymousID]; known {
					require.Equal(t, before, m.UserID, "%s is both", m.AnonymousID)
				}
				owner[m.AnonymousID] = m.UserID
			}
			assert.Greater(t, len(owner), len(all)/2)
			for _, person := range loopkitServer.People() {
				assert.Empty(t, person.Conflicts)
				for _, event := range person.Events {
					if person.UserID != "" {
						require.Equal(t, person.UserID, event.Values["by"])
					}
				}
			}
		})
	}
}

func TestALoginMergesWhatTheVisitorDidBefore(t *testing.T) {
	client, loopkitServer := newClient(t)
	server := serve(t, loopkithttp.Middleware(client, &loopkithttp.Options{User: loggedIn})(accounts(t, client)))
	b := newBrowser(t, server)
	b.visit("/view")
	before := b.cookie(anonymousCookie)
	b.visit("/login?user=user_123")
	b.visit("/view")
	assert.Equal(t, before, b.cookie(anonymousCookie))
	b.visit("/logout")
	b.visit("/view")
	require.NoError(t, client.Flush(t.Context()))

	person := loopkittest.RequireIdentified(t, loopkitServer, "user_123", before)
	assert.Len(t, person.Events, 3, "before, at and after the login")
	assert.Equal(t, "trial", person.Traits["plan"])
	stranger, found := loopkitServer.Person(b.cookie(anonymousCookie))
	require.True(t, found)
	assert.Empty(t, stranger.UserID)
	assert.Len(t, stranger.Events, 2, "at and after the logout")
}

func TestALogoutGivesTheBrowserANewAnonymousID(t *testing.T) {
	for name, options := range map[string]*loopkithttp.Options{
		"with User":     {User: loggedIn},
		"without":       {},
		"with sessions": {User: loggedIn, Sessions: true},
	} {
		t.Run(name, func(t *testing.T) {
			client, _ := newClient(t)
			server := serve(t, loopkithttp.Middleware(client, options)(accounts(t, client)))
			b := newBrowser(t, server)
			b.visit("/login?user=user_123")
			id, session := b.cookie(anonymousCookie), b.cookie(sessionCookie)
			assert.NotEmpty(t, b.cookie(linkedCookie))
			b.visit("/logout")
			assert.Regexp(t, linkedToNobody, b.cookie(linkedCookie))
			next := b.cookie(anonymousCookie)
			assert.NotEqual(t, id, next)
			if options.Sessions {
				assert.NotEqual(t, session, b.cookie(sessionCookie))
			}
			b.visit("/view")
			assert.Equal(t, next, b.cookie(anonymousCookie))
		})
	}
}

func TestALoginThatEndsByItselfGivesTheBrowserANewAnonymousID(t *testing.T) {
	client, _ := newClient(t)
	server := serve(t, loopkithttp.Middleware(client, &loopkithttp.Options{User: loggedIn})(accounts(t, client)))
	b := newBrowser(t, server)
	b.visit("/login?user=user_123")
	id := b.cookie(anonymousCookie)
	b.visit("/end")
	assert.Equal(t, id, b.cookie(anonymousCookie), "nobody knows yet")
	b.visit("/view")
	assert.NotEqual(t, id, b.cookie(anonymousCookie))
	assert.Regexp(t, linkedToNobody, b.cookie(linkedCookie))
}

// withALateAnswer returns a browser in which an answer that began before the
// visits of paths and ended after them has put back the anonymous ID from before.
func withALateAnswer(t *testing.T, client *loopkit.Client, options *loopkithttp.Options, paths ...string) (b *browser, id string) {
	t.Helper()
	began, release := make(chan struct{}), make(chan struct{})
	handler := accounts(t, client)
	b = newBrowser(t, serve(t, refreshing(client, options, true)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/poll" {
			close(began)
			<-release
			return
		}
		handler.ServeHTTP(w, r)
	}))))
	b.visit("/view")
	id = b.cookie(anonymousCookie)
	var wg sync.WaitGroup
	wg.Go(func() { b.visit("/poll") })
	<-began
	for _, path := range paths {
		b.visit(path)
	}
	close(release)
	wg.Wait()
	require.Equal(t, id, b.cookie(anonymousCookie), "it is back in the browser")
	return b, id
}

// A browser shares its cookies among requests that are under way at once.
func TestAnAnswerThatIsLateDoesNotBringBackAUsersAnonymousID(t *testing.T) {
	for name, options := range map[string]*loopkithttp.Options{"with User": {User: loggedIn}, "without": {}} {
		t.Run(name, func(t *testing.T) {
			client, loopkitServer := newClient(t)
			b, id := withALateAnswer(t, client, options, "/login?user=user_A", "/logout")
			b.visit("/login?user=user_B")
			require.NoError(t, client.Flush(t.Context()))
			loopkittest.RequireNoConflicts(t, loopkitServer)
			assert.NotContains(t, loopkittest.RequireIdentified(t, loopkitServer, "user_B", "").AnonymousIDs, id)
			assert.NotEqual(t, id, b.cookie(anonymousCookie))
		})
	}
}

func TestManyVisitorsAtOnceAreNeverMixed(t *testing.T) {
	const visitors = 200
	client, loopkitServer := newClient(t)
	server := serve(t, loopkithttp.Middleware(client, &loopkithttp.Options{User: loggedIn, Sessions: true})(accounts(t, client)))
	var all sync.WaitGroup
	for i := range visitors {
		b, user := newBrowser(t, server), fmt.Sprintf("user_%d", i)
		all.Go(func() {
			for _, path := range []string{"/view", "/login", "/view", "/logout", "/view", "/login", "/view"} {
				query := url.Values{"user": {user}, "by": {user}}
				res, err := b.http.Get(server.URL + path + "?" + query.Encode())
				if assert.NoError(t, err) {
					assert.NoError(t, res.Body.Close())
				}
			}
		})
	}
	all.Wait()
	require.NoError(t, client.Flush(t.Context()))

	people := loopkitServer.People()
	assert.Len(t, people, visitors)
	for _, person := range people {
		assert.Empty(t, person.Conflicts)
		assert.Len(t, person.AnonymousIDs, 2, "a new one after the logout")
		assert.Len(t, person.Events, 7)
		for _, event := range person.Events {
			assert.Equal(t, person.UserID, event.Values["by"])
		}
	}
}
