package command

import (
	"encoding/json"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// answering is a fault of a server that says success and does nothing.
func answering(contentType, body string) loopkittest.Fault {
	return loopkittest.Fault{Status: http.StatusOK, Body: body, Header: http.Header{"Content-Type": {contentType}}}
}

func TestASuccessThatIsNotLoopKitsConfirmsNothing(t *testing.T) {
	for name, c := range map[string]struct {
		answer loopkittest.Fault
		status string
		says   string
	}{
		"a captive portal":       {answering("text/html; charset=utf-8", "<html>Welcome</html>"), notConfirmed, "answered 200 OK with a page that is not LoopKit's"},
		"a page as JSON":         {answering("application/json", "<html>"), notConfirmed, "with something that is not LoopKit's"},
		"plain text":             {answering("text/plain", "ok"), notConfirmed, "with something that is not LoopKit's"},
		"a refusal":              {answering("application/json", `{"success":false,"message":"quota of `+testKey+`"}`), notDone, `answered 200 OK and says that it failed ("quota of [API key]")`},
		"a refusal without text": {answering("application/json", `{"success":false}`), notDone, "answered 200 OK and says that it failed"},
		"an error":               {answering("application/json", `{"error":"no"}`), notDone, "says that it failed"},
		"escapes":                {answering("application/json", `{"success":false,"message":"\u001b[2J"}`), notDone, `\\x1b[2J`},
	} {
		t.Run(name, func(t *testing.T) {
			server := loopkittest.NewServer(t)
			server.FailAll(loopkittest.Any, c.answer)
			shell := shellWith(t, server)

			r := shell.run("track", "user_signup", "--user", "user_123")
			assert.Equal(t, statusFailed, r.status)
			assert.Empty(t, r.out)
			assert.Contains(t, r.err, c.says)
			assert.Equal(t, 1, strings.Count(r.err, "\n"), r.err)
			assert.Len(t, server.Requests(), 1, "it is not sent twice")

			r = shell.run("identify", "user_123", "--trait", "plan=pro", "--json")
			assert.Equal(t, statusFailed, r.status)
			var d delivery
			require.NoError(t, json.Unmarshal([]byte(r.out), &d))
			assert.Equal(t, c.status, d.Status)
			assert.NotEmpty(t, d.Error)

			r = shell.run("delete-user", "user_1", "user_2", "--yes", "--json")
			assert.Equal(t, statusFailed, r.status)
			second := c.status
			if c.status == notConfirmed { // the same would answer the next
				second = notTried
			}
			assert.Equal(t, map[string]string{"user_1": c.status, "user_2": second}, statuses(t, r.out))
			r = shell.run("delete-group", "team_456", "--yes")
			assert.Contains(t, r.out, c.says)
			assert.NotContains(t, r.out, deleted)
		})
	}
}

func TestOtherSuccessesAreLoopKits(t *testing.T) {
	for _, answer := range []loopkittest.Fault{
		answering("application/json", `{"success":true}`), answering("application/json", `{}`), answering("application/json; charset=utf-8", `{"success":true,"error":null}`),
		{Status: http.StatusNoContent},
	} {
		server := loopkittest.NewServer(t)
		server.FailAll(loopkittest.Any, answer)
		assert.Zero(t, shellWith(t, server).run("track", "user_signup", "--user", "user_123").status)
		assert.Zero(t, shellWith(t, server).run("delete-user", "user_123", "--yes").status)
	}
}

func TestAnAnswerThatBreaksOffConfirmsNothing(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "100")
		_, err := w.Write([]byte(`{"success":`))
		assert.NoError(t, err)
	}))
	defer server.Close()
	shell := &world{t: t, env: map[string]string{envKey: testKey, envBaseURL: server.URL}}
	assert.Contains(t, shell.run("track", "user_signup", "--user", "user_123").err, "it may have arrived")
	assert.Contains(t, shell.run("delete-user", "user_123", "--yes").out, notConfirmed)
}

func TestARequestThatWasLostIsNotForgottenWhenTheNextIsRefused(t *testing.T) {
	t.Parallel()
	server := loopkittest.NewServer(t)
	lost := loopkittest.Fault{Reset: true, Store: true}
	server.Script(loopkittest.Any, lost, loopkittest.Fault{Status: 401}, lost, loopkittest.Fault{Status: 404})
	shell := shellWith(t, server)
	r := shell.run("identify", "user_123", "--trait", "plan=pro")
	assert.Contains(t, r.err, "it may have arrived: ")
	assert.Contains(t, r.err, "a request before that was not answered")
	r = shell.run("delete-user", "user_123", "--yes", "--json")
	assert.Equal(t, map[string]string{"user_123": notConfirmed}, statuses(t, r.out))
}

func TestNobodyWaitsForWhatCannotCome(t *testing.T) {
	asksToWait := func(t *testing.T) string {
		server := loopkittest.NewServer(t)
		server.FailAll(loopkittest.Any, loopkittest.Fault{Status: 429, RetryAfter: "3600"})
		return server.BaseURL()
	}
	nobodyListens := func(*testing.T) string { return "http://127.0.0.1:1/v1" }
	for says, address := range map[string]func(*testing.T) string{
		"it asks to wait 1h0m0s":                        asksToWait,
		`connection refused; is "loopkit dev" running?`: nobodyListens,
	} {
		shell := &world{t: t, env: map[string]string{envKey: testKey, envBaseURL: address(t)}}
		began := time.Now()
		r := shell.run("track", "user_signup", "--user", "user_123", "--timeout", "30m")
		assert.Equal(t, statusFailed, r.status)
		assert.Contains(t, r.err, "nothing was delivered: ")
		assert.Contains(t, r.err, says)

		r = shell.run("delete-user", "user_1", "user_2", "user_3", "--yes", "--json", "--timeout", "1h")
		assert.Equal(t, statusFailed, r.status)
		assert.Equal(t, map[string]string{"user_1": notDone, "user_2": notTried, "user_3": notTried}, statuses(t, r.out))
		assert.Contains(t, r.out, strings.ReplaceAll(says, `"`, `\"`))
		assert.Less(t, time.Since(began), time.Minute)
	}
}

func TestWhoWaitsIsToldWhatFor(t *testing.T) {
	t.Parallel()
	for says, fault := range map[string]loopkittest.Fault{
		"waiting for an answer of http://127.0.0.1:":                {Hang: true},
		"/v1/tracks answered 503 Service Unavailable, trying again": {Status: 503},
	} {
		server := loopkittest.NewServer(t)
		server.FailAll(loopkittest.Any, fault)
		r := shellWith(t, server).run("track", "user_signup", "--user", "user_123", "--timeout", "400ms")
		first, _, _ := strings.Cut(r.err, "\n")
		assert.Contains(t, first, says)
		assert.Contains(t, first, ", for up to 400ms in all")
	}
}

func TestRetryAfterIsSecondsOrADateOfTheServersClock(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"":                              0,
		"soon":                          0,
		"-1":                            0,
		"90":                            90 * time.Second,
		"Wed, 15 Jan 2025 10:31:00 GMT": time.Minute,
		"Wed, 15 Jan 2025 10:29:00 GMT": 0,
	} {
		header := http.Header{"Retry-After": {value}, "Date": {"Wed, 15 Jan 2025 10:30:00 GMT"}}
		assert.Equal(t, want, retryAfter(header), value)
	}
}

// tracking sends an event through a transport, and returns why it did not arrive.
func tracking(t *testing.T, address string, transport *http.Transport) string {
	t.Helper()
	var err strings.Builder
	p := &program{err: &err, getenv: func(string) string { return "" }}
	run, failure := p.newRunner(settings{key: testKey, baseURL: address, baseURLFrom: envBaseURL, logger: slog.New(slog.DiscardHandler)}, 20*time.Second, transport)
	require.NoError(t, failure)
	defer run.close()
	ctx, cancel := run.begin(t.Context())
	defer cancel()
	require.NoError(t, run.client.Track(ctx, "user_signup", nil, loopkit.As(loopkit.Identity{UserID: "user_123"})))
	run.await(ctx, p.tell)
	_, mayBeDone, why := run.outcome(t.Context())
	assert.False(t, mayBeDone)
	return why
}

func TestAProxyThatDoesNotConnectEndsTheWait(t *testing.T) {
	for status, says := range map[int]string{
		http.StatusProxyAuthRequired: "https://api.example.com/v1 cannot be reached: the proxy answered 407 Proxy Authentication Required; check the proxy's credentials in HTTPS_PROXY",
		http.StatusForbidden:         "https://api.example.com/v1 cannot be reached: the proxy answered 403 Forbidden",
	} {
		proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		defer proxy.Close()
		address, err := url.Parse(proxy.URL)
		require.NoError(t, err)
		transport := newTransport()
		transport.Proxy = http.ProxyURL(address)
		assert.Contains(t, tracking(t, "https://api.example.com/v1", transport), says)
	}
}

func TestAServerThatCannotBeTrustedGetsNothing(t *testing.T) {
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	assert.Contains(t, tracking(t, secure.URL, newTransport()), "cannot be reached: tls: failed to verify certificate")
	assert.Contains(t, tracking(t, strings.Replace(plain.URL, "http:", "https:", 1), newTransport()), "what answers does not speak https")
}
