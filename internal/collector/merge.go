package collector

import (
	"maps"
	"slices"
	"time"
)

// Census is what a list of messages says about people and groups. It is not
// safe for concurrent use.
type Census struct {
	messages  []Message
	people    []*personRecord // in no particular order
	users     map[string]*personRecord
	anonymous map[string]*personRecord   // those that no user owns
	owners    map[string]string          // anonymous ID → user ID
	sights    map[string]int             // anonymous ID → its first message
	claimants map[string][]*personRecord // anonymous ID → users who claimed it in vain
	groups    map[string]*groupRecord
	ordered   []*groupRecord
}

type personRecord struct {
	Person
	first  int   // message that brought the person up
	events []int // messages
	groups []*groupRecord
}

type groupRecord struct {
	Group
	members []*personRecord
}

// Merge applies the messages in their order. Only an identify attaches an
// anonymous ID to a user, and what arrived under that ID goes with it.
func Merge(messages []Message) *Census {
	c := &Census{
		messages:  messages,
		users:     make(map[string]*personRecord),
		anonymous: make(map[string]*personRecord),
		owners:    make(map[string]string),
		sights:    make(map[string]int),
		claimants: make(map[string][]*personRecord),
		groups:    make(map[string]*groupRecord),
	}
	for i, m := range messages {
		c.apply(i, m)
	}
	return c
}

func (c *Census) apply(i int, m Message) {
	if _, seen := c.sights[m.AnonymousID]; !seen {
		c.sights[m.AnonymousID] = i
	}
	switch m.Kind {
	case KindDeleteUser:
		c.deleteUser(i, m.UserID)
	case KindDeleteGroup:
		c.deleteGroup(m.GroupID)
	case KindIdentify:
		p := c.subject(i, m)
		maps.Copy(p.Traits, m.Values)
		c.attach(m.AnonymousID, p)
	case KindGroup:
		c.join(c.subject(i, m), m)
	case KindTrack:
		p := c.subject(i, m)
		p.events = append(p.events, i)
	}
}

// subject returns the person that a message is about, or nil if it names nobody.
func (c *Census) subject(i int, m Message) *personRecord {
	id := m.UserID
	if id == "" {
		id = c.owners[m.AnonymousID]
	}
	var p *personRecord
	switch {
	case id != "":
		p = c.user(i, id)
	case m.AnonymousID != "":
		p = c.stranger(i, m.AnonymousID)
	default:
		return nil
	}
	if p.Deleted {
		p.Deleted, p.RecreatedAfterDeletion = false, true
	}
	see(&p.FirstSeen, &p.LastSeen, m.Timestamp)
	return p
}

func (c *Census) user(i int, id string) *personRecord {
	p, ok := c.users[id]
	if !ok {
		p = c.newPerson(i)
		p.UserID = id
		c.users[id] = p
	}
	return p
}

func (c *Census) stranger(i int, anonymousID string) *personRecord {
	p, ok := c.anonymous[anonymousID]
	if !ok {
		p = c.newPerson(i)
		p.AnonymousIDs = []string{anonymousID}
		c.anonymous[anonymousID] = p
	}
	return p
}

func (c *Census) newPerson(i int) *personRecord {
	p := &personRecord{Person: Person{Traits: make(map[string]any)}, first: i}
	c.people = append(c.people, p)
	return p
}

// attach gives an anonymous ID to a user, unless another user has it.
func (c *Census) attach(anonymousID string, p *personRecord) {
	if anonymousID == "" {
		return
	}
	owner, owned := c.owners[anonymousID]
	if owned && owner != p.UserID {
		c.conflict(anonymousID, c.users[owner], p)
		return
	}
	if owned {
		return
	}
	c.owners[anonymousID] = p.UserID
	p.AnonymousIDs = append(p.AnonymousIDs, anonymousID)
	slices.SortFunc(p.AnonymousIDs, func(a, b string) int { return c.sights[a] - c.sights[b] })
	if stranger, ok := c.anonymous[anonymousID]; ok {
		delete(c.anonymous, anonymousID)
		c.absorb(stranger, p)
	}
}

func (c *Census) conflict(anonymousID string, owner, claimant *personRecord) {
	if !slices.Contains(c.claimants[anonymousID], claimant) {
		c.claimants[anonymousID] = append(c.claimants[anonymousID], claimant)
	}
	for _, p := range []*personRecord{owner, claimant} {
		if !slices.Contains(p.Conflicts, anonymousID) {
			p.Conflicts = append(p.Conflicts, anonymousID)
		}
	}
}

// settle ends the conflicts of a person who is deleted: with the owner for all
// who claimed the anonymous ID, which is free then, with the last of those for the owner.
func (c *Census) settle(p *personRecord) {
	for _, anonymousID := range p.Conflicts {
		owner := c.users[c.owners[anonymousID]]
		rest := slices.DeleteFunc(c.claimants[anonymousID], func(q *personRecord) bool { return q == p })
		if owner == p {
			for _, claimant := range rest {
				claimant.dropConflict(anonymousID)
			}
			rest = nil
		}
		if len(rest) > 0 {
			c.claimants[anonymousID] = rest
			continue
		}
		delete(c.claimants, anonymousID)
		if owner != p {
			owner.dropConflict(anonymousID)
		}
	}
}

// dropConflict leaves alone what was exported.
func (p *personRecord) dropConflict(anonymousID string) {
	var rest []string
	for _, id := range p.Conflicts {
		if id != anonymousID {
			rest = append(rest, id)
		}
	}
	p.Conflicts = rest
}

// absorb makes an anonymous person part of a user.
func (c *Census) absorb(stranger, p *personRecord) {
	c.people = slices.DeleteFunc(c.people, func(q *personRecord) bool { return q == stranger })
	p.first = min(p.first, stranger.first)
	p.events = append(p.events, stranger.events...)
	slices.Sort(p.events)
	see(&p.FirstSeen, &p.LastSeen, stranger.FirstSeen)
	see(&p.FirstSeen, &p.LastSeen, stranger.LastSeen)
	for _, g := range stranger.groups {
		at := slices.Index(g.members, stranger)
		if slices.Contains(g.members, p) {
			g.members = slices.Delete(g.members, at, at+1)
			continue
		}
		g.members[at] = p
		p.groups = append(p.groups, g)
	}
}

func (c *Census) join(p *personRecord, m Message) {
	g, ok := c.groups[m.GroupID]
	if !ok {
		g = c.newGroup(m.GroupID)
	}
	if g.Deleted {
		g.Deleted, g.RecreatedAfterDeletion = false, true
	}
	if m.GroupType != "" {
		g.Type = m.GroupType
	}
	maps.Copy(g.Traits, m.Values)
	see(&g.FirstSeen, &g.LastSeen, m.Timestamp)
	if p != nil && !slices.Contains(g.members, p) {
		g.members = append(g.members, p)
		p.groups = append(p.groups, g)
	}
}

func (c *Census) newGroup(id string) *groupRecord {
	g := &groupRecord{Group: Group{ID: id, Traits: make(map[string]any)}}
	c.groups[id] = g
	c.ordered = append(c.ordered, g)
	return g
}

// deleteUser leaves only the fact of the deletion. The person's anonymous IDs
// are nobody's afterwards: the next message under one begins a new person.
func (c *Census) deleteUser(i int, id string) {
	p := c.user(i, id)
	for _, g := range p.groups {
		g.members = slices.DeleteFunc(g.members, func(q *personRecord) bool { return q == p })
	}
	c.settle(p)
	for _, anonymousID := range p.AnonymousIDs {
		delete(c.owners, anonymousID)
	}
	*p = personRecord{
		Person: Person{UserID: id, Traits: make(map[string]any), Deleted: true},
		first:  p.first,
	}
}

func (c *Census) deleteGroup(id string) {
	g, ok := c.groups[id]
	if !ok {
		g = c.newGroup(id)
	}
	for _, p := range g.members {
		p.groups = slices.DeleteFunc(p.groups, func(q *groupRecord) bool { return q == g })
	}
	*g = groupRecord{Group: Group{ID: id, Traits: make(map[string]any), Deleted: true}}
}

// see widens the span from first to last so that it includes t.
func see(first, last *time.Time, t time.Time) {
	if first.IsZero() || t.Before(*first) {
		*first = t
	}
	if t.After(*last) {
		*last = t
	}
}
