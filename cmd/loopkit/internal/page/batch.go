package page

import (
	"bytes"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/store"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

// mostRows is how many messages the page shows at first, and how many more at a time.
const mostRows = 200

// mostFresh is how many messages the stream adds at once. When more come in a
// beat nobody can follow them, and the newest take the place of the list.
const mostFresh = 50

// batch is what the page's script gets to bring the page up to date.
type batch struct {
	After   int64  `json:"after"`   // the rows are newer than this entry
	Last    int64  `json:"last"`    // and up to this one, whether or not they match
	Oldest  int64  `json:"oldest"`  // entries before this one are no longer kept
	Replace bool   `json:"replace"` // the rows are not all after After: they replace those that are shown
	Older   int64  `json:"older"`   // there is more before this entry; 0 if there is not
	Rows    int    `json:"rows"`    // how many match
	HTML    string `json:"html"`

	People  []personUpdate `json:"people,omitempty"`
	Matched int            `json:"matched"` // of all that is kept
	Total   int            `json:"total"`
	Counts  counts         `json:"counts"`
	Version int64          `json:"version"`
}

// personUpdate is for the rows of somebody who turned out to be somebody.
type personUpdate struct {
	User      string   `json:"user"` // as in data-user
	Anonymous []string `json:"anonymous"`
	Person    string   `json:"person"`              // HTML of the link to the user; empty if it is still nobody known
	Groups    string   `json:"groups"`              // HTML of the cell
	Forgotten string   `json:"forgotten,omitempty"` // address of the user, who was deleted: anonymous rows no longer lead there
}

// cursor is a place in the store's log that can be told from one in another store's.
type cursor struct {
	instance string
	seq      int64
}

func parseCursor(text string) cursor {
	instance, number, _ := strings.Cut(text, ".")
	seq, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return cursor{}
	}
	return cursor{instance, seq}
}

func (c cursor) String() string { return fmt.Sprintf("%s.%d", c.instance, c.seq) }

// tally keeps count of the entries that match a selection as they come and go.
type tally struct {
	selection selection
	last      int64
	matched   []int64 // the Seq of each, oldest first
}

// advance looks at what is new, and returns those that match.
func (t *tally) advance(s *store.Snapshot) []*store.Entry {
	var matching []*store.Entry
	for _, e := range s.Since(t.last) {
		if t.selection.match(e) {
			matching = append(matching, e)
			t.matched = append(t.matched, e.Seq)
		}
	}
	t.last = s.Last
	oldest := oldestOf(s)
	t.matched = t.matched[sort.Search(len(t.matched), func(i int) bool { return t.matched[i] >= oldest }):]
	return matching
}

func oldestOf(s *store.Snapshot) int64 {
	if len(s.Entries) == 0 {
		return s.Last + 1
	}
	return s.Entries[0].Seq
}

// newest returns the newest matching entries among those given, oldest first, and
// whether there are more.
func (s selection) newest(entries []*store.Entry, most int) (newest []*store.Entry, more bool) {
	for _, e := range slices.Backward(entries) {
		if !s.match(e) {
			continue
		}
		if len(newest) == most {
			more = true
			break
		}
		newest = append(newest, e)
	}
	slices.Reverse(newest)
	return newest, more
}

// olderThan returns the number to ask for what comes before the entries.
func olderThan(entries []*store.Entry, more bool) int64 {
	if !more {
		return 0
	}
	return entries[0].Seq
}

// batch brings a page that shows everything up to after up to date.
func (p *Page) batch(q liveQuery, t *tally, s *store.Snapshot, after int64) batch {
	c := p.censuses.of(s)
	fresh := t.advance(s)
	b := batch{
		After: after, Last: s.Last, Oldest: oldestOf(s), Rows: len(fresh),
		Matched: len(t.matched), Total: len(s.Entries), Counts: c.counts, Version: s.Version,
	}
	shown := fresh
	if most := mostFresh; after == 0 || len(fresh) > most {
		if after == 0 {
			most = mostRows
		}
		var more bool
		shown, more = t.selection.newest(s.Entries, most)
		b.Replace, b.Older = true, olderThan(shown, more)
	} else {
		b.People = p.personUpdates(s.Since(after), c)
	}
	b.HTML = p.html("rows", rowsOf(q, shown, c))
	return b
}

// personUpdates returns whom the entries merged, grouped or deleted.
func (p *Page) personUpdates(entries []*store.Entry, c *census) []personUpdate {
	var out []personUpdate
	seen := make(map[string]bool)
	for _, e := range entries {
		m := e.Message
		if m != nil && m.Kind == collector.KindDeleteUser {
			out = append(out, personUpdate{
				User:      identityKey(m.UserID),
				Groups:    p.html("group-chips", personCellOf(m, c)),
				Forgotten: personURL(m.UserID),
			})
			continue
		}
		if m == nil || m.Kind != collector.KindIdentify && m.Kind != collector.KindGroup {
			continue
		}
		person, ok := c.person(m)
		id := person.UserID
		if id == "" {
			id = m.AnonymousID
		}
		if !ok || seen[id] {
			continue
		}
		seen[id] = true
		cell := personCellOf(m, c)
		update := personUpdate{
			User:   identityKey(person.UserID),
			Groups: p.html("group-chips", cell),
		}
		if person.UserID != "" {
			update.Person = p.html("person-link", cell)
		}
		for _, anonymous := range person.AnonymousIDs {
			update.Anonymous = append(update.Anonymous, identityKey(anonymous))
		}
		out = append(out, update)
	}
	return out
}

// html renders a part of the Live page.
func (p *Page) html(part string, data any) string {
	var out bytes.Buffer
	if err := p.pages["live.html"].ExecuteTemplate(&out, part, data); err != nil {
		panic(err) // the server answers 500 and logs it
	}
	return out.String()
}
