package main

import (
	"crypto/rand"
	"net/http"
	"sync"
)

// home is the page from which to try everything.
const home = `<!doctype html><title>LoopKit</title>
<p><a href="/pricing">Pricing</a> <a href="/products/4711">A product</a> <a href="/live">Live</a>
<form action="/signup" method="post"><input name="user" value="user_123"><button>Sign up</button></form>
<form action="/login" method="post"><input name="user" value="user_123"><button>Log in</button></form>
<form action="/teams" method="post"><input name="team" value="team_456"><button>Join a team</button></form>
<form action="/logout" method="post"><button>Log out</button></form>
`

const loginCookie = "login"

// logins stands for the login that your server has. This one lets everybody in,
// and forgets them when it ends.
type logins struct{ users sync.Map } // token → user ID

func (l *logins) begin(w http.ResponseWriter, r *http.Request) (user string) {
	user, token := r.FormValue("user"), rand.Text()
	l.users.Store(token, user)
	http.SetCookie(w, &http.Cookie{Name: loginCookie, Value: token, Path: "/", HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode})
	return user
}

func (l *logins) end(w http.ResponseWriter, r *http.Request) {
	if cookie, err := r.Cookie(loginCookie); err == nil {
		l.users.Delete(cookie.Value)
	}
	http.SetCookie(w, &http.Cookie{Name: loginCookie, Path: "/", MaxAge: -1})
}

// userOf returns the user who is logged in, for loopkithttp.Options.User.
func (l *logins) userOf(r *http.Request) (user string) {
	if cookie, err := r.Cookie(loginCookie); err == nil {
		if found, ok := l.users.Load(cookie.Value); ok {
			user = found.(string)
		}
	}
	return user
}
