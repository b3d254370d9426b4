package page

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/exact"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/history"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/rules"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/store"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

// groupView is one group.
type groupView struct {
	groupRow
	Members     []member
	MoreMembers int
	Traits      []history.Trait
	Findings    []finding
	Forgotten   int64
	Fragment    string
}

// mostMembers is how many members a page lists.
const mostMembers = 500

type member struct {
	ID     string
	Link   string // to the person's page
	Person collector.Person
	Seq    int64 // of the group call that made them one
	Joined time.Time
}

// finding is one place where a rule found something, as a page shows it.
type finding struct {
	rules.Finding
	Entry *store.Entry // nil if it is about no single message, or that is not kept
}

func (p *Page) group(w http.ResponseWriter, r *http.Request) {
	snapshot := p.opts.Store.Snapshot()
	id := idOf(r)
	found, ok := snapshot.Group(id)
	if !ok {
		p.render(w, r, "missing.html", pageData{
			Title: "No such group", Nav: "groups", Status: http.StatusNotFound, Snapshot: snapshot,
			Body: missing{"group", id},
		})
		return
	}
	p.render(w, r, "group.html", pageData{
		Title:    fmt.Sprintf("%s (%s)", clip(60, id), plural(len(found.Members), "member")),
		Nav:      "groups",
		Snapshot: snapshot,
		Body:     groupViewOf(snapshot, found),
	})
}

func groupViewOf(snapshot *store.Snapshot, g collector.Group) groupView {
	members := membersIn(snapshot)
	users := usersIn(snapshot)
	calls := callsOf(snapshot.Entries, g.ID)
	view := groupView{
		groupRow:  groupRowOf(g, members),
		Forgotten: snapshot.Forgotten,
		Fragment:  fragmentOf(groupURL(g.ID)),
	}
	var changes []history.Change
	for _, e := range calls {
		changes = append(changes, history.Change{Seq: e.Seq, Values: exact.Values(e.Message)})
	}
	view.Traits = history.Of(changes)
	people := members[g.ID]
	place := make(map[string]int)
	for i, id := range slices.Backward(g.Members) {
		place[id] = i
	}
	slices.SortStableFunc(people, func(a, b collector.Person) int {
		return cmp.Compare(place[labelOf(a)], place[labelOf(b)])
	})
	for i, p := range people {
		if i == mostMembers {
			view.MoreMembers = len(people) - i
			break
		}
		view.Members = append(view.Members, memberOf(p, linkOf(p, users), calls))
	}
	about := make(map[int64]*store.Entry)
	for _, e := range calls {
		about[e.Seq] = e
	}
	for _, f := range snapshot.Findings() {
		if e := about[f.Subject]; e != nil {
			view.Findings = append(view.Findings, finding{f, e})
		}
	}
	return view
}

// callsOf returns the group calls since the group's last deletion.
func callsOf(entries []*store.Entry, groupID string) []*store.Entry {
	var out []*store.Entry
	for _, e := range entries {
		switch {
		case e.Message == nil || e.Message.GroupID != groupID:
		case e.Message.Kind == collector.KindGroup:
			out = append(out, e)
		case e.Message.Kind == collector.KindDeleteGroup:
			out = nil
		}
	}
	return out
}

// memberOf finds the first call that names the member by any of their IDs.
func memberOf(p collector.Person, link string, calls []*store.Entry) member {
	out := member{ID: labelOf(p), Link: link, Person: p}
	own := map[string]bool{}
	for _, anonymousID := range p.AnonymousIDs {
		own[anonymousID] = true
	}
	for _, e := range calls {
		m := e.Message
		if m.UserID != "" && m.UserID == p.UserID || m.UserID == "" && own[m.AnonymousID] {
			out.Seq, out.Joined = e.Seq, m.Timestamp
			break
		}
	}
	return out
}
