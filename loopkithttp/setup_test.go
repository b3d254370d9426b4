package loopkithttp_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkithttp"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

const (
	anonymousCookie = "loopkit_anonymousId"
	linkedCookie    = "loopkit_linked"
	sessionCookie   = "loopkit_sessionId"
	header          = "X-LoopKit-Anonymous-Id"

	linkedToNobody = `^\.[0-9a-f]{16}\.$` // and one ID was left behind

	known   = "anon_6f49213a-7c1e-4c51-bdc7-91c2353e56f1" // an anonymous ID that a browser has
	another = "anon_00000000-0000-4000-8000-000000000001"
)

// newClient returns a client and the LoopKit that it sends to.
func newClient(t *testing.T) (*loopkit.Client, *loopkittest.Server) {
	t.Helper()
	server := loopkittest.NewServer(t, loopkittest.Strict())
	client, err := loopkit.New("lk_test", &loopkit.Options{BaseURL: server.BaseURL(), Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close(context.Background())) })
	return client, server
}

// refreshing is the middleware with a draw that always says the same.
func refreshing(client *loopkit.Client, opts *loopkithttp.Options, refresh bool) func(http.Handler) http.Handler {
	if opts == nil {
		opts = &loopkithttp.Options{}
	}
	return loopkithttp.MiddlewareThatRefreshes(client, opts, func() bool { return refresh })
}

// answer is what one request led to.
type answer struct {
	*http.Response
	identity loopkit.Identity // what the handler found in the context
	consent  loopkit.Consent
}

// ask sends a request through a middleware, without a network.
func ask(around func(http.Handler) http.Handler, r *http.Request) answer {
	return askHandler(around, r, func(http.ResponseWriter, *http.Request) {})
}

func askHandler(around func(http.Handler) http.Handler, r *http.Request, handler http.HandlerFunc) answer {
	var a answer
	w := httptest.NewRecorder()
	around(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.identity, _ = loopkit.IdentityFrom(r.Context())
		a.consent = loopkit.ConsentFrom(r.Context())
		handler(w, r)
	})).ServeHTTP(w, r)
	a.Response = w.Result()
	return a
}

// get returns a request with cookies and headers, given as "name=value" and
// "Name: value".
func get(path string, lines ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for _, line := range lines {
		if name, value, found := strings.Cut(line, ": "); found {
			r.Header.Add(name, value)
		} else {
			r.Header.Add("Cookie", line)
		}
	}
	return r
}

// cookie returns what the answer sets, the last of that name; nil if nothing.
func (a answer) cookie(name string) *http.Cookie {
	var found *http.Cookie
	for _, cookie := range a.Cookies() {
		if cookie.Name == name {
			found = cookie
		}
	}
	return found
}

// domains are those for which the answer sets or ends a cookie, in order.
func (a answer) domains(name string) []string {
	var domains []string
	for _, cookie := range a.Cookies() {
		if cookie.Name == name {
			domains = append(domains, cookie.Domain)
		}
	}
	return domains
}

// did says for each cookie what the answer does with it: "set", "expired", or
// nothing.
func (a answer) did() map[string]string {
	did := map[string]string{}
	for _, cookie := range a.Cookies() {
		if cookie.MaxAge < 0 {
			did[cookie.Name] = "expired"
		} else {
			did[cookie.Name] = "set"
		}
	}
	return did
}

// browser sends requests to a handler over TCP and keeps its cookies.
type browser struct {
	t    *testing.T
	url  *url.URL
	http *http.Client
}

func newBrowser(t *testing.T, server *httptest.Server) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	address, err := url.Parse(server.URL)
	require.NoError(t, err)
	return &browser{t: t, url: address, http: &http.Client{Transport: server.Client().Transport, Jar: jar}}
}

// visit asks for a page, and fails the test if there is none.
func (b *browser) visit(path string) {
	b.t.Helper()
	res, err := b.http.Get(b.url.JoinPath("/").String() + strings.TrimPrefix(path, "/"))
	require.NoError(b.t, err)
	require.NoError(b.t, res.Body.Close())
	require.Equal(b.t, http.StatusOK, res.StatusCode)
}

func (b *browser) cookie(name string) string {
	for _, cookie := range b.http.Jar.Cookies(b.url) {
		if cookie.Name == name {
			return cookie.Value
		}
	}
	return ""
}

func serve(t *testing.T, handler http.Handler) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}
