package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/loopkitai/loopkit-go/internal/collector"
)

func TestMemoryIsBounded(t *testing.T) {
	const most = 10
	c := newChecker()
	c.history = newHistory(most, c.history.place)
	h := c.history
	for i := range int64(20 * most) {
		system := map[string]any{"sdk": map[string]any{"name": fmt.Sprint("sdk-", i)}}
		request := &collector.Request{Time: noon, Auth: "query"}
		user, anonymous := fmt.Sprint("user_", i), fmt.Sprint("anon_", i)
		message := collector.Message{
			Kind: collector.KindTrack, Name: "user_signup", AnonymousID: anonymous, Timestamp: noon, System: system,
			SessionID: fmt.Sprint("sess_", i), MessageID: fmt.Sprint("m", i), Values: map[string]any{fmt.Sprint("key_", i): 1.0},
		}
		c.Observe(Input{4*i + 1, message, request})
		message.UserID, message.MessageID, message.Raw = user, "", []byte(user)
		c.Observe(Input{4*i + 2, message, request})
		message.Kind, message.GroupID, message.Raw = collector.KindGroup, fmt.Sprint("team-", 1000+i), []byte(anonymous)
		c.Observe(Input{4*i + 3, message, request})
		message.Kind, message.UserID, message.AnonymousID, message.Raw = collector.KindIdentify, "other_"+user, "other_"+anonymous, nil
		c.Observe(Input{4*i + 4, message, request})
	}
	lengths := []int{
		h.people.len(), h.devices.len(), h.groups.len(), h.sessions.len(), h.columns.len(), h.repeats.len(), h.queries.len(),
		h.unidentified.len(), h.unanswered.len(), h.apart.len(), h.strays.len(), h.early.len(), h.lonely.len(), h.visitors.len(),
	}
	for i, length := range lengths {
		assert.LessOrEqual(t, length, most, i)
	}
	for _, full := range []int{h.people.len(), h.devices.len(), h.groups.len(), h.sessions.len(), h.columns.len(), h.repeats.len(), h.queries.len()} {
		assert.Equal(t, most, full)
	}
}

func TestWhatIsForgottenIsNotJudged(t *testing.T) {
	c := newChecker()
	c.history = newHistory(3, c.history.place)
	found := findingsOf(c, inFile(t,
		identify,
		`{"type":"identify","userId":"user_124","anonymousId":"anon_2","traits":{"plan":"pro"}}`,
		`{"type":"identify","userId":"user_125","anonymousId":"anon_3","traits":{"plan":"pro"}}`,
		`{"type":"identify","userId":"user_126","anonymousId":"anon_4","traits":{"plan":"pro"}}`, // user_123 has to go
		strings.Replace(identify, "user_123", "User_123", 1),
		`{"type":"identify","userId":"User_126","anonymousId":"anon_4","traits":{"plan":"pro"}}`,
	)...)
	assert.Equal(t, []string{"6 W-IDCASE: userId is User_126 here, and user_126 in event 4"}, found)
}

func TestWhoMayHaveBeenIdentifiedAndForgottenIsNotCalledUnidentified(t *testing.T) {
	others := func() (lines []string) {
		for _, n := range []string{"2", "3", "4", "5"} {
			lines = append(lines, `{"type":"identify","userId":"user_`+n+`","anonymousId":"anon_`+n+`","traits":{"plan":"pro"}}`)
		}
		return lines
	}()
	for about, then := range map[string][]string{
		"an event":               {`{"type":"track","name":"feature_used","userId":"user_123","anonymousId":"anon_456"}`},
		"a group of a user":      {`{"type":"group","groupId":"team_456","userId":"user_123","traits":{"name":"Acme Corp"}}`},
		"a group of a visitor":   {`{"type":"group","groupId":"team_456","anonymousId":"anon_456","traits":{"name":"Acme Corp"}}`},
		"events, on two devices": {visit, `{"type":"track","name":"feature_used","userId":"user_123","anonymousId":"anon_456"}`, strings.Replace(identify, "456", "789", 1)},
	} {
		c := newChecker()
		c.history = newHistory(3, c.history.place)
		found := findingsOf(c, inFile(t, slices.Concat([]string{identify}, others, then)...)...)
		assert.Empty(t, slices.DeleteFunc(found, func(f string) bool { return strings.Contains(f, "W-LONELYGROUP") }), about)
	}
}

func TestAnIDThatManyShareIsReportedForAFew(t *testing.T) {
	var lines []string
	for i := range 3 * mostOthers {
		lines = append(lines, strings.Replace(identify, "user_123", fmt.Sprint("user_", i), 1))
	}
	assert.Len(t, of("W-SHAREDANON", findingsOf(newChecker(), inFile(t, lines...)...)), mostOthers)
}

func TestALongIDIsNotKept(t *testing.T) {
	long := strings.Repeat("x", longestID+1)
	c := newChecker()
	c.Observe(Input{Number: 1, Message: collector.Message{
		Kind: collector.KindGroup, UserID: long, AnonymousID: long, GroupID: long, SessionID: long, MessageID: long, Timestamp: noon, Values: map[string]any{long: "x"},
	}})
	c.Observe(Input{Number: 2, Message: collector.Message{Kind: collector.KindTrack, Name: long, AnonymousID: long, Timestamp: noon, Values: map[string]any{"x": "x"}}})
	h := c.history
	assert.Zero(t, h.people.len()+h.devices.len()+h.groups.len()+h.sessions.len()+h.columns.len())
}

func TestTheNewestAreRemembered(t *testing.T) {
	r := newRecent[string, int](3)
	for i, key := range []string{"a", "b", "c"} {
		r.put(key, i)
	}
	r.use("a")
	r.put("d", 3)  // b has to go
	r.put("c", 20) // stays where it is
	assert.Equal(t, []int{20, 0, 3}, slices.Collect(r.all()))

	r.remove("a")
	r.remove("nobody")
	r.put("e", 4)
	_, found := r.get("b")
	assert.False(t, found)
	assert.Equal(t, []int{20, 3, 4}, slices.Collect(r.all()))
	for first := range r.all() {
		assert.Equal(t, 20, first)
		break
	}
}

func TestManyConclusionsAreCounted(t *testing.T) {
	c := newChecker()
	for i := range int64(mostConclusions + 7) {
		c.Observe(Input{Number: i + 1, Message: collector.Message{
			Kind: collector.KindGroup, GroupID: fmt.Sprint("team-", 1000+i), AnonymousID: "anon_456", Timestamp: noon, Values: map[string]any{"name": "Acme Corp"},
		}})
	}
	var lonely []Finding
	for _, f := range c.Conclude() {
		if f.Rule.ID == "W-LONELYGROUP" {
			lonely = append(lonely, f)
		}
	}
	assert.Len(t, lonely, mostConclusions+1)
	assert.Equal(t, Finding{&lonelyGroup.Rule, 0, "7 more like these"}, lonely[mostConclusions])
}

func TestLookingChangesNothing(t *testing.T) {
	c := newChecker()
	given := inFile(t, visit, identify, `{"type":"group","groupId":"team_456","userId":"user_124","anonymousId":"anon_456"}`, strings.Replace(identify, "user_123", "User_124", 1))
	findingsOf(c, given[:3]...)
	in := &Input{Number: 4, Message: given[3].message}
	var twice [2][]string
	for i := range twice {
		s := c.history.look(in, time.Now)
		for _, check := range checks {
			if check.observe != nil {
				twice[i] = append(twice[i], check.observe(c.history, s))
			}
		}
		c.Conclude()
	}
	assert.Equal(t, twice[0], twice[1])
}
