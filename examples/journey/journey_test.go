package main

import (
	"bytes"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/internal/collector"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

func environment(variables map[string]string) func(string) string {
	return func(name string) string { return variables[name] }
}

// stable hides from the output what differs between two runs.
func stable(output string) string {
	output = regexp.MustCompile(`anon_[0-9a-f-]{36}`).ReplaceAllString(output, "anon_ID")
	output = regexp.MustCompile(`127\.0\.0\.1:\d+`).ReplaceAllString(output, "127.0.0.1:PORT")
	return regexp.MustCompile(`(object|envelope)( +\d+ +)\d{3} `).ReplaceAllString(output, "${1}${2}NNN ")
}

const localOutput = `The user journey of LoopKit's documentation, sent to a local server that refuses
forms which no source shows. LOOPKIT_API_KEY=... sends it to LoopKit instead.

Requests, as they arrived at http://127.0.0.1:PORT/v1
  #  method  path            auth    form      messages  bytes  status  what was stored
  1  POST    /v1/tracks      bearer  envelope  2         NNN    200     track page_view, track button_click
  2  POST    /v1/tracks      bearer  envelope  1         NNN    200     track user_signup
  3  POST    /v1/identifies  bearer  object    1         NNN    200     identify user_123
  4  POST    /v1/tracks      bearer  envelope  1         NNN    200     track team_invitation_accepted
  5  POST    /v1/groups      bearer  object    1         NNN    200     group team_456
  6  POST    /v1/tracks      bearer  envelope  1         NNN    200     track feature_used

The person that came out of it
  user ID        user_123
  anonymous IDs  anon_ID
  events         page_view                 anonymous, merged by the identify
                 button_click              anonymous, merged by the identify
                 user_signup               anonymous, merged by the identify
                 team_invitation_accepted  as user_123
                 feature_used              as user_123
  traits         email                     john@acme.com
                 plan                      trial
                 signup_date               2025-01-15
                 source                    pricing_page
  groups         team_456

The group
  group ID  team_456
  type      organization
  traits    industry  software
            name      Acme Corp
            plan      enterprise
            size      25
  members   user_123

The client's accounting
  accepted   7
  delivered  7
  pending    0
  requests   6
`

func TestWithoutAKeyTheJourneyIsShownOnALocalServer(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out, environment(nil)))
	assert.Equal(t, localOutput, stable(out.String()))
	assert.NotContains(t, out.String(), localKey)
}

func TestTheReadmeShowsTheOutput(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	_, shown, ok := strings.Cut(strings.ReplaceAll(string(readme), "\r\n", "\n"), "\n```text\n")
	require.True(t, ok)
	shown, _, _ = strings.Cut(shown, "```\n")
	_, output, _ := strings.Cut(localOutput, "\n\n")
	assert.Equal(t, output, stable(shown))
}

func TestTheJourneyIsOnePerson(t *testing.T) {
	server := collector.New(collector.Options{Strict: true, Keys: []string{localKey}})
	baseURL, stop, err := listen(server)
	require.NoError(t, err)
	stats, err := travel(t.Context(), localKey, baseURL, nil)
	require.NoError(t, err)
	require.NoError(t, stop())

	assert.Equal(t, int64(7), stats.Delivered)
	messages := server.Messages()
	require.Len(t, messages, 7)
	identified := false
	for _, m := range messages {
		identified = identified || m.Kind == collector.KindIdentify
		assert.Equal(t, messages[0].AnonymousID, m.AnonymousID, "one anonymous ID throughout")
		if identified {
			assert.Equal(t, "user_123", m.UserID, "%s after the identify", headline(m))
		} else {
			assert.Empty(t, m.UserID, "%s before the identify", headline(m))
		}
	}
	for _, r := range server.Requests() {
		assert.Equal(t, "bearer", r.Auth)
		assert.Equal(t, 200, r.Status)
	}

	assert.Len(t, server.People(), 1)
	person, _ := server.Person("user_123")
	assert.Equal(t, []string{messages[0].AnonymousID}, person.AnonymousIDs)
	assert.Equal(t, map[string]any{
		"email": "john@acme.com", "plan": "trial", "signup_date": "2025-01-15", "source": "pricing_page",
	}, person.Traits)
	group, _ := server.Group("team_456")
	assert.Equal(t, []string{"user_123"}, group.Members)
	assert.Equal(t, map[string]any{
		"name": "Acme Corp", "plan": "enterprise", "size": 25.0, "industry": "software",
	}, group.Traits)
}

const remoteOutput = `The user journey of LoopKit's documentation, sent to http://127.0.0.1:PORT/v1
It writes user_123 and team_456 into the project of this key: use one for tests.

Requests and what was answered
  POST  /v1/tracks      200 OK
  POST  /v1/tracks      200 OK
  POST  /v1/identifies  200 OK
  POST  /v1/tracks      200 OK
  POST  /v1/groups      200 OK
  POST  /v1/tracks      200 OK

The client's accounting
  accepted   7
  delivered  7
  pending    0
  requests   6
`

func TestWithAKeyTheJourneyGoesToLoopKit(t *testing.T) {
	server := loopkittest.NewServer(t, loopkittest.Strict(), loopkittest.WithKeys("lk_real"))
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out, environment(map[string]string{
		"LOOPKIT_API_KEY": "lk_real", "LOOPKIT_BASE_URL": server.BaseURL(),
	})))
	assert.Equal(t, remoteOutput, stable(out.String()))

	person := loopkittest.RequireIdentified(t, server, "user_123", "")
	assert.Len(t, person.Events, 5)
	loopkittest.RequireMember(t, server, "team_456", "user_123")
}

func TestARefusedKeyIsExplained(t *testing.T) {
	server := loopkittest.NewServer(t, loopkittest.WithKeys("lk_real"))
	var out bytes.Buffer
	err := run(t.Context(), &out, environment(map[string]string{
		"LOOPKIT_API_KEY": "lk_wrong", "LOOPKIT_BASE_URL": server.BaseURL(),
	}))
	var answer *loopkit.APIError
	require.ErrorAs(t, err, &answer)
	assert.Equal(t, 401, answer.StatusCode)
	assert.ErrorContains(t, err, "check the API key")
	assert.ErrorContains(t, err, "the server says: unknown API key")
	assert.Contains(t, out.String(), "delivered  0")
	assert.Contains(t, out.String(), "7 (closed)")
	assert.NotContains(t, out.String()+err.Error(), "lk_wrong")
	assert.Empty(t, server.Messages())
}

func TestWhatWasDroppedIsAnError(t *testing.T) {
	server := loopkittest.NewServer(t)
	server.FailAll(loopkittest.Groups, loopkittest.Fault{Status: 422})
	var out bytes.Buffer
	err := run(t.Context(), &out, environment(map[string]string{
		"LOOPKIT_API_KEY": "lk_real", "LOOPKIT_BASE_URL": server.BaseURL(),
	}))
	var undelivered *loopkit.UndeliveredError
	require.ErrorAs(t, err, &undelivered)
	assert.Equal(t, int64(1), undelivered.Dropped)
	assert.Contains(t, out.String(), "delivered  6")
	assert.Contains(t, out.String(), "1 (rejected)")
}

func TestAWrongOptionIsExplained(t *testing.T) {
	err := run(t.Context(), &bytes.Buffer{}, environment(map[string]string{
		"LOOPKIT_API_KEY": "lk_real", "LOOPKIT_BASE_URL": "localhost",
	}))
	var wrong *loopkit.ArgumentError
	require.ErrorAs(t, err, &wrong)
	assert.Equal(t, "BaseURL", wrong.Field)
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestOutputThatCannotBeWrittenIsAnError(t *testing.T) {
	assert.ErrorContains(t, run(t.Context(), fullDisk{}, environment(nil)), "no space left")
}

func TestAnonymousPeopleAreNotCalledMerged(t *testing.T) {
	var out strings.Builder
	p := &printer{out: &out}
	p.person(collector.Person{AnonymousIDs: []string{"anon_1"}, Events: []collector.Message{{Name: "page_view"}}})
	assert.NotContains(t, out.String(), "merged")
}
