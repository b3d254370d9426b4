package loopkit_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

func TestNoWayOfPrintingShowsTheKeyOrTheContext(t *testing.T) {
	opts := loopkit.Options{
		BaseURL: "https://user:pass-secret@proxy.example/v1?token=query-secret",
		Context: loopkit.Properties{"tenant": "context-secret"}, BatchSize: 77,
	}
	sound := opts
	sound.BaseURL = "https://proxy.example/v1"
	c, err := loopkit.New(testKey, &sound)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	session, deletion := c.Session(), (*loopkit.Deletion)(nil)

	var logged bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&logged, nil), slog.NewJSONHandler(&logged, nil)} {
		slog.New(h).Info("x", "client", c, "options", opts, "pointer", &opts, slog.Group("g", "client", c, "session", session),
			"none", (*loopkit.Client)(nil), "nested", []any{c, opts}, "deletion", deletion)
	}
	printed := logged.String() + fmt.Sprint(c, opts, &opts) + fmt.Sprintln(session, deletion)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		printed += fmt.Sprintf(verb, c) + fmt.Sprintf(verb, opts) + fmt.Sprintf(verb, &opts) + fmt.Sprintf(verb, session) +
			fmt.Sprintf(verb, (*loopkit.Client)(nil)) +
			fmt.Sprintf(verb, struct {
				Client  *loopkit.Client
				Options loopkit.Options
			}{c, opts}) + fmt.Sprintf(verb, []any{c, opts}) + fmt.Sprintf(verb, map[string]any{"c": c, "o": opts})
	}
	for _, secret := range []string{testKey, fmt.Sprintf("%x", testKey), "secret"} {
		assert.NotContains(t, printed, secret)
	}
	assert.Contains(t, fmt.Sprint(c), "proxy.example", "but what they are is to be seen")
	assert.Contains(t, fmt.Sprint(opts), "BatchSize:77")
	assert.Contains(t, fmt.Sprint(opts), "https://proxy.example/v1")
	assert.NotContains(t, logged.String(), "!PANIC")
}

// Words that must not be seen outside of request bodies and of the URLs of deletions.
const (
	userSecret      = "alice-4711"
	anonymousSecret = "anon-0815"
	groupSecret     = "acme-1234"
	sessionSecret   = "sess-5678"
	traitSecret     = "alice@example.com"
	contextSecret   = "10.1.2.3"
)

var secrets = []string{testKey, "0123456789", userSecret, anonymousSecret, groupSecret, sessionSecret, traitSecret, "alice", "example.com", contextSecret}

// echo is a server's explanation that quotes what it got.
var echo = fmt.Sprintf(`{"message":"key %s of user %s (%s) with anonymous ID %s may not say %s"}`,
	testKey, userSecret, traitSecret, anonymousSecret, traitSecret)

// seen collects everything that a client lets a program see: lines and errors.
type seen struct {
	mu   sync.Mutex
	text []string
}

func (s *seen) add(parts ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, part := range parts {
		for _, verb := range []string{"%v", "%+v", "%#v"} {
			if _, ok := part.(error); ok && verb == "%#v" {
				continue // that prints APIError.Message, for whoever asks
			}
			s.text = append(s.text, fmt.Sprintf(verb, part))
		}
	}
}

func (s *seen) Write(p []byte) (int, error) {
	s.add(string(p))
	return len(p), nil
}

func (s *seen) requireClean(t *testing.T) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	require.NotEmpty(t, s.text)
	for _, text := range s.text {
		for _, secret := range secrets {
			require.NotContains(t, text, secret)
		}
	}
}

func watch(s *seen) func(*loopkit.Options) {
	return func(o *loopkit.Options) {
		o.Logger = slog.New(slog.NewJSONHandler(s, &slog.HandlerOptions{Level: slog.LevelDebug - 100, AddSource: true}))
		o.OnError = func(_ context.Context, err error) { s.add(err) }
		o.Hooks.Dropped = func(_ context.Context, d loopkit.Drop) { s.add(d.Kind, d.Reason, d.Err) }
	}
}

// useEverything makes every call with secrets in it.
func useEverything(t *testing.T, c *loopkit.Client, s *seen) {
	t.Helper()
	ctx := loopkit.WithIdentity(context.Background(), loopkit.Identity{AnonymousID: anonymousSecret, UserID: userSecret, SessionID: sessionSecret})
	ctx = loopkit.WithContextFields(ctx, loopkit.Properties{"ip": contextSecret})
	traits := loopkit.Traits{"email": traitSecret}
	s.add(
		c.Track(ctx, "e", loopkit.Properties(traits)),
		c.Track(ctx, "e", loopkit.Properties{"a": failing{traitSecret}, "email": traitSecret}),
		c.Track(ctx, "e", loopkit.Properties{"a": panicking{traitSecret}}),
		c.Track(ctx, "e", loopkit.Properties{"a": strings.Repeat(traitSecret, 10_000)}),
		c.Track(loopkit.WithUser(ctx, userSecret+" "), "e", nil),
		c.Identify(ctx, userSecret, traits),
		c.Identify(ctx, "another-"+userSecret, traits),
		c.Identify(ctx, userSecret+" ", traits),
		c.Group(ctx, groupSecret, traits),
		c.Group(ctx, groupSecret+"\xff", traits),
		c.Session().Identify(ctx, userSecret, traits),
	)
	d, err := c.DeleteUser(ctx, userSecret)
	s.add(err)
	g, err := c.DeleteGroup(ctx, groupSecret)
	s.add(err)
	_, err = c.DeleteUser(ctx, userSecret+" ")
	s.add(err, c)
	require.NoError(t, c.Track(visitor(anonymousSecret), "e", loopkit.Properties(traits)))
	short, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	s.add(c.Flush(short), c.Stats(), c.Stats().Halted)
	s.add(c.Close(short))
	s.add(d.Wait(short), g.Wait(short), c.Stats())
	requireBalanced(t, c)
}

func TestNothingThatGoesWrongShowsAKeyAnIDOrATrait(t *testing.T) {
	reset := loopkittest.Fault{Reset: true}
	location := func(to string) loopkittest.Fault {
		return loopkittest.Fault{Status: 307, Header: http.Header{"Location": {to}}}
	}
	faults := map[string]loopkittest.Fault{
		"nothing": {}, "network error": reset, "hang": {Hang: true},
		"redirect":           location("https://login.example/?next=/v1/users/" + userSecret),
		"malformed redirect": location("https://login.example/%zz/v1/users/" + userSecret),
	}
	for _, status := range []int{400, 401, 403, 404, 409, 413, 415, 422, 429, 500, 501, 503} {
		faults[fmt.Sprint(status)] = loopkittest.Fault{Status: status, Body: echo}
	}
	for name, fault := range faults {
		for where, endpoint := range map[string]loopkittest.Endpoint{"": loopkittest.Any, " of the deletion": loopkittest.UserDeletions} {
			t.Run(name+where, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var s seen
					server := loopkittest.NewTransport(t)
					server.FailAll(endpoint, fault)
					c := newClient(t, server, watch(&s))
					useEverything(t, c, &s)
					time.Sleep(time.Minute)
					s.requireClean(t)
					requireKeyInHeaderOnly(t, server)
				})
			})
		}
	}
}

// requireKeyInHeaderOnly asserts that the key is in the Authorization header and nowhere else.
func requireKeyInHeaderOnly(t *testing.T, s *loopkittest.Server) {
	t.Helper()
	require.NotEmpty(t, s.Requests())
	for _, r := range s.Requests() {
		require.Equal(t, "bearer", r.Auth)
		require.NotContains(t, r.Path, testKey)
		require.NotContains(t, fmt.Sprint(r.Header), testKey)
	}
	for _, m := range s.Messages() {
		require.NotContains(t, string(m.Raw), testKey)
	}
}

func TestTheKeyIsInNoURLAndNoBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := loopkittest.NewTransport(t)
		var urls, bodies []string
		c := newClient(t, server, func(o *loopkit.Options) {
			o.MaxInFlight = 1
			o.HTTPClient = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				urls = append(urls, r.URL.String())
				if r.Body != nil {
					body, err := io.ReadAll(r.Body)
					require.NoError(t, err)
					require.NoError(t, r.Body.Close())
					bodies = append(bodies, string(body))
					r.Body = io.NopCloser(bytes.NewReader(body))
				}
				assert.Equal(t, "Bearer "+testKey, r.Header.Get("Authorization"))
				return server.RoundTripper().RoundTrip(r)
			})}
		})
		require.NoError(t, c.Identify(visitor("anon_1"), "user_1", nil))
		require.NoError(t, c.Flush(t.Context()))
		_, err := c.DeleteUser(t.Context(), "user_1")
		require.NoError(t, err)
		require.NoError(t, c.Close(t.Context()))
		assert.Len(t, urls, 2)
		assert.NotContains(t, fmt.Sprint(urls, bodies), testKey)
		assert.Empty(t, server.Requests()[0].Header.Get("Cookie"))
	})
}

func TestARoundTripperThatPanicsShowsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s seen
		c := newClient(t, loopkittest.NewTransport(t), watch(&s), func(o *loopkit.Options) {
			o.HTTPClient = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				panic(r.URL.String() + r.Header.Get("Authorization"))
			})}
		})
		useEverything(t, c, &s)
		time.Sleep(time.Minute)
		s.requireClean(t)
	})
}

func TestCallbacksThatPanicShowNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s seen
		server := loopkittest.NewTransport(t)
		server.FailAll(loopkittest.Any, loopkittest.Fault{Status: 401, Body: echo})
		c := newClient(t, server, watch(&s), func(o *loopkit.Options) {
			o.OnError = func(context.Context, error) { panic(testKey + userSecret) }
			o.Hooks.Dropped = func(_ context.Context, d loopkit.Drop) { panic(string(d.Messages[0])) }
			o.DeletionEndpoint = func(_ loopkit.Kind, id string) (string, string) { panic(id + traitSecret) }
			o.IdentityStore = ownStore{
				load: func(string) (string, error) { panic(anonymousSecret) },
				save: func(string) error { panic(anonymousSecret) },
			}
		})
		c.Session().Reset()
		_, err := c.DeleteUser(t.Context(), userSecret)
		s.add(err)
		require.NoError(t, c.Identify(visitor(anonymousSecret), userSecret, nil))
		s.add(c.Close(t.Context()))
		time.Sleep(time.Minute)
		s.requireClean(t)
		assert.Positive(t, c.Stats().Panics)
	})
}

// TestAnAnswerThatIsNotHTTPIsNotQuoted has servers that send requests back.
func TestAnAnswerThatIsNotHTTPIsNotQuoted(t *testing.T) {
	for name, prefix := range map[string]string{"status line": "", "header": "HTTP/1.1 200 OK\r\n"} {
		t.Run(name, func(t *testing.T) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			defer listener.Close()
			go func() {
				for {
					conn, err := listener.Accept()
					if err != nil {
						return
					}
					go func() {
						defer conn.Close()
						_, _ = io.WriteString(conn, prefix)
						_, _ = io.Copy(conn, conn)
					}()
				}
			}()
			var s seen
			opts := loopkit.Options{BaseURL: "http://" + listener.Addr().String() + "/v1", RetryMin: time.Millisecond, RetryMax: time.Millisecond}
			watch(&s)(&opts)
			c, err := loopkit.New(testKey, &opts)
			require.NoError(t, err)
			d, err := c.DeleteUser(t.Context(), userSecret)
			require.NoError(t, err)
			await(t, "an attempt fails", func() bool { return c.Stats().Failing["deletions"] != nil })
			err = c.Close(contextFor(t, 0))
			var undelivered *loopkit.UndeliveredError
			require.ErrorAs(t, err, &undelivered)
			s.add(err, d.Wait(t.Context()))
			s.requireClean(t)
		})
	}
}

func TestTheServersExplanationIsForWhoeverAsksAndHasNoKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := loopkittest.NewTransport(t)
		server.FailAll(loopkittest.Any, loopkittest.Fault{Status: 401, Body: echo})
		c := newClient(t, server)
		require.NoError(t, c.Track(visitor("anon_1"), "e", nil))
		var api *loopkit.APIError
		require.ErrorAs(t, c.Flush(t.Context()), &api)
		assert.Contains(t, api.Message, "may not say", "it helps to find the mistake")
		assert.Contains(t, api.Message, traitSecret, "so it may be personal")
		assert.NotContains(t, api.Message, testKey)
		assert.NotContains(t, api.Error(), traitSecret)
	})
}
