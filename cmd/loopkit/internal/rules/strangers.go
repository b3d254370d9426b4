package rules

import (
	"fmt"
	"iter"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/plural"
)

var strangers = &check{
	Rule: Rule{
		ID: "W-STRANGERS", Severity: Info, Section: mergingSection,
		Title: "Visitors who may be users",
		Why:   "LoopKit attaches to a user what came under the anonymousId of an identify, and nothing else. Users whose identifies have no events, beside visitors whom nobody identifies, are often the same people.",
		Fix:   "Identify under the anonymousId of the visitor, also from the server, and keep it through the login. If the users were no visitors, as in a nightly job, there is nothing to do.",
		Example: `// loopkithttp.Middleware keeps the ID in a cookie and puts it into the context.
client.Identify(r.Context(), "user_123", loopkit.Traits{"plan": "trial"})`,
	},
	conclude: func(h *history) (int, iter.Seq2[int64, string]) {
		general := h.count().doubts()
		return len(general) + h.strays.len(), func(yield func(int64, string) bool) {
			for _, detail := range general {
				if !yield(0, detail) {
					return
				}
			}
			for t := range h.strays.all() {
				under := "under " + shown(t.device.id) + ", which has no events"
				if t.device.derived {
					under = "without the anonymousId of a visitor"
				}
				detail := fmt.Sprintf("%s was identified %s; %s until then came under %s (last %s): is that the same person?",
					shown(t.person.id), under, plural.Of(t.events, "event"), shown(t.visitor.id), h.place(t.last))
				if !yield(t.number, detail) {
					return
				}
			}
		}
	},
}
