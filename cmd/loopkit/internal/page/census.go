package page

import (
	"sync"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/store"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

// census is what the rows and the header need to know of all that was received.
type census struct {
	counts counts
	people []knownPerson
	users  map[string]int // user ID → index of people
	owners map[string]int // anonymous ID → index of people
}

// knownPerson is what rows show of a person. It holds on to no message, and so
// to nothing that the store has forgotten.
type knownPerson struct {
	UserID       string
	AnonymousIDs []string
	Groups       []string
}

// counts are the numbers in the header.
type counts struct {
	Events   int `json:"events"`
	People   int `json:"people"`
	Groups   int `json:"groups"`
	Warnings int `json:"warnings"`
}

// censuses makes one census of each version of the store, for all connections.
type censuses struct {
	mu      sync.Mutex
	version int64
	latest  *census
}

func (c *censuses) of(s *store.Snapshot) *census {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.latest == nil || c.version != s.Version {
		c.version, c.latest = s.Version, takeCensus(s)
	}
	return c.latest
}

func takeCensus(s *store.Snapshot) *census {
	c := &census{users: make(map[string]int), owners: make(map[string]int)}
	for i, p := range s.People() {
		c.people = append(c.people, knownPerson{p.UserID, p.AnonymousIDs, p.Groups})
		if p.UserID != "" {
			c.users[p.UserID] = i
		}
		for _, id := range p.AnonymousIDs {
			if _, owned := c.owners[id]; !owned || p.UserID != "" {
				c.owners[id] = i
			}
		}
	}
	c.counts = counts{People: len(c.people), Groups: len(s.Groups()), Warnings: len(s.Findings())}
	for _, e := range s.Entries {
		if e.Message != nil {
			c.counts.Events++
		}
	}
	return c
}

// person returns whom a message is about.
func (c *census) person(m *collector.Message) (knownPerson, bool) {
	i, ok := c.users[m.UserID]
	if m.UserID == "" {
		i, ok = c.owners[m.AnonymousID]
	}
	if !ok {
		return knownPerson{}, false
	}
	return c.people[i], true
}

// anonymousURL returns the address of somebody anonymous: the short form,
// unless that is the address of a user.
func (c *census) anonymousURL(id string) string {
	if _, taken := c.users[id]; taken {
		return anonymousURL(id)
	}
	return personURL(id)
}
