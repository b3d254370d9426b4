package timeline

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/store"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

func tracked(name, user, anonymous string) collector.Message {
	return collector.Message{Kind: collector.KindTrack, Name: name, UserID: user, AnonymousID: anonymous}
}

func identified(user, anonymous string) collector.Message {
	return collector.Message{Kind: collector.KindIdentify, UserID: user, AnonymousID: anonymous}
}

func grouped(group, user, anonymous string) collector.Message {
	return collector.Message{Kind: collector.KindGroup, GroupID: group, UserID: user, AnonymousID: anonymous}
}

func deletedUser(user string) collector.Message {
	return collector.Message{Kind: collector.KindDeleteUser, UserID: user}
}

// arrived puts the messages into a store, one after the other.
func arrived(messages ...collector.Message) *store.Snapshot {
	s := store.New(0)
	start := time.Date(2025, 1, 15, 10, 31, 0, 0, time.UTC)
	for i, m := range messages {
		m.Timestamp = start.Add(time.Duration(i) * time.Second)
		s.Record(collector.Request{}, []collector.Message{m})
	}
	return s.Snapshot()
}

func told(t *testing.T, id string, messages ...collector.Message) *Timeline {
	t.Helper()
	snapshot := arrived(messages...)
	p, ok := snapshot.Person(id)
	require.True(t, ok)
	return Of(snapshot.Entries, p)
}

// script writes a timeline as text: a line for each row, with a character for
// each column. The dot is in the column of the row's lane.
func script(t *Timeline) []string {
	var out []string
	for _, row := range t.Rows {
		var line strings.Builder
		for column, cell := range row.Cells {
			switch {
			case column == t.Lanes[row.Lane].Column:
				line.WriteString("o")
			case row.Mark == Join && cell.Lane == row.Joined.Lane:
				line.WriteString("/")
			case cell.Above && cell.Below:
				line.WriteString("|")
			case cell.Lane < 0:
				line.WriteString(".")
			default:
				line.WriteString("!")
			}
		}
		fmt.Fprintf(&line, " %d %s", row.Entry.Seq, row.Mark)
		switch row.Mark {
		case Join:
			fmt.Fprintf(&line, " %s %d", row.Joined.AnonymousID, row.Joined.Events)
		case Deletion:
			fmt.Fprintf(&line, " %d", row.Erased)
		case Conflict:
			fmt.Fprintf(&line, " %s %s %s", row.Clash.AnonymousID, row.Clash.Owner, row.Clash.Claimant)
		}
		out = append(out, line.String())
	}
	return out
}

func TestATimelineShowsWhatWasJoinedWhereAndWhy(t *testing.T) {
	type messages = []collector.Message
	tests := map[string]struct {
		person string
		story  messages
		want   []string
	}{
		"somebody anonymous has one lane": {
			"A",
			messages{tracked("a", "", "A"), tracked("x", "", "B"), tracked("b", "", "A")},
			[]string{"o 1 event", "o 3 event"},
		},
		"an identify joins what came before it": {
			"U",
			messages{tracked("a", "", "A"), tracked("b", "", "A"), tracked("c", "", "A"), identified("U", "A"), tracked("d", "", "A"), grouped("G", "U", "A")},
			[]string{".o 1 event", ".o 2 event", ".o 3 event", "o/ 4 join A 3", "o. 5 event", "o. 6 group"},
		},
		"a second device joins later, in the column that is free": {
			"U",
			messages{tracked("a", "", "A"), identified("U", "A"), tracked("b", "", "B"), tracked("c", "U", "A"), identified("U", "B")},
			[]string{".o 1 event", "o/ 2 join A 1", "|o 3 event", "o| 4 event", "o/ 5 join B 1"},
		},
		"two devices at a time have two columns": {
			"U",
			messages{tracked("a", "", "A"), tracked("b", "", "B"), identified("U", "B"), identified("U", "A")},
			[]string{".o. 1 event", ".|o 2 event", "o|/ 3 join B 1", "o/. 4 join A 1"},
		},
		"an identify may be the first that is seen of an anonymous ID": {
			"U",
			messages{identified("U", "A"), identified("U", "A"), identified("U", "")},
			[]string{"o/ 1 join A 0", "o. 2 update", "o. 3 update"},
		},
		"a message ID counts once": {
			"U",
			messages{
				{Kind: collector.KindTrack, Name: "a", AnonymousID: "A", MessageID: "1"},
				{Kind: collector.KindTrack, Name: "a", AnonymousID: "A", MessageID: "1"},
				identified("U", "A"),
			},
			[]string{".o 1 event", ".o 2 event", "o/ 3 join A 1"},
		},
		"only an identify joins": {
			"U",
			messages{tracked("a", "", "A"), tracked("b", "U", "A"), grouped("G", "U", "A")},
			[]string{"o 2 event", "o 3 group"},
		},
		"the owner of a contested ID sees the claim": {
			"U",
			messages{identified("U", "A"), identified("V", "A"), tracked("a", "", "A")},
			[]string{"o/ 1 join A 0", "o. 2 conflict A U V", "o. 3 event"},
		},
		"and so does who claims it": {
			"V",
			messages{identified("U", "A"), identified("V", "A"), tracked("a", "", "A"), tracked("b", "V", "A")},
			[]string{"o 2 conflict A U V", "o 4 event"},
		},
		"a deletion leaves its own trace": {
			"U",
			messages{tracked("a", "", "A"), identified("U", "A"), identified("V", "A"), tracked("b", "U", "A"), deletedUser("U")},
			[]string{"o 5 deletion 3"},
		},
		"after a deletion the lanes begin anew": {
			"U",
			messages{identified("U", "A"), deletedUser("U"), tracked("a", "", "A"), identified("U", "A"), deletedUser("V")},
			[]string{"o. 2 deletion 1", ".o 3 event", "o/ 4 join A 1"},
		},
		"an anonymous ID is free after the deletion of its user": {
			"V",
			messages{tracked("a", "", "A"), identified("U", "A"), deletedUser("U"), tracked("b", "", "A"), identified("V", "A")},
			[]string{".o 4 event", "o/ 5 join A 1"},
		},
		"a claim is settled by the deletion of the owner": {
			"V",
			messages{tracked("a", "", "A"), identified("U", "A"), identified("V", "A"), deletedUser("U"), tracked("b", "", "A"), identified("V", "A")},
			[]string{"o. 3 update", "|o 5 event", "o/ 6 join A 1"},
		},
		"and by that of who claimed": {
			"U",
			messages{identified("U", "A"), identified("V", "A"), deletedUser("V"), tracked("a", "", "A")},
			[]string{"o/ 1 join A 0", "o. 4 event"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, test.want, script(told(t, test.person, test.story...)))
		})
	}
}

func TestADeletionEndsTheConflictsWithTheUser(t *testing.T) {
	story := []collector.Message{identified("U", "A"), identified("V", "A"), identified("W", "A")}
	assert.Len(t, told(t, "U", story...).Conflicts, 2)
	assert.Len(t, told(t, "U", append(story, deletedUser("V"))...).Conflicts, 1)
	assert.Empty(t, told(t, "W", append(story, deletedUser("U"))...).Conflicts)
}

func TestALaneOpensOnceAndAgainAfterADeletion(t *testing.T) {
	tl := told(t, "U", identified("U", ""), tracked("a", "U", ""), deletedUser("U"), tracked("b", "U", ""), tracked("c", "U", ""))
	var opens []bool
	for _, row := range tl.Rows {
		opens = append(opens, row.Opens)
	}
	assert.Equal(t, []bool{true, true, false}, opens)
}

func TestManyLanesShareTheLastColumn(t *testing.T) {
	var messages []collector.Message
	for i := range 20 {
		messages = append(messages, tracked("a", "", fmt.Sprint("A", i)))
	}
	for i := range 20 {
		messages = append(messages, identified("U", fmt.Sprint("A", i)))
	}
	tl := told(t, "U", messages...)
	assert.Len(t, tl.Lanes, 21)
	assert.Equal(t, MaxColumns, tl.Columns)
	for _, row := range tl.Rows {
		require.Len(t, row.Cells, MaxColumns)
	}
}

func TestIDsThatCameTogetherButInNoIdentifyAreLoose(t *testing.T) {
	story := []collector.Message{tracked("a", "", "A"), tracked("b", "U", "A"), grouped("G", "U", "A")}
	want := []Loose{{UserID: "U", AnonymousID: "A", Messages: 2, Last: 3}}
	assert.Equal(t, want, told(t, "U", story...).Loose)
	assert.Equal(t, want, told(t, "A", story...).Loose)

	joined := append(story, identified("U", "A"))
	assert.Empty(t, told(t, "U", joined...).Loose)
}

// TestATimelineAgreesWithTheMerge tells random stories to both.
func TestATimelineAgreesWithTheMerge(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	users := []string{"", "U", "V", "W"}
	anonymous := []string{"", "A", "B", "C", "D"}
	for range 300 {
		var messages []collector.Message
		for i := range 40 {
			u, a := users[random.IntN(len(users))], anonymous[random.IntN(len(anonymous))]
			switch n := random.IntN(20); {
			case n == 0:
				messages = append(messages, deletedUser(u))
			case n < 5 && u != "":
				messages = append(messages, identified(u, a))
			case n < 8:
				messages = append(messages, grouped("G", u, a))
			case a != "":
				messages = append(messages, tracked(fmt.Sprint("e", i), u, a))
			}
		}
		messages = slices.DeleteFunc(messages, func(m collector.Message) bool {
			return m.Kind == collector.KindDeleteUser && m.UserID == ""
		})
		snapshot := arrived(messages...)
		for _, p := range snapshot.People() {
			agree(t, Of(snapshot.Entries, p), p)
		}
	}
}

func agree(t *testing.T, tl *Timeline, p collector.Person) {
	t.Helper()
	var events, want, joined []string
	conflicts := make(map[string]bool)
	for _, row := range tl.Rows {
		switch row.Mark {
		case Event:
			events = append(events, row.Entry.Message.Name)
		case Join:
			joined = append(joined, row.Joined.AnonymousID)
		}
	}
	for _, e := range p.Events {
		want = append(want, e.Name)
	}
	require.Equal(t, want, events)
	if p.UserID != "" {
		require.ElementsMatch(t, p.AnonymousIDs, joined)
	}
	for _, clash := range tl.Conflicts {
		conflicts[clash.AnonymousID] = true
	}
	require.Len(t, conflicts, len(p.Conflicts))
	for _, id := range p.Conflicts {
		require.True(t, conflicts[id])
	}
}

func TestASurveyTellsWhoWasIdentifiedAndWhatIsLoose(t *testing.T) {
	got := Survey(arrived(
		identified("U", "A"), identified("V", "B"), deletedUser("V"),
		tracked("a", "W", "C"), tracked("b", "W", "C"), tracked("c", "U", "A"), tracked("d", "X", ""),
	).Entries)
	assert.Equal(t, map[string]bool{"U": true}, got.Identified)
	assert.Equal(t, []Loose{{UserID: "W", AnonymousID: "C", Messages: 2, Last: 5}}, got.Loose)
}
