package devserver

import (
	"cmp"
	"net/http"
	"slices"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/rules"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/store"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

// summaryJSON counts what is kept.
type summaryJSON struct {
	Instance   string                 `json:"instance"` // of the server, which counts anew when it starts
	Events     int                    `json:"events"`   // accepted messages of all kinds
	Identifies int                    `json:"identifies"`
	GroupCalls int                    `json:"groupCalls"`
	Tracks     int                    `json:"tracks"`
	Deletions  int                    `json:"deletions"`
	People     int                    `json:"people"`
	Groups     int                    `json:"groups"`
	Warnings   map[rules.Severity]int `json:"warnings"`
	Requests   int                    `json:"requests"`
	Refused    int                    `json:"refused"`   // requests that were answered with an error, or not at all
	Forgotten  int64                  `json:"forgotten"` // events and refused requests for which there was no room
	Forward    *forwardCounts         `json:"forward,omitempty"`
}

func (s *Server) summary(w http.ResponseWriter, _ *http.Request) {
	snapshot := s.store.Snapshot()
	out := summaryJSON{
		Instance:  s.store.Instance(),
		People:    len(snapshot.People()),
		Groups:    len(snapshot.Groups()),
		Warnings:  map[rules.Severity]int{rules.Error: 0, rules.Warning: 0, rules.Info: 0},
		Forgotten: snapshot.Forgotten,
	}
	for _, f := range snapshot.Findings() {
		out.Warnings[f.Rule.Severity]++
	}
	var last *collector.Request
	for _, e := range snapshot.Entries {
		out.count(e)
		if e.Request != last { // those of one request are side by side
			out.Requests++
		}
		last = e.Request
	}
	if s.forward != nil {
		counts := s.forward.summary()
		out.Forward = &counts
	}
	answer(w, http.StatusOK, out)
}

func (out *summaryJSON) count(e *store.Entry) {
	if e.Message == nil {
		if e.Request.Status/100 != 2 {
			out.Refused++
		}
		return
	}
	out.Events++
	switch e.Message.Kind {
	case collector.KindIdentify:
		out.Identifies++
	case collector.KindGroup:
		out.GroupCalls++
	case collector.KindTrack:
		out.Tracks++
	default:
		out.Deletions++
	}
}

// warningJSON is what one rule found.
type warningJSON struct {
	Rule     string         `json:"rule"`
	Severity rules.Severity `json:"severity"`
	Title    string         `json:"title"`
	Section  string         `json:"section"`
	Why      string         `json:"why"`
	Fix      string         `json:"fix"`
	Example  string         `json:"example"`
	Findings []findingJSON  `json:"findings"`
}

type findingJSON struct {
	Event  int64  `json:"event,omitempty"` // its seq; absent if it is about no single event
	Detail string `json:"detail"`
}

// warnings answers with the findings by rule, those with the most of them first.
func (s *Server) warnings(w http.ResponseWriter, _ *http.Request) {
	byRule := make(map[string]*warningJSON)
	out := []*warningJSON{}
	for _, f := range s.store.Snapshot().Findings() {
		found := byRule[f.Rule.ID]
		if found == nil {
			found = &warningJSON{
				Rule: f.Rule.ID, Severity: f.Rule.Severity, Title: f.Rule.Title, Section: f.Rule.Section,
				Why: f.Rule.Why, Fix: f.Rule.Fix, Example: f.Rule.Example,
			}
			byRule[f.Rule.ID] = found
			out = append(out, found)
		}
		found.Findings = append(found.Findings, findingJSON{f.Subject, f.Detail})
	}
	slices.SortStableFunc(out, func(a, b *warningJSON) int { return cmp.Compare(len(b.Findings), len(a.Findings)) })
	answer(w, http.StatusOK, map[string]any{"warnings": out})
}
