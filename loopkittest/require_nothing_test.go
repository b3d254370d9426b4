package loopkittest_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/loopkittest"
)

// nothingAbout returns why RequireNothingAbout failed, or an empty string.
func nothingAbout(s *loopkittest.Server, id string) string {
	return failed(func(tb testing.TB) { loopkittest.RequireNothingAbout(tb, s, id) })
}

func TestAMentionAnywhereIsFound(t *testing.T) {
	const event = `"name":"e","anonymousId":"a","timestamp":"2025-01-15T10:30:00Z"`
	for name, test := range map[string]struct{ path, body, id string }{
		"the user of an identify":         {"/identifies", identify, "user_123"},
		"the anonymous ID of an identify": {"/identifies", identify, "anon_456"},
		"the group":                       {"/groups", group, "team_456"},
		"the user of a group":             {"/groups", group, "user_123"},
		"the anonymous ID of an event":    {"/tracks", track, "anon_456"},
		"a message ID":                    {"/tracks", `{` + event + `,"messageId":"m_1"}`, "m_1"},
		"a value":                         {"/tracks", `{` + event + `,"properties":{"to":"user_123"}}`, "user_123"},
		"a value below another":           {"/tracks", `{` + event + `,"properties":{"to":[{"id":"user_123"}]}}`, "user_123"},
		"a key":                           {"/tracks", `{` + event + `,"properties":{"user_123":1}}`, "user_123"},
		"a number":                        {"/tracks", `{` + event + `,"properties":{"to":4711}}`, "4711"},
		"the context":                     {"/tracks", `{` + event + `,"system":{"context":{"account":"user_123"}}}`, "user_123"},
		"the session":                     {"/tracks", `{` + event + `,"system":{"sessionId":"user_123.7"}}`, "user_123"},
		"a member that nobody knows":      {"/tracks", `{` + event + `,"extra":["user_123"]}`, "user_123"},
		"a key that occurs twice":         {"/tracks", `{` + event + `,"properties":{"to":"user_123","to":"b"}}`, "user_123"},
		"part of a path":                  {"/tracks", `{` + event + `,"properties":{"page":"/users/user_123/edit"}}`, "user_123"},
		"after part of another word":      {"/tracks", `{` + event + `,"properties":{"ids":"user_1234 user_123"}}`, "user_123"},
		"an ID that goes on after it":     {"/groups", `{"groupId":"acme-corp-3f2a","anonymousId":"a"}`, "acme-corp"},
		"another case":                    {"/tracks", `{` + event + `,"properties":{"to":"JOHN@ACME.COM"}}`, "John@acme.com"},
		"escaped JSON":                    {"/tracks", `{` + event + `,"properties":{"to":"\u0075ser\u005f123"}}`, "user_123"},
		"a slash escaped in JSON":         {"/tracks", `{` + event + `,"properties":{"to":"a\/b"}}`, "a/b"},
		"JSON in a string":                {"/tracks", `{` + event + `,"properties":{"body":"{\"id\":\"user_123\"}"}}`, "user_123"},
		"a URL":                           {"/tracks", `{` + event + `,"properties":{"page":"?x=%&user=john%40acme.com"}}`, "john@acme.com"},
		"a URL in UTF-8":                  {"/tracks", `{` + event + `,"properties":{"page":"/Z%C3%BCrich"}}`, "zürich"},
	} {
		t.Run(name, func(t *testing.T) {
			s := loopkittest.NewTransport(t)
			assert.Empty(t, nothingAbout(s, test.id), "nothing arrived")
			mustPost(t, s, test.path, test.body)
			assert.Contains(t, nothingAbout(s, test.id), "message 0 mentions", "what arrived says so")
			assert.Contains(t, nothingAbout(s, test.id), "\narrived:\n", "and is shown")
			s.Reset()
			assert.Empty(t, nothingAbout(s, test.id))
		})
	}
}

func TestAPartOfAWordIsNoMention(t *testing.T) {
	s := loopkittest.NewTransport(t)
	mustPost(t, s, "/tracks", `{"name":"e","anonymousId":"xuser_1","timestamp":"2025-01-15T10:30:00.123+01:00",
		"properties":{"to":"user_12","über":"user_1ü","n":471,"size":47.11,"done":true,"none":null,"at":"2025-01-15T10:30:00Z"}}`)
	for _, id := range []string{"user_1", "47", "11", "4711", "true", "ber", "30", "2025", "123"} {
		assert.Empty(t, nothingAbout(s, id), id)
	}
}

func TestWhatWasDeletedIsNotHeld(t *testing.T) {
	const (
		mentioned = `{"name":"invited","anonymousId":"anon_457","properties":{"by":"user_123","team":"team_456"},"timestamp":"2025-01-15T10:30:00Z"}`
		reused    = `{"name":"page_view","anonymousId":"anon_456","userId":"user_124","timestamp":"2025-01-15T10:30:00Z"}`
		claimed   = `{"userId":"user_124","anonymousId":"anon_456"}`
	)
	type step struct{ path, body string } // without a body: a deletion
	userDeleted, groupDeleted := step{"/users/user_123", ""}, step{"/groups/team_456", ""}
	for name, test := range map[string]struct {
		story []step
		held  []string
		gone  []string
	}{
		"a user and the anonymous ID": {
			[]step{{"/tracks", track}, {"/identifies", identify}, {"/groups", group}, {"/tracks", track}, userDeleted},
			[]string{"team_456"}, []string{"user_123", "anon_456"},
		},
		"an anonymous ID that arrived only beside the user": {
			[]step{{"/groups", group}, userDeleted},
			nil, []string{"user_123", "anon_456"},
		},
		"a group, but not its member": {
			[]step{{"/groups", group}, groupDeleted},
			[]string{"user_123", "anon_456"}, []string{"team_456"},
		},
		"what others said before": {
			[]step{{"/tracks", mentioned}, userDeleted, groupDeleted},
			[]string{"anon_457"}, []string{"user_123", "team_456"},
		},
		"but not what others say later": {
			[]step{userDeleted, groupDeleted, {"/tracks", mentioned}},
			[]string{"user_123", "team_456"}, nil,
		},
		"nor a user who came back": {
			[]step{{"/identifies", identify}, userDeleted, {"/groups", group}},
			[]string{"user_123", "anon_456", "team_456"}, nil,
		},
		"unless deleted again": {
			[]step{{"/identifies", identify}, userDeleted, {"/identifies", identify}, userDeleted},
			nil, []string{"user_123", "anon_456"},
		},
		"nor the same browser afterwards": {
			[]step{{"/identifies", identify}, userDeleted, {"/tracks", track}},
			[]string{"anon_456"}, []string{"user_123"},
		},
		"nor a visitor whom no identify links to the user": {
			[]step{{"/tracks", track}, {"/groups", group}, userDeleted},
			[]string{"anon_456"}, []string{"user_123"},
		},
		"nor an anonymous ID that another user has too": {
			[]step{{"/identifies", identify}, {"/identifies", claimed}, userDeleted},
			[]string{"anon_456", "user_124"}, []string{"user_123"},
		},
		"until that user is deleted as well": {
			[]step{{"/tracks", reused}, {"/identifies", identify}, {"/tracks", track}, userDeleted, {"/users/user_124", ""}},
			nil, []string{"anon_456", "user_123", "user_124"},
		},
		"nor anything by the deletion of somebody else": {
			[]step{{"/identifies", identify}, {"/users/user_124", ""}, {"/groups/team_456", ""}},
			[]string{"user_123", "anon_456"}, []string{"user_124", "team_456"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := loopkittest.NewTransport(t)
			for _, step := range test.story {
				if step.body == "" {
					mustDelete(t, s, step.path)
				} else {
					mustPost(t, s, step.path, step.body)
				}
			}
			for _, id := range test.held {
				assert.NotEmpty(t, nothingAbout(s, id), id)
			}
			for _, id := range test.gone {
				assert.Empty(t, nothingAbout(s, id), id)
			}
		})
	}
}

func TestWhatWasRefusedIsNotHeld(t *testing.T) {
	s := loopkittest.NewTransport(t)
	s.Script(loopkittest.Identifies, loopkittest.Fault{Status: 503})
	require.Equal(t, 503, status(t, s, "/identifies", identify))
	assert.Empty(t, nothingAbout(s, "user_123"))

	s.Script(loopkittest.Identifies, loopkittest.Fault{Status: 503, Store: true})
	require.Equal(t, 503, status(t, s, "/identifies", identify))
	assert.Contains(t, nothingAbout(s, "user_123"), `message 0 mentions "user_123"`, "stored, though the answer was lost")
}

func TestAPathMayMentionWhatItDeletesOnly(t *testing.T) {
	for name, test := range map[string]struct {
		method, path, id string
		found            bool
	}{
		"the deletion of the ID":         {http.MethodDelete, "/users/user_123", "user_123", false},
		"an escaped ID":                  {http.MethodDelete, "/users/john%40acme.com%2F1", "john@acme.com/1", false},
		"the deletion of a group":        {http.MethodDelete, "/groups/team_456", "team_456", false},
		"a deletion under another name":  {http.MethodDelete, "/users/crm:user_123", "user_123", true},
		"a deletion in another case":     {http.MethodDelete, "/users/User_123", "user_123", true},
		"another method":                 {http.MethodPost, "/users/user_123", "user_123", true},
		"an endpoint that nobody knows":  {http.MethodGet, "/profiles/john%40acme.com", "john@acme.com", true},
		"a deletion that nobody knows":   {http.MethodDelete, "/profiles/user_123", "user_123", true},
		"a request about somebody else":  {http.MethodDelete, "/users/user_124", "user_123", false},
		"a request below the deleted ID": {http.MethodDelete, "/users/user_123/devices", "user_123", true},
	} {
		t.Run(name, func(t *testing.T) {
			s := loopkittest.NewTransport(t, loopkittest.WithoutDeletion())
			res, err := s.HTTPClient().Do(request(t, t.Context(), s, test.method, test.path, nil))
			require.NoError(t, err)
			require.NoError(t, res.Body.Close())
			if test.found {
				assert.Contains(t, nothingAbout(s, test.id), "request 0 mentions")
				assert.Contains(t, nothingAbout(s, test.id), "\narrived:\n")
			} else {
				assert.Empty(t, nothingAbout(s, test.id))
			}
		})
	}
}

func TestARequestBeforeTheDeletionIsExcusedLikeAMessage(t *testing.T) {
	s := loopkittest.NewTransport(t)
	require.Equal(t, 404, status(t, s, "/profiles/user_123", `{}`))
	assert.NotEmpty(t, nothingAbout(s, "user_123"))
	mustDelete(t, s, "/users/user_123")
	assert.Empty(t, nothingAbout(s, "user_123"))
	require.Equal(t, 404, status(t, s, "/profiles/user_123", `{}`))
	assert.NotEmpty(t, nothingAbout(s, "user_123"))
}

func TestNothingAboutNobodyIsAMistake(t *testing.T) {
	assert.Contains(t, nothingAbout(loopkittest.NewTransport(t), ""), "needs an ID")
}
