package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

// How much of what was received the panel shows, newest first.
const (
	shownMessages = 60
	shownPeople   = 12
	shownGroups   = 6
)

// panelView is what the panel beside the pages shows.
type panelView struct {
	BaseURL  string
	Local    bool // what was received is known here
	Restarts int64
	Counts   counts
	You      struct{ User, Anonymous idView }
	People   []personView
	Groups   []groupView
	Messages []messageView
	Hidden   int // messages that are older
}

// visitor is whom a request is from, as far as LoopKit is told.
type visitor struct{ UserID, AnonymousID string }

// visitor also answers for requests that the middleware leaves alone: they have
// the same cookies.
func (a *app) visitor(r *http.Request) visitor {
	if id, ok := loopkit.IdentityFrom(r.Context()); ok {
		return visitor{id.UserID, id.AnonymousID}
	}
	you := visitor{UserID: a.loggedIn(r)}
	if cookie, err := r.Cookie("loopkit_anonymousId"); err == nil {
		you.AnonymousID = cookie.Value
	}
	return you
}

// counts are the numbers of the client that the panel shows.
type counts struct{ Accepted, Delivered, Pending, Dropped, Withheld, Redacted int64 }

func countsOf(s loopkit.Stats) counts {
	c := counts{Accepted: s.Accepted, Delivered: s.Delivered, Pending: s.Pending, Withheld: s.Withheld, Redacted: s.Redacted}
	for _, n := range s.Dropped {
		c.Dropped += n
	}
	return c
}

type value struct{ Key, Text string }

type personView struct {
	collector.Person
	You       bool
	User      idView
	Anonymous []idView
	Traits    []value
}

type groupView struct {
	collector.Group
	Members []idView
	Traits  []value
}

type messageView struct {
	collector.Message
	Key       int // the same for the same message
	User      idView
	Anonymous idView
	Owner     idView // who the anonymous ID belongs to, if the message itself did not say
	Values    []value
	JSON      string
}

// panel describes what was received until now, for a visitor.
func (a *app) panel(you visitor) panelView {
	view := panelView{
		BaseURL: a.place.baseURL,
		Local:   a.place.local != nil,
		Counts:  countsOf(a.client.Stats()),
	}
	colours := make(palette)
	if view.Local {
		view.addReceived(a.place.local, you, colours)
	}
	view.You.User, view.You.Anonymous = colours.view(you.UserID), colours.view(you.AnonymousID)
	return view
}

func (view *panelView) addReceived(local *localLoopKit, you visitor, colours palette) {
	messages := local.Messages()
	for _, m := range messages { // in this order, so that an ID keeps its colour
		colours.view(m.AnonymousID)
		colours.view(m.UserID)
	}
	view.Restarts = local.restarts.Load()
	owners := make(map[string]string)
	for _, p := range local.People() {
		for _, id := range p.AnonymousIDs {
			owners[id] = p.UserID
		}
		view.People = append(view.People, personView{
			Person:    p,
			You:       !p.Deleted && you.is(p),
			User:      colours.view(p.UserID),
			Anonymous: colours.views(p.AnonymousIDs),
			Traits:    values(p.Traits),
		})
	}
	slices.SortStableFunc(view.People, func(p, q personView) int { return q.LastSeen.Compare(p.LastSeen) })
	view.People = first(view.People, shownPeople)
	for _, g := range slices.Backward(local.Groups()) {
		view.Groups = append(view.Groups, groupView{g, colours.views(g.Members), values(g.Traits)})
	}
	view.Groups = first(view.Groups, shownGroups)

	view.Hidden = max(0, len(messages)-shownMessages)
	for i := len(messages) - 1; i >= view.Hidden; i-- {
		m := describe(i, messages[i])
		m.User, m.Anonymous = colours.view(m.UserID), colours.view(m.AnonymousID)
		if m.UserID == "" {
			m.Owner = colours.view(owners[m.AnonymousID])
		}
		view.Messages = append(view.Messages, m)
	}
}

func (v visitor) is(p collector.Person) bool {
	if v.UserID != "" {
		return p.UserID == v.UserID
	}
	return v.AnonymousID != "" && slices.Contains(p.AnonymousIDs, v.AnonymousID)
}

func describe(key int, m collector.Message) messageView {
	view := messageView{Message: m, Key: key, Values: values(m.Values)}
	if len(m.Raw) > 0 {
		var indented strings.Builder
		encoder := json.NewEncoder(&indented)
		encoder.SetEscapeHTML(false) // the template escapes
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(m.Raw); err == nil {
			view.JSON = strings.TrimSpace(indented.String())
		}
	}
	return view
}

// Class is the style of a kind of message.
func (m messageView) Class() string {
	return map[collector.Kind]string{
		collector.KindTrack:       "track",
		collector.KindIdentify:    "identify",
		collector.KindGroup:       "group",
		collector.KindDeleteUser:  "delete",
		collector.KindDeleteGroup: "delete",
	}[m.Kind]
}

// hues is how many colours the style sheet has for IDs.
const hues = 12

// palette gives IDs their colours, in the order in which it is asked.
type palette map[string]int

func (p palette) view(id string) idView {
	if id == "" {
		return idView{}
	}
	if _, known := p[id]; !known {
		p[id] = len(p) % hues
	}
	return idView{id, p[id]}
}

func (p palette) views(ids []string) []idView {
	var out []idView
	for _, id := range ids {
		out = append(out, p.view(id))
	}
	return out
}

// idView is an ID in its colour; the zero value is none.
type idView struct {
	ID  string
	Hue int
}

// Short is the ID without most of its random digits.
func (v idView) Short() string {
	const shown = 13
	if len(v.ID) <= shown+1 {
		return v.ID
	}
	return v.ID[:shown] + "…"
}

func values(of map[string]any) []value {
	out := make([]value, 0, len(of))
	for _, key := range slices.Sorted(maps.Keys(of)) {
		out = append(out, value{key, textOf(of[key])})
	}
	return out
}

// textOf is a value as a person reads it.
func textOf(v any) string {
	if text, ok := v.(string); ok {
		return text
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}

func first[T any](list []T, n int) []T { return list[:min(n, len(list))] }
