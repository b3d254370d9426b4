package page

import (
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/exact"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/rules"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/store"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

// requestRows are the rows of one HTTP request, the newest first.
type requestRows struct {
	Query    liveQuery
	Request  *collector.Request
	Seq      int64       // of the request's own row if it brought no message, or 0
	Warnings warningCell // of the request's own row
	Rows     []row
}

// row is one message as the Live page's table shows it.
type row struct {
	Query    liveQuery
	Seq      int64
	Message  *collector.Message
	Label    string // "user_signup", or "user_123" of an identify
	Person   personCell
	Values   []valueCell // the first few
	More     int         // values that are not among them
	SDK      string
	Wire     wireBadge
	Warnings warningCell
}

// personCell says who somebody is, as far as that is known by now.
type personCell struct {
	ID          string // user ID, or else the anonymous ID
	Link        string // to the person's page
	UserID      string // empty while the person is anonymous
	AnonymousID string // that the message has
	Groups      []string
}

type valueCell struct{ Key, Text string }

type wireBadge struct{ Text, Title string }

type warningCell struct {
	Count    int
	Severity rules.Severity // the worst
}

// preview is how many values and groups a row shows.
const preview = 3

// rowsOf returns the rows of entries, which are oldest first, in the order of the page.
func rowsOf(q liveQuery, entries []*store.Entry, c *census) []*requestRows {
	var out []*requestRows
	var current *requestRows
	for _, e := range slices.Backward(entries) {
		if current == nil || current.Request.Index != e.Request.Index {
			current = &requestRows{Query: q, Request: e.Request}
			out = append(out, current)
		}
		if e.Message == nil {
			current.Seq, current.Warnings = e.Seq, warningsOf(e)
			continue
		}
		current.Rows = append(current.Rows, rowOf(q, e, c))
	}
	return out
}

// Partial returns how many of the request's messages are shown, if not all are.
func (r *requestRows) Partial() int {
	if len(r.Rows) == r.Request.Messages {
		return 0
	}
	return len(r.Rows)
}

// Refused reports whether the sender was not told that all is well.
func (r *requestRows) Refused() bool {
	return r.Request.Refusal != "" || r.Request.Status >= 400 || r.Request.Status == 0
}

// Auth describes how the key was sent.
func (r *requestRows) Auth() string { return authForms[r.Request.Auth] }

var authForms = map[string]string{
	"bearer": "Bearer",
	"raw":    "key without Bearer",
	"query":  "key in the URL",
	"none":   "no key",
}

func rowOf(q liveQuery, e *store.Entry, c *census) row {
	m := e.Message
	r := row{
		Query:    q,
		Seq:      e.Seq,
		Message:  m,
		Label:    label(m),
		Person:   personCellOf(m, c),
		SDK:      sdkOf(m),
		Wire:     wireOf(e),
		Warnings: warningsOf(e),
	}
	r.Values, r.More = previewOf(m)
	return r
}

func label(m *collector.Message) string {
	switch m.Kind {
	case collector.KindTrack:
		return m.Name
	case collector.KindGroup, collector.KindDeleteGroup:
		return m.GroupID
	}
	return m.UserID
}

// Verb stands before the label; a track needs none.
func (r row) Verb() string {
	switch r.Message.Kind {
	case collector.KindTrack:
		return ""
	case collector.KindDeleteUser:
		return "delete user"
	case collector.KindDeleteGroup:
		return "delete group"
	}
	return string(r.Message.Kind)
}

func personCellOf(m *collector.Message, c *census) personCell {
	cell := personCell{ID: m.UserID, UserID: m.UserID, AnonymousID: m.AnonymousID}
	if p, ok := c.person(m); ok {
		cell.UserID, cell.Groups = p.UserID, p.Groups
	}
	cell.ID, cell.Link = cell.UserID, personURL(cell.UserID)
	if cell.UserID == "" {
		cell.ID, cell.Link = m.AnonymousID, c.anonymousURL(m.AnonymousID)
	}
	return cell
}

// identityKey stands for an ID, which may be long, where rows are told apart by it.
func identityKey(id string) string {
	if id == "" {
		return ""
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(id)) // a hash takes everything
	return strconv.FormatUint(h.Sum64(), 36)
}

// UserKey is that of the user that the message names.
func (r row) UserKey() string { return identityKey(r.Message.UserID) }

// AnonymousKey is that of the message's anonymous ID.
func (r row) AnonymousKey() string { return identityKey(r.Message.AnonymousID) }

// ShortAnonymousID is enough to tell anonymous IDs apart by eye.
func (p personCell) ShortAnonymousID() string { return clip(13, p.AnonymousID) }

// FirstGroups is the one that a row has room for.
func (p personCell) FirstGroups() []string { return p.Groups[:min(1, len(p.Groups))] }

// MoreGroups is how many it has no room for.
func (p personCell) MoreGroups() int { return len(p.Groups) - len(p.FirstGroups()) }

// AllGroups names them all.
func (p personCell) AllGroups() string { return strings.Join(p.Groups, ", ") }

// previewOf returns the first values in the order of their keys, and how many more there are.
func previewOf(m *collector.Message) (cells []valueCell, more int) {
	values := exact.Values(m)
	keys := slices.Sorted(maps.Keys(values))
	for _, key := range keys[:min(preview, len(keys))] {
		cells = append(cells, valueCell{clip(40, key), clip(60, inline(values[key], longText))})
	}
	return cells, len(values) - len(cells)
}

func sdkOf(m *collector.Message) string {
	sdk, _ := m.System["sdk"].(map[string]any)
	name, _ := sdk["name"].(string)
	version, _ := sdk["version"].(string)
	return clip(40, strings.TrimSpace(name+" "+version))
}

// wireOf names the form in which a message came.
func wireOf(e *store.Entry) wireBadge {
	switch e.Request.Form {
	case "envelope":
		return wireBadge{"batch", "in an envelope, as LoopKit's SDKs send it"}
	case "object":
		return wireBadge{"documented", "one bare object, as the documentation shows it"}
	case "array":
		return wireBadge{"array", "in a bare array, which no source shows"}
	}
	return wireBadge{}
}

func warningsOf(e *store.Entry) warningCell {
	cell := warningCell{Count: len(e.Findings)}
	for _, s := range []rules.Severity{rules.Info, rules.Warning, rules.Error} {
		for _, f := range e.Findings {
			if f.Rule.Severity == s {
				cell.Severity = s
			}
		}
	}
	return cell
}

// Time is the message's own.
func (r row) Time() time.Time { return r.Message.Timestamp }
