package page

import (
	"encoding/json"
	"net/http"
	"sort"
	"time"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/store"
)

// liveData is what the Live page shows.
type liveData struct {
	Query    liveQuery
	Requests []*requestRows
	Cursor   string // where the stream goes on
	Terms    []filterTerm
	Error    string // what is wrong with the filter
	Matched  int
	Total    int
	Older    int64 // there is more before this entry; 0 if there is not
	Selected *eventData
}

func (p *Page) live(w http.ResponseWriter, r *http.Request) {
	q := parseQuery(r.URL.Query())
	s := p.opts.Store.Snapshot()
	selected, err := q.selection()
	data := liveData{
		Query:  q,
		Cursor: cursor{p.opts.Store.Instance(), s.Last}.String(),
		Terms:  selected.Terms,
		Total:  len(s.Entries),
	}
	if err != nil {
		data.Error = err.Error()
	} else {
		t := tally{selection: selected}
		data.Matched = len(t.advance(s))
		shown, more := selected.newest(before(s, q.Before), mostRows)
		data.Requests, data.Older = rowsOf(q, shown, p.censuses.of(s)), olderThan(shown, more)
	}
	if q.Sel != 0 {
		data.Selected = p.eventData(q, s)
	}
	p.render(w, r, "live.html", pageData{
		Title:    "Live (" + grouped(p.censuses.of(s).counts.Events) + ")",
		Nav:      "live",
		Snapshot: s,
		Body:     data,
	})
}

// KindChips are the values of kind:… that have a chip.
func (liveData) KindChips() []string { return kindChips }

// Now is a timestamp for examples.
func (liveData) Now() time.Time { return time.Now() }

// before returns the entries before a number, or all if that is 0.
func before(s *store.Snapshot, seq int64) []*store.Entry {
	if seq == 0 {
		return s.Entries
	}
	return s.Entries[:sort.Search(len(s.Entries), func(i int) bool { return s.Entries[i].Seq >= seq })]
}

// rows answers with the batch after a cursor, or with the rows before an entry.
func (p *Page) rows(w http.ResponseWriter, r *http.Request) {
	q := parseQuery(r.URL.Query())
	selected, err := q.selection()
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s := p.opts.Store.Snapshot()
	var b batch
	if q.Before != 0 {
		shown, more := selected.newest(before(s, q.Before), mostRows)
		b = batch{Older: olderThan(shown, more), Rows: len(shown), Oldest: oldestOf(s)}
		b.HTML = p.html("rows", rowsOf(q, shown, p.censuses.of(s)))
	} else {
		t, after := p.resume(selected, s, parseCursor(r.URL.Query().Get("after")))
		b = p.batch(q, t, s, after)
	}
	text, err := json.Marshal(b)
	if err != nil {
		panic(err) // the data is this package's own
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(text) // a browser that is gone needs no answer
}

// resume returns a tally that knows everything up to a cursor, and where that
// is: 0 if the cursor is of another store, or of what was cleared.
func (p *Page) resume(selected selection, s *store.Snapshot, at cursor) (*tally, int64) {
	t := &tally{selection: selected}
	if at.instance != p.opts.Store.Instance() || at.seq < 0 || at.seq > s.Last {
		return t, 0
	}
	for _, e := range s.Entries {
		if e.Seq > at.seq {
			break
		}
		if selected.match(e) {
			t.matched = append(t.matched, e.Seq)
		}
	}
	t.last = at.seq
	return t, at.seq
}
