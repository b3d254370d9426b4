package main

import (
	"context"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// site is a recipe's server, and the LoopKit that it sends to.
type site struct {
	*httptest.Server
	client  *loopkit.Client
	loopkit *loopkittest.Server
}

// everyFramework runs a test once for each recipe.
func everyFramework(t *testing.T, test func(t *testing.T, s *site)) {
	gin.SetMode(gin.TestMode)
	for _, framework := range []string{"chi", "echo", "gin"} {
		t.Run(framework, func(t *testing.T) {
			s := &site{loopkit: loopkittest.NewServer(t, loopkittest.Strict())}
			var err error
			s.client, err = loopkit.New("lk_test", &loopkit.Options{BaseURL: s.loopkit.BaseURL()})
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, s.client.Close(context.Background())) })
			handler, err := newHandler(framework, s.client, &logins{})
			require.NoError(t, err)
			s.Server = httptest.NewTLSServer(handler)
			t.Cleanup(s.Close)
			test(t, s)
		})
	}
}

// browser keeps its cookies and sends the same headers with every request.
type browser struct {
	t       *testing.T
	site    *site
	client  *http.Client
	headers http.Header
}

func (s *site) newBrowser(t *testing.T) *browser {
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &browser{t: t, site: s, client: &http.Client{Transport: s.Client().Transport, Jar: jar}, headers: http.Header{}}
}

// do sends a request and leaves the body of the answer to the caller.
func (b *browser) do(ctx context.Context, method, path string, form url.Values) *http.Response {
	b.t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, b.site.URL+path, strings.NewReader(form.Encode()))
	require.NoError(b.t, err)
	r.Header = b.headers.Clone()
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := b.client.Do(r)
	require.NoError(b.t, err)
	return answer
}

func (b *browser) get(path string) *http.Response {
	b.t.Helper()
	answer := b.do(b.t.Context(), http.MethodGet, path, nil)
	require.NoError(b.t, answer.Body.Close())
	return answer
}

// post sends a form and follows to the page that the answer names.
func (b *browser) post(path string, form url.Values) {
	b.t.Helper()
	answer := b.do(b.t.Context(), http.MethodPost, path, form)
	require.NoError(b.t, answer.Body.Close())
	require.Equal(b.t, "/", answer.Request.URL.Path)
	require.Equal(b.t, http.StatusOK, answer.StatusCode)
}

// cookies are those of LoopKit's that the browser holds.
func (b *browser) cookies() map[string]string {
	b.t.Helper()
	address, err := url.Parse(b.site.URL)
	require.NoError(b.t, err)
	held := map[string]string{}
	for _, cookie := range b.client.Jar.Cookies(address) {
		if strings.HasPrefix(cookie.Name, "loopkit_") {
			held[cookie.Name] = cookie.Value
		}
	}
	return held
}

func (b *browser) anonymousID() string { return b.cookies()["loopkit_anonymousId"] }

// page is the page in the context of a message.
func page(m loopkittest.Message) any {
	fields, _ := m.System["context"].(map[string]any)
	return fields["page"]
}
