package page

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/exact"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/history"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/store"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/timeline"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

// personView is one person: how the person came about, and their traits.
type personView struct {
	personRow
	IDs       []knownID
	Story     string // the timeline in a sentence
	Steps     []step
	MoreRows  int // of the timeline that are not shown
	Columns   int // of the timeline
	Conflicts []conflict
	Loose     []timeline.Loose
	Advice    advice
	Traits    []history.Trait
	Forgotten int64
	Fragment  string
	Namesake  string // somebody else whose ID is the same: "user", "anonymous" or nobody
}

// knownID is an ID of a person, with the colour of its lane.
type knownID struct {
	ID     string
	User   bool
	Colour int
}

// missing is the page of a person or group that does not exist.
type missing struct{ What, ID string }

// idOf returns what the address names; see itemURL.
func idOf(r *http.Request) string {
	if query := r.URL.Query(); query.Has("id") {
		return query.Get("id")
	}
	return r.PathValue("id")
}

func (p *Page) person(w http.ResponseWriter, r *http.Request) {
	snapshot := p.opts.Store.Snapshot()
	id := idOf(r)
	found, ok := snapshot.Person(id)
	if query := r.URL.Query(); query.Has("anon") {
		id = query.Get("anon")
		found, ok = ownerOf(snapshot, id)
	}
	if !ok {
		p.render(w, r, "missing.html", pageData{
			Title: "No such person", Nav: "people", Status: http.StatusNotFound, Snapshot: snapshot,
			Body: missing{"person", id},
		})
		return
	}
	view := viewOf(snapshot, found)
	p.render(w, r, "person.html", pageData{
		Title:    fmt.Sprintf("%s (%s)", clip(60, view.Label), plural(len(found.Events), "event")),
		Nav:      "people",
		Snapshot: snapshot,
		Body:     view,
	})
}

func viewOf(snapshot *store.Snapshot, p collector.Person) personView {
	told := timeline.Of(snapshot.Entries, p)
	survey := timeline.Survey(snapshot.Entries)
	view := personView{
		personRow: personRow{Person: p, Label: labelOf(p), Status: statusOf(p, survey.Status(p))},
		Conflicts: conflictsOf(told.Conflicts, p.UserID),
		Loose:     told.Loose,
		Traits:    history.Of(traitChanges(told.Rows, p.UserID)),
		Forgotten: snapshot.Forgotten,
	}
	view.Link = linkOf(p, usersIn(snapshot))
	view.Fragment = fragmentOf(view.Link)
	view.Namesake = namesakeOf(snapshot, p)
	names := shortNames(told.Lanes)
	view.IDs = knownIDs(p, told.Lanes)
	view.Story = storyOf(told, p)
	view.Columns = told.Columns
	view.Steps, view.MoreRows = stepsOf(told, names, view.Label)
	view.Advice = adviceFor(p, told, survey.Identified[p.UserID])
	return view
}

// ownerOf returns the person who has an anonymous ID.
func ownerOf(snapshot *store.Snapshot, anonymousID string) (collector.Person, bool) {
	people := snapshot.People()
	i := slices.IndexFunc(people, func(p collector.Person) bool { return slices.Contains(p.AnonymousIDs, anonymousID) })
	if i < 0 {
		return collector.Person{}, false
	}
	return people[i], true
}

func namesakeOf(snapshot *store.Snapshot, p collector.Person) string {
	if p.UserID == "" {
		if found, ok := snapshot.Person(labelOf(p)); ok && found.UserID != "" {
			return "user"
		}
		return ""
	}
	if found, ok := ownerOf(snapshot, p.UserID); ok && found.UserID == "" {
		return "anonymous"
	}
	return ""
}

func knownIDs(p collector.Person, lanes []timeline.Lane) []knownID {
	var out []knownID
	if p.UserID != "" {
		out = append(out, knownID{ID: p.UserID, User: true})
	}
	for _, id := range p.AnonymousIDs {
		lane := slices.IndexFunc(lanes, func(l timeline.Lane) bool { return l.AnonymousID == id })
		out = append(out, knownID{ID: id, Colour: colourOf(lanes, lane)})
	}
	return out
}

// traitChanges returns the identifies of the user, not those of another who
// claims the same anonymous ID.
func traitChanges(rows []timeline.Row, userID string) []history.Change {
	var out []history.Change
	for _, row := range rows {
		m := row.Entry.Message
		if m.Kind == collector.KindIdentify && m.UserID == userID {
			out = append(out, history.Change{Seq: row.Entry.Seq, Values: exact.Values(m)})
		}
	}
	return out
}

// storyOf tells in a sentence why the person is merged, or is not.
func storyOf(told *timeline.Timeline, p collector.Person) string {
	joins, attached := 0, 0
	for _, row := range told.Rows {
		if row.Mark == timeline.Join {
			joins++
			attached += row.Joined.Events
		}
	}
	switch {
	case p.UserID == "":
		return fmt.Sprintf("Nobody has identified this anonymous ID yet: %s waiting for a user.", plural(len(p.Events), "event"))
	case p.Deleted:
		return "The user was deleted. What had arrived before is erased here, as LoopKit is asked to do."
	case joins == 0:
		return "No anonymous ID was joined to this user."
	case attached == 0:
		return fmt.Sprintf("%s joined to this user; no events came before.", was(joins, "anonymous ID"))
	default:
		return fmt.Sprintf("%s joined to this user, with %s from before.", was(joins, "anonymous ID"), plural(attached, "event"))
	}
}

func was(n int, one string) string {
	if n == 1 {
		return plural(n, one) + " was"
	}
	return plural(n, one) + " were"
}
