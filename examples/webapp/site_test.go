package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/internal/collector"
	"github.com/loopkitai/loopkit-go/loopkithttp"
)

// site is the application on a server of its own, sending to its own collector.
type site struct {
	t      *testing.T
	app    *app
	server *httptest.Server
	end    func() // of the streams, as the server's shutdown does
}

func newSite(t *testing.T) *site { return newSiteFor(t, nil) }

func newSiteFor(t *testing.T, environment map[string]string) *site {
	t.Helper()
	place, err := openDestination(func(name string) string { return environment[name] })
	require.NoError(t, err)
	client, err := newClient(place, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	ending, end := context.WithCancel(context.Background())
	s := &site{t: t, end: end}
	s.app, err = newApp(client, place, ending.Done())
	require.NoError(t, err)
	s.server = httptest.NewServer(s.app.handler())
	t.Cleanup(func() {
		end()
		s.server.Close()
		require.NoError(t, client.Close(context.Background()))
		require.NoError(t, place.close())
	})
	return s
}

// received waits until what was accepted has arrived, and reads it as a program would.
func (s *site) received() receivedView {
	s.t.Helper()
	require.NoError(s.t, s.app.client.Flush(s.t.Context()))
	answer, err := http.Get(s.server.URL + "/loopkit/received")
	require.NoError(s.t, err)
	defer func() { require.NoError(s.t, answer.Body.Close()) }()
	require.Equal(s.t, http.StatusOK, answer.StatusCode)
	var view receivedView
	require.NoError(s.t, json.NewDecoder(answer.Body).Decode(&view))
	return view
}

// person returns who has a user ID or anonymous ID.
func (v receivedView) person(t *testing.T, id string) collector.Person {
	t.Helper()
	i := slices.IndexFunc(v.People, func(p collector.Person) bool {
		return p.UserID == id || slices.Contains(p.AnonymousIDs, id)
	})
	require.GreaterOrEqual(t, i, 0, "%s is not among %+v", id, v.People)
	return v.People[i]
}

// events are the names of a person's events, in order.
func events(p collector.Person) []string {
	var names []string
	for _, e := range p.Events {
		names = append(names, e.Name)
	}
	return names
}

func (v receivedView) kinds() []collector.Kind {
	var kinds []collector.Kind
	for _, m := range v.Messages {
		kinds = append(kinds, m.Kind)
	}
	return kinds
}

// browser is one browser with its cookies.
type browser struct {
	site   *site
	client *http.Client
	header http.Header // of each request
}

func (s *site) browser() *browser {
	jar, err := cookiejar.New(nil)
	require.NoError(s.t, err)
	return &browser{site: s, client: &http.Client{Jar: jar}, header: http.Header{}}
}

// answer is what a browser shows after it has followed redirects.
type answer struct {
	status int
	path   string
	header http.Header
	html   string
}

func (b *browser) get(path string) answer {
	b.site.t.Helper()
	return b.do(http.MethodGet, path, nil)
}

// post sends a form; fields are names and values in turn.
func (b *browser) post(path string, fields ...string) answer {
	b.site.t.Helper()
	form := url.Values{}
	for pair := range slices.Chunk(fields, 2) {
		form.Set(pair[0], pair[1])
	}
	return b.do(http.MethodPost, path, form)
}

func (b *browser) do(method, path string, form url.Values) answer {
	t := b.site.t
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, b.site.server.URL+path, strings.NewReader(form.Encode()))
	require.NoError(t, err)
	r.Header = b.header.Clone()
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	got, err := b.client.Do(r)
	require.NoError(t, err)
	body, err := io.ReadAll(got.Body)
	require.NoError(t, err)
	require.NoError(t, got.Body.Close())
	return answer{got.StatusCode, got.Request.URL.Path, got.Header, string(body)}
}

// agree answers the question of consent.
func (b *browser) agree(level loopkit.Consent) answer {
	b.site.t.Helper()
	return b.post("/consent", "level", level.String(), "back", "/")
}

// signUp makes an account and returns its user ID.
func (b *browser) signUp(email string) string {
	t := b.site.t
	t.Helper()
	page := b.post("/signup", "email", email, "name", "John")
	require.Equal(t, http.StatusOK, page.status)
	require.Equal(t, "/app", page.path)
	return textOfElement(t, page.html, "user-id")
}

// logIn returns the user ID.
func (b *browser) logIn(email string) string {
	t := b.site.t
	t.Helper()
	page := b.post("/login", "email", email)
	require.Equal(t, "/app", page.path)
	return textOfElement(t, page.html, "user-id")
}

// createTeam returns the team's ID.
func (b *browser) createTeam(name string) string {
	t := b.site.t
	t.Helper()
	page := b.post("/teams", "name", name)
	require.Equal(t, "/app", page.path)
	return textOfElement(t, page.html, "team-id")
}

// cookies are the names of LoopKit's cookies in the browser, and their values.
func (b *browser) cookies() map[string]string {
	home, err := url.Parse(b.site.server.URL)
	require.NoError(b.site.t, err)
	found := make(map[string]string)
	for _, c := range b.client.Jar.Cookies(home) {
		if strings.HasPrefix(c.Name, "loopkit_") {
			found[c.Name] = c.Value
		}
	}
	return found
}

func (b *browser) anonymousID() string { return b.cookies()["loopkit_anonymousId"] }

func onlyTheAnswer(level loopkit.Consent) map[string]string {
	return map[string]string{loopkithttp.ConsentCookie: level.String()}
}

// textOfElement returns the text of the element with an ID, which has no other elements in it.
func textOfElement(t *testing.T, html, id string) string {
	t.Helper()
	_, rest, found := strings.Cut(html, ` id="`+id+`"`)
	require.True(t, found, "no element #%s", id)
	_, rest, _ = strings.Cut(rest, ">")
	text, _, _ := strings.Cut(rest, "<")
	return text
}
