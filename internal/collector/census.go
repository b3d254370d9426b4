package collector

import "slices"

// Person returns the person with the given user ID, or else the one that owns
// the given anonymous ID. A deleted person is found by user ID only.
func (c *Census) Person(id string) (Person, bool) {
	p, ok := c.users[id]
	if !ok {
		p, ok = c.users[c.owners[id]]
	}
	if !ok {
		p, ok = c.anonymous[id]
	}
	if !ok {
		return Person{}, false
	}
	return c.export(p), true
}

// People returns everybody, deleted people included, in order of their first message.
func (c *Census) People() []Person {
	slices.SortStableFunc(c.people, func(a, b *personRecord) int { return a.first - b.first })
	out := make([]Person, len(c.people))
	for i, p := range c.people {
		out[i] = c.export(p)
	}
	return out
}

// Group returns the group with the given ID, also when it was deleted.
func (c *Census) Group(id string) (Group, bool) {
	g, ok := c.groups[id]
	if !ok {
		return Group{}, false
	}
	return g.export(), true
}

// Groups returns all groups, deleted ones included, in order of their first message.
func (c *Census) Groups() []Group {
	out := make([]Group, len(c.ordered))
	for i, g := range c.ordered {
		out[i] = g.export()
	}
	return out
}

// export fills in what a person's record holds by reference.
func (c *Census) export(p *personRecord) Person {
	out := p.Person
	for _, g := range p.groups {
		out.Groups = append(out.Groups, g.ID)
	}
	if len(p.events) == 0 {
		return out
	}
	out.Events = make([]Message, 0, len(p.events))
	counted := make(map[string]bool, len(p.events))
	for _, i := range p.events {
		m := &c.messages[i]
		if counted[m.MessageID] {
			continue
		}
		counted[m.MessageID] = m.MessageID != ""
		out.Events = append(out.Events, *m)
	}
	return out
}

func (g *groupRecord) export() Group {
	out := g.Group
	for _, p := range g.members {
		if p.UserID != "" {
			out.Members = append(out.Members, p.UserID)
		} else {
			out.Members = append(out.Members, p.AnonymousIDs[0])
		}
	}
	return out
}
