package rules

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// samples are the code samples of the documentation page in its order, as the
// messages that they send: what the JavaScript says, with the anonymous ID that
// the browser SDK adds, and after an identify the user ID.
var samples = []struct {
	title    string
	messages []string
	want     []string // what the page itself calls avoidable
}{
	{"User Identification: When to Use Identify", []string{
		`{"type":"identify","userId":"user_123","anonymousId":"anon_123","traits":{"email":"user@example.com","plan":"pro","signup_date":"2025-01-15"}}`,
		`{"type":"identify","userId":"user_123","anonymousId":"anon_123","traits":{"last_login":"2025-01-15T10:30:00Z","login_method":"email"}}`,
		`{"type":"identify","userId":"user_123","anonymousId":"anon_123","traits":{"plan":"enterprise","team_size":25}}`,
	}, []string{"1 W-PII: may be personal: traits.email (email)"}},
	{"User Identification: Identify API", []string{
		`{"type":"identify","userId":"user_123","anonymousId":"anon_456","traits":{"email":"user@example.com","plan":"pro","signup_date":"2025-01-15"},"timestamp":"2025-01-15T10:30:00Z"}`,
	}, []string{"4 W-PII: may be personal: traits.email (email)"}},
	{"User Grouping: When to Use Group", []string{
		`{"type":"group","groupId":"team_456","userId":"user_123","anonymousId":"anon_123","traits":{"name":"Acme Corp Engineering","plan":"enterprise","size":25,"industry":"software"}}`,
		`{"type":"group","groupId":"team_456","userId":"user_123","anonymousId":"anon_123","traits":{"plan":"enterprise_plus","size":30}}`,
	}, nil},
	{"User Grouping: Group API", []string{
		`{"type":"group","groupId":"team_456","userId":"user_123","anonymousId":"anon_789","traits":{"name":"Acme Corp Engineering","plan":"enterprise","size":25,"industry":"software"},"timestamp":"2025-01-15T10:30:00Z"}`,
	}, nil},
	{"Complete User Journey Example", []string{
		`{"type":"track","name":"page_view","anonymousId":"anon_journey","properties":{"page":"/pricing"}}`,
		`{"type":"track","name":"button_click","anonymousId":"anon_journey","properties":{"button":"start_trial"}}`,
		`{"type":"track","name":"user_signup","anonymousId":"anon_journey","properties":{"method":"email","source":"pricing_page"}}`,
		`{"type":"identify","userId":"user_123","anonymousId":"anon_journey","traits":{"email":"john@acme.com","plan":"trial","signup_date":"2025-01-15","source":"pricing_page"}}`,
		`{"type":"track","name":"team_invitation_accepted","userId":"user_123","anonymousId":"anon_journey","properties":{"team_id":"team_456","role":"developer"}}`,
		`{"type":"group","groupId":"team_456","userId":"user_123","anonymousId":"anon_journey","traits":{"name":"Acme Corp","plan":"enterprise","size":25,"industry":"software"}}`,
		`{"type":"track","name":"feature_used","userId":"user_123","anonymousId":"anon_journey","properties":{"feature":"api_integration","team_id":"team_456","user_role":"developer"}}`,
	}, []string{"11 W-PII: may be personal: traits.email (email)"}},
	{"Implementation Patterns: React/Next.js", []string{
		`{"type":"track","name":"user_signup","anonymousId":"anon_react","properties":{"method":"email","source":"pricing_page"}}`,
		`{"type":"identify","userId":"user_124","anonymousId":"anon_react","traits":{"email":"user@example.com","plan":"trial","signup_date":"2025-01-15T10:30:00Z"}}`,
		`{"type":"track","name":"team_joined","userId":"user_124","anonymousId":"anon_react","properties":{"team_id":"team_789","role":"developer"}}`,
		`{"type":"group","groupId":"team_789","userId":"user_124","anonymousId":"anon_react","traits":{"name":"Acme Corp","plan":"enterprise","size":25,"industry":"software"}}`,
	}, []string{"16 W-PII: may be personal: traits.email (email)"}},
	{"Implementation Patterns: Unity", []string{
		`{"type":"track","name":"user_signup","anonymousId":"anon_0123456789abcdef","properties":{"method":"email","platform":"mobile"}}`,
		`{"type":"identify","userId":"user_125","anonymousId":"anon_0123456789abcdef","traits":{"email":"user@example.com","platform":"mobile","device_type":"Handheld"}}`,
		`{"type":"track","name":"guild_joined","userId":"user_125","anonymousId":"anon_0123456789abcdef","properties":{"guild_id":"guild_456","guild_level":7}}`,
		`{"type":"group","groupId":"guild_456","userId":"user_125","anonymousId":"anon_0123456789abcdef","traits":{"name":"Red Dragons","level":7,"member_count":25,"guild_type":"public"}}`,
	}, []string{"20 W-PII: may be personal: traits.email (email)"}},
	{"Data Privacy & GDPR: User Consent", []string{
		`{"type":"identify","userId":"user_124","anonymousId":"anon_react","traits":{"plan":"trial","signup_date":"2025-01-15T10:30:00Z"}}`,
	}, nil},
	{"Data Privacy & GDPR: Data Deletion", []string{
		`{"type":"deleteUser","userId":"user_125"}`,
		`{"type":"deleteGroup","groupId":"guild_456"}`,
	}, nil},
	{"Best Practices: 1. Identify Early and Often", []string{
		`{"type":"identify","userId":"user_124","anonymousId":"anon_react","traits":{"plan":"trial","role":"admin"}}`,
		`{"type":"identify","userId":"user_124","anonymousId":"anon_react","traits":{"plan":"pro"}}`,
	}, nil},
	{"Best Practices: 2. Use Meaningful Group IDs, good", []string{
		`{"type":"group","groupId":"acme-corp-team-123","userId":"user_124","anonymousId":"anon_react","traits":{"name":"Acme Corp"}}`,
	}, nil},
	{"Best Practices: 2. Use Meaningful Group IDs, to avoid", []string{
		`{"type":"group","groupId":"group-1","userId":"user_124","anonymousId":"anon_react","traits":{"name":"Acme Corp"}}`,
	}, []string{"29 W-GROUPID: the groupId group-1 is generic"}},
	{"Best Practices: 3. Include Relevant Traits, good", []string{
		`{"type":"identify","userId":"user_124","anonymousId":"anon_react","traits":{"plan":"enterprise","role":"admin","team_size":25,"signup_date":"2025-01-15"}}`,
	}, nil},
	{"Best Practices: 3. Include Relevant Traits, to avoid", []string{
		`{"type":"identify","userId":"user_124","anonymousId":"anon_react","traits":{}}`,
	}, []string{"31 W-EMPTYTRAITS: this identify has no traits"}},
	{"Best Practices: 4. Respect Privacy, good", []string{
		`{"type":"identify","userId":"user_124","anonymousId":"anon_react","traits":{"email_hash":"b4c9a289323b21a01c3e940f150eb9b8c542587f1abfd8f0e1cc1ffc5e475514","plan":"pro"}}`,
	}, nil},
	{"Best Practices: 4. Respect Privacy, to avoid", []string{
		`{"type":"identify","userId":"user_124","anonymousId":"anon_react","traits":{"email":"user@example.com","full_name":"John"}}`,
	}, []string{"33 W-PII: may be personal: traits.email (email), traits.full_name (full name)"}},
}

func TestThePagesOwnSamplesGiveOnlyWhatItCallsAvoidable(t *testing.T) {
	c := newChecker()
	number := int64(0)
	for _, sample := range samples {
		var found []string
		for _, line := range sample.messages {
			number++
			for _, f := range c.Observe(Input{Number: number, Message: parse(t, line)}) {
				assert.NotEqual(t, Error, f.Rule.Severity)
				found = append(found, text(f))
			}
		}
		assert.Equal(t, sample.want, found, sample.title)
	}
	var conclusions []string
	for _, f := range c.Conclude() {
		conclusions = append(conclusions, text(f))
	}
	assert.Equal(t, []string{ // "Check that multiple users are associated with the group"
		"5 W-LONELYGROUP: team_456 has one member so far",
		"18 W-LONELYGROUP: team_789 has one member so far",
		"28 W-LONELYGROUP: acme-corp-team-123 has one member so far",
		"29 W-LONELYGROUP: group-1 has one member so far",
	}, conclusions)
}
