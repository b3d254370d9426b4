package main

import (
	"crypto/rand"
	"net/http"
	"sync"
)

// This file stands for the login that your server has. This one lets everybody
// in, and forgets them when it ends.

const loginCookie = "login"

var logins sync.Map // token → user ID

func signUp(w http.ResponseWriter, r *http.Request) (user string) { return logIn(w, r) }

func logIn(w http.ResponseWriter, r *http.Request) (user string) {
	user, token := r.FormValue("user"), rand.Text()
	logins.Store(token, user)
	http.SetCookie(w, &http.Cookie{Name: loginCookie, Value: token, Path: "/", HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode})
	return user
}

func logOut(w http.ResponseWriter) {
	http.SetCookie(w, &http.Cookie{Name: loginCookie, Path: "/", MaxAge: -1})
}

func loggedIn(r *http.Request) (user string) {
	if cookie, err := r.Cookie(loginCookie); err == nil {
		if found, ok := logins.Load(cookie.Value); ok {
			user = found.(string)
		}
	}
	return user
}
