package rules

import (
	"fmt"
	"strings"
)

// crowd counts users by what their identifies attach, beside the visitors whom
// no identify names. Whose is whose cannot be told once there are several.
type crowd struct {
	users    [reachEarlier + 1]int
	examples [reachEarlier + 1][]string

	visitors        int
	visitorExamples []string

	ids            int // anonymous IDs with events
	single         int // those with no more than one message
	singleExamples []string
}

const (
	fewest       = 3  // users and visitors that are worth a word
	fewestSingle = 20 // anonymous IDs with a single message
	mostExamples = 2
)

func (h *history) count() *crowd {
	c := &crowd{}
	for p := range h.people.all() {
		if c.users[p.reach]++; len(c.examples[p.reach]) < mostExamples && p.reach != reachUnknown {
			c.examples[p.reach] = append(c.examples[p.reach], shown(p.id)+" ("+h.place(p.identified)+")")
		}
	}
	for d := range h.devices.all() {
		if d.derived || d.anonymous == 0 {
			continue
		}
		c.ids++
		if d.messages == 1 {
			if c.single++; len(c.singleExamples) < mostExamples {
				c.singleExamples = append(c.singleExamples, shown(d.id)+" ("+h.place(d.first)+")")
			}
		}
		if d.holder() != nil {
			continue
		}
		if c.visitors++; len(c.visitorExamples) < mostExamples {
			c.visitorExamples = append(c.visitorExamples, shown(d.id)+" (last "+h.place(d.lastAnonymous.number)+")")
		}
	}
	return c
}

// missed says that identifies are under anonymous IDs that no visitor has, if
// that is so of nearly all users. A job that identifies users without a visit
// does not look like that: where visitors sign up, some users have been visitors.
func (c *crowd) missed() string {
	nothing := c.users[reachNothing]
	if nothing < c.users[reachLater] || !c.isSuspicious(nothing) {
		return ""
	}
	return c.compare(nothing, "no visitor has", c.examples[reachNothing])
}

// doubts are what else all of them together look like.
func (c *crowd) doubts() (found []string) {
	if unused := c.users[reachNothing] + c.users[reachLater]; c.missed() == "" && c.isSuspicious(unused) {
		examples := append(c.examples[reachLater], c.examples[reachNothing]...)
		found = append(found, c.compare(unused, "had no events before", examples[:min(mostExamples, len(examples))]))
	}
	if c.single >= fewestSingle && c.single*20 >= c.ids*19 {
		found = append(found, fmt.Sprintf("%d of %d anonymous IDs have a single event, such as %s: is a new one made for each?",
			c.single, c.ids, strings.Join(c.singleExamples, " and ")))
	}
	return found
}

// isSuspicious reports whether so many users without earlier events stand beside
// enough visitors, and hardly any user has been a visitor.
func (c *crowd) isSuspicious(users int) bool {
	return users >= fewest && c.visitors >= fewest && 2*c.visitors >= users && 20*c.users[reachEarlier] < users
}

func (c *crowd) compare(users int, under string, examples []string) string {
	all := c.users[reachNothing] + c.users[reachLater] + c.users[reachEarlier]
	return fmt.Sprintf("%d of %d users were identified under an anonymousId that %s, such as %s; %d visitors have events and no identify, such as %s: are those the same people?",
		users, all, under, strings.Join(examples, " and "), c.visitors, strings.Join(c.visitorExamples, " and "))
}
