package devserver

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/filter"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/store"
)

// query is which entries a request asks for.
type query struct {
	filters []filter.Filter // all of them must match
	since   position        // the newest that the client has
	latest  int             // no more than so many, the newest; all is no bound
}

const all = -1

// position is a place in the numbering of one store.
type position struct {
	given    bool
	instance string // empty means the current one
	seq      int64
}

func (p position) String() string { return p.instance + "." + strconv.FormatInt(p.seq, 10) }

func parseQuery(r *http.Request) (query, error) {
	q := query{latest: all}
	values := r.URL.Query()
	for _, text := range []string{
		values.Get("q"),
		terms("kind", values.Get("kind")),
		terms("user", values.Get("user")),
	} {
		f, err := filter.Parse(text)
		if err != nil {
			return query{}, err
		}
		q.filters = append(q.filters, f)
	}
	var err error
	if text := values.Get("latest"); text != "" {
		if q.latest, err = strconv.Atoi(text); err != nil || q.latest < 0 {
			return query{}, fmt.Errorf("latest is %.40q; it must be a number of events", text)
		}
	}
	if q.since, err = parsePosition(values.Get("since")); err != nil {
		return query{}, fmt.Errorf("since %w", err)
	}
	if id := r.Header.Get("Last-Event-ID"); id != "" { // a stream that resumes knows better
		if q.since, err = parsePosition(id); err != nil {
			return query{}, fmt.Errorf("Last-Event-ID %w", err)
		}
		q.latest = all
	}
	return q, nil
}

// terms returns the filter for one of several values, separated by commas.
func terms(key, values string) string {
	var out []string
	for value := range strings.SplitSeq(values, ",") {
		if value != "" {
			out = append(out, key+":"+filter.Quote(value))
		}
	}
	return strings.Join(out, " ")
}

// parsePosition reads "12", or "k3v9qz.12" as the IDs of events are.
func parsePosition(text string) (position, error) {
	if text == "" {
		return position{}, nil
	}
	p := position{given: true}
	number := text
	if instance, seq, ok := strings.Cut(text, "."); ok {
		p.instance, number = instance, seq
	}
	var err error
	if p.seq, err = strconv.ParseInt(number, 10, 64); err != nil || p.seq < 0 {
		return position{}, fmt.Errorf("is %.40q; it must be the number or the ID of an event", text)
	}
	return p, nil
}

// start returns the number after which the answer begins.
func (q query) start(instance string, s *store.Snapshot) int64 {
	if q.since.instance != "" && q.since.instance != instance {
		return 0
	}
	return min(q.since.seq, s.Last)
}

// match returns those entries that the query asks for.
func (q query) match(entries []*store.Entry) []*store.Entry {
	var out []*store.Entry
	for _, e := range entries {
		if q.wants(e) {
			out = append(out, e)
		}
	}
	if q.latest != all && len(out) > q.latest {
		out = out[len(out)-q.latest:]
	}
	return out
}

func (q query) wants(e *store.Entry) bool {
	for _, f := range q.filters {
		if !f.Match(e) {
			return false
		}
	}
	return true
}
