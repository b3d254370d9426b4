package doctor

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/loopkittest"
)

func TestNamesThatCannotBeFound(t *testing.T) {
	for name, c := range map[string]struct {
		resolver Resolver
		says     string
	}{
		"unknown":    {nameServer{}, "check the spelling"},
		"no answer":  {failing{&net.DNSError{Err: "i/o timeout", IsTimeout: true}}, "the name server does not answer"},
		"failure":    {failing{&net.DNSError{Err: "server misbehaving"}}, "server misbehaving"},
		"empty":      {nameServer{"api.loopkit.ai": nil}, "has no address"},
		"blocked":    {nameServer{"api.loopkit.ai": {"0.0.0.0"}}, "an ad blocker"},
		"hosts file": {nameServer{"api.loopkit.ai": {"127.0.0.1"}}, "an ad blocker"},
	} {
		t.Run(name, func(t *testing.T) {
			env := healthy(t, "https://api.loopkit.ai/v1")
			env.Resolver = c.resolver
			found := examine(t, env)
			requireFinding(t, found, "DNS", Failed, c.says)
			assert.Empty(t, found["connection"])
		})
	}
}

type failing struct{ err error }

func (f failing) LookupHost(context.Context, string) ([]string, error) { return nil, f.err }

func TestConnectionsThatFail(t *testing.T) {
	refuse := func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	}
	for name, c := range map[string]struct {
		address string
		dial    func(context.Context, string, string) (net.Conn, error)
		says    string
	}{
		"really refused":    {"http://127.0.0.1:1/v1", (&net.Dialer{}).DialContext, `start "loopkit dev"`},
		"refused elsewhere": {"https://api.loopkit.ai/v1", refuse, "api.loopkit.ai:443 refuses the connection"},
		"dropped": {"https://api.loopkit.ai/v1", func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, &net.OpError{Op: "dial", Err: ctx.Err()}
		}, "a firewall may drop the connection"},
		"no route": {"https://api.loopkit.ai/v1", func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Err: errors.New("network is unreachable")}
		}, "network is unreachable"},
	} {
		t.Run(name, func(t *testing.T) {
			env := healthy(t, c.address)
			env.Dial, env.Timeout = c.dial, 100*time.Millisecond
			found := examine(t, env)
			requireFinding(t, found, "connection", Failed, c.says)
			assert.Empty(t, found["server"])
		})
	}
}

func TestAnswersThatAreNotLoopKits(t *testing.T) {
	answer := func(status int, contentType, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			w.Header().Set("Location", "https://portal.test/login?token=s3cr3t")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body)) // what fails is seen by the client
		}
	}
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		status  Status
		says    string
	}{
		"web page":          {answer(200, "text/html; charset=utf-8", "<html>"), Failed, "with a web page"},
		"page not found":    {answer(404, "text/html", "<html>"), Failed, "with a web page"},
		"nothing there":     {answer(404, "text/plain", "404"), Failed, "not LoopKit's API"},
		"unknown to an API": {answer(404, "application/json", "{}"), Warning, "does not know it"},
		"another API":       {answer(200, "application/json", `{"status":"up","at":"2025-01-15T10:30:00Z","from":"192.0.2.1"}`), Warning, "names no versions"},
		"refusal":           {answer(200, "application/json", `{"success":false,"message":"1.1.4"}`), Warning, "names no versions"},
		"list of versions":  {answer(200, "application/json", `{"sdks":[{"name":"unity","latest":"1.0.3"}]}`), OK, "200 OK"},
		"login page":        {answer(302, "text/html", ""), Failed, "to https://portal.test"},
		"plain text":        {answer(200, "text/plain", "hello"), Warning, "not with JSON"},
		"wants a key":       {answer(401, "application/json", "{}"), Warning, "although it needs no key"},
		"overload":          {answer(429, "application/json", "{}"), Warning, "fewer requests"},
		"broken server":     {answer(503, "application/json", "{}"), Failed, "the server has a problem"},
		"cut off": {func(http.ResponseWriter, *http.Request) {
			panic(http.ErrAbortHandler)
		}, Failed, "closed before an answer"},
	} {
		t.Run(name, func(t *testing.T) {
			found := examine(t, healthy(t, serve(t, c.handler)))
			requireFinding(t, found, "server", c.status, c.says)
		})
	}
}

func TestNoAnswerInTime(t *testing.T) {
	server := loopkittest.NewServer(t)
	server.FailAll(loopkittest.Any, loopkittest.Fault{Hang: true})
	env := healthy(t, server.BaseURL())
	env.Timeout = 100 * time.Millisecond
	requireFinding(t, examine(t, env), "server", Failed, "no answer comes")
}

func TestTheKeyIsNotProbedWithAStranger(t *testing.T) {
	var sent []string
	env := healthy(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		sent = append(sent, r.Header.Get("Authorization"))
		w.Header().Set("Content-Type", "text/html")
	}))
	env.Probe = true
	requireFinding(t, examine(t, env), "probe", Warning, "to a stranger")
	assert.Equal(t, []string{""}, sent)
}

// elsewhere is an environment whose server is neither LoopKit's nor on this
// machine, as far as one can tell.
func elsewhere(t testing.TB, address string) Environment {
	env := healthy(t, "http://collector.internal/v1")
	env.Resolver, env.Dial, env.Probe = nameServer{"collector.internal": {"192.0.2.1"}}, through(address), true
	return env
}

func hostOf(t testing.TB, address string) string {
	u, err := url.Parse(address)
	require.NoError(t, err)
	return u.Host
}

func TestTheKeyGoesOnlyToServersThatAnswerAsLoopKitDoes(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		server Status
		says   string
	}{
		"not there":   {404, `{"error":"not found"}`, Failed, "wrong host"},
		"another API": {200, `{"status":"up"}`, Warning, "another API"},
		"wants a key": {401, `{}`, Warning, "although it needs no key"},
		"broken":      {503, `{}`, Failed, "the server has a problem"},
	} {
		t.Run(name, func(t *testing.T) {
			var sent []string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				sent = append(sent, r.Method+r.Header.Get("Authorization"))
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body) // what fails is seen by the client
			}))
			defer server.Close()
			found := examine(t, elsewhere(t, server.Listener.Addr().String()))
			requireFinding(t, found, "server", c.server, c.says)
			requireFinding(t, found, "probe", Warning, "to a stranger")
			assert.Equal(t, []string{http.MethodGet}, sent)
		})
	}
	server := loopkittest.NewServer(t, loopkittest.WithKeys(testKey))
	found := examine(t, elsewhere(t, hostOf(t, server.BaseURL())))
	requireFinding(t, found, "probe tracks", OK, "takes the key")
}

func TestAProbeIsNotSentInTheClear(t *testing.T) {
	server := loopkittest.NewServer(t)
	env := elsewhere(t, hostOf(t, server.BaseURL()))
	env.BaseURL, env.Resolver = "http://events.example.com/v1", nameServer{"events.example.com": {"192.0.2.1"}}
	requireFinding(t, examine(t, env), "probe", Warning, "the key would travel unencrypted")
	for _, r := range server.Requests() {
		assert.Equal(t, "none", r.Auth)
	}
}

func TestAServerOfThisMachineIsProbedWithoutVersions(t *testing.T) {
	env := healthy(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.Method == http.MethodGet {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = io.WriteString(w, `{"success":true}`) // what fails is seen by the client
	}))
	env.Probe = true
	requireFinding(t, examine(t, env), "probe tracks", OK, "takes the key")
}

func TestClockSkew(t *testing.T) {
	for skew, c := range map[time.Duration]struct {
		status Status
		says   string
	}{
		0:                 {OK, "right"},
		30 * time.Second:  {OK, "right"},
		2 * time.Minute:   {Warning, "behind the server's"},
		-2 * time.Minute:  {Warning, "ahead of the server's"},
		10 * time.Minute:  {Failed, "10m"},
		-10 * time.Minute: {Failed, "set the clock"},
		-time.Hour:        {Failed, "ahead of the server's"},
	} {
		base := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Date", time.Now().Add(skew).UTC().Format(http.TimeFormat))
		})
		requireFinding(t, examine(t, healthy(t, base)), "clock", c.status, c.says)
	}
	base := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Header()["Date"] = nil })
	requireFinding(t, examine(t, healthy(t, base)), "clock", Warning, "does not tell its time")
}
