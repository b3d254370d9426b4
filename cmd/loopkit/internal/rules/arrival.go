package rules

import (
	"fmt"
	"time"

	"github.com/loopkitai/loopkit-go/internal/collector"
)

const (
	retryWindow    = 5 * time.Second // between two identical messages
	clockTolerance = 5 * time.Minute
	staleAfter     = 30 * 24 * time.Hour
	longestAhead   = 2 * 365 * 24 * time.Hour // that is worth counting in days
)

// year2000 is before all analytics; an earlier time is a clock that was never
// set, or seconds taken for milliseconds.
var year2000 = time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)

// duplicate is found before any other rule looks at the message.
var duplicate = &check{
	Rule: Rule{
		ID: "W-DUP", Severity: Warning,
		Title: "Sent twice",
		Why:   "LoopKit documents no way to recognise a repeated message, so it may count twice. The usual reasons are a retry after an answer was lost, and code that runs twice.",
		Fix:   "Retry only what was not answered, and give each message an ID of its own, so that copies can be told. Look for handlers that are registered twice.",
		Example: `// An import that may run again gives its own IDs.
client.Track(ctx, "user_signup", nil, loopkit.At(signedUp), loopkit.WithMessageID("import-0001"))`,
	},
}

func detailOfDuplicate(h *history, s *sighting) string {
	if s.message.MessageID != "" {
		return "its messageId is that of " + h.place(s.repeated.number)
	}
	return "it is identical to " + h.place(s.repeated.number)
}

var inFuture = &check{
	Rule: Rule{
		ID: "W-FUTURE", Severity: Warning,
		Title:   "A timestamp in the future",
		Why:     "The event stands in the wrong place of the person's journey, and in reports of days that have not come.",
		Fix:     "Set the clock of the sender, and send UTC: a local time with a Z is hours off. Without a time of its own, the SDK takes that of the call.",
		Example: `client.Track(ctx, "user_signup", nil, loopkit.At(user.CreatedAt)) // a time.Time knows its zone`,
	},
	observe: func(_ *history, s *sighting) string {
		ahead := s.message.Timestamp.Sub(s.arrived)
		if s.message.Timestamp.IsZero() || ahead <= clockTolerance {
			return ""
		}
		switch {
		case ahead > longestAhead:
			return fmt.Sprintf("timestamp is in the year %d", s.message.Timestamp.UTC().Year())
		case s.live():
			return "timestamp is " + span(ahead) + " after its arrival"
		}
		return "timestamp is " + span(ahead) + " from now"
	},
}

var stale = &check{
	Rule: Rule{
		ID: "W-STALE", Severity: Info,
		Title:   "An old timestamp",
		Why:     "An event that an SDK stamps when it happens should not be weeks old: the sender's clock is wrong, or its queue was stuck. Times before 2000 come from a clock that was not set, or from seconds taken for milliseconds.",
		Fix:     "Check the clock and the unit of time. If old data is sent on purpose, there is nothing to do.",
		Example: `client.Track(ctx, "user_signup", nil, loopkit.At(time.Unix(seconds, 0)))`,
	},
	observe: func(h *history, s *sighting) string {
		t := s.message.Timestamp
		switch {
		case t.IsZero():
			return ""
		case t.Before(year2000):
			return fmt.Sprintf("timestamp is in the year %d", t.UTC().Year())
		case !isStale(s) || h.staleRequest == s.request: // one in a request is enough
			return ""
		}
		return "timestamp is " + span(s.arrived.Sub(t)) + " before its arrival"
	},
}

// isStale judges what an SDK sent now. Who writes messages by hand means the
// time that they state.
func isStale(s *sighting) bool {
	return s.live() && s.message.System["sdk"] != nil && !s.message.Timestamp.IsZero() &&
		s.arrived.Sub(s.message.Timestamp) > staleAfter
}

var keyInQuery = &check{
	Rule: Rule{
		ID: "W-KEYINQUERY", Severity: Warning, Section: "User Identification: Identify API",
		Title:   "The API key in the URL",
		Why:     "URLs are written to logs, histories and error reports, and the key with them. LoopKit's page shows it in a header.",
		Fix:     "Send Authorization: Bearer, as this SDK does. LoopKit's JavaScript SDK 1.1.4 can only use the URL; give it a key of its own, which is easy to replace.",
		Example: `client, err := loopkit.New(os.Getenv("LOOPKIT_API_KEY"), nil) // sends Authorization: Bearer`,
	},
	observe: func(h *history, s *sighting) string {
		if !s.live() || s.request.Auth != "query" {
			return ""
		}
		if _, seen := h.queries.get(sourceOf(s)); seen {
			return ""
		}
		return fmt.Sprintf("the requests of %s to %s have the key in their query", sender(s), s.request.Endpoint)
	},
}

// sourceOf is what a finding about the key is reported for once.
func sourceOf(s *sighting) source {
	return source{sdkName(s.message), s.request.Endpoint}
}

func sender(s *sighting) string {
	if name := sdkName(s.message); name != "" {
		return shown(name)
	}
	return "this sender"
}

func sdkName(m *collector.Message) string {
	sdk, _ := m.System["sdk"].(map[string]any)
	name, _ := sdk["name"].(string)
	if !remembered(name) {
		return ""
	}
	return name
}
