package main

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkithttp"
)

// choice is one answer to the question of consent.
type choice struct {
	Level   loopkit.Consent
	Label   string
	Meaning string
}

var choices = []choice{
	{loopkit.Full, "Everything", "visits, and who you are"},
	{loopkit.Pseudonymous, "Without personal data", "your email becomes email_hash"},
	{loopkit.AnonymousOnly, "Anonymous only", "visits, never who you are"},
	{loopkit.Denied, "Nothing", "no cookie, nothing is sent"},
}

// consentView is what the page shows of a visitor's consent.
type consentView struct {
	Choices   []choice
	Answered  bool
	Chosen    loopkit.Consent
	ByBrowser bool // the browser refused for its user
}

func consentOf(r *http.Request) consentView {
	view := consentView{
		Choices:   choices,
		ByBrowser: r.Header.Get("Sec-GPC") == "1" || r.Header.Get("DNT") == "1",
	}
	if cookie, err := r.Cookie(loopkithttp.ConsentCookie); err == nil {
		view.Answered = view.Chosen.UnmarshalText([]byte(cookie.Value)) == nil
	}
	return view
}

// Given reports whether anything may be sent about the visitor.
func (v consentView) Given() bool { return v.Chosen > loopkit.Denied && !v.ByBrowser }

func (a *app) consent(w http.ResponseWriter, r *http.Request) {
	var level loopkit.Consent
	if err := level.UnmarshalText([]byte(r.PostFormValue("level"))); err != nil {
		a.showProblem(w, r, refuse(http.StatusUnprocessableEntity, "Choose one of the answers."))
		return
	}
	loopkithttp.SetConsent(w, r, level)
	http.Redirect(w, r, localPath(r.PostFormValue("back")), http.StatusSeeOther)
}

// localPath returns back if it is a path of this site, else "/". Browsers take
// a backslash for a slash, and two slashes for the start of a host.
func localPath(back string) string {
	u, err := url.Parse(back)
	if err != nil || u.Scheme != "" || u.Host != "" || u.Opaque != "" || u.User != nil ||
		!strings.HasPrefix(back, "/") || strings.HasPrefix(back, "//") || strings.Contains(back, `\`) {
		return "/"
	}
	return (&url.URL{Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery}).String()
}
