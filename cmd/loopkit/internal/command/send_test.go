package command

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/loopkittest"
)

func TestTheJourneyCanBeSentByHand(t *testing.T) {
	server := loopkittest.NewServer(t, loopkittest.Strict())
	shell := shellWith(t, server)
	for _, line := range []struct {
		args []string
		out  string
	}{
		{[]string{"track", "page_view", "--anonymous-id", "anon_456", "--prop", "page=/pricing"}, "tracked page_view (1 message delivered)\n"},
		{[]string{"identify", "user_123", "--anonymous-id", "anon_456", "--trait", "plan=trial"}, "identified user_123 (1 message delivered)\n"},
		{[]string{"group", "team_456", "--user", "user_123", "--anonymous-id", "anon_456", "--trait", "size:=25"}, "grouped team_456 (1 message delivered)\n"},
		{[]string{"track", "feature_used", "--user", "user_123", "--anonymous-id", "anon_456"}, "tracked feature_used (1 message delivered)\n"},
	} {
		assert.Equal(t, result{statusOK, line.out, ""}, shell.run(line.args...))
	}
	loopkittest.RequireIdentified(t, server, "user_123", "anon_456")
	loopkittest.RequireTracked(t, server, "user_123", "page_view")
	loopkittest.RequireMember(t, server, "team_456", "user_123")
	loopkittest.RequireNoConflicts(t, server)
}

func TestAKnownUserHasTheSameAnonymousIDInEveryRun(t *testing.T) {
	server := loopkittest.NewServer(t)
	shell := shellWith(t, server)
	for range 2 {
		require.Zero(t, shell.run("track", "invoice_paid", "--user", "user_123").status)
	}
	require.Zero(t, shell.run("track", "invoice_paid", "--user", "user_456").status)
	messages := server.Messages()
	assert.NotEmpty(t, messages[0].AnonymousID)
	assert.Equal(t, messages[0].AnonymousID, messages[1].AnonymousID)
	assert.NotEqual(t, messages[0].AnonymousID, messages[2].AnonymousID)
	assert.NotEqual(t, messages[0].MessageID, messages[1].MessageID)
}

func TestFlagsDecideOnTheMessage(t *testing.T) {
	server := loopkittest.NewServer(t)
	shell := shellWith(t, server)
	require.Equal(t, result{status: 0, out: "grouped night_owls (1 message delivered)\n"},
		shell.run("group", "night_owls", "--user", "user_123", "--type", "guild", "--trait", "level:=3", "--at", "2025-01-15"))
	m := server.Messages()[0]
	assert.Equal(t, "guild", m.GroupType)
	assert.Equal(t, "2025-01-15T00:00:00Z", m.Timestamp.Format("2006-01-02T15:04:05Z07:00"))
}

func TestDialectIsThatOfTheFlagThenTheEnvironment(t *testing.T) {
	server := loopkittest.NewServer(t)
	shell := shellWith(t, server)
	form := func(args ...string) string {
		server.Reset()
		require.Zero(t, shell.run(append([]string{"identify", "user_123", "--trait", "plan=pro"}, args...)...).status)
		return server.Requests()[0].Form
	}
	assert.Equal(t, "object", form())
	shell.env[envDialect] = "envelopes"
	assert.Equal(t, "envelope", form())
	assert.Equal(t, "object", form("--dialect", "objects"))
}

func TestJSONSaysWhatBecameOfTheMessage(t *testing.T) {
	t.Parallel()
	server := loopkittest.NewServer(t, loopkittest.WithKeys(testKey))
	shell := shellWith(t, server)
	outcome := func(args ...string) (result, delivery) {
		r := shell.run(append([]string{"track", "user_signup", "--user", "user_123", "--json"}, args...)...)
		var d delivery
		require.NoError(t, json.Unmarshal([]byte(r.out), &d), r.out)
		return r, d
	}

	_, d := outcome()
	assert.Equal(t, delivery{Status: delivered, MessageID: server.Messages()[0].MessageID}, d)

	for status, words := range map[int]string{http.StatusBadRequest: "400 Bad Request", http.StatusForbidden: "403 Forbidden"} {
		server.FailAll(loopkittest.Tracks, loopkittest.Fault{Status: status})
		r, d := outcome()
		assert.Equal(t, statusFailed, r.status)
		assert.Equal(t, notDone, d.Status)
		assert.NotEmpty(t, d.MessageID)
		assert.Contains(t, d.Error, words)
		assert.Contains(t, r.err, "nothing was delivered")
	}

	server.FailAll(loopkittest.Tracks, loopkittest.Fault{Reset: true, Store: true})
	shell.env[envDialect] = "envelopes"
	r, d := outcome("--timeout", "200ms")
	assert.Equal(t, statusFailed, r.status)
	assert.Equal(t, notConfirmed, d.Status)
}

func TestAFailureSaysWhatIsKnownAndWhatToDo(t *testing.T) {
	for name, c := range map[string]struct {
		fault loopkittest.Fault
		says  []string
	}{
		"refused key":        {loopkittest.Fault{Status: 401}, []string{"nothing was delivered", "/v1/identifies answered 401 Unauthorized", "check the API key from LOOPKIT_API_KEY"}},
		"missing permission": {loopkittest.Fault{Status: 403}, []string{"nothing was delivered", "Verify API key has identify permissions"}},
		"wrong address":      {loopkittest.Fault{Status: 404}, []string{"nothing was delivered", "check the address from LOOPKIT_BASE_URL"}},
		"redirect":           {loopkittest.Fault{Status: 302}, []string{"nothing was delivered", "check the address"}},
		"bad message":        {loopkittest.Fault{Status: 422, Body: `{"success":false,"message":"traits are too long"}`}, []string{"nothing was delivered", `"traits are too long"`, "--dry-run"}},
		"rate limit":         {loopkittest.Fault{Status: 429, RetryAfter: "60"}, []string{"nothing was delivered", "try again later"}},
		"unavailable":        {loopkittest.Fault{Status: 503}, []string{"nothing was delivered", "try again later"}},
		"broken server":      {loopkittest.Fault{Status: 502}, []string{"nothing confirms", "may have arrived"}},
		"no answer":          {loopkittest.Fault{Hang: true}, []string{"nothing", "may have arrived"}},
		"reset":              {loopkittest.Fault{Reset: true}, []string{"nothing", "may have arrived"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := loopkittest.NewServer(t)
			server.FailAll(loopkittest.Any, c.fault)
			r := shellWith(t, server).run("identify", "user_123", "--trait", "plan=pro", "--timeout", "300ms")
			assert.Equal(t, statusFailed, r.status)
			assert.Empty(t, r.out)
			for _, words := range c.says {
				assert.Contains(t, r.err, words)
			}
		})
	}
}

func TestAnUnreachableServerGotNothing(t *testing.T) {
	server := loopkittest.NewServer(t)
	shell := shellWith(t, server)
	r := shell.run("track", "user_signup", "--user", "user_123", "--base-url", "http://127.0.0.1:1/v1")
	assert.Equal(t, result{statusFailed, "", "loopkit: nothing was delivered: http://127.0.0.1:1/v1 cannot be reached: connection refused; is \"loopkit dev\" running?\n"}, r)
}

func TestDryRunShowsTheRequestAndSendsNothing(t *testing.T) {
	server := loopkittest.NewServer(t)
	shell := &world{t: t}
	r := shell.run("identify", "user_123", "--trait", "n:=9007199254740993", "--dry-run", "--base-url", server.BaseURL())
	assert.Zero(t, r.status)
	assert.Contains(t, r.out, "POST "+server.BaseURL()+"/identifies\nAuthorization: Bearer $LOOPKIT_API_KEY\n")
	assert.Contains(t, r.out, `"n":9007199254740993`)
	assert.Empty(t, server.Requests())
}

func TestADryRunSaysWhatWouldBeLeftOutAndIsJSONOnRequest(t *testing.T) {
	r := (&world{t: t}).run("track", "user_signup", "--anonymous-id", "anon_456", "--prop", "password=hunter2", "--prop", "ok=1", "--dry-run", "--json")
	assert.Zero(t, r.status)
	var shown struct {
		Method, URL, ContentType string
		Redacted                 int
		Body                     struct {
			Tracks []struct{ Properties map[string]any }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(r.out), &shown), r.out)
	assert.Equal(t, "POST https://api.loopkit.ai/v1/tracks", shown.Method+" "+shown.URL)
	assert.Equal(t, map[string]any{"ok": "1"}, shown.Body.Tracks[0].Properties)
	assert.Equal(t, 1, shown.Redacted)
	assert.Contains(t, r.err, "1 value left out (password)")
	assert.NotContains(t, r.out+r.err, "hunter2")
}

func TestSecretsAreLeftOutAndPersonalDataIsSent(t *testing.T) {
	server := loopkittest.NewServer(t)
	r := shellWith(t, server).run("identify", "user_123", "--trait", "email=user@example.com", "--trait", "password=hunter2")
	assert.Zero(t, r.status)
	assert.Equal(t, map[string]any{"email": "user@example.com"}, server.Messages()[0].Values)
	assert.Contains(t, r.err, "1 value left out (password): ")
	assert.NotContains(t, r.err, "hunter2")
}

func TestValuesComeFromFilesAndStdin(t *testing.T) {
	server := loopkittest.NewServer(t)
	shell := shellWith(t, server)
	file := filepath.Join(t.TempDir(), "traits.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"plan":"pro","size":25}`), 0o600))
	require.Zero(t, shell.run("identify", "user_123", "--traits-json", "@"+file, "--trait", "active:=true").status)
	shell.in = `{"method":"email"}`
	require.Zero(t, shell.run("track", "user_signup", "--user", "user_123", "--props-json", "-").status)
	assert.Equal(t, map[string]any{"plan": "pro", "size": 25.0, "active": true}, server.Messages()[0].Values)
	assert.Equal(t, map[string]any{"method": "email"}, server.Messages()[1].Values)
}
