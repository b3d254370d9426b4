package page

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/rules"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/store"
)

// warningsView is what the rules found.
type warningsView struct {
	Total   int
	Events  int
	Checks  int
	Found   []ruleFound
	Nothing []*rules.Rule // those that found nothing
	Report  string        // the same as Markdown
}

// ruleFound is one rule and what it found.
type ruleFound struct {
	*rules.Rule
	Count    int
	Examples []finding // the latest first
}

// mostExamples is how many findings of a rule are listed.
const mostExamples = 5

func (p *Page) warnings(w http.ResponseWriter, r *http.Request) {
	snapshot := p.opts.Store.Snapshot()
	view := warningsIn(snapshot, rules.All())
	view.Report = reportOf(view)
	p.render(w, r, "warnings.html", pageData{
		Title:    fmt.Sprintf("Warnings (%s)", grouped(view.Total)),
		Nav:      "warnings",
		Snapshot: snapshot,
		Body:     view,
	})
}

// warningsIn groups the findings by rule, the worst and most frequent first.
func warningsIn(snapshot *store.Snapshot, all []*rules.Rule) warningsView {
	view := warningsView{Checks: len(all)}
	for _, e := range snapshot.Entries {
		if e.Message != nil {
			view.Events++
		}
	}
	found := make(map[string]*ruleFound)
	for _, f := range slices.Backward(snapshot.Findings()) {
		of := found[f.Rule.ID]
		if of == nil {
			of = &ruleFound{Rule: f.Rule}
			found[f.Rule.ID] = of
		}
		of.Count++
		view.Total++
		if len(of.Examples) < mostExamples {
			of.Examples = append(of.Examples, finding{f, snapshot.Entry(f.Subject)})
		}
	}
	for _, of := range found {
		view.Found = append(view.Found, *of)
	}
	slices.SortFunc(view.Found, func(a, b ruleFound) int {
		return cmp.Or(
			cmp.Compare(rank(a.Severity), rank(b.Severity)),
			cmp.Compare(b.Count, a.Count),
			cmp.Compare(a.ID, b.ID),
		)
	})
	for _, rule := range all {
		if found[rule.ID] == nil {
			view.Nothing = append(view.Nothing, rule)
		}
	}
	return view
}

// rank orders severities, the worst first.
func rank(s rules.Severity) int {
	return slices.Index([]rules.Severity{rules.Error, rules.Warning, rules.Info}, s)
}

// More is how many findings are not listed.
func (f ruleFound) More() int { return f.Count - len(f.Examples) }
