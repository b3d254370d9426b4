package loopkithttp_test

import (
	"html/template"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/loopkithttp"
)

func script(t *testing.T, options *loopkithttp.Options) string {
	t.Helper()
	text, found := strings.CutPrefix(string(options.BridgeScript("")), "<script>\n")
	require.True(t, found)
	text, found = strings.CutSuffix(text, "</script>")
	require.True(t, found)
	return text
}

func TestTheBridgeWritesTheMiddlewaresCookie(t *testing.T) {
	for want, options := range map[string]*loopkithttp.Options{
		`("; Path=/; Max-Age=31536000; SameSite=Lax");`:                     nil,
		`("; Path=/; Domain=example.com; Max-Age=3600; SameSite=Lax");`:     {Domain: ".example.com", MaxAge: time.Hour},
		`("; Path=/; Max-Age=34560000; SameSite=None");`:                    {MaxAge: 1000 * 24 * time.Hour, SameSite: http.SameSiteNoneMode},
		`("; Path=/; Max-Age=31536000; SameSite=Strict");`:                  {SameSite: http.SameSiteStrictMode, HTTPOnly: true},
		`("; Path=/; Domain=127.0.0.1; Max-Age=31536000; SameSite=Lax");`:   {Domain: "127.0.0.1"},
		`("; Path=/; Domain=xn--bcher-kva.ch; Max-Age=3600; SameSite=Lax")`: {Domain: "xn--bcher-kva.ch", MaxAge: time.Hour},
	} {
		assert.Contains(t, script(t, options), want)
	}
	text := script(t, nil)
	assert.Equal(t, text, script(t, &loopkithttp.Options{}))
	assert.Contains(t, text, `"loopkit_anonymousId"`)
	assert.Contains(t, text, `location.protocol === "https:" ? "; Secure"`, "the page knows whether the browser uses TLS")
	for _, forbidden := range []string{"eval", "innerHTML", "let ", "const ", "=>", "`"} {
		assert.NotContains(t, text, forbidden)
	}
}

func TestNothingInTheOptionsEndsTheScriptElement(t *testing.T) {
	for _, domain := range []string{`</script><script>alert(1)//`, `");alert(1);("`, "a\u2028b", `\");alert(1)//`, "example.com; Path=/x", "exämple.com"} {
		text := script(t, &loopkithttp.Options{Domain: domain})
		assert.Equal(t, script(t, nil), text, "%q is no domain", domain)
	}
}

func TestANonceBecomesAnAttribute(t *testing.T) {
	for nonce, tag := range map[string]string{
		"":             "<script>\n",
		"r4nd0m+/==":   "<script nonce=\"r4nd0m+/==\">\n",
		`"><b>`:        "<script nonce=\"&#34;&gt;&lt;b&gt;\">\n",
		"' onload='x'": "<script nonce=\"&#39; onload=&#39;x&#39;\">\n",
	} {
		element := string(loopkithttp.BridgeScript(nonce))
		assert.True(t, strings.HasPrefix(element, tag), element[:60])
		assert.Equal(t, 1, strings.Count(element, "<script"))
		assert.Equal(t, 1, strings.Count(element, "</script>"))
		assert.True(t, strings.HasSuffix(element, "</script>"))
	}
}

func TestATemplateTakesTheElementAsItIs(t *testing.T) {
	var page strings.Builder
	tmpl := template.Must(template.New("").Parse(`<head>{{.}}</head>`))
	require.NoError(t, tmpl.Execute(&page, loopkithttp.BridgeScript("n")))
	assert.Equal(t, "<head>"+string(loopkithttp.BridgeScript("n"))+"</head>", page.String())
}

func TestTheBridgeIsServedToCaches(t *testing.T) {
	server := serve(t, loopkithttp.BridgeHandler())
	res, err := server.Client().Get(server.URL)
	require.NoError(t, err)
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	assert.Equal(t, script(t, nil), string(body))
	assert.Equal(t, "text/javascript; charset=utf-8", res.Header.Get("Content-Type"))
	assert.Equal(t, "nosniff", res.Header.Get("X-Content-Type-Options"))
	assert.Equal(t, "public, max-age=3600", res.Header.Get("Cache-Control"))
	tag := res.Header.Get("ETag")
	assert.NotEmpty(t, tag)

	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	require.NoError(t, err)
	r.Header.Set("If-None-Match", tag)
	res, err = server.Client().Do(r)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	assert.Equal(t, http.StatusNotModified, res.StatusCode)

	res, err = server.Client().Head(server.URL)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	assert.Equal(t, int64(len(body)), res.ContentLength)

	res, err = server.Client().Post(server.URL, "text/plain", strings.NewReader("x"))
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	assert.Equal(t, http.StatusMethodNotAllowed, res.StatusCode)
	assert.Equal(t, "GET, HEAD", res.Header.Get("Allow"))

	w := httptest.NewRecorder()
	(&loopkithttp.Options{Domain: "example.com"}).BridgeHandler().ServeHTTP(w, get("/"))
	assert.Contains(t, w.Body.String(), "Domain=example.com")
	assert.NotEqual(t, tag, w.Header().Get("ETag"))
}

func TestTheBridgeIsPrivateBesideACookie(t *testing.T) {
	client, _ := newClient(t)
	bridge := func(w http.ResponseWriter, r *http.Request) { loopkithttp.BridgeHandler().ServeHTTP(w, r) }
	a := askHandler(refreshing(client, nil, false), get("/"), bridge)
	assert.Equal(t, "private", a.Header.Get("Cache-Control"))
	a = askHandler(refreshing(client, nil, false), get("/", anonymousCookie+"="+known), bridge)
	assert.Equal(t, "public, max-age=3600", a.Header.Get("Cache-Control"))
}
