package main

import (
	"net/http"
	"time"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkithttp"
)

// loginCookie holds a random token, which means nothing outside this process.
const loginCookie = "lantern_login"

// loggedIn is the application's own answer to who sends a request. The
// middleware believes nobody else.
func (a *app) loggedIn(r *http.Request) (userID string) {
	cookie, err := r.Cookie(loginCookie)
	if err != nil {
		return ""
	}
	return a.directory.user(cookie.Value)
}

func (a *app) signUpForm(w http.ResponseWriter, r *http.Request) {
	a.showForm(w, r, http.StatusOK, "signup", form{})
}

func (a *app) signUp(w http.ResponseWriter, r *http.Request) {
	filled := form{Email: r.PostFormValue("email"), Name: r.PostFormValue("name")}
	account, err := a.directory.signUp(filled.Email, filled.Name)
	if err != nil {
		a.refuseForm(w, r, "signup", filled, err)
		return
	}
	r = a.endLogin(w, r) // whoever was logged in here is somebody else
	// Still under the anonymous ID: the login below makes it the user's, with
	// all that the visitor did before.
	_ = a.client.Track(r.Context(), "user_signup", loopkit.Properties{"method": "email"})
	a.beginLogin(w, r, account, account.traits())
	http.Redirect(w, r, "/app", http.StatusSeeOther)
}

// traits are what LoopKit is told of an account. What becomes of the email and
// the name depends on the visitor's consent, and is no matter of this code.
func (a *account) traits() loopkit.Traits {
	return loopkit.Traits{
		"email":       a.Email,
		"name":        a.Name,
		"plan":        a.Plan,
		"signup_date": a.Created.Format(time.DateOnly),
	}
}

func (a *app) logInForm(w http.ResponseWriter, r *http.Request) {
	a.showForm(w, r, http.StatusOK, "login", form{})
}

// logIn asks for no password: this is a demo.
func (a *app) logIn(w http.ResponseWriter, r *http.Request) {
	filled := form{Email: r.PostFormValue("email")}
	account, err := a.directory.find(filled.Email)
	if err != nil {
		a.refuseForm(w, r, "login", filled, err)
		return
	}
	if a.loggedIn(r) != account.ID {
		r = a.endLogin(w, r)
	}
	a.beginLogin(w, r, account, loopkit.Traits{
		"last_login":   time.Now().UTC(),
		"login_method": "email",
	})
	http.Redirect(w, r, "/app", http.StatusSeeOther)
}

func (a *app) logOut(w http.ResponseWriter, r *http.Request) {
	a.endLogin(w, r)
	setLogin(w, r, "", -1)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// beginLogin makes the browser the user's, here and in LoopKit.
func (a *app) beginLogin(w http.ResponseWriter, r *http.Request, account account, traits loopkit.Traits) {
	if cookie, err := r.Cookie(loginCookie); err == nil {
		a.directory.logOut(cookie.Value)
	}
	setLogin(w, r, a.directory.logIn(account.ID), 0)
	loopkithttp.Login(w, r, account.ID, traits)
}

// endLogin makes the browser nobody's, if it was somebody's. What it does next
// is under a new anonymous ID.
func (a *app) endLogin(w http.ResponseWriter, r *http.Request) *http.Request {
	cookie, err := r.Cookie(loginCookie)
	if err != nil || a.directory.user(cookie.Value) == "" {
		return r
	}
	a.directory.logOut(cookie.Value)
	return loopkithttp.Logout(w, r)
}

func setLogin(w http.ResponseWriter, r *http.Request, token string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: loginCookie, Value: token, MaxAge: maxAge, Path: "/",
		HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteLaxMode,
	})
}

// deleteAccount has LoopKit delete the user, too. LoopKit confirms it later; a
// real application keeps the request and looks at [loopkit.Deletion.Wait].
func (a *app) deleteAccount(w http.ResponseWriter, r *http.Request) {
	userID := a.loggedIn(r)
	if userID == "" {
		http.Redirect(w, r, "/login", http.StatusSeeOther)
		return
	}
	if _, err := a.client.DeleteUser(r.Context(), userID); err != nil {
		a.showProblem(w, r, deletionProblem(err))
		return
	}
	a.endLogin(w, r)
	setLogin(w, r, "", -1)
	a.directory.remove(userID)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// deletionProblem keeps the account or team until its deletion can be asked for.
func deletionProblem(err error) error {
	return refuse(http.StatusServiceUnavailable, "Nothing was deleted, because LoopKit cannot be asked to delete it now: "+err.Error())
}
