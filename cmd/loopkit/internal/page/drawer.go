package page

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/exact"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/rules"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/schema"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/store"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

// eventData is what the drawer shows of one entry.
type eventData struct {
	Query    liveQuery
	Seq      int64
	Gone     bool // the store no longer has it
	Restored bool // from a file, so that nobody knows when it arrived
	Request  *collector.Request
	Message  *collector.Message // nil if the request brought none that was accepted
	Title    string
	Verb     string
	Person   personCell
	SDK      string
	Wire     wireBadge
	Values   []namedValue
	JSON     prettyText
	Headers  []header
	Body     prettyText
	Findings []rules.Finding
	Curl, Go string
}

type namedValue struct {
	Key, Type string
	Value     string // all of it
	Short     string // empty if the value is short
}

type header struct {
	Name, Value string
	Redacted    bool
}

// The tabs of the drawer.
var drawerTabs = []struct{ ID, Title string }{
	{"summary", "Summary"},
	{"json", "JSON"},
	{"request", "Request"},
	{"warnings", "Warnings"},
	{"code", "Curl / Go"},
}

// Tabs are those that the entry has something for.
func (d eventData) Tabs() []drawerTab {
	var out []drawerTab
	for _, t := range drawerTabs {
		if t.ID == "json" && d.JSON.Tokens == nil || t.ID == "warnings" && d.Message == nil && d.Findings == nil || t.ID == "code" && d.Curl == "" {
			continue
		}
		out = append(out, drawerTab{ID: t.ID, Title: t.Title, Link: d.Query.Open(t.ID)})
	}
	front := 0
	for i, t := range out {
		if t.ID == d.Query.Tab {
			front = i
		}
	}
	out[front].Front = true
	return out
}

type drawerTab struct {
	ID, Title, Link string
	Front           bool
}

// InFront reports whether a tab is the one to show.
func (d eventData) InFront(id string) bool {
	return slices.ContainsFunc(d.Tabs(), func(t drawerTab) bool { return t.ID == id && t.Front })
}

// Delay is how much later than its timestamp a message arrived.
func (d eventData) Delay() string {
	delay := d.Request.Time.Sub(d.Message.Timestamp)
	switch {
	case delay < -time.Second:
		return (-delay).Round(time.Second).String() + " before its own time"
	case delay < time.Second:
		return max(0, delay).Round(time.Millisecond).String() + " later"
	}
	return delay.Round(time.Second).String() + " later"
}

// event answers with the drawer of one entry.
func (p *Page) event(w http.ResponseWriter, r *http.Request) {
	seq, err := strconv.ParseInt(r.PathValue("seq"), 10, 64)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	q := parseQuery(r.URL.Query())
	q.Sel = seq
	data := p.eventData(q, p.opts.Store.Snapshot())
	status := http.StatusOK
	if data.Gone {
		status = http.StatusNotFound
	}
	p.execute(w, status, "live.html", "drawer", data)
}

// body answers with the body of an entry's request as it came, as plain text.
func (p *Page) body(w http.ResponseWriter, r *http.Request) {
	seq, err := strconv.ParseInt(r.PathValue("seq"), 10, 64)
	e := p.opts.Store.Snapshot().Entry(seq)
	if err != nil || e == nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	body := e.Request.Body
	if len(body) == 0 && e.Message != nil {
		body = e.Message.Raw // of a request that is known from a file only
	}
	_, _ = w.Write(body) // a browser that is gone needs no answer
}

func (p *Page) eventData(q liveQuery, s *store.Snapshot) *eventData {
	d := &eventData{Query: q, Seq: q.Sel}
	e := s.Entry(q.Sel)
	if e == nil {
		d.Gone = true
		return d
	}
	d.Request, d.Message, d.Findings, d.Restored = e.Request, e.Message, e.Findings, e.Restored
	d.Title = d.Request.Method + " " + d.Request.Path
	d.Headers = headersOf(e.Request)
	if len(e.Request.Body) > 0 {
		d.Body = prettyJSON(e.Request.Body)
	}
	d.Curl = curlOf(e, p.opts.BaseURL)
	if d.Message != nil {
		r := rowOf(q, e, p.censuses.of(s))
		d.Title, d.Verb, d.Person, d.SDK, d.Wire = r.Label, r.Verb(), r.Person, r.SDK, r.Wire
		d.Values = namedValues(exact.Values(d.Message))
		d.Go = goOf(d.Message, p.opts.BaseURL+strings.TrimSuffix(pathBase(d.Request), "/"))
		if d.Message.Raw != nil {
			d.JSON = prettyJSON(d.Message.Raw)
		}
	}
	return d
}

// longText is how many characters of a value are shown at first.
const longText = 200

func namedValues(values map[string]any) []namedValue {
	var out []namedValue
	for _, key := range slices.Sorted(maps.Keys(values)) {
		v := namedValue{Key: visible(key), Type: schema.TypeOf(values[key]), Value: inline(values[key], mostPretty)}
		if len(v.Value) > longText {
			v.Short = clip(longText, v.Value)
		}
		out = append(out, v)
	}
	return out
}

// headersOf returns the headers of a request as it had them, without secrets.
func headersOf(r *collector.Request) []header {
	var out []header
	switch r.Auth {
	case "bearer":
		out = append(out, header{"Authorization", "Bearer ", true})
	case "raw":
		out = append(out, header{"Authorization", "", true})
	}
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		for _, value := range r.Header[name] {
			h := header{Name: name, Value: visible(value)}
			if name == "Cookie" || name == "Proxy-Authorization" {
				h.Value, h.Redacted = "", true
			}
			out = append(out, h)
		}
	}
	return out
}

// Target is the request's path, with the place of a key in the query.
func (d eventData) Target() string {
	target, err := url.PathUnescape(d.Request.Path)
	if err != nil {
		target = d.Request.Path
	}
	if d.Request.Auth == "query" {
		target += "?apiKey=••••••"
	}
	return target
}

// pathBase is what stands before the endpoint in a request's path: "/v1/".
func pathBase(r *collector.Request) string {
	path := r.Path
	if r.Endpoint == collector.UserDeletions || r.Endpoint == collector.GroupDeletions {
		path = path[:max(0, strings.LastIndexByte(path, '/'))]
	}
	return path[:strings.LastIndexByte(path, '/')+1]
}
