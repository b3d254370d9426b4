package loopkittest_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/loopkitai/loopkit-go/loopkittest"
)

func TestAFailureShowsWhatDidArrive(t *testing.T) {
	s := loopkittest.NewTransport(t)
	assert.Contains(t, failed(func(tb testing.TB) { loopkittest.RequireIdentified(tb, s, "user_123", "anon_456") }),
		"nothing arrived")

	mustPost(t, s, "/tracks", track)
	mustPost(t, s, "/identifies", identify)
	s.Script(loopkittest.Groups, loopkittest.Fault{Status: 503})
	assert.Equal(t, 503, status(t, s, "/groups", group))
	assert.Equal(t, `anonymous ID "anon_789" does not belong to user "user_123", who has ["anon_456"]
arrived:
  track "page_view" anonymous ID "anon_456" map[page:/pricing]
  identify user "user_123" anonymous ID "anon_456" map[plan:pro]
  request 2: POST /v1/groups with 1 messages: status 503`,
		failed(func(tb testing.TB) { loopkittest.RequireIdentified(tb, s, "user_123", "anon_789") }))
	assert.Contains(t, failed(func(tb testing.TB) { loopkittest.RequireTracked(tb, s, "user_123", "signup") }),
		`no event "signup" of "user_123" arrived`)
	assert.Contains(t, failed(func(tb testing.TB) { loopkittest.RequireMember(tb, s, "team_456", "user_123") }),
		`no group "team_456" arrived`)
}

func TestRequireIdentifiedWantsAnIdentify(t *testing.T) {
	s := loopkittest.NewTransport(t)
	require := func(user, anonymous string) string {
		return failed(func(tb testing.TB) { loopkittest.RequireIdentified(tb, s, user, anonymous) })
	}
	mustPost(t, s, "/groups", group)
	assert.Contains(t, require("user_123", ""), "never identified")
	assert.Contains(t, require("anon_456", ""), `no user "anon_456" arrived`)
	mustPost(t, s, "/identifies", identify)
	assert.Empty(t, require("user_123", ""))
	assert.Empty(t, require("user_123", "anon_456"))
}

func TestAnAnonymousIDBelongsToNobodyKnown(t *testing.T) {
	s := loopkittest.NewTransport(t)
	require := func() string {
		return failed(func(tb testing.TB) { loopkittest.RequireAnonymous(tb, s, "anon_456") })
	}
	assert.Contains(t, require(), `nothing of anonymous ID "anon_456" arrived`)
	mustPost(t, s, "/tracks", track)
	assert.Empty(t, require())
	assert.Len(t, loopkittest.RequireAnonymous(t, s, "anon_456").Events, 1)

	mustPost(t, s, "/groups", group)
	assert.Contains(t, require(), `anonymous ID "anon_456" arrived together with user "user_123"`)
	s.Reset()
	mustPost(t, s, "/identifies", identify)
	mustPost(t, s, "/tracks", track)
	assert.Contains(t, require(), `anonymous ID "anon_456" arrived together with user "user_123"`)

	mustDelete(t, s, "/users/user_123")
	assert.Contains(t, require(), "nothing of anonymous ID")
	mustPost(t, s, "/tracks", track)
	assert.Empty(t, require(), "a new person")
	assert.Contains(t, failed(func(tb testing.TB) { loopkittest.RequireAnonymous(tb, s, "user_123") }),
		`nothing of anonymous ID "user_123" arrived`, "a user")
}

func TestOneAnonymousIDOfTwoUsersIsAConflict(t *testing.T) {
	s := loopkittest.NewTransport(t)
	require := func() string {
		return failed(func(tb testing.TB) { loopkittest.RequireNoConflicts(tb, s) })
	}
	assert.Empty(t, require(), "nothing arrived")
	mustPost(t, s, "/identifies", identify)
	mustPost(t, s, "/identifies", identify)
	mustPost(t, s, "/identifies", `{"userId":"user_124","anonymousId":"anon_457","traits":{}}`)
	assert.Empty(t, require())
	mustPost(t, s, "/identifies", `{"userId":"user_124","anonymousId":"anon_456","traits":{}}`)
	assert.Contains(t, require(), `user "user_123" and another claim anonymous IDs ["anon_456"]`)
}

func TestALongStoryIsCut(t *testing.T) {
	s := loopkittest.NewTransport(t)
	for range 50 {
		mustPost(t, s, "/tracks", track)
	}
	assert.Contains(t, failed(func(tb testing.TB) { loopkittest.RequireTracked(tb, s, "u", "x") }), "(10 more)")
}
