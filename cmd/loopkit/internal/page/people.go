package page

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/store"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/timeline"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

// peopleView is the list of people.
type peopleView struct {
	Query    string
	Total    int
	People   []personRow
	Paging   paging
	Fragment string
	Unmerged unmerged
}

type personRow struct {
	collector.Person
	Label  string
	Link   string // to the person's page
	Status status
}

// status is how far a person or a group has come.
type status struct {
	Name string // "identified"
	Chip string // its colour: "ok", "warning", "error" or none
	Icon string
	Why  string
}

func (p *Page) people(w http.ResponseWriter, r *http.Request) {
	snapshot := p.opts.Store.Snapshot()
	view := peopleIn(snapshot, r.URL.Query().Get("q"))
	view.Total = len(snapshot.People())
	var from, to int
	view.Paging, from, to = pageOf("/people", r.URL.Query(), len(view.People))
	view.People = view.People[from:to]
	view.Fragment = fragmentOf(view.Paging.At)
	p.render(w, r, "people.html", pageData{
		Title:    fmt.Sprintf("People (%s)", grouped(view.Total)),
		Nav:      "people",
		Snapshot: snapshot,
		Body:     view,
	})
}

// peopleIn returns those that match the query, the last seen first.
func peopleIn(snapshot *store.Snapshot, query string) peopleView {
	survey := timeline.Survey(snapshot.Entries)
	view := peopleView{Query: query, Unmerged: unmergedOf(snapshot, survey)}
	wanted := strings.ToLower(strings.TrimSpace(query))
	users := usersIn(snapshot)
	for _, person := range snapshot.People() {
		if wanted == "" || personMatches(person, wanted) {
			view.People = append(view.People, personRow{
				Person: person,
				Label:  labelOf(person),
				Link:   linkOf(person, users),
				Status: statusOf(person, survey.Status(person)),
			})
		}
	}
	slices.SortStableFunc(view.People, func(a, b personRow) int { return b.LastSeen.Compare(a.LastSeen) })
	return view
}

// personMatches looks for text in small letters in what a person is known by.
func personMatches(p collector.Person, text string) bool {
	known := append(append([]string{p.UserID}, p.AnonymousIDs...), p.Groups...)
	for _, value := range p.Traits {
		if s, ok := value.(string); ok {
			known = append(known, s)
		}
	}
	return slices.ContainsFunc(known, func(s string) bool { return strings.Contains(strings.ToLower(s), text) })
}

// usersIn returns the IDs of those who have a user ID.
func usersIn(snapshot *store.Snapshot) map[string]bool {
	users := make(map[string]bool)
	for _, p := range snapshot.People() {
		users[p.UserID] = true
	}
	return users
}

// linkOf returns the address of a person's page, which for somebody anonymous
// must not be that of the user whose ID is the same.
func linkOf(p collector.Person, users map[string]bool) string {
	if label := labelOf(p); p.UserID == "" && users[label] {
		return anonymousURL(label)
	}
	return personURL(labelOf(p))
}

// labelOf returns what a person goes by.
func labelOf(p collector.Person) string {
	if p.UserID == "" && len(p.AnonymousIDs) > 0 {
		return p.AnonymousIDs[0]
	}
	return p.UserID
}

func statusOf(p collector.Person, s timeline.Status) status {
	switch {
	case s == timeline.Deleted:
		return status{"deleted", "error", "clear", "nothing arrived about this user since the deletion"}
	case p.RecreatedAfterDeletion:
		return status{"recreated", "warning", "warning", "something arrived about this user after the deletion"}
	case s == timeline.Anonymous:
		return status{"anonymous", "", "help", "no identify named this anonymous ID"}
	case s == timeline.NotIdentified:
		return status{"not identified", "warning", "warning", "the user ID came in events or groups only, not in an identify"}
	}
	return status{"identified", "ok", "check", "an identify named this user"}
}

// KnownIDs says how many IDs the person has.
func (p personRow) KnownIDs() string {
	var parts []string
	if n := len(p.AnonymousIDs); n > 0 {
		parts = append(parts, plural(n, "anonymous ID"))
	}
	if p.UserID != "" {
		parts = append(parts, "1 user ID")
	}
	return strings.Join(parts, ", ")
}

// unmerged is why some people are nobody's.
type unmerged struct {
	People, Events int              // anonymous ones who did something, and what
	Example        string           // an anonymous ID of theirs
	Loose          []timeline.Loose // some of the pairs
	MoreLoose      int
}

func unmergedOf(snapshot *store.Snapshot, survey timeline.Overview) unmerged {
	var out unmerged
	for _, p := range snapshot.People() {
		if p.UserID == "" && len(p.Events) > 0 {
			out.People++
			out.Events += len(p.Events)
			out.Example = cmp.Or(out.Example, labelOf(p))
		}
	}
	const shown = 3
	newest := slices.Clone(survey.Loose)
	slices.Reverse(newest)
	out.Loose = newest[:min(shown, len(newest))]
	out.MoreLoose = len(newest) - len(out.Loose)
	return out
}
