package loopkithttp_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkithttp"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

func TestTheHandlerGetsTheWriterItself(t *testing.T) {
	client, _ := newClient(t)
	for name, c := range map[string]*loopkit.Client{"with a client": client, "without": nil} {
		t.Run(name, func(t *testing.T) {
			w := httptest.NewRecorder()
			loopkithttp.Middleware(c, nil)(http.HandlerFunc(func(got http.ResponseWriter, _ *http.Request) {
				assert.Same(t, w, got)
			})).ServeHTTP(w, get("/"))
		})
	}
}

func TestHandlersMayFlushAndHijack(t *testing.T) {
	client, _ := newClient(t)
	mux := http.NewServeMux()
	goOn := make(chan struct{})
	mux.HandleFunc("/stream", func(w http.ResponseWriter, _ *http.Request) {
		_, err := io.WriteString(w, "first\n")
		assert.NoError(t, err)
		assert.NoError(t, http.NewResponseController(w).Flush())
		<-goOn
	})
	mux.HandleFunc("/socket", func(w http.ResponseWriter, _ *http.Request) {
		hijacker, ok := w.(http.Hijacker)
		require.True(t, ok)
		conn, _, err := hijacker.Hijack()
		require.NoError(t, err)
		_, err = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\n\r\n")
		assert.NoError(t, err)
		assert.NoError(t, conn.Close())
	})
	server := serve(t, loopkithttp.Middleware(client, nil)(mux))

	res, err := server.Client().Get(server.URL + "/stream")
	require.NoError(t, err)
	line, err := bufio.NewReader(res.Body).ReadString('\n')
	close(goOn)
	require.NoError(t, err)
	assert.Equal(t, "first\n", line, "it arrived while the handler ran")
	require.NoError(t, res.Body.Close())
	assert.NotEmpty(t, res.Cookies())

	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	_, err = fmt.Fprint(conn, "GET /socket HTTP/1.1\r\nHost: localhost\r\n\r\n")
	require.NoError(t, err)
	text, err := io.ReadAll(conn)
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(string(text), "HTTP/1.1 101 "))
}

func TestWithoutAClientRequestsPassUntouched(t *testing.T) {
	options := &loopkithttp.Options{
		Sessions: true,
		User:     func(*http.Request) string { panic("called") },
		Skip:     func(*http.Request) bool { panic("called") },
		Consent:  func(*http.Request) loopkit.Consent { panic("called") },
		Page:     func(*http.Request) string { panic("called") },
	}
	r := get("/", anonymousCookie+"="+known, "Sec-GPC: 1")
	a := askHandler(loopkithttp.Middleware(nil, options), r, func(_ http.ResponseWriter, got *http.Request) {
		assert.Same(t, r, got)
	})
	assert.Empty(t, a.Header)
}

func TestASkippedRequestIsLeftAlone(t *testing.T) {
	client, _ := newClient(t)
	options := &loopkithttp.Options{
		Skip: func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/assets/") },
		User: user("user_123"),
	}
	r := get("/assets/a.css", anonymousCookie+"="+known, "Sec-GPC: 1")
	a := askHandler(loopkithttp.Middleware(client, options), r, func(_ http.ResponseWriter, got *http.Request) {
		assert.Same(t, r, got)
	})
	assert.Empty(t, a.Header)
	assert.NotEmpty(t, ask(loopkithttp.Middleware(client, options), get("/")).Header)
}

func TestOptionsAreCopied(t *testing.T) {
	client, _ := newClient(t)
	options := &loopkithttp.Options{Domain: "example.com"}
	middleware := loopkithttp.Middleware(client, options)
	options.Domain, options.Skip = "example.org", func(*http.Request) bool { return true }
	assert.Equal(t, "example.com", ask(middleware, get("/")).cookie(anonymousCookie).Domain)
}

func TestAPanicOfTheProgramsFunctionsIsThatOfAHandler(t *testing.T) {
	client, _ := newClient(t)
	for name, options := range map[string]*loopkithttp.Options{
		"User":    {User: func(*http.Request) string { panic(http.ErrAbortHandler) }},
		"Skip":    {Skip: func(*http.Request) bool { panic(http.ErrAbortHandler) }},
		"Consent": {Consent: func(*http.Request) loopkit.Consent { panic(http.ErrAbortHandler) }},
		"Page":    {Page: func(*http.Request) string { panic(http.ErrAbortHandler) }},
	} {
		t.Run(name, func(t *testing.T) {
			assert.PanicsWithValue(t, http.ErrAbortHandler, func() { ask(loopkithttp.Middleware(client, options), get("/")) })
			server := serve(t, loopkithttp.Middleware(client, options)(http.NotFoundHandler()))
			_, err := server.Client().Get(server.URL) //nolint:bodyclose // there is none
			assert.ErrorIs(t, err, io.EOF, "net/http ended the connection and serves on")
		})
	}
}

// A group of routes may have a middleware of its own inside that of the whole server.
func TestTwoMiddlewaresKnowOneVisitor(t *testing.T) {
	client, loopkitServer := newClient(t)
	outer := refreshing(client, &loopkithttp.Options{Sessions: true}, false)
	inner := refreshing(client, &loopkithttp.Options{Sessions: true, User: user("user_123")}, false)
	var between loopkit.Identity
	both := func(next http.Handler) http.Handler {
		return outer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			between = identityOf(t, r)
			inner(next).ServeHTTP(w, r)
		}))
	}

	a := askHandler(both, get("/"), func(w http.ResponseWriter, r *http.Request) {
		loopkithttp.Login(w, r, "user_123", nil)
	})
	assert.Equal(t, a.cookie(anonymousCookie).Value, a.identity.AnonymousID)
	assert.Equal(t, between, loopkit.Identity{AnonymousID: a.identity.AnonymousID, SessionID: a.identity.SessionID})
	assert.Contains(t, a.cookie(sessionCookie).Value, a.identity.SessionID)
	assert.Equal(t, "user_123", a.identity.UserID)
	assert.Len(t, a.Cookies(), 3)
	require.NoError(t, client.Flush(t.Context()))
	loopkittest.RequireIdentified(t, loopkitServer, "user_123", a.identity.AnonymousID)

	denying := refreshing(client, &loopkithttp.Options{Consent: consentOf(loopkit.Denied)}, false)
	a = ask(func(next http.Handler) http.Handler { return outer(denying(next)) }, get("/"))
	assert.Empty(t, a.Cookies(), "what the outer one set is taken back")
	a = ask(func(next http.Handler) http.Handler { return denying(outer(next)) }, get("/"))
	assert.Empty(t, a.Cookies())
	a = ask(both, get("/", header+": "+another))
	assert.Equal(t, another, a.identity.AnonymousID)
	assert.Empty(t, a.Cookies())
}

func TestAVisitorWhoLeavesCancelsNothing(t *testing.T) {
	client, loopkitServer := newClient(t)
	ctx, leave := context.WithCancel(t.Context())
	gone := make(chan struct{})
	server := serve(t, loopkithttp.Middleware(client, nil)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		assert.NoError(t, client.Track(r.Context(), "page_view", nil))
		leave()
		<-r.Context().Done()
		assert.NoError(t, client.Track(r.Context(), "page_left", nil), "also with a context that has ended")
		close(gone)
	})))
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, nil)
	require.NoError(t, err)
	r.AddCookie(&http.Cookie{Name: anonymousCookie, Value: known})
	_, err = server.Client().Do(r) //nolint:bodyclose // there is none
	require.ErrorIs(t, err, context.Canceled)
	<-gone
	require.NoError(t, client.Flush(t.Context()))
	loopkittest.RequireTracked(t, loopkitServer, known, "page_view")
	loopkittest.RequireTracked(t, loopkitServer, known, "page_left")
}

func TestAMiddlewareInsideKnowsTheUserOfTheOneAround(t *testing.T) {
	client, _ := newClient(t)
	inner := refreshing(client, nil, false)
	outer := refreshing(client, &loopkithttp.Options{User: user("user_123")}, false)
	a := ask(func(next http.Handler) http.Handler { return outer(inner(next)) }, get("/"))
	assert.Equal(t, "user_123", a.identity.UserID)

	outer = refreshing(client, nil, false)
	a = ask(func(next http.Handler) http.Handler {
		return outer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			inner(next).ServeHTTP(w, loopkithttp.Login(w, r, "user_124", nil))
		}))
	}, get("/"))
	assert.Equal(t, "user_124", a.identity.UserID)

	own := refreshing(client, &loopkithttp.Options{User: user("")}, false)
	outer = refreshing(client, &loopkithttp.Options{User: user("user_123")}, false)
	a = ask(func(next http.Handler) http.Handler { return outer(own(next)) }, get("/"))
	assert.Empty(t, a.identity.UserID, "unless it asks for itself")
}
