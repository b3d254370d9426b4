package loopkithttp_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkithttp"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// program is a program and one browser without a network between them, for
// tests in a bubble of their own time.
type program struct {
	client  *loopkit.Client
	around  func(http.Handler) http.Handler
	browser http.CookieJar
	url     *url.URL
}

func newProgram(t *testing.T, opts *loopkithttp.Options) *program {
	t.Helper()
	client, err := loopkit.New("lk_test", &loopkit.Options{
		HTTPClient: loopkittest.NewTransport(t).HTTPClient(), Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close(context.Background())) })
	p := &program{client: client, around: refreshing(client, opts, false), url: &url.URL{Scheme: "http", Host: "example.com", Path: "/"}}
	p.browser, err = cookiejar.New(nil)
	require.NoError(t, err)
	return p
}

func (p *program) visit(handler http.HandlerFunc) answer {
	r := httptest.NewRequest(http.MethodGet, p.url.String(), nil)
	for _, cookie := range p.browser.Cookies(p.url) {
		r.AddCookie(cookie)
	}
	a := askHandler(p.around, r, handler)
	p.browser.SetCookies(p.url, a.Cookies())
	return a
}

func TestASessionEndsThirtyMinutesAfterItsLastRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProgram(t, &loopkithttp.Options{Sessions: true})
		view := func() answer { return p.visit(func(http.ResponseWriter, *http.Request) {}) }
		first := view()
		id := first.identity.SessionID
		assert.True(t, strings.HasPrefix(id, "sess_"))

		time.Sleep(time.Minute)
		a := view()
		assert.Equal(t, id, a.identity.SessionID)
		assert.Empty(t, a.Cookies(), "the cookie is young enough")
		for range 5 {
			time.Sleep(28 * time.Minute)
			a = view()
			require.Equal(t, id, a.identity.SessionID)
			assert.Equal(t, map[string]string{sessionCookie: "set"}, a.did())
		}
		time.Sleep(30 * time.Minute)
		a = view()
		assert.NotEqual(t, id, a.identity.SessionID)
		assert.NotEmpty(t, a.identity.SessionID)
		assert.Equal(t, first.identity.AnonymousID, a.identity.AnonymousID)
	})
}

func TestTheServerEndsASessionThatTheBrowserKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProgram(t, &loopkithttp.Options{Sessions: true})
		const id = "sess_6f49213a-7c1e-4c51-bdc7-91c2353e56f1"
		at := func(ago time.Duration) string { return id + "." + strconv.FormatInt(time.Now().Add(-ago).Unix(), 36) }
		for name, c := range map[string]struct {
			value string
			kept  bool
		}{
			"young":                     {at(time.Second), true},
			"a clock that is ahead":     {at(-30 * time.Second), true},
			"almost ended":              {at(30*time.Minute - time.Second), true},
			"ended":                     {at(30 * time.Minute), false},
			"of the future":             {at(-time.Hour), false},
			"of the end of all time":    {id + ".1y2p0ij32e8e7", false}, // the largest int64
			"out of range":              {id + ".zzzzzzzzzzzzzz", false},
			"without a time":            {id, false},
			"with an empty time":        {id + ".", false},
			"with a time that is none":  {id + ".!", false},
			"with another prefix":       {strings.Replace(at(0), "sess_", "anon_", 1), false},
			"with an ID that is none":   {strings.Replace(at(0), "6f49", "6g49", 1), false},
			"with an ID of other form":  {strings.Replace(at(0), "-", "x", 1), false},
			"with an ID that is longer": {strings.Replace(at(0), "sess_", "sess_0", 1), false},
			"empty":                     {"", false},
		} {
			a := ask(p.around, get("/", anonymousCookie+"="+known, sessionCookie+"="+c.value))
			assert.Equal(t, c.kept, a.identity.SessionID == id, name)
			assert.True(t, strings.HasPrefix(a.identity.SessionID, "sess_"), name)
			assert.Len(t, a.identity.SessionID, len(id), name)
		}
		a := ask(p.around, get("/", anonymousCookie+"="+known, sessionCookie+"=garbage; "+sessionCookie+"="+at(0)))
		assert.Equal(t, id, a.identity.SessionID, "the first that is one")
	})
}

func TestMessagesCarryTheSession(t *testing.T) {
	client, loopkitServer := newClient(t)
	a := askHandler(loopkithttp.Middleware(client, &loopkithttp.Options{Sessions: true}), get("/"), func(_ http.ResponseWriter, r *http.Request) {
		assert.NoError(t, client.Track(r.Context(), "page_view", nil))
	})
	require.NoError(t, client.Flush(t.Context()))
	event := loopkittest.RequireTracked(t, loopkitServer, a.identity.AnonymousID, "page_view")
	assert.Equal(t, a.identity.SessionID, event.SessionID)
}

func TestASessionThatTheProgramDoesNotKeepIsNotSent(t *testing.T) {
	client, _ := newClient(t)
	id := anonymousCookie + "=" + known
	kept := ask(refreshing(client, &loopkithttp.Options{Sessions: true}, false), get("/", id))
	session := sessionCookie + "=" + kept.cookie(sessionCookie).Value
	assert.NotEmpty(t, ask(refreshing(client, &loopkithttp.Options{Sessions: true}, false), get("/", id, session)).identity.SessionID)
	a := ask(refreshing(client, nil, false), get("/", id, session))
	assert.Empty(t, a.identity.SessionID)
	assert.Empty(t, a.Cookies())
}
