package collector

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var start = time.Date(2025, 1, 15, 10, 30, 0, 0, time.UTC)

// story gives messages the timestamps start, start+1 s, and so on.
func story(messages ...Message) *Census {
	for i := range messages {
		messages[i].Timestamp = start.Add(time.Duration(i) * time.Second)
	}
	return Merge(messages)
}

func tracked(name, user, anonymous string) Message {
	return Message{Kind: KindTrack, Name: name, UserID: user, AnonymousID: anonymous}
}

func identified(user, anonymous string, traits map[string]any) Message {
	return Message{Kind: KindIdentify, UserID: user, AnonymousID: anonymous, Values: traits}
}

func grouped(group, user, anonymous string, traits map[string]any) Message {
	return Message{Kind: KindGroup, GroupID: group, UserID: user, AnonymousID: anonymous, Values: traits}
}

func deletedUser(user string) Message   { return Message{Kind: KindDeleteUser, UserID: user} }
func deletedGroup(group string) Message { return Message{Kind: KindDeleteGroup, GroupID: group} }

func names(events []Message) (out []string) {
	for _, e := range events {
		out = append(out, e.Name)
	}
	return out
}

func TestPeopleMerge(t *testing.T) {
	type person struct {
		user      string
		anonymous []string
		traits    map[string]any
		groups    []string
		events    []string
		conflicts []string
		deleted   bool
		recreated bool
	}
	none := map[string]any{}
	tests := map[string]struct {
		story []Message
		want  []person
	}{
		"somebody anonymous is a person": {
			[]Message{tracked("a", "", "A")},
			[]person{{anonymous: []string{"A"}, events: []string{"a"}, traits: none}},
		},
		"an identify takes over what came before it": {
			[]Message{tracked("a", "", "A"), tracked("b", "U", "A"), tracked("c", "", "A"), identified("U", "A", nil), tracked("d", "", "A")},
			[]person{{user: "U", anonymous: []string{"A"}, events: []string{"a", "b", "c", "d"}, traits: none}},
		},
		"two devices are one person": {
			[]Message{tracked("b", "", "B"), identified("U", "A", nil), identified("U", "B", nil), tracked("a", "", "A")},
			[]person{{user: "U", anonymous: []string{"B", "A"}, events: []string{"b", "a"}, traits: none}},
		},
		"only an identify attaches an anonymous ID": {
			[]Message{tracked("a", "U", "A"), grouped("G", "U", "A", nil), tracked("b", "", "A")},
			[]person{
				{user: "U", events: []string{"a"}, groups: []string{"G"}, traits: none},
				{anonymous: []string{"A"}, events: []string{"b"}, traits: none},
			},
		},
		"an anonymous ID stays with its first user": {
			[]Message{identified("U", "A", nil), identified("V", "A", nil), identified("V", "A", nil), tracked("a", "", "A"), tracked("b", "V", "A")},
			[]person{
				{user: "U", anonymous: []string{"A"}, events: []string{"a"}, conflicts: []string{"A"}, traits: none},
				{user: "V", events: []string{"b"}, conflicts: []string{"A"}, traits: none},
			},
		},
		"traits merge shallowly and the latest wins": {
			[]Message{
				identified("U", "", map[string]any{"plan": "trial", "address": map[string]any{"city": "Bern", "zip": "3000"}}),
				identified("U", "", map[string]any{"plan": "pro", "address": map[string]any{"city": "Basel"}}),
			},
			[]person{{user: "U", traits: map[string]any{"plan": "pro", "address": map[string]any{"city": "Basel"}}}},
		},
		"a message ID counts once": {
			[]Message{
				{Kind: KindTrack, Name: "a", AnonymousID: "A", MessageID: "1"},
				{Kind: KindTrack, Name: "a", AnonymousID: "A", MessageID: "1"},
				tracked("b", "", "A"), tracked("b", "", "A"),
			},
			[]person{{anonymous: []string{"A"}, events: []string{"a", "b", "b"}, traits: none}},
		},
		"a deletion leaves only its own trace": {
			[]Message{
				tracked("a", "", "A"), identified("U", "A", map[string]any{"plan": "pro"}),
				grouped("G", "U", "", nil), tracked("b", "", "A"), deletedUser("U"),
			},
			[]person{{user: "U", deleted: true, traits: none}},
		},
		"a later message creates the person again": {
			[]Message{identified("U", "A", map[string]any{"plan": "pro"}), deletedUser("U"), tracked("b", "U", "A")},
			[]person{{user: "U", recreated: true, events: []string{"b"}, traits: none}},
		},
		"a group too creates the person again": {
			[]Message{deletedUser("U"), grouped("G", "U", "", nil)},
			[]person{{user: "U", recreated: true, groups: []string{"G"}, traits: none}},
		},
		"a redelivery after the deletion is seen": {
			[]Message{
				{Kind: KindTrack, Name: "a", UserID: "U", MessageID: "1"}, deletedUser("U"),
				{Kind: KindTrack, Name: "a", UserID: "U", MessageID: "1", Duplicate: true},
			},
			[]person{{user: "U", recreated: true, events: []string{"a"}, traits: none}},
		},
		"a second deletion deletes again": {
			[]Message{deletedUser("U"), tracked("b", "U", ""), deletedUser("U")},
			[]person{{user: "U", deleted: true, traits: none}},
		},
		"an anonymous ID is free after the deletion of its user": {
			[]Message{identified("U", "A", nil), deletedUser("U"), tracked("b", "", "A"), identified("V", "A", nil)},
			[]person{
				{user: "U", deleted: true, traits: none},
				{user: "V", anonymous: []string{"A"}, events: []string{"b"}, traits: none},
			},
		},
		"a conflict ends when the owner is deleted": {
			[]Message{
				identified("U", "A", nil), identified("V", "A", nil), identified("W", "A", nil), identified("X", "B", nil), identified("V", "B", nil),
				deletedUser("U"), identified("V", "A", nil),
			},
			[]person{
				{user: "U", deleted: true, traits: none},
				{user: "V", anonymous: []string{"A"}, conflicts: []string{"B"}, traits: none},
				{user: "W", traits: none},
				{user: "X", anonymous: []string{"B"}, conflicts: []string{"B"}, traits: none},
			},
		},
		"a conflict ends when the last who claimed in vain is deleted": {
			[]Message{
				identified("U", "A", nil), identified("V", "A", nil), identified("W", "A", nil), identified("U", "B", nil), identified("V", "B", nil),
				deletedUser("W"), deletedUser("V"), identified("V", "B", nil), deletedUser("V"), identified("V", "A", nil),
			},
			[]person{
				{user: "U", anonymous: []string{"A", "B"}, conflicts: []string{"A"}, traits: none},
				{user: "V", recreated: true, conflicts: []string{"A"}, traits: none},
				{user: "W", deleted: true, traits: none},
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var got []person
			for _, p := range story(test.story...).People() {
				got = append(got, person{p.UserID, p.AnonymousIDs, p.Traits, p.Groups, names(p.Events), p.Conflicts, p.Deleted, p.RecreatedAfterDeletion})
			}
			assert.ElementsMatch(t, test.want, got)
		})
	}
}

func TestPeopleComeInOrderOfTheirFirstMessage(t *testing.T) {
	c := story(tracked("a", "", "A"), tracked("b", "V", ""), identified("U", "A", nil))
	people := c.People()
	require.Len(t, people, 2)
	assert.Equal(t, "U", people[0].UserID, "the anonymous part came first")
	assert.Equal(t, "V", people[1].UserID)
}

func TestAPersonIsFoundByEveryID(t *testing.T) {
	c := story(tracked("a", "", "A"), identified("U", "A", nil), tracked("b", "", "B"), deletedUser("V"))
	for id, want := range map[string]string{"U": "U", "A": "U", "B": "", "V": "V"} {
		p, ok := c.Person(id)
		assert.True(t, ok, id)
		assert.Equal(t, want, p.UserID, id)
	}
	for _, id := range []string{"", "C"} {
		_, ok := c.Person(id)
		assert.False(t, ok, id)
	}
}

func TestAPersonIsSeenFromTheFirstToTheLastTimestamp(t *testing.T) {
	c := story(tracked("a", "", "A"), tracked("b", "U", ""), identified("U", "A", nil))
	p, _ := c.Person("U")
	assert.Equal(t, start, p.FirstSeen)
	assert.Equal(t, start.Add(2*time.Second), p.LastSeen)
}

func TestGroupsMerge(t *testing.T) {
	type members = []string
	tests := map[string]struct {
		story []Message
		want  Group
	}{
		"members join once and traits merge shallowly": {
			[]Message{
				grouped("G", "U", "A", map[string]any{"plan": "pro", "size": 25.0}),
				grouped("G", "V", "B", map[string]any{"plan": "max"}),
				grouped("G", "U", "A", nil),
			},
			Group{ID: "G", Members: members{"U", "V"}, Traits: map[string]any{"plan": "max", "size": 25.0}},
		},
		"an anonymous member becomes the user": {
			[]Message{grouped("G", "", "A", nil), grouped("G", "V", "", nil), identified("U", "A", nil)},
			Group{ID: "G", Members: members{"U", "V"}, Traits: map[string]any{}},
		},
		"a member that joined twice stays once": {
			[]Message{grouped("G", "", "A", nil), grouped("G", "U", "", nil), identified("U", "A", nil)},
			Group{ID: "G", Members: members{"U"}, Traits: map[string]any{}},
		},
		"somebody not identified is a member by anonymous ID": {
			[]Message{grouped("G", "", "A", nil)},
			Group{ID: "G", Members: members{"A"}, Traits: map[string]any{}},
		},
		"a group needs no member": {
			[]Message{grouped("G", "", "", map[string]any{"size": 1.0})},
			Group{ID: "G", Traits: map[string]any{"size": 1.0}},
		},
		"the last type wins": {
			[]Message{
				{Kind: KindGroup, GroupID: "G", GroupType: "guild"},
				{Kind: KindGroup, GroupID: "G", GroupType: "team"},
				{Kind: KindGroup, GroupID: "G"},
			},
			Group{ID: "G", Type: "team", Traits: map[string]any{}},
		},
		"a deleted user leaves": {
			[]Message{grouped("G", "U", "", nil), grouped("G", "V", "", nil), deletedUser("U")},
			Group{ID: "G", Members: members{"V"}, Traits: map[string]any{}},
		},
		"a deletion leaves only its own trace": {
			[]Message{grouped("G", "U", "", map[string]any{"size": 1.0}), deletedGroup("G")},
			Group{ID: "G", Deleted: true, Traits: map[string]any{}},
		},
		"a later message creates the group again": {
			[]Message{grouped("G", "U", "", nil), deletedGroup("G"), grouped("G", "V", "", nil)},
			Group{ID: "G", RecreatedAfterDeletion: true, Members: members{"V"}, Traits: map[string]any{}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := story(test.story...)
			g, ok := c.Group("G")
			require.True(t, ok)
			g.FirstSeen, g.LastSeen = time.Time{}, time.Time{}
			assert.Equal(t, test.want, g)
			for _, p := range c.People() {
				id := p.UserID
				if id == "" {
					id = p.AnonymousIDs[0]
				}
				assert.Equal(t, len(p.Groups) == 1, assert.ObjectsAreEqual(p.Groups, members{"G"}))
				if len(p.Groups) == 1 {
					assert.Contains(t, g.Members, id, "both sides agree")
				} else {
					assert.NotContains(t, g.Members, id, "both sides agree")
				}
			}
		})
	}
}
