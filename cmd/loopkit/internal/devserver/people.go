package devserver

import (
	"net/http"
	"slices"
	"time"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/store"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/timeline"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

// personJSON is a collector.Person for tests to look at.
type personJSON struct {
	UserID       string          `json:"userId,omitempty"`
	Status       timeline.Status `json:"status"`
	AnonymousIDs []string        `json:"anonymousIds"`
	Traits       map[string]any  `json:"traits"`
	Groups       []string        `json:"groups"`
	Events       []string        `json:"events"`    // their names
	Conflicts    []string        `json:"conflicts"` // anonymous IDs that another user claims too
	FirstSeen    time.Time       `json:"firstSeen,omitzero"`
	LastSeen     time.Time       `json:"lastSeen,omitzero"`
	Recreated    bool            `json:"recreatedAfterDeletion,omitempty"`
}

func newPersonJSON(p collector.Person, status timeline.Status) personJSON {
	out := personJSON{
		UserID:       p.UserID,
		Status:       status,
		AnonymousIDs: list(p.AnonymousIDs),
		Traits:       p.Traits,
		Groups:       list(p.Groups),
		Events:       make([]string, len(p.Events)),
		Conflicts:    list(p.Conflicts),
		FirstSeen:    p.FirstSeen,
		LastSeen:     p.LastSeen,
		Recreated:    p.RecreatedAfterDeletion,
	}
	for i, e := range p.Events {
		out.Events[i] = e.Name
	}
	return out
}

// groupJSON is a collector.Group for tests to look at.
type groupJSON struct {
	ID        string         `json:"groupId"`
	Type      string         `json:"groupType,omitempty"`
	Status    string         `json:"status"` // "active" or "deleted"
	Traits    map[string]any `json:"traits"`
	Members   []string       `json:"members"`
	FirstSeen time.Time      `json:"firstSeen,omitzero"`
	LastSeen  time.Time      `json:"lastSeen,omitzero"`
	Recreated bool           `json:"recreatedAfterDeletion,omitempty"`
}

func newGroupJSON(g collector.Group) groupJSON {
	out := groupJSON{
		ID:        g.ID,
		Type:      g.Type,
		Status:    "active",
		Traits:    g.Traits,
		Members:   list(g.Members),
		FirstSeen: g.FirstSeen,
		LastSeen:  g.LastSeen,
		Recreated: g.RecreatedAfterDeletion,
	}
	if g.Deleted {
		out.Status = "deleted"
	}
	return out
}

// list makes an empty list of none, which JSON would call null.
func list(values []string) []string {
	if values == nil {
		return []string{}
	}
	return values
}

func (s *Server) people(w http.ResponseWriter, _ *http.Request) {
	people := []personJSON{}
	snapshot := s.store.Snapshot()
	survey := timeline.Survey(snapshot.Entries)
	for _, p := range snapshot.People() {
		people = append(people, newPersonJSON(p, survey.Status(p)))
	}
	answer(w, http.StatusOK, map[string]any{"people": people})
}

func (s *Server) person(w http.ResponseWriter, r *http.Request) {
	snapshot := s.store.Snapshot()
	p, ok := personOf(snapshot, r)
	if !ok {
		fail(w, http.StatusNotFound, "nobody has this user ID or anonymous ID")
		return
	}
	answer(w, http.StatusOK, newPersonJSON(p, timeline.Survey(snapshot.Entries).Status(p)))
}

// personOf finds the person as the page does: by the ID in the path, by ?id= where
// that is no element of a path, or by ?anon=, if a user has the same ID.
func personOf(snapshot *store.Snapshot, r *http.Request) (collector.Person, bool) {
	query := r.URL.Query()
	switch {
	case query.Has("anon"):
		people := snapshot.People()
		i := slices.IndexFunc(people, func(p collector.Person) bool { return slices.Contains(p.AnonymousIDs, query.Get("anon")) })
		if i < 0 {
			return collector.Person{}, false
		}
		return people[i], true
	case query.Has("id"):
		return snapshot.Person(query.Get("id"))
	default:
		return snapshot.Person(r.PathValue("id"))
	}
}

func (s *Server) groups(w http.ResponseWriter, _ *http.Request) {
	groups := []groupJSON{}
	for _, g := range s.store.Snapshot().Groups() {
		groups = append(groups, newGroupJSON(g))
	}
	answer(w, http.StatusOK, map[string]any{"groups": groups})
}

func (s *Server) group(w http.ResponseWriter, r *http.Request) {
	g, ok := s.store.Snapshot().Group(r.PathValue("id"))
	if !ok {
		fail(w, http.StatusNotFound, "no group has this ID")
		return
	}
	answer(w, http.StatusOK, newGroupJSON(g))
}
