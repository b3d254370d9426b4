package page

import (
	"bytes"
	"embed"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/store"
)

//go:embed templates
var templates embed.FS

// pageData is what a template gets. A handler sets Title, Nav, Snapshot and
// Body; render fills in the rest.
type pageData struct {
	Title    string          // of the document, with a count: "People (3)"
	Nav      string          // the entry of the navigation that is current: "people"
	Status   int             // of the answer; 0 means 200
	Snapshot *store.Snapshot // that Body was made from; nil means the current one
	Body     any             // the page's own data

	BaseURL  string
	Host     string // of BaseURL
	Version  string
	Instance string // of the store
	Counts   counts
	Here     string // address of the request, without the help
	HelpURL  string // the same with the help
	Help     bool   // open the help
}

// render answers with the template templates/name in the layout, or with its
// "main" alone if the request asks for a fragment.
func (p *Page) render(w http.ResponseWriter, r *http.Request, name string, data pageData) {
	if data.Snapshot == nil {
		data.Snapshot = p.opts.Store.Snapshot()
	}
	data.BaseURL, data.Version = p.opts.BaseURL, p.opts.Version
	data.Instance = p.opts.Store.Instance()
	_, data.Host, _ = strings.Cut(data.BaseURL, "://")
	data.Counts = p.censuses.of(data.Snapshot).counts
	query := r.URL.Query()
	data.Help = query.Get("help") == "1"
	query.Del("help")
	query.Del("fragment")
	data.Here = (&url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: query.Encode()}).String()
	query.Set("help", "1")
	data.HelpURL = "?" + query.Encode()
	part := "layout"
	if r.URL.Query().Get("fragment") == "1" {
		part = "main"
	}
	p.execute(w, data.Status, name, part, data)
}

// execute answers with one template of a page's set.
func (p *Page) execute(w http.ResponseWriter, status int, name, part string, data any) {
	var out bytes.Buffer
	if err := p.pages[name].ExecuteTemplate(&out, part, data); err != nil {
		http.Error(w, "the page could not be rendered: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if status != 0 {
		w.WriteHeader(status)
	}
	_, _ = w.Write(out.Bytes()) // a browser that is gone needs no page
}

// parsePages returns a set of templates for each page: its own file with the
// layout and the parts. It does so once, which takes 50 ms.
var parsePages = sync.OnceValue(func() map[string]*template.Template {
	common := template.Must(template.New("").Funcs(functions).ParseFS(templates, "templates/layout.html", "templates/parts/*.html"))
	files, err := fs.Glob(templates, "templates/*.html")
	if err != nil {
		panic(err) // the pattern is constant
	}
	pages := make(map[string]*template.Template)
	for _, file := range files {
		if name := path.Base(file); name != "layout.html" {
			pages[name] = template.Must(template.Must(common.Clone()).ParseFS(templates, file))
		}
	}
	return pages
})
