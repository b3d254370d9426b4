package main

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"embed"
	"errors"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"slices"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkithttp"
)

//go:embed templates
var templateFiles embed.FS

//go:embed static
var staticFS embed.FS

// pages are the parsed templates, by name.
type pages struct {
	byName map[string]*template.Template
	panel  *template.Template
}

func parsePages() (*pages, error) {
	common, err := template.ParseFS(templateFiles, "templates/layout.html", "templates/consent.html", "templates/panel.html")
	if err != nil {
		return nil, err
	}
	p := &pages{byName: make(map[string]*template.Template), panel: common.Lookup("panel")}
	for _, name := range []string{"home", "pricing", "signup", "login", "dashboard", "problem"} {
		page, err := common.Clone()
		if err != nil {
			return nil, err
		}
		if p.byName[name], err = page.ParseFS(templateFiles, "templates/"+name+".html"); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// page is what the templates are given.
type page struct {
	Title   string
	Path    string        // where the visitor is, and comes back to after the question of consent
	Bridge  template.HTML // one anonymous ID with LoopKit's browser SDK, if the site has it
	Account *account      // nil if nobody is logged in
	Team    *team         // nil if the account has none
	Consent consentView
	Panel   panelView
	Content any
}

// form is what a visitor filled in, and what is wrong with it.
type form struct {
	Email, Name string
	Error       string
}

func (a *app) home(w http.ResponseWriter, r *http.Request) {
	a.trackView(r)
	a.render(w, r, http.StatusOK, "home", page{Title: "Status pages for small teams", Content: services})
}

func (a *app) pricing(w http.ResponseWriter, r *http.Request) {
	a.trackView(r)
	a.render(w, r, http.StatusOK, "pricing", page{Title: "Pricing"})
}

// trackView is one line, because the context knows whose visit it is and
// whether they agreed to be counted.
func (a *app) trackView(r *http.Request) {
	_ = a.client.Track(r.Context(), "page_view", loopkit.Properties{"page": r.URL.Path})
}

func (a *app) dashboard(w http.ResponseWriter, r *http.Request) {
	account, _ := a.directory.lookup(a.loggedIn(r))
	if account == nil {
		http.Redirect(w, r, "/login", http.StatusSeeOther)
		return
	}
	// Once a session this identifies the user, and else it does nothing: for
	// those who consent only after they signed up.
	r = loopkithttp.Login(w, r, account.ID, account.traits())
	a.render(w, r, http.StatusOK, "dashboard", page{Title: "Dashboard", Content: plans})
}

var formTitles = map[string]string{"signup": "Start your trial", "login": "Log in"}

func (a *app) showForm(w http.ResponseWriter, r *http.Request, status int, name string, f form) {
	a.render(w, r, status, name, page{Title: formTitles[name], Content: f})
}

// refuseForm shows a form again, with what is wrong.
func (a *app) refuseForm(w http.ResponseWriter, r *http.Request, name string, f form, err error) {
	f.Error = err.Error()
	a.showForm(w, r, statusOf(err), name, f)
}

func (a *app) showProblem(w http.ResponseWriter, r *http.Request, err error) {
	p := page{Title: "That did not work", Content: err.Error()}
	if r.Method != http.MethodGet {
		p.Path = "/app" // what was posted to may be no page
	}
	a.render(w, r, statusOf(err), "problem", p)
}

func (a *app) notFound(w http.ResponseWriter, r *http.Request) {
	a.showProblem(w, r, refuse(http.StatusNotFound, "There is no such page."))
}

func statusOf(err error) int {
	var refused *refusal
	if errors.As(err, &refused) {
		return refused.status
	}
	return http.StatusInternalServerError
}

// render answers with a page. Its scripts are the site's own file and, by a
// nonce that is new in each answer, the bridge.
func (a *app) render(w http.ResponseWriter, r *http.Request, status int, name string, p page) {
	nonce := rand.Text()
	p.Bridge = loopkithttp.BridgeScript(nonce)
	p.Path = cmp.Or(p.Path, r.URL.Path)
	p.Account, p.Team = a.directory.lookup(a.loggedIn(r))
	p.Consent = consentOf(r)
	p.Panel = a.panel(a.visitor(r))

	var body bytes.Buffer
	if err := a.pages.byName[name].ExecuteTemplate(&body, "layout", p); err != nil {
		slog.Error("a page could not be rendered", "page", name, "error", err)
		http.Error(w, "This page could not be made.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self' 'nonce-"+nonce+"'; "+
		"style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = body.WriteTo(w) // a browser that is gone needs no page
}

// staticFiles serves what the pages link to, and no directories.
func staticFiles() http.Handler {
	files := http.FileServerFS(staticFS)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if info, err := fs.Stat(staticFS, r.URL.Path[1:]); err != nil || info.IsDir() {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Cache-Control", "no-cache")
		files.ServeHTTP(w, r)
	})
}

// service is a line of the invented status page.
type service struct {
	Name   string
	Uptime string
	Days   []string // "up", "slow" or "down"
}

var services = []service{
	{"Website", "100 %", days(30, nil)},
	{"API", "99.97 %", days(30, map[int]string{11: "slow"})},
	{"Webhooks", "99.82 %", days(30, map[int]string{4: "slow", 21: "down", 22: "slow"})},
}

func days(n int, troubled map[int]string) []string {
	out := slices.Repeat([]string{"up"}, n)
	for day, how := range troubled {
		out[day] = how
	}
	return out
}
