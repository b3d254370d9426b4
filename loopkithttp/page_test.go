package loopkithttp_test

import (
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkithttp"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// contextOf returns what a message says about a request.
func contextOf(t *testing.T, options *loopkithttp.Options, r *http.Request) map[string]any {
	t.Helper()
	client, loopkitServer := newClient(t)
	a := askHandler(loopkithttp.Middleware(client, options), r, func(_ http.ResponseWriter, r *http.Request) {
		assert.NoError(t, client.Track(r.Context(), "page_view", nil))
	})
	require.NoError(t, client.Flush(t.Context()))
	fields, _ := loopkittest.RequireTracked(t, loopkitServer, a.identity.AnonymousID, "page_view").System["context"].(map[string]any)
	return fields
}

func TestMessagesSayWhereTheVisitorIs(t *testing.T) {
	browser := "User-Agent: Mozilla/5.0 (X11; Linux x86_64)"
	from := "Referer: https://www.example.org/search?q=secret#top"
	assert.Equal(t, map[string]any{
		"page": "/pricing", "referrer": "https://www.example.org/search", "userAgent": "Mozilla/5.0 (X11; Linux x86_64)",
	}, contextOf(t, nil, get("/pricing?token=secret", browser, from, "X-Forwarded-For: 203.0.113.7")), "and neither the query nor the address")
	assert.Equal(t, map[string]any{"page": "/"}, contextOf(t, nil, get("/")))

	page := &loopkithttp.Options{Page: func(*http.Request) string { return "/users/{id}" }}
	assert.Equal(t, map[string]any{"page": "/users/{id}", "referrer": "https://example.com/"},
		contextOf(t, page, get("/users/42", "Referer: https://example.com/users/41")), "a path in the referrer would tell what Page hides")
	none := &loopkithttp.Options{Page: func(*http.Request) string { return "" }}
	assert.Empty(t, contextOf(t, none, get("/users/42")))
}

func TestAReferrerIsSentWithoutItsSecrets(t *testing.T) {
	for sent, want := range map[string]any{
		"https://example.org":                      "https://example.org",
		"https://example.org/a%20b/?q=1":           "https://example.org/a%20b/",
		"http://john:secret@example.org:8080/#x":   "http://example.org:8080/",
		"HTTPS://example.org/":                     "https://example.org/",
		"android-app://com.example.app/":           nil,
		"javascript:alert(1)":                      nil,
		"data:text/html,secret":                    nil,
		"about:client":                             nil,
		"/relative":                                nil,
		"//example.org/":                           nil,
		"http:opaque":                              nil,
		"https:///path":                            nil,
		"https://example.org/%zz":                  nil,
		"https://exa mple.org/":                    nil,
		"https://example.org/" + "%C3%A4;x=1?y=2#": "https://example.org/%C3%A4",
	} {
		assert.Equal(t, want, contextOf(t, nil, get("/", "Referer: "+sent))["referrer"], sent)
	}
}

func TestAVisitorCannotMakeMessagesLong(t *testing.T) {
	long := strings.Repeat("ä", 2000)
	fields := contextOf(t, &loopkithttp.Options{Page: func(*http.Request) string { return "x" + long }},
		get("/", "User-Agent: "+long, "Referer: https://"+strings.Repeat("a", 2000)))
	for _, name := range []string{"page", "referrer", "userAgent"} {
		value, _ := fields[name].(string)
		assert.LessOrEqual(t, len(value), 512, name)
		assert.Greater(t, len(value), 508, name)
		assert.True(t, utf8.ValidString(value), "%s ends at a character", name)
		assert.NotContains(t, value, "\uFFFD", name)
	}
	fields = contextOf(t, nil, get("/", "User-Agent: "+strings.Repeat("\x80", 2000)))
	assert.NotEmpty(t, fields["userAgent"], "what is no text is sent as what JSON has for it")
}

func TestFieldsOfTheContextStay(t *testing.T) {
	r := get("/pricing")
	r = r.WithContext(loopkit.WithContextFields(r.Context(), loopkit.Properties{"region": "eu", "page": "old"}))
	assert.Equal(t, map[string]any{"region": "eu", "page": "/pricing"}, contextOf(t, nil, r))
}

func TestRoutePatternNamesTheRouteBeforeItIsServed(t *testing.T) {
	mux := http.NewServeMux()
	nothing := func(http.ResponseWriter, *http.Request) {}
	for _, pattern := range []string{
		"GET /users/{id}", "/files/{path...}", "POST\t /orders", "PUT\t/carts", "GET /a b", "GET example.com/home", "/docs/", "GET /{$}",
	} {
		mux.HandleFunc(pattern, nothing)
	}
	page := loopkithttp.RoutePattern(mux)
	for path, want := range map[string]string{
		"/users/42":               "/users/{id}",
		"/users/42/":              "",
		"/files/a/b":              "/files/{path...}",
		"/docs/x":                 "/docs/",
		"/a%20b":                  "/a b",
		"/":                       "/",
		"http://example.com/home": "example.com/home",
		"/nowhere":                "",
	} {
		r := get(path)
		assert.Equal(t, want, page(r), path)
		assert.Empty(t, r.Pattern, "the request is as it was")
	}
	r := get("/orders")
	assert.Empty(t, page(r))
	r.Method = http.MethodPost
	assert.Equal(t, "/orders", page(r))
	r = get("/carts")
	r.Method = http.MethodPut
	assert.Equal(t, "/carts", page(r))
	assert.Equal(t, map[string]any{"page": "/users/{id}"}, contextOf(t, &loopkithttp.Options{Page: page}, get("/users/42")))
}

func TestParametersOfAPathAreNotSent(t *testing.T) {
	assert.Equal(t, map[string]any{"page": "/cart", "referrer": "https://example.org/a"},
		contextOf(t, nil, get("/cart;jsessionid=secret/x", "Referer: https://example.org/a;jsessionid=secret")))
}

// mux gives its path as the pattern of a CONNECT that it redirects.
func TestRoutePatternNamesNoPathOfAConnect(t *testing.T) {
	mux := http.NewServeMux()
	mux.Handle("/users/{id}/", http.NotFoundHandler())
	r := get("/users/42")
	assert.Equal(t, "/users/{id}/", loopkithttp.RoutePattern(mux)(r))
	r.Method = http.MethodConnect
	assert.Empty(t, loopkithttp.RoutePattern(mux)(r))
}

func TestNobodyAsksWhereADenyingVisitorIs(t *testing.T) {
	client, _ := newClient(t)
	options := &loopkithttp.Options{Page: func(*http.Request) string { panic("called") }}
	assert.Equal(t, loopkit.Denied, ask(loopkithttp.Middleware(client, options), get("/", "DNT: 1")).consent)
}
