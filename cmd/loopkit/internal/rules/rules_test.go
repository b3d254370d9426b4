package rules

import (
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/internal/collector"
)

// example is one message, or a few, that a rule finds something in or does not.
type example struct {
	about string
	given func(t testing.TB) []observation
	want  []string // the rule's findings; nil is none
}

func file(lines ...string) func(testing.TB) []observation {
	return func(t testing.TB) []observation { return inFile(t, lines...) }
}

func server(lines ...string) func(testing.TB) []observation {
	return func(t testing.TB) []observation { return live(t, lines...) }
}

const (
	visit    = `{"type":"track","name":"page_view","anonymousId":"anon_456"}`
	identify = `{"type":"identify","userId":"user_123","anonymousId":"anon_456","traits":{"plan":"pro"}}`
	visit2   = `{"type":"track","name":"page_view","anonymousId":"anon_456","properties":{"page":"/pricing"}}`
	visit3   = `{"type":"track","name":"page_view","anonymousId":"anon_456","properties":{"page":"/docs"}}`
	derived  = `anon_af09cbaf-6356-5904-b0f1-c10d1e69fad6` // from user_123
)

var examples = map[string][]example{
	"W-NOANON": {
		{"an identify", file(`{"type":"identify","userId":"user_123","traits":{"plan":"pro"}}`), []string{"1 W-NOANON: without anonymousId this identify attaches no earlier events to user_123"}},
		{"a track", file(`{"type":"track","name":"page_view","userId":"user_123"}`), []string{"1 W-NOANON: this event of user_123 has no anonymousId; LoopKit requires one on every track"}},
		{"a track of nobody", file(`{"type":"track","name":"page_view"}`), []string{"1 W-NOANON: without anonymousId this event is nobody's; LoopKit requires one on every track"}},
		{"a group of nobody", file(`{"type":"group","groupId":"team_456"}`), []string{"1 W-NOANON: nobody joins team_456: it has no anonymousId and no userId"}},
		{"a group of a user", file(`{"type":"group","groupId":"team_456","userId":"user_123"}`), nil},
		{"all is there", file(visit, identify), nil},
		{"a deletion", file(`{"type":"deleteUser","userId":"user_123"}`), nil},
	},
	"W-BADUSERID": {
		{"null", file(strings.Replace(identify, "user_123", "null", 1)), []string{"1 W-BADUSERID: userId is the placeholder null"}},
		{"in capitals, with spaces", file(strings.Replace(identify, "user_123", " Undefined ", 1)), []string{`1 W-BADUSERID: userId is the placeholder " Undefined "`}},
		{"zero", file(strings.Replace(identify, "user_123", "0", 1)), []string{"1 W-BADUSERID: userId is the placeholder 0"}},
		{"an object", file(strings.Replace(identify, "user_123", "[object Object]", 1)), []string{`1 W-BADUSERID: userId is the placeholder "[object Object]"`}},
		{"a template", file(strings.Replace(identify, "user_123", "{{user.id}}", 1)), []string{`1 W-BADUSERID: userId is the placeholder "{{user.id}}"`}},
		{"of a track", file(`{"type":"track","name":"page_view","anonymousId":"anon_456","userId":"unknown"}`), []string{"1 W-BADUSERID: userId is the placeholder unknown"}},
		{"the anonymous ID", file(strings.Replace(visit, "anon_456", "undefined", 1)), []string{"1 W-BADUSERID: anonymousId is the placeholder undefined"}},
		{"the anonymous ID as user", file(strings.Replace(identify, "user_123", "anon_456", 1)), []string{"1 W-BADUSERID: userId is the anonymousId anon_456"}},
		{"good ones", file(identify, strings.Replace(identify, "user_123", "10", 1), strings.Replace(identify, "user_123", "nullius", 1)), nil},
	},
	"W-EMAILID": {
		{"an address", file(strings.Replace(identify, "user_123", "user@example.com", 1)), []string{"1 W-EMAILID: userId is an e-mail address"}},
		{"again", file(strings.Replace(identify, "user_123", "user@example.com", 1), strings.Replace(identify, "user_123", "user@example.com", 1)), []string{"1 W-EMAILID: userId is an e-mail address"}},
		{"as anonymous ID and group ID", file(strings.Replace(visit, "anon_456", "user@example.com", 1), strings.Replace(visit2, "anon_456", "user@example.com", 1), `{"type":"group","groupId":"team@example.com","userId":"user_123"}`),
			[]string{"1 W-EMAILID: anonymousId is an e-mail address", "3 W-EMAILID: groupId is an e-mail address"}},
		{"no address", file(identify, strings.Replace(identify, "user_123", "user@home", 1)), nil},
	},
	"W-IDCASE": {
		{"capitals", file(identify, strings.Replace(identify, "user_123", "User_123", 1)), []string{"2 W-IDCASE: userId is User_123 here, and user_123 in event 1"}},
		{"reported once", file(identify, strings.Replace(identify, "user_123", "USER_123", 1), `{"type":"track","name":"page_view","anonymousId":"anon_456","userId":"USER_123"}`), []string{"2 W-IDCASE: userId is USER_123 here, and user_123 in event 1"}},
		{"a space", file(strings.Replace(identify, "user_123", "user_123 ", 1)), []string{"1 W-IDCASE: userId begins or ends with a space"}},
		{"an address", file(strings.Replace(identify, "user_123", "user@example.com", 1), strings.Replace(identify, "user_123", "User@Example.com", 1)), []string{"2 W-IDCASE: userId is spelled differently in event 1"}},
		{"a group", file(`{"type":"group","groupId":"team_456","userId":"user_123"}`, `{"type":"group","groupId":"Team_456","userId":"user_123"}`), []string{"2 W-IDCASE: groupId is Team_456 here, and team_456 in event 1"}},
		{"an anonymous ID", file(visit, strings.Replace(identify, "anon_456", "ANON_456", 1), strings.Replace(visit2, "anon_456", "ANON_456", 1)), []string{"2 W-IDCASE: anonymousId is ANON_456 here, and anon_456 in event 1"}},
		{"capitals first", file(strings.Replace(visit, "anon_456", "ANON_456", 1), identify), []string{"2 W-IDCASE: anonymousId is anon_456 here, and ANON_456 in event 1"}},
		{"a cookie's quotation marks", file(visit, strings.Replace(identify, "anon_456", "%22anon_456%22", 1)), []string{`2 W-IDCASE: anonymousId is "%22anon_456%22" here, and anon_456 in event 1`}},
		{"quotation marks from the start", file(strings.Replace(identify, "anon_456", `\"anon_456\"`, 1)), []string{"1 W-IDCASE: anonymousId begins or ends with a quotation mark"}},
		{"two users", file(identify, strings.Replace(identify, "user_123", "user_124", 1)), nil},
	},
	"W-ANONDRIFT": {
		{"the user ID instead", file(visit, identify, `{"type":"track","name":"invoice_paid","userId":"user_123","anonymousId":"user_123"}`, `{"type":"track","name":"invoice_sent","userId":"user_123","anonymousId":"user_123"}`),
			[]string{"3 W-ANONDRIFT: the anonymousId is the userId user_123, which no visitor has"}},
		{"the user ID alone", file(visit, identify, strings.Replace(visit, "anon_456", "user_123", 1)), []string{"3 W-ANONDRIFT: the anonymousId is the userId user_123, which no visitor has"}},
		{"in a session", file(
			`{"type":"track","name":"page_view","anonymousId":"anon_456","system":{"sessionId":"sess_1"}}`,
			`{"type":"identify","userId":"user_123","anonymousId":"anon_789","system":{"sessionId":"sess_1"}}`,
			`{"type":"track","name":"feature_used","userId":"user_123","anonymousId":"anon_abc","system":{"sessionId":"sess_1"}}`,
		), []string{"2 W-ANONDRIFT: the session began under anon_456 (event 1), and goes on under anon_789"}},
		{"a logout in a session", file(
			`{"type":"identify","userId":"user_123","anonymousId":"anon_456","system":{"sessionId":"sess_1"}}`,
			`{"type":"track","name":"page_view","anonymousId":"anon_789","system":{"sessionId":"sess_1"}}`,
			`{"type":"identify","userId":"user_124","anonymousId":"anon_789","system":{"sessionId":"sess_1"}}`,
		), nil},
		{"a device that was never identified", file(
			identify,
			`{"type":"track","name":"page_view","anonymousId":"anon_phone"}`,
			`{"type":"track","name":"feature_used","userId":"user_123","anonymousId":"anon_phone"}`,
		), []string{"2 W-ANONDRIFT: 1 event of user_123 came under anon_phone, which no identify names; user_123 was identified in event 1"}},
		{"the same, and the identify comes last", file(
			`{"type":"track","name":"page_view","anonymousId":"anon_phone"}`,
			`{"type":"track","name":"feature_used","userId":"user_123","anonymousId":"anon_phone"}`,
			identify,
		), []string{"1 W-ANONDRIFT: 1 event of user_123 came under anon_phone, which no identify names; user_123 was identified in event 3"}},
		{"a device that is identified later", file(
			identify,
			`{"type":"track","name":"page_view","anonymousId":"anon_phone"}`,
			`{"type":"track","name":"feature_used","userId":"user_123","anonymousId":"anon_phone"}`,
			`{"type":"identify","userId":"user_123","anonymousId":"anon_phone"}`,
		), nil},
		{"another anonymous ID each time", file(
			`{"type":"track","name":"a","userId":"user_123","anonymousId":"anon_1"}`, `{"type":"track","name":"b","userId":"user_123","anonymousId":"anon_2"}`,
			`{"type":"track","name":"c","userId":"user_123","anonymousId":"anon_3"}`, `{"type":"track","name":"d","userId":"user_123","anonymousId":"anon_4"}`,
			`{"type":"track","name":"e","userId":"user_123","anonymousId":"anon_5"}`, `{"type":"track","name":"f","userId":"user_123","anonymousId":"anon_6"}`,
		), []string{"5 W-ANONDRIFT: 5 messages of user_123 in a row came under 5 new anonymous IDs"}},
		{"the server knows the user and the browser the visitor", file(visit, identify,
			`{"type":"track","name":"invoice_paid","userId":"user_123","anonymousId":"`+derived+`"}`,
			`{"type":"track","name":"feature_used","userId":"user_123","anonymousId":"anon_456"}`), nil},
		{"after a deletion", file(
			identify,
			`{"type":"track","name":"page_view","anonymousId":"anon_phone"}`,
			`{"type":"track","name":"feature_used","userId":"user_123","anonymousId":"anon_phone"}`,
			`{"type":"deleteUser","userId":"user_123"}`,
		), nil},
	},
	"W-STRANGERS": {
		{"the identify knows no visitor", file(visit, strings.Replace(identify, "anon_456", "anon_789", 1)), []string{
			"2 W-STRANGERS: user_123 was identified under anon_789, which has no events; 1 event until then came under anon_456 (last event 1): is that the same person?",
		}},
		{"a server that only knows the user", file(visit, strings.Replace(identify, "anon_456", derived, 1)), []string{
			"2 W-STRANGERS: user_123 was identified without the anonymousId of a visitor; 1 event until then came under anon_456 (last event 1): is that the same person?",
		}},
		{"it was another's visit", file(visit, strings.Replace(identify, "anon_456", "anon_789", 1), strings.Replace(identify, "user_123", "user_124", 1)), nil},
		{"it may be two users", file(visit, strings.Replace(identify, "anon_456", derived, 1),
			`{"type":"identify","userId":"user_124","anonymousId":"anon_00000000-0000-5000-8000-000000000000"}`,
			`{"type":"identify","userId":"user_125","anonymousId":"anon_00000000-0000-5000-8000-000000000001"}`,
		), nil},
		{"it was one of two visits", file(visit, strings.Replace(visit, "456", "457", 1), strings.Replace(identify, "anon_456", "anon_789", 1)), nil},
		{"it was long ago", file(visit, strings.Replace(strings.Replace(identify, "anon_456", "anon_789", 1), "}}", `},"timestamp":"12:30:00"}`, 1)), nil},
		{"the events only arrive behind", file(strings.Replace(visit, "456", "457", 1), strings.Replace(identify, "456", "789", 1), strings.Replace(visit, "456", "789", 1)), nil},
		{"events that came later do not count", file(visit, visit2, strings.Replace(identify, "anon_456", "anon_789", 1), visit3), []string{
			"3 W-STRANGERS: user_123 was identified under anon_789, which has no events; 2 events until then came under anon_456 (last event 2): is that the same person?",
		}},
		{"new traits of somebody known", file(identify, strings.Replace(visit, "456", "457", 1), strings.Replace(identify, "anon_456", derived, 1)), nil},
	},
	"W-SHAREDANON": {
		{"two identifies", file(identify, strings.Replace(identify, "user_123", "user_124", 1)), []string{"2 W-SHAREDANON: anon_456 is the anonymousId of user_123 (event 1), and now of user_124"}},
		{"an event of another", file(visit, identify,
			`{"type":"track","name":"page_view","userId":"user_124","anonymousId":"anon_456"}`,
			`{"type":"track","name":"feature_used","userId":"user_124","anonymousId":"anon_456"}`,
		), []string{"3 W-SHAREDANON: anon_456 is the anonymousId of user_123 (event 2), and now of user_124"}},
		{"events of two, never identified", file(
			`{"type":"track","name":"page_view","userId":"user_123","anonymousId":"anon_456"}`,
			`{"type":"track","name":"page_view","userId":"user_124","anonymousId":"anon_456"}`,
		), []string{"2 W-SHAREDANON: anon_456 is the anonymousId of user_123 (event 1), and now of user_124"}},
		{"three in turns", file(identify, strings.Replace(identify, "user_123", "user_124", 1), strings.Replace(identify, "user_123", "user_125", 1),
			strings.Replace(identify, `"user_123"`, `"user_124","messageId":"m1"`, 1), strings.Replace(identify, `"user_123"`, `"user_125","messageId":"m2"`, 1)), []string{
			"2 W-SHAREDANON: anon_456 is the anonymousId of user_123 (event 1), and now of user_124",
			"3 W-SHAREDANON: anon_456 is the anonymousId of user_123 (event 1), and now of user_125",
		}},
		{"after a deletion it is nobody's", file(identify, `{"type":"deleteUser","userId":"user_123"}`, strings.Replace(identify, "user_123", "user_124", 1)), nil},
		{"two spellings of one", file(identify, strings.Replace(identify, "user_123", "User_123", 1)), nil},
		{"one anonymous ID each", file(identify, `{"type":"identify","userId":"user_124","anonymousId":"anon_789"}`), nil},
	},
	"W-MEMBER": {
		{"another style", file(`{"type":"track","name":"page_view","user_id":"user_123","anonymousId":"anon_456"}`), []string{"1 W-MEMBER: user_id is not a member that LoopKit documents: did you mean userId?"}},
		{"other capitals", file(`{"type":"identify","userId":"user_123","anonymousID":"anon_456","traits":{"plan":"pro"}}`), []string{"1 W-MEMBER: anonymousID is not a member that LoopKit documents: did you mean anonymousId?"}},
		{"several", file(`{"type":"group","groupId":"team_456","userid":"user_123","anonymous_id":"anon_456","trait":{"name":"Acme Corp"}}`), []string{
			"1 W-MEMBER: anonymous_id is not a member that LoopKit documents: did you mean anonymousId? trait is not a member that LoopKit documents: did you mean traits? userid is not a member that LoopKit documents: did you mean userId?"}},
		{"another word", server(`{"type":"track","name":"page_view","uid":"user_123","anonymousId":"anon_456"}`), []string{"1 W-MEMBER: uid is not a member that LoopKit documents: did you mean userId?"}},
		{"a letter too few", file(`{"type":"track","name":"page_view","anonymusId":"anon_456"}`), []string{"1 W-MEMBER: anonymusId is not a member that LoopKit documents: did you mean anonymousId?"}},
		{"what is meant is there, too", file(`{"type":"track","name":"page_view","event":"page_view","anonymousId":"anon_456","anonymous_id":"anon_456","properties":{},"attributes":{}}`), nil},
		{"members of one's own", file(`{"type":"track","name":"page_view","anonymousId":"anon_456","integrations":{},"context":{},"version":1,"channel":"web"}`, `{"type":"identify","userId":"user_123","anonymousId":"anon_456","event":"x","group":"y","traits":{"user_id":1}}`), nil},
		{"a deletion", file(`{"type":"deleteUser","userId":"user_123","user_id":"user_123"}`), nil},
	},
	"W-LATE": {
		{"after the signup", file(
			`{"type":"track","name":"user_signup","anonymousId":"anon_456"}`,
			strings.Replace(identify, "}}", `},"timestamp":"12:10:00"}`, 1),
		), []string{"2 W-LATE: the identify came 10m after user_signup (event 1)"}},
		{"the signup arrives behind", file(
			strings.Replace(identify, "}}", `},"timestamp":"12:10:00"}`, 1),
			`{"type":"track","name":"Signed Up","anonymousId":"anon_456"}`,
		), []string{`2 W-LATE: the identify came 10m after "Signed Up" (event 2)`}},
		{"never", file(`{"type":"track","name":"user_signup","anonymousId":"anon_456"}`, visit), []string{"1 W-LATE: no identify under anon_456 followed user_signup so far"}},
		{"a user without identify", file(`{"type":"track","name":"feature_used","userId":"user_123","anonymousId":"anon_456"}`), []string{"1 W-LATE: user_123 has events, and no identify names them so far"}},
		{"a user who was deleted", file(`{"type":"track","name":"feature_used","userId":"user_123","anonymousId":"anon_456"}`, `{"type":"deleteUser","userId":"user_123"}`), nil},
		{"a job that knows the user only", file(`{"type":"track","name":"invoice_paid","userId":"user_123","anonymousId":"` + derived + `"}`), nil},
		{"immediately", file(visit, `{"type":"track","name":"user_signup","anonymousId":"anon_456"}`, identify, visit), nil},
		{"a visitor who comes back for days", file(
			`{"type":"track","name":"page_view","anonymousId":"anon_456","timestamp":"2025-01-02T10:00:00Z"}`, identify), nil},
		{"a signup that did not happen", file(`{"type":"track","name":"signup_failed","anonymousId":"anon_456"}`), nil},
	},
	"W-GROUPID": {
		{"the page's", file(`{"type":"group","groupId":"group-1","userId":"user_123"}`, `{"type":"group","groupId":"group-1","userId":"user_124"}`), []string{"1 W-GROUPID: the groupId group-1 is generic"}},
		{"a word", file(`{"type":"group","groupId":"Team","userId":"user_123"}`), []string{"1 W-GROUPID: the groupId Team is generic"}},
		{"a placeholder", file(`{"type":"group","groupId":"undefined","userId":"user_123"}`), []string{"1 W-GROUPID: the groupId undefined is generic"}},
		{"good ones", file(`{"type":"group","groupId":"acme-corp-team-123","userId":"user_123"}`, `{"type":"group","groupId":"team_456","userId":"user_123"}`, `{"type":"group","groupId":"10432","userId":"user_123"}`, `{"type":"group","groupId":"17","userId":"user_123"}`), nil},
	},
	"W-GROUPTRAITS": {
		{"none", file(`{"type":"group","groupId":"team_456","userId":"user_123","traits":{}}`), []string{"1 W-GROUPTRAITS: team_456 has no traits"}},
		{"nothing in them", file(`{"type":"group","groupId":"team_456","userId":"user_123","traits":{"id":"team_456","name":"","plan":null}}`), []string{"1 W-GROUPTRAITS: team_456 has only traits that say nothing: id, name, plan"}},
		{"a second member need not repeat them", file(
			`{"type":"group","groupId":"team_456","userId":"user_123","traits":{"name":"Acme Corp"}}`,
			`{"type":"group","groupId":"team_456","userId":"user_124","traits":{}}`), nil},
	},
	"W-LONELYGROUP": {
		{"one member", file(identify, `{"type":"group","groupId":"team_456","userId":"user_123","anonymousId":"anon_456"}`), []string{"2 W-LONELYGROUP: team_456 has one member so far"}},
		{"one member, twice", file(identify, `{"type":"group","groupId":"team_456","anonymousId":"anon_456"}`, `{"type":"group","groupId":"team_456","userId":"user_123","anonymousId":"anon_789"}`), []string{"2 W-LONELYGROUP: team_456 has one member so far"}},
		{"anonymous, then identified", file(`{"type":"group","groupId":"team_456","anonymousId":"anon_456"}`, identify, `{"type":"group","groupId":"team_456","userId":"user_123","anonymousId":"anon_789"}`), []string{"1 W-LONELYGROUP: team_456 has one member so far"}},
		{"nobody", file(`{"type":"group","groupId":"team_456"}`), []string{"1 W-LONELYGROUP: team_456 has no member so far"}},
		{"two members", file(`{"type":"group","groupId":"team_456","userId":"user_123"}`, `{"type":"group","groupId":"team_456","userId":"user_124"}`), nil},
		{"deleted", file(`{"type":"group","groupId":"team_456","userId":"user_123"}`, `{"type":"deleteGroup","groupId":"team_456"}`), nil},
	},
	"W-GROUPBEFOREIDENTIFY": {
		{"not identified so far", file(`{"type":"group","groupId":"team_456","userId":"user_123","anonymousId":"anon_456"}`), []string{"1 W-GROUPBEFOREIDENTIFY: user_123 joined team_456, and no identify names them so far"}},
		{"identified behind", file(
			`{"type":"group","groupId":"team_456","userId":"user_123","anonymousId":"anon_456"}`,
			strings.Replace(identify, "}}", `},"timestamp":"12:00:01"}`, 1),
		), []string{"2 W-GROUPBEFOREIDENTIFY: user_123 joined team_456 (event 1) before this identify"}},
		{"a stranger, identified behind", file(
			`{"type":"group","groupId":"team_456","anonymousId":"anon_456"}`,
			strings.Replace(identify, "}}", `},"timestamp":"12:00:01"}`, 1),
		), []string{"2 W-GROUPBEFOREIDENTIFY: anon_456 joined team_456 (event 1) before this identify"}},
		{"it only arrived before", server(
			`{"type":"group","groupId":"team_456","userId":"user_123","anonymousId":"anon_456","timestamp":"12:00:01"}`, identify,
		), nil},
		{"in order", file(identify, `{"type":"group","groupId":"team_456","anonymousId":"anon_456"}`), nil},
		{"who is deleted", file(`{"type":"group","groupId":"team_456","userId":"user_123"}`, `{"type":"deleteUser","userId":"user_123"}`), nil},
	},
	"W-EMPTYTRAITS": {
		{"none", file(`{"type":"identify","userId":"user_123","anonymousId":"anon_456","traits":{}}`), []string{"1 W-EMPTYTRAITS: this identify has no traits"}},
		{"absent", file(`{"type":"identify","userId":"user_123","anonymousId":"anon_456"}`), []string{"1 W-EMPTYTRAITS: this identify has no traits"}},
		{"only the ID", file(`{"type":"identify","userId":"user_123","anonymousId":"anon_456","traits":{"user_id":"user_123","foo":1}}`), []string{"1 W-EMPTYTRAITS: this identify has only traits that say nothing: foo, user_id"}},
		{"some", file(identify), nil},
		{"false and zero say something", file(`{"type":"identify","userId":"user_123","anonymousId":"anon_456","traits":{"logins":0}}`, `{"type":"identify","userId":"user_123","anonymousId":"anon_456","traits":{"paying":false}}`), nil},
		{"a track without properties", file(visit), nil},
	},
	"W-PII": {
		{"the page's", file(`{"type":"identify","userId":"user_123","anonymousId":"anon_456","traits":{"email":"john@acme.com","full_name":"John"}}`), []string{"1 W-PII: may be personal: traits.email (email), traits.full_name (full name)"}},
		{"an address in a text", file(`{"type":"track","name":"page_view","anonymousId":"anon_456","properties":{"page":"/pricing?from=user@example.com"}}`), []string{"1 W-PII: may be personal: properties.page (holds an e-mail address)"}},
		{"an escaped address", file(`{"type":"track","name":"page_view","anonymousId":"anon_456","properties":{"page":"/pricing?from=user%40example.com"}}`), []string{"1 W-PII: may be personal: properties.page (holds an e-mail address)"}},
		{"an address as key", file(`{"type":"track","name":"page_view","anonymousId":"anon_456","properties":{"user@example.com":true}}`), []string{"1 W-PII: may be personal: properties.(an e-mail address) (key)"}},
		{"a card", file(`{"type":"track","name":"page_view","anonymousId":"anon_456","properties":{"note":"4111 1111 1111 1111"}}`), []string{"1 W-PII: may be personal: properties.note (looks like a card number)"}},
		{"a secret", file(`{"type":"track","name":"page_view","anonymousId":"anon_456","properties":{"password":"hunter2"}}`), []string{"1 W-PII: may be personal: properties.password (a secret)"}},
		{"nested", file(`{"type":"track","name":"page_view","anonymousId":"anon_456","properties":{"form":{"phone":"1","all":["user@example.com"]}}}`), []string{"1 W-PII: may be personal: properties.form.all (holds an e-mail address), properties.form.phone (phone)"}},
		{"in the context", file(`{"type":"track","name":"page_view","anonymousId":"anon_456","system":{"context":{"ip":"192.0.2.1"}}}`), []string{"1 W-PII: may be personal: context.ip (ip)"}},
		{"hashed", file(`{"type":"identify","userId":"user_123","anonymousId":"anon_456","traits":{"email_hash":"9f86d081884c7d65","plan":"pro"}}`), nil},
		{"of a team, of a count, of an image", file(
			`{"type":"group","groupId":"team_456","userId":"user_123","traits":{"name":"Acme Corp"}}`,
			`{"type":"track","name":"page_view","anonymousId":"anon_456","properties":{"tokens":512,"image":"logo@2x.png","package":"@loopkit/javascript","order":"4111111111111112","email":""}}`,
		), nil},
	},
	"W-NESTED": {
		{"an object and an array", file(`{"type":"track","name":"page_view","anonymousId":"anon_456","properties":{"page":{"path":"/"},"tags":["a"],"n":1}}`), []string{"1 W-NESTED: arrays or objects in properties: page, tags"}},
		{"flat", file(`{"type":"track","name":"page_view","anonymousId":"anon_456","properties":{"page":"/","n":1,"new":true,"none":null}}`), nil},
	},
	"W-NAMESTYLE": {
		{"words", file(`{"type":"track","name":"Button Click","anonymousId":"anon_456"}`), []string{`1 W-NAMESTYLE: "Button Click" is not snake_case`}},
		{"reported once", file(`{"type":"track","name":"buttonClick","anonymousId":"anon_456"}`, `{"type":"track","name":"buttonClick","anonymousId":"anon_457"}`), []string{"1 W-NAMESTYLE: buttonClick is not snake_case"}},
		{"good", file(visit, `{"type":"track","name":"step_2_done","anonymousId":"anon_456"}`), nil},
	},
	"W-TYPEDRIFT": {
		{"a number, then a text", file(
			`{"type":"group","groupId":"team_456","userId":"user_123","traits":{"size":25}}`,
			`{"type":"group","groupId":"team_456","userId":"user_124","traits":{"size":"25"}}`,
			`{"type":"group","groupId":"team_456","userId":"user_125","traits":{"size":"26"}}`,
		), []string{"2 W-TYPEDRIFT: size is a string, and was a number (event 1)"}},
		{"null is of any type", file(
			`{"type":"group","groupId":"team_456","userId":"user_123","traits":{"size":null}}`,
			`{"type":"group","groupId":"team_456","userId":"user_124","traits":{"size":25}}`,
			`{"type":"group","groupId":"team_456","userId":"user_125","traits":{"size":null}}`,
		), nil},
		{"other events", file(
			`{"type":"track","name":"page_view","anonymousId":"anon_456","properties":{"value":1}}`,
			`{"type":"track","name":"button_click","anonymousId":"anon_456","properties":{"value":"1"}}`,
		), nil},
	},
	"W-FUTURE": {
		{"against the arrival", server(strings.Replace(visit, "}", `,"timestamp":"14:00:00"}`, 1)), []string{"1 W-FUTURE: timestamp is 2h0m after its arrival"}},
		{"against the clock", file(strings.Replace(visit, "}", `,"timestamp":"2999-01-01T00:00:00Z"}`, 1)), []string{"1 W-FUTURE: timestamp is in the year 2999"}},
		{"a clock may be a little off", server(strings.Replace(visit, "}", `,"timestamp":"12:04:00"}`, 1)), nil},
	},
	"W-STALE": {
		{"from an SDK", server(
			`{"type":"track","name":"page_view","anonymousId":"anon_456","timestamp":"2024-12-01T12:00:00Z","system":{"sdk":{"name":"loopkit-go"}}}`,
		), []string{"1 W-STALE: timestamp is 45 days before its arrival"}},
		{"a clock that was not set", file(strings.Replace(visit, "}", `,"timestamp":"1970-01-21T00:00:00Z"}`, 1)), []string{"1 W-STALE: timestamp is in the year 1970"}},
		{"written by hand", server(strings.Replace(visit, "}", `,"timestamp":"2024-12-01T12:00:00Z"}`, 1)), nil},
		{"a file may be old", file(
			`{"type":"track","name":"page_view","anonymousId":"anon_456","timestamp":"2024-12-01T12:00:00Z","system":{"sdk":{"name":"loopkit-go"}}}`), nil},
	},
	"W-DUP": {
		{"identical", server(visit, visit), []string{"2 W-DUP: it is identical to event 1"}},
		{"the same message ID", file(strings.Replace(visit, "}", `,"messageId":"m1"}`, 1), strings.Replace(visit, "page_view", "button_click", 1), strings.Replace(visit, "}", `,"messageId":"m1"}`, 1)),
			[]string{"3 W-DUP: its messageId is that of event 1"}},
		{"another time", file(visit, strings.Replace(visit, "}", `,"timestamp":"12:00:01"}`, 1)), nil},
		{"another message ID", file(strings.Replace(visit, "}", `,"messageId":"m1"}`, 1), strings.Replace(visit, "}", `,"messageId":"m2"}`, 1)), nil},
		{"a retry of a retry", func(t testing.TB) []observation {
			retries := live(t, visit, visit, visit)
			retries[1].request.Time, retries[2].request.Time = noon.Add(4*time.Second), noon.Add(8*time.Second)
			return retries
		}, []string{"2 W-DUP: it is identical to event 1", "3 W-DUP: it is identical to event 1"}},
		{"later", func(t testing.TB) []observation {
			return append(
				arriving(t, collector.Request{Time: noon}, visit),
				arriving(t, collector.Request{Time: noon.Add(6 * time.Second)}, visit)...)
		}, nil},
	},
	"W-KEYINQUERY": {
		{"once for an SDK and an endpoint", func(t testing.TB) []observation {
			js := `,"system":{"sdk":{"name":"@loopkit/javascript"}}}`
			return append(
				arriving(t, collector.Request{Time: noon, Auth: "query", Endpoint: collector.Tracks}, strings.Replace(visit, "}", js, 1), strings.Replace(visit, `w"`, `ed"`, 1)),
				arriving(t, collector.Request{Time: noon, Auth: "query", Endpoint: collector.Tracks}, strings.Replace(visit, "page", "app", 1))...)
		}, []string{
			`1 W-KEYINQUERY: the requests of "@loopkit/javascript" to tracks have the key in their query`,
			"2 W-KEYINQUERY: the requests of this sender to tracks have the key in their query",
		}},
		{"in a header", server(visit), nil},
	},
}

func TestEachRuleFindsWhatItShouldAndNothingElse(t *testing.T) {
	for _, rule := range All() {
		var triggering, passing int
		for _, x := range examples[rule.ID] {
			if x.want == nil {
				passing++
			} else {
				triggering++
			}
			t.Run(rule.ID+"/"+x.about, func(t *testing.T) {
				assert.Equal(t, x.want, of(rule.ID, findingsOf(newChecker(), x.given(t)...)))
			})
		}
		assert.Positive(t, triggering, rule.ID)
		assert.Positive(t, passing, rule.ID)
	}
	assert.Len(t, examples, len(All()))
}

func TestEachRuleSaysWhatItIsAndWhatToDo(t *testing.T) {
	assert.True(t, slices.IsSortedFunc(All(), func(a, b *Rule) int { return strings.Compare(a.ID, b.ID) }))
	for _, rule := range All() {
		assert.Regexp(t, `^W-[A-Z]+$`, rule.ID)
		for name, text := range map[string]string{"title": rule.Title, "why": rule.Why, "fix": rule.Fix, "example": rule.Example} {
			assert.NotEmpty(t, text, "%s: %s", rule.ID, name)
		}
		assert.NotRegexp(t, `\.$`, rule.Title)
		_, err := parser.ParseFile(token.NewFileSet(), "", "package p\nfunc _() {\n"+rule.Example+"\n}", 0)
		assert.NoError(t, err, "the example of %s", rule.ID)
		assert.Contains(t, []Severity{Error, Warning, Info}, rule.Severity, rule.ID)

		found, ok := ByID(rule.ID)
		assert.True(t, ok)
		assert.Same(t, rule, found)
	}
	_, ok := ByID("W-NONE")
	assert.False(t, ok)
}

func TestARepeatedMessageGivesRiseToNothingElse(t *testing.T) {
	bad := `{"type":"track","name":"Sign Up","anonymousId":"anon_456","properties":{"email":"john@acme.com"}}`
	c := newChecker()
	given := inFile(t, bad, bad)
	require.Len(t, c.Observe(Input{Number: 1, Message: given[0].message}), 2)
	require.Len(t, c.Observe(Input{Number: 2, Message: given[1].message}), 1)
}

func TestFindingsInFilesNameThePlacesOfOtherMessages(t *testing.T) {
	c := NewFileChecker(func(number int64) string { return "line " + string(rune('0'+number)) })
	found := of("W-IDCASE", findingsOf(c, inFile(t, identify, strings.Replace(identify, "user_123", "User_123", 1))...))
	assert.Equal(t, []string{"2 W-IDCASE: userId is User_123 here, and user_123 in line 1"}, found)
}
