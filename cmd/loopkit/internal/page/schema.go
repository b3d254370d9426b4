package page

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/schema"
)

// schemaView is what the messages look like.
type schemaView struct {
	schema.Schema
	Query    string
	Only     bool // show only what has a problem
	Sections []schemaSection
	Shown    int // shapes
	Total    int
	Events   int // names
	Drifts   int // properties
	Names    int // of events and properties that are not in snake_case
	Fragment string
}

type schemaSection struct {
	Title  string
	Prefix string // of the shapes' titles
	Kind   string // for the filter of Live
	Shapes []schema.Shape
}

func (p *Page) schema(w http.ResponseWriter, r *http.Request) {
	snapshot := p.opts.Store.Snapshot()
	query := r.URL.Query()
	view := schemaViewOf(schema.Of(snapshot.Entries), query.Get("q"), query.Get("problems") == "1")
	address := r.URL.Path
	if r.URL.RawQuery != "" {
		address += "?" + r.URL.RawQuery
	}
	view.Fragment = fragmentOf(address)
	p.render(w, r, "schema.html", pageData{
		Title:    fmt.Sprintf("Schema (%s)", plural(view.Events, "event name")),
		Nav:      "schema",
		Snapshot: snapshot,
		Body:     view,
	})
}

func schemaViewOf(s schema.Schema, query string, only bool) schemaView {
	view := schemaView{Schema: s, Query: query, Only: only, Events: len(s.Events)}
	wanted := strings.ToLower(strings.TrimSpace(query))
	for _, section := range []schemaSection{
		{Title: "Events", Kind: "track", Shapes: s.Events},
		{Title: "Traits of users", Kind: "identify", Shapes: s.Users},
		{Title: "Traits of groups", Kind: "group", Shapes: s.Groups},
	} {
		var shown []schema.Shape
		for _, shape := range section.Shapes {
			problems := view.count(shape)
			view.Total++
			if (!only || problems > 0) && shapeMatches(shape, wanted) {
				shown = append(shown, shape)
			}
		}
		section.Shapes = shown
		view.Shown += len(shown)
		if len(shown) > 0 {
			view.Sections = append(view.Sections, section)
		}
	}
	return view
}

// count adds the shape's problems up, and returns their number.
func (v *schemaView) count(s schema.Shape) (problems int) {
	if !s.Style.Good {
		v.Names++
		problems++
	}
	for _, property := range s.Properties {
		if property.Drift {
			v.Drifts++
			problems++
		}
		if !property.Style.Good {
			v.Names++
			problems++
		}
	}
	return problems
}

// shapeMatches looks for text in small letters in the names.
func shapeMatches(s schema.Shape, text string) bool {
	return strings.Contains(strings.ToLower(s.Name), text) ||
		slices.ContainsFunc(s.Properties, func(p schema.Property) bool {
			return strings.Contains(strings.ToLower(p.Name), text)
		})
}
