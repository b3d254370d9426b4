package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// step is a message in everybody's story. # is the number of the person.
type step struct {
	at    int // seconds from when the person came
	late  int // seconds on the way
	line  string
	every int // one person in so many takes the step; 0 is each
}

const (
	looksAround = `{"type":"track","name":"page_view","anonymousId":"anon_#"}`
	looksAgain  = `{"type":"track","name":"button_click","anonymousId":"anon_#"}`
	signsUp     = `{"type":"track","name":"user_signup","anonymousId":"anon_#"}`
	isKnown     = `{"type":"identify","userId":"user_#","anonymousId":"anon_#","traits":{"plan":"trial"}}`
	worksOn     = `{"type":"track","name":"feature_used","userId":"user_#","anonymousId":"anon_#"}`
	derivedOfN  = `anon_00000000-0000-5000-8000-000000000#`
)

// under is a line with another anonymous ID.
func under(id, line string) string {
	return strings.Replace(line, `"anonymousId":"anon_#"`, `"anonymousId":"`+id+`"`, 1)
}

// lives are the stories of people who come one each ten seconds, so that many are
// there at the same time.
func lives(t *testing.T, people int, steps ...step) []observation {
	type message struct {
		arrives int
		line    string
	}
	var all []message
	for i := range people {
		for _, s := range steps {
			if s.every > 0 && i%s.every != 0 {
				continue
			}
			sent := 10*i + s.at
			stamp := fmt.Sprintf(`,"timestamp":"%s"}`, noon.Add(time.Duration(sent)*time.Second-time.Hour).Format(time.TimeOnly))
			all = append(all, message{sent + s.late, strings.ReplaceAll(strings.TrimSuffix(s.line, "}")+stamp, "#", fmt.Sprint(100+i))})
		}
	}
	slices.SortStableFunc(all, func(a, b message) int { return a.arrives - b.arrives })
	lines := make([]string, len(all))
	for i, m := range all {
		lines[i] = m.line
	}
	return inFile(t, lines...)
}

func TestUsersWhoseVisitsReachNobodyAreFoundAmongManyVisitors(t *testing.T) {
	for about, c := range map[string]struct {
		steps []step
		want  string
	}{
		"the server only knows the user": {
			[]step{{at: 0, line: looksAround}, {at: 10, line: looksAgain}, {at: 101, line: under(derivedOfN, isKnown)}, {at: 120, line: looksAround}},
			"0 W-ANONDRIFT: 30 of 30 users were identified under an anonymousId that no visitor has, such as user_100 (event 22) and user_101 (event 25); " +
				"30 visitors have events and no identify, such as anon_100 (last event 26) and anon_101 (last event 30): are those the same people?",
		},
		"the server makes an ID up": {
			[]step{{at: 0, line: looksAround}, {at: 10, line: looksAgain}, {at: 101, line: under("server_#", isKnown)}, {at: 120, line: looksAround}},
			"0 W-ANONDRIFT: 30 of 30 users were identified under an anonymousId that no visitor has, ",
		},
		"the cookie keeps its quotation marks": {
			[]step{{at: 0, line: looksAround}, {at: 101, line: under(`\"anon_#\"`, isKnown)}, {at: 120, line: looksAround}},
			"0 W-ANONDRIFT: 30 of 30 users were identified under an anonymousId that no visitor has, ",
		},
		"a new ID for each message": {
			[]step{{at: 0, line: under("a_#", looksAround)}, {at: 10, line: under("b_#", looksAgain)}, {at: 101, line: under("c_#", isKnown)}},
			"0 W-ANONDRIFT: 30 of 30 users were identified under an anonymousId that no visitor has, ",
		},
		"a new ID for each message, and few users": {
			[]step{{at: 0, line: under("a_#", looksAround)}, {at: 10, line: under("b_#", looksAgain)}},
			"0 W-STRANGERS: 60 of 60 anonymous IDs have a single event, such as a_100 (event 1) and b_100 (event 2): is a new one made for each?",
		},
		"one in ten signs up": {
			[]step{{at: 0, line: looksAround}, {at: 101, line: under(derivedOfN, isKnown), every: 10}, {at: 120, line: looksAround}},
			"0 W-ANONDRIFT: 3 of 3 users were identified under an anonymousId that no visitor has, ",
		},
		"the login takes a new ID": {
			[]step{{at: 0, line: looksAround}, {at: 50, line: looksAgain}, {at: 101, line: under("new_#", isKnown)}, {at: 120, line: under("new_#", worksOn)}},
			"0 W-STRANGERS: 30 of 30 users were identified under an anonymousId that had no events before, ",
		},
		"the same, beside a job": {
			[]step{{at: 0, line: looksAround}, {at: 50, line: looksAgain}, {at: 101, line: under("new_#", isKnown)}, {at: 120, line: under("new_#", worksOn)},
				{at: 200, line: strings.ReplaceAll(under(derivedOfN, isKnown), "user_#", "absent_#"), every: 10}},
			"0 W-STRANGERS: 33 of 33 users were identified under an anonymousId that had no events before, ",
		},
	} {
		found := strings.Join(findingsOf(newChecker(), lives(t, 30, c.steps...)...), "\n")
		assert.Contains(t, found, c.want, about)
		assert.LessOrEqual(t, strings.Count(found, "are those the same people?"), 1, about)
	}
}

func TestGoodTrafficOfManyPeopleGivesNothing(t *testing.T) {
	signup := []step{{at: 0, line: looksAround}, {at: 100, line: signsUp}, {at: 101, line: isKnown}, {at: 120, line: worksOn}}
	for about, steps := range map[string][]step{
		"signups":                  signup,
		"the identify comes first": {{at: 0, late: 300, line: looksAround}, {at: 100, late: 300, line: signsUp}, {at: 101, line: isKnown}, {at: 120, line: worksOn}},
		"the identify comes first, among visitors": {
			{at: 0, late: 300, line: looksAround}, {at: 101, line: isKnown}, {at: 120, line: worksOn}, {at: 0, line: under("other_#", looksAround)}, {at: 20, line: under("other_#", looksAgain)}},
		"a job, and few visitors": {
			{at: 0, line: looksAround, every: 10}, {at: 100, line: looksAgain, every: 10}, {at: 200, line: strings.ReplaceAll(under(derivedOfN, isKnown), "user_#", "absent_#")}},
		"most leave at once":          {{at: 0, line: looksAround}, {at: 100, line: looksAgain, every: 3}},
		"few sign up":                 {{at: 0, line: looksAround}, {at: 100, line: looksAgain}, {at: 101, line: isKnown, every: 10}},
		"the server tells new traits": append(slices.Clone(signup), step{at: 200, line: under(derivedOfN, isKnown)}, step{at: 210, line: `{"type":"track","name":"invoice_paid","userId":"user_#","anonymousId":"` + derivedOfN + `"}`}),
		"a nightly job tells traits of users who are not there": {
			{at: 0, line: looksAround}, {at: 100, line: looksAgain}, {at: 101, line: isKnown, every: 5}, {at: 200, line: strings.ReplaceAll(under(derivedOfN, isKnown), "user_#", "absent_#")}},
		"a second device":       append(slices.Clone(signup), step{at: 300, line: under("phone_#", isKnown)}, step{at: 310, line: under("phone_#", worksOn)}),
		"users who come back":   {{at: 0, line: isKnown}, {at: 10, line: worksOn}},
		"a server only":         {{at: 0, line: under(derivedOfN, isKnown)}, {at: 10, line: `{"type":"track","name":"invoice_paid","userId":"user_#","anonymousId":"` + derivedOfN + `"}`}},
		"visitors only":         {{at: 0, line: looksAround}, {at: 10, line: looksAgain}},
		"teams":                 append(slices.Clone(signup), step{at: 130, line: `{"type":"group","groupId":"acme-corp-7","userId":"user_#","anonymousId":"anon_#","traits":{"name":"Acme Corp"}}`}),
		"a login after a visit": {{at: 0, line: looksAround}, {at: 10, line: isKnown}, {at: 20, line: worksOn}, {at: 30, line: looksAgain}},
		"one in three logs out": append(slices.Clone(signup), step{at: 200, line: under("next_#", looksAround), every: 3}, step{at: 210, line: under("next_#", looksAgain), every: 3}),
		"users alone":           {{at: 0, line: isKnown}},
		"some first seen later": {{at: 0, line: looksAround}, {at: 5, line: looksAgain}, {at: 10, line: isKnown, every: 2}, {at: 90, line: under("tablet_#", isKnown), every: 2}},
	} {
		assert.Empty(t, findingsOf(newChecker(), lives(t, 30, steps...)...), about)
	}
}

func TestADeletedUserIsNotCounted(t *testing.T) {
	given := lives(t, 4, step{at: 0, line: looksAround}, step{at: 5, line: looksAgain}, step{at: 101, line: under(derivedOfN, isKnown)})
	c := newChecker()
	assert.Len(t, of("W-ANONDRIFT", findingsOf(c, given...)), 1)
	for i := range 2 {
		c.Observe(Input{Number: int64(100 + i), Message: parse(t, fmt.Sprintf(`{"type":"deleteUser","userId":"user_%d"}`, 100+i))})
	}
	assert.Empty(t, of("W-ANONDRIFT", texts(c.Conclude())))
}
