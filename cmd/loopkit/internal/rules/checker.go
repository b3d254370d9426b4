package rules

import (
	"fmt"
	"iter"
	"time"
)

// Checker looks at a stream of messages. Its memory is bounded. It is not safe
// for concurrent use.
type Checker struct {
	history *history
	now     func() time.Time
}

// NewChecker returns a Checker that has seen nothing. Its findings call other
// messages "event 3", by their numbers.
func NewChecker() *Checker {
	return NewFileChecker(func(number int64) string { return fmt.Sprint("event ", number) })
}

// NewFileChecker returns a Checker for messages from files. The function says
// where the message with a number is: "line 3".
//
// A file has no time of arrival. So what lies in the future is judged by the
// clock, and nothing is too old for a file but a time before the year 2000.
func NewFileChecker(place func(number int64) string) *Checker {
	return &Checker{history: newHistory(mostRemembered, place), now: time.Now}
}

// Observe returns what the message gives rise to, after those before it. A
// message that repeats an earlier one gives rise to nothing else.
func (c *Checker) Observe(in Input) []Finding {
	s := c.history.look(&in, c.now)
	if s.repeated.number != 0 {
		c.history.learnRepeat(s)
		return []Finding{{&duplicate.Rule, in.Number, detailOfDuplicate(c.history, s)}}
	}
	var out []Finding
	for _, check := range checks {
		if check.observe == nil {
			continue
		}
		if detail := check.observe(c.history, s); detail != "" {
			out = append(out, Finding{&check.Rule, in.Number, detail})
		}
	}
	c.history.learn(s)
	return out
}

// mostConclusions is how many a rule lists; the rest is a number.
const mostConclusions = 100

// Conclude returns what holds of all messages so far and may cease to hold with
// the next, such as a group with a single member.
func (c *Checker) Conclude() []Finding {
	var out []Finding
	for _, check := range checks {
		if check.conclude == nil {
			continue
		}
		total, conclusions := check.conclude(c.history)
		listed := 0
		for subject, detail := range conclusions {
			if listed == mostConclusions {
				out = append(out, Finding{&check.Rule, 0, fmt.Sprintf("%d more like these", total-listed)})
				break
			}
			out = append(out, Finding{&check.Rule, subject, detail})
			listed++
		}
	}
	return out
}

// check is a rule and how it is applied. Its functions read the history and
// change nothing.
type check struct {
	Rule
	observe  func(*history, *sighting) (detail string) // empty if there is nothing to report
	conclude func(*history) (total int, conclusions iter.Seq2[int64, string])
}

// checks are all there are, in the order of their IDs.
var checks = []*check{
	anonymousDrift, badUserID, duplicate, emailAsID, emptyTraits, inFuture,
	groupBeforeIdentify, groupID, groupTraits, spelling, keyInQuery, late,
	lonelyGroup, member, nameStyle, nested, noAnonymousID, personalData,
	sharedAnonymousID, stale, strangers, typeDrift,
}

// All returns every rule in the order of their IDs.
func All() []*Rule {
	all := make([]*Rule, len(checks))
	for i, check := range checks {
		all[i] = &check.Rule
	}
	return all
}

// ByID returns the rule with an ID.
func ByID(id string) (*Rule, bool) {
	for _, check := range checks {
		if check.ID == id {
			return &check.Rule, true
		}
	}
	return nil, false
}
