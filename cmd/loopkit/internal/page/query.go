package page

import (
	"net/url"
	"slices"
	"strconv"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/filter"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/store"
)

// liveQuery is the state of the Live page, all of which is in its address.
type liveQuery struct {
	Q            string   // in the filter's language
	Kinds        []string // those of the chips that are on
	WarningsOnly bool
	User         string // shorthand of other pages for user:… in Q
	Before       int64  // only older entries; 0 for the newest
	Sel          int64  // of the entry in the drawer; 0 for none
	Tab          string // of the drawer
	Refresh      bool   // load the page anew every few seconds, without JavaScript
}

func parseQuery(values url.Values) liveQuery {
	q := liveQuery{
		Q:            values.Get("q"),
		WarningsOnly: values.Get("warnings") == "1",
		User:         values.Get("user"),
		Tab:          values.Get("tab"),
		Refresh:      values.Get("refresh") == "1",
	}
	for _, kind := range kindChips {
		if slices.Contains(values["kind"], kind) {
			q.Kinds = append(q.Kinds, kind)
		}
	}
	q.Before, _ = strconv.ParseInt(values.Get("before"), 10, 64) // what is no number selects nothing
	q.Sel, _ = strconv.ParseInt(values.Get("sel"), 10, 64)
	return q
}

// kindChips are the values of kind:… that have a chip.
var kindChips = []string{"track", "identify", "group", "delete"}

// String returns the address of the page in this state.
func (q liveQuery) String() string {
	values := q.filters()
	set := func(name, value string, given bool) {
		if given {
			values.Set(name, value)
		}
	}
	set("before", strconv.FormatInt(q.Before, 10), q.Before != 0)
	set("sel", strconv.FormatInt(q.Sel, 10), q.Sel != 0)
	set("tab", q.Tab, q.Tab != "")
	set("refresh", "1", q.Refresh)
	if len(values) == 0 {
		return "/"
	}
	return "/?" + values.Encode()
}

// Filters returns the part of the address that says which entries to show.
func (q liveQuery) Filters() string { return q.filters().Encode() }

func (q liveQuery) filters() url.Values {
	values := make(url.Values)
	if q.Q != "" {
		values.Set("q", q.Q)
	}
	if len(q.Kinds) > 0 {
		values["kind"] = q.Kinds
	}
	if q.WarningsOnly {
		values.Set("warnings", "1")
	}
	if q.User != "" {
		values.Set("user", q.User)
	}
	return values
}

// Select returns the address of the page with an entry in the drawer.
func (q liveQuery) Select(seq int64) string {
	q.Sel, q.Tab = seq, ""
	return q.String()
}

// Open returns the address of the page with a tab of the drawer in front.
func (q liveQuery) Open(tab string) string {
	q.Tab = tab
	return q.String()
}

// Close returns the address of the page without the drawer.
func (q liveQuery) Close() string { return q.Select(0) }

// Older returns the address of the page with what came before an entry.
func (q liveQuery) Older(seq int64) string {
	q.Before, q.Sel, q.Tab = seq, 0, ""
	return q.String()
}

// Newest returns the address of the page with the newest entries.
func (q liveQuery) Newest() string { return q.Older(0) }

// Refreshing returns the address of the page with the other choice of Refresh.
func (q liveQuery) Refreshing() string {
	q.Refresh = !q.Refresh
	return q.String()
}

// HasKind reports whether a kind's chip is on.
func (q liveQuery) HasKind(kind string) bool { return slices.Contains(q.Kinds, kind) }

// Filtering reports whether the page shows only some of what was received.
func (q liveQuery) Filtering() bool {
	return q.Q != "" || len(q.Kinds) > 0 || q.WarningsOnly || q.User != ""
}

// filterTerm is a condition of the query, and the address of the page without it.
type filterTerm struct {
	Text, Without string
}

// selection is what a liveQuery asks for.
type selection struct {
	query, chips filter.Filter
	Terms        []filterTerm
}

// selection returns what to show; it is everything if there is an error.
func (q liveQuery) selection() (selection, error) {
	query, err := filter.Parse(q.Q)
	if err != nil {
		return selection{}, err
	}
	var chips string
	for _, kind := range q.Kinds {
		chips += " kind:" + kind
	}
	if q.WarningsOnly {
		chips += " warn:*"
	}
	if q.User != "" {
		chips += " user:" + filter.Quote(q.User)
	}
	s := selection{query: query}
	if s.chips, err = filter.Parse(chips); err != nil {
		return selection{}, err
	}
	for i, term := range query.Terms() {
		without := q
		without.Q, without.Sel, without.Tab, without.Before = query.Without(i), 0, "", 0
		s.Terms = append(s.Terms, filterTerm{term.Text, without.String()})
	}
	if q.User != "" {
		without := q
		without.User, without.Sel, without.Tab, without.Before = "", 0, "", 0
		s.Terms = append(s.Terms, filterTerm{"user:" + q.User, without.String()})
	}
	return s, nil
}

func (s selection) match(e *store.Entry) bool { return s.query.Match(e) && s.chips.Match(e) }
