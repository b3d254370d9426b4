// Package page is the web page of the development server: what arrived, live,
// and what it says about people, groups and the names of events.
//
// Every page is rendered on the server, so that it can be read without
// JavaScript. A page is a file templates/x.html that defines "title" and "main"
// (and "head" for a style sheet of its own), a route in New and a handler that
// ends with Page.render. With ?fragment=1 only "main" is rendered. An element
// with data-live="/people?fragment=1" is replaced by what that address renders
// whenever something arrived: by the element of the same id in the answer, or
// else by all of the answer.
package page

import (
	"html/template"
	"net/http"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/store"
)

// Options configure a Page.
type Options struct {
	Store   *store.Store
	BaseURL string // of the server that the page belongs to, "http://127.0.0.1:4850"
	Version string // of loopkit
}

// Page is the web page. It is an http.Handler.
type Page struct {
	opts     Options
	pages    map[string]*template.Template
	mux      *http.ServeMux
	censuses censuses
	pulse    pulse
}

// New returns a handler of every path but those of the collector and of the API.
func New(opts Options) http.Handler {
	p := &Page{opts: opts, pages: parsePages(), mux: http.NewServeMux()}
	p.pulse.store, p.pulse.censuses = opts.Store, &p.censuses
	p.mux.HandleFunc("GET /{$}", p.live)
	p.mux.HandleFunc("GET /people", p.people)
	p.mux.HandleFunc("GET /people/{id}", p.person)
	p.mux.HandleFunc("GET /groups", p.groups)
	p.mux.HandleFunc("GET /groups/{id}", p.group)
	p.mux.HandleFunc("GET /warnings", p.warnings)
	p.mux.HandleFunc("GET /schema", p.schema)
	p.mux.HandleFunc("GET /live", p.stream)
	p.mux.HandleFunc("GET /rows", p.rows)
	p.mux.HandleFunc("GET /event/{seq}", p.event)
	p.mux.HandleFunc("GET /event/{seq}/body", p.body)
	p.mux.Handle("GET /static/", newAssets())
	return p
}

func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.mux.ServeHTTP(w, r) }
