package page

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/store"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

// groupsView is the list of groups.
type groupsView struct {
	Query    string
	Total    int
	Groups   []groupRow
	Paging   paging
	Fragment string
}

type groupRow struct {
	collector.Group
	Name   string // the trait
	Events int    // of its members
	Status status
}

func (p *Page) groups(w http.ResponseWriter, r *http.Request) {
	snapshot := p.opts.Store.Snapshot()
	view := groupsIn(snapshot, r.URL.Query().Get("q"))
	view.Total = len(snapshot.Groups())
	var from, to int
	view.Paging, from, to = pageOf("/groups", r.URL.Query(), len(view.Groups))
	view.Groups = view.Groups[from:to]
	view.Fragment = fragmentOf(view.Paging.At)
	p.render(w, r, "groups.html", pageData{
		Title:    fmt.Sprintf("Groups (%s)", grouped(view.Total)),
		Nav:      "groups",
		Snapshot: snapshot,
		Body:     view,
	})
}

// groupsIn returns those that match the query, the last updated first.
func groupsIn(snapshot *store.Snapshot, query string) groupsView {
	view := groupsView{Query: query}
	members := membersIn(snapshot)
	wanted := strings.ToLower(strings.TrimSpace(query))
	for _, g := range snapshot.Groups() {
		if wanted == "" || groupMatches(g, wanted) {
			view.Groups = append(view.Groups, groupRowOf(g, members))
		}
	}
	slices.SortStableFunc(view.Groups, func(a, b groupRow) int { return b.LastSeen.Compare(a.LastSeen) })
	return view
}

// groupMatches looks for text in small letters in what a group is known by.
func groupMatches(g collector.Group, text string) bool {
	known := append([]string{g.ID, g.Type}, g.Members...)
	for _, value := range g.Traits {
		if s, ok := value.(string); ok {
			known = append(known, s)
		}
	}
	return slices.ContainsFunc(known, func(s string) bool { return strings.Contains(strings.ToLower(s), text) })
}

// membersIn returns the members of each group. A group names them by an ID
// alone, which a user and somebody anonymous may share.
func membersIn(snapshot *store.Snapshot) map[string][]collector.Person {
	members := make(map[string][]collector.Person)
	for _, p := range snapshot.People() {
		for _, id := range p.Groups {
			members[id] = append(members[id], p)
		}
	}
	return members
}

func groupRowOf(g collector.Group, members map[string][]collector.Person) groupRow {
	row := groupRow{Group: g, Status: statusOfGroup(g)}
	row.Name, _ = g.Traits["name"].(string)
	for _, member := range members[g.ID] {
		row.Events += len(member.Events)
	}
	return row
}

func statusOfGroup(g collector.Group) status {
	switch {
	case g.Deleted:
		return status{"deleted", "error", "clear", "nothing arrived about this group since the deletion"}
	case g.RecreatedAfterDeletion:
		return status{"recreated", "warning", "warning", "something arrived about this group after the deletion"}
	}
	return status{}
}
