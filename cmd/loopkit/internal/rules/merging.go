package rules

import (
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/plural"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

var anonymousDrift = &check{
	Rule: Rule{
		ID: "W-ANONDRIFT", Severity: Warning, Section: mergingSection,
		Title: "A person's anonymousId changes",
		Why:   "LoopKit attaches to a user what came under the anonymousId of an identify. Events under another one stay a stranger's.",
		Fix:   "Keep one anonymousId for a person on a device, in a cookie or a file, and send it with the identify, also from the server. Identify on every device, and take a new ID only at logout.",
		Example: `// loopkithttp.Middleware keeps the ID in a cookie and puts it into the context.
client.Track(r.Context(), "user_signup", loopkit.Properties{"method": "email"})
client.Identify(r.Context(), "user_123", loopkit.Traits{"plan": "trial"}) // the same anonymousId`,
	},
	observe: func(h *history, s *sighting) string {
		if s.drifts {
			return fmt.Sprintf("the session began under %s (%s), and goes on under %s", shown(s.session.device.id), h.place(s.session.first), shown(s.anonymousID))
		}
		const suspicious = 5 // of new anonymous IDs in a row
		if p := s.person; p != nil && s.device == nil && s.anonymousID != "" && !isDerived(s.anonymousID) && p.newIDs == suspicious-1 {
			return fmt.Sprintf("%d messages of %s in a row came under %d new anonymous IDs", suspicious, shown(p.id), suspicious)
		}
		if h.isUserID(s) {
			return "the anonymousId is the userId " + shown(s.anonymousID) + ", which no visitor has"
		}
		return ""
	},
	conclude: func(h *history) (int, iter.Seq2[int64, string]) {
		missed := h.count().missed()
		total := h.apart.len()
		if missed != "" {
			total++
		}
		return total, func(yield func(int64, string) bool) {
			if missed != "" && !yield(0, missed) {
				return
			}
			for d := range h.apart.all() {
				detail := fmt.Sprintf("%s of %s came under %s, which no identify names; %s was identified in %s",
					plural.Of(d.anonymous, "event"), shown(d.user.id), shown(d.id), shown(d.user.id), h.place(d.user.identified))
				if !yield(d.lastAnonymous.number, detail) {
					return
				}
			}
		}
	},
}

// isUserID reports whether the message's anonymous ID is new and that of a user.
// An identify like that has a rule of its own.
func (h *history) isUserID(s *sighting) bool {
	if s.device != nil || s.anonymousID == "" || s.message.Kind == collector.KindIdentify {
		return false
	}
	p, _ := h.people.get(fold(s.anonymousID))
	return s.anonymousID == s.message.UserID || p != nil && p.id == s.anonymousID
}

var sharedAnonymousID = &check{
	Rule: Rule{
		ID: "W-SHAREDANON", Severity: Error, Section: mergingSection,
		Title: "Two users under one anonymousId",
		Why:   "What comes under an anonymousId belongs to the user identified under it. When two share one, by a shared device or a missing logout, what one does is taken for the other's.",
		Fix:   "Take a new anonymousId at logout, before the next user. A server must never use one session for several users.",
		Example: `loopkithttp.Logout(w, r) // on the web
session.Reset()          // in a program for one person at a time`,
	},
	observe: func(h *history, s *sighting) string {
		holder := s.device.holder()
		switch {
		case holder == nil, s.userKey == "", s.userKey == holder.key:
			return ""
		case h.isBlamed(s.device, s.userKey):
			return ""
		}
		since := holder.first
		if s.device.owner == holder {
			since = s.device.claimed.number
		}
		return fmt.Sprintf("%s is the anonymousId of %s (%s), and now of %s", shown(s.anonymousID), shown(holder.id), h.place(since), shown(s.message.UserID))
	},
}

// soon is how long after a signup an identify is not late.
const soon = time.Minute

var late = &check{
	Rule: Rule{
		ID: "W-LATE", Severity: Warning, Section: "Best Practices: Identify Early and Often",
		Title: "Identified late, or not at all",
		Why:   "Until the identify, what a person does is a stranger's, and their events on other devices have nothing in common.",
		Fix:   "Identify immediately after signup and at each login, on every device. If that happened before this record begins, there is nothing to do.",
		Example: `client.Track(ctx, "user_signup", loopkit.Properties{"method": "email", "source": "pricing_page"})
client.Identify(ctx, "user_123", loopkit.Traits{"plan": "trial"}) // immediately after signup`,
	},
	observe: func(h *history, s *sighting) string {
		d, t := s.device, s.message.Timestamp
		if d == nil {
			return ""
		}
		signup, name, identified := d.signup, d.signupName, t
		switch {
		case s.message.Kind == collector.KindIdentify && d.owner == nil && signup.number != 0:
		case s.message.Kind == collector.KindTrack && s.message.UserID == "" && d.owner.alive() && isSignup(s.message.Name): // it arrived behind
			signup, name, identified = moment{s.number, t}, s.message.Name, d.claimed.time
		default:
			return ""
		}
		if signup.time.IsZero() || identified.Sub(signup.time) <= soon {
			return ""
		}
		return fmt.Sprintf("the identify came %s after %s (%s)", span(identified.Sub(signup.time)), shown(name), h.place(signup.number))
	},
	conclude: func(h *history) (int, iter.Seq2[int64, string]) {
		return h.unanswered.len() + h.unidentified.len(), func(yield func(int64, string) bool) {
			for d := range h.unanswered.all() {
				if !yield(d.signup.number, fmt.Sprintf("no identify under %s followed %s so far", shown(d.id), shown(d.signupName))) {
					return
				}
			}
			for p := range h.unidentified.all() {
				if !yield(p.first, fmt.Sprintf("%s has events, and no identify names them so far", shown(p.id))) {
					return
				}
			}
		}
	},
}

// signups are names of events that an identify should follow, without separators.
var signups = map[string]bool{
	"signup": true, "usersignup": true, "signedup": true, "usersignedup": true, "signupcompleted": true, "signupsucceeded": true,
	"registered": true, "userregistered": true, "registrationcompleted": true, "accountcreated": true, "usercreated": true,
	"login": true, "userlogin": true, "loggedin": true, "userloggedin": true, "loginsucceeded": true, "logincompleted": true,
	"signin": true, "usersignin": true, "signedin": true, "usersignedin": true,
}

func isSignup(event string) bool {
	if len(event) > 2*longestShown {
		return false
	}
	if signups[event] {
		return true
	}
	return signups[strings.Map(func(r rune) rune {
		switch {
		case 'A' <= r && r <= 'Z':
			return r - 'A' + 'a'
		case r == '_' || r == '-' || r == ' ' || r == '.' || r == ':':
			return -1
		}
		return r
	}, event)]
}
