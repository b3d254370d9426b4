package loopkit_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// sent makes calls on a client and returns what arrived, in the order of the calls.
func sent(t *testing.T, calls func(*loopkit.Client), change ...func(*loopkit.Options)) (messages []loopkittest.Message) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server := loopkittest.NewTransport(t)
		change = append(change, func(o *loopkit.Options) { o.BatchSize, o.MaxInFlight = 1, 1 })
		c := newClient(t, server, change...)
		calls(c)
		require.NoError(t, c.Close(context.Background()))
		messages = server.Messages()
		require.Len(t, messages, int(requireBalanced(t, c).Accepted))
	})
	return messages
}

// whose is what of a message says whose it is.
func whose(m loopkittest.Message) loopkit.Identity {
	return loopkit.Identity{AnonymousID: m.AnonymousID, UserID: m.UserID, SessionID: m.SessionID}
}

func derivedFrom(t *testing.T, userID string) string {
	t.Helper()
	return sent(t, func(c *loopkit.Client) { _ = c.Identify(context.Background(), userID, nil) })[0].AnonymousID
}

func TestWithIdentityReplacesTheWholeIdentity(t *testing.T) {
	ctx := loopkit.WithIdentity(t.Context(), loopkit.Identity{AnonymousID: "anon_1", UserID: "user_1", SessionID: "sess_1"})
	ctx = loopkit.WithIdentity(ctx, loopkit.Identity{UserID: "user_2"})
	id, ok := loopkit.IdentityFrom(ctx)
	assert.True(t, ok)
	assert.Equal(t, loopkit.Identity{UserID: "user_2"}, id)

	id, ok = loopkit.IdentityFrom(loopkit.WithIdentity(ctx, loopkit.Identity{}))
	assert.True(t, ok, "an empty identity is one too")
	assert.Zero(t, id)

	_, ok = loopkit.IdentityFrom(loopkit.WithContextFields(t.Context(), loopkit.Properties{"page": "/"}))
	assert.False(t, ok, "fields are no identity")
}

func TestWithUserKeepsTheAnonymousIDOfTheSamePersonOnly(t *testing.T) {
	const anonymous, session = "anon_1", "sess_1"
	for name, test := range map[string]struct{ user, with, wantUser, wantAnonymous, wantSession string }{
		"a login":             {"", "user_1", "user_1", anonymous, session},
		"the same user":       {"user_1", "user_1", "user_1", anonymous, session},
		"another user":        {"user_1", "user_2", "user_2", "", ""},
		"nobody after a user": {"user_1", "", "", "", ""},
		"nobody":              {"", "", "", anonymous, session},
	} {
		t.Run(name, func(t *testing.T) {
			before := loopkit.WithIdentity(t.Context(), loopkit.Identity{AnonymousID: anonymous, UserID: test.user, SessionID: session})
			got, ok := loopkit.IdentityFrom(loopkit.WithUser(before, test.with))
			assert.True(t, ok)
			assert.Equal(t, loopkit.Identity{AnonymousID: test.wantAnonymous, UserID: test.wantUser, SessionID: test.wantSession}, got)
			unchanged, _ := loopkit.IdentityFrom(before)
			assert.Equal(t, test.user, unchanged.UserID)
		})
	}
	alone, _ := loopkit.IdentityFrom(loopkit.WithUser(t.Context(), "user_1"))
	assert.Equal(t, loopkit.Identity{UserID: "user_1"}, alone)
}

func TestAsTakesPrecedenceOverTheContextAndThatOverTheSession(t *testing.T) {
	own := loopkit.Identity{AnonymousID: "anon_own", UserID: "user_own"}
	ofContext := loopkit.Identity{AnonymousID: "anon_ctx", UserID: "user_ctx", SessionID: "sess_ctx"}
	as := loopkit.Identity{AnonymousID: "anon_as"}
	ctx := loopkit.WithIdentity(context.Background(), ofContext)
	got := sent(t, func(c *loopkit.Client) {
		s := c.NewSession(own)
		_ = s.Track(context.Background(), "session", nil)
		_ = s.Track(ctx, "context", nil)
		_ = s.Track(ctx, "as", nil, loopkit.As(as))
		_ = s.Track(context.Background(), "as", nil, loopkit.As(as))
		_ = c.Track(ctx, "context", nil)
		_ = c.Track(ctx, "as", nil, loopkit.As(as))
	})
	want := map[string]loopkit.Identity{"session": own, "context": ofContext, "as": as}
	require.Len(t, got, 6)
	for _, m := range got {
		assert.Equal(t, want[m.Name], whose(m), m.Name)
	}
}

func TestGroupAndTrackWithoutAnIdentityNameTheRemedies(t *testing.T) {
	c := newClient(t, loopkittest.NewTransport(t))
	for _, ctx := range []context.Context{t.Context(), loopkit.WithIdentity(t.Context(), loopkit.Identity{SessionID: "sess_1"}), loopkit.WithUser(t.Context(), "")} {
		for call, err := range map[string]error{
			"Track": c.Track(ctx, "e", nil),
			"Group": c.Group(ctx, "g", nil),
		} {
			require.ErrorIs(t, err, loopkit.ErrNoIdentity)
			for _, remedy := range []string{call, "WithIdentity", "WithUser", "As", "Session"} {
				assert.ErrorContains(t, err, remedy)
			}
		}
		assert.NoError(t, c.Identify(ctx, "user_1", nil), "the user is identity enough")
	}
	assert.ErrorIs(t, c.Track(visitor("anon_1"), "e", nil, loopkit.As(loopkit.Identity{})), loopkit.ErrNoIdentity, "As replaces")
	assert.Equal(t, int64(7), requireBalanced(t, c).Refused)
}

func TestAMessageThatKnowsOnlyAUserGetsAnAnonymousIDDerivedFromIt(t *testing.T) {
	calls := func(c *loopkit.Client) {
		ctx := loopkit.WithUser(context.Background(), "user_1")
		_ = c.Track(ctx, "e", nil)
		_ = c.Group(ctx, "g", nil)
		_ = c.Identify(context.Background(), "user_1", nil)
		_ = c.NewSession(loopkit.Identity{UserID: "user_1"}).Track(context.Background(), "e", nil)
	}
	first, again := sent(t, calls), sent(t, calls)
	derived := first[0].AnonymousID
	assert.Regexp(t, `^anon_[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, derived)
	for _, m := range append(first, again...) {
		assert.Equal(t, loopkit.Identity{AnonymousID: derived, UserID: "user_1"}, whose(m), "stable, also in another process")
	}
	assert.NotEqual(t, derived, derivedFrom(t, "user_2"))
}

func TestNewAnonymousIDsAreRandom(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		id := loopkit.NewAnonymousID()
		require.Regexp(t, `^anon_[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, id)
		require.False(t, seen[id])
		seen[id] = true
	}
}

func TestIdentifyOfAnotherUserDoesNotTakeTheContextsAnonymousID(t *testing.T) {
	logger, log := newLog()
	a := loopkit.Identity{AnonymousID: "anon_1", UserID: "alice", SessionID: "sess_1"}
	for name, ctx := range map[string]context.Context{
		"context": loopkit.WithIdentity(context.Background(), a),
		"As":      visitor("anon_2"),
	} {
		t.Run(name, func(t *testing.T) {
			got := sent(t, func(c *loopkit.Client) {
				var opts []loopkit.CallOption
				if name == "As" {
					opts = append(opts, loopkit.As(a))
				}
				_ = c.Identify(ctx, "bob", nil, opts...)
				_ = c.Identify(ctx, "alice", nil, opts...)
			}, func(o *loopkit.Options) { o.Logger = logger })
			assert.Equal(t, loopkit.Identity{AnonymousID: derivedFrom(t, "bob"), UserID: "bob"}, whose(got[0]))
			assert.Equal(t, a, whose(got[1]), "the user herself keeps it")
		})
	}
	assert.Contains(t, log.String(), "level=WARN")
	assert.Contains(t, log.String(), "WithUser")
	assert.NotContains(t, log.String(), "alice")
	assert.NotContains(t, log.String(), "bob")
}

func TestTheUserIDIsOnEverythingAfterLoginAndOnNothingBefore(t *testing.T) {
	got := sent(t, func(c *loopkit.Client) {
		ctx := visitor("anon_1")
		_ = c.Track(ctx, "page_view", nil)
		_ = c.Group(ctx, "waitlist", nil)
		_ = c.Identify(ctx, "user_1", nil)
		_ = c.Track(ctx, "not_yet", nil) // Identify does not change the context
		ctx = loopkit.WithUser(ctx, "user_1")
		_ = c.Group(ctx, "team_1", nil)
		_ = c.Track(ctx, "feature_used", nil)
	})
	require.Len(t, got, 6)
	for _, m := range got {
		want := loopkit.Identity{AnonymousID: "anon_1"}
		if m.Kind == loopkittest.KindIdentify || m.GroupID == "team_1" || m.Name == "feature_used" {
			want.UserID = "user_1"
		}
		assert.Equal(t, want, whose(m), m.Kind)
	}
}

func TestTheClientsOwnAnonymousIDIsNeverOnItsCalls(t *testing.T) {
	var own string
	got := sent(t, func(c *loopkit.Client) {
		own = c.AnonymousID()
		assert.Equal(t, own, c.Session().Identity().AnonymousID)
		assert.Same(t, c.Session(), c.Session())
		_ = c.Identify(context.Background(), "user_1", nil)
		_ = c.Group(loopkit.WithUser(context.Background(), "user_1"), "g", nil)
		_ = c.Track(visitor("anon_1"), "e", nil)
		_, _ = c.DeleteUser(context.Background(), "user_2")
	})
	assert.Regexp(t, "^anon_", own)
	require.Len(t, got, 4)
	for _, m := range got {
		assert.NotContains(t, string(m.Raw), own)
	}
}

func TestContextFieldsAreMergedOverThoseOfTheClientForTheirCallsOnly(t *testing.T) {
	outer := loopkit.WithContextFields(visitor("anon_1"), loopkit.Properties{"page": "/", "agent": "curl"})
	inner := loopkit.WithContextFields(outer, loopkit.Properties{"page": "/pricing"})
	later := loopkit.WithUser(inner, "user_1")
	got := sent(t, func(c *loopkit.Client) {
		for _, ctx := range []context.Context{visitor("anon_1"), outer, inner, later, outer} {
			_ = c.Track(ctx, "e", nil)
		}
	}, func(o *loopkit.Options) { o.Context = loopkit.Properties{"app": "shop", "page": "none"} })
	want := []map[string]any{
		{"app": "shop", "page": "none"},
		{"app": "shop", "page": "/", "agent": "curl"},
		{"app": "shop", "page": "/pricing", "agent": "curl"},
		{"app": "shop", "page": "/pricing", "agent": "curl"},
		{"app": "shop", "page": "/", "agent": "curl"},
	}
	require.Len(t, got, len(want))
	for i, m := range got {
		assert.Equal(t, want[i], m.System["context"])
	}
}

func TestContextFieldsAreEncodedWhenTheyAreGiven(t *testing.T) {
	page := map[string]any{"path": "/"}
	ctx := loopkit.WithContextFields(visitor("anon_1"), loopkit.Properties{"page": page})
	page["path"] = "changed"
	more := loopkit.WithContextFields(ctx, loopkit.Properties{"agent": "curl"})
	got := sent(t, func(c *loopkit.Client) {
		_ = c.Track(ctx, "e", nil)
		_ = c.Track(more, "e", nil)
	})
	first := map[string]any{"path": "/"}
	assert.Equal(t, map[string]any{"page": first}, got[0].System["context"])
	assert.Equal(t, map[string]any{"page": first, "agent": "curl"}, got[1].System["context"])
}

func TestCallOptions(t *testing.T) {
	at := time.Date(2024, 2, 29, 12, 0, 0, 123_456_789, time.FixedZone("", 3600))
	got := sent(t, func(c *loopkit.Client) {
		_ = c.Track(visitor("anon_1"), "now", nil)
		_ = c.Track(visitor("anon_1"), "then", nil, loopkit.At(at), loopkit.WithMessageID("import-1"))
		_ = c.Track(visitor("anon_1"), "then", nil, loopkit.At(at), loopkit.WithMessageID("import-1"))
		_ = c.Group(visitor("anon_1"), "g1", nil)
		_ = c.Group(visitor("anon_1"), "g2", nil, loopkit.GroupType("team"), loopkit.At(at))
		_ = c.Group(visitor("anon_1"), "g3", nil, loopkit.GroupType("team"), loopkit.GroupType("squad"))
	})
	require.Len(t, got, 6, "a repeated message ID is sent again")
	byID := map[string]loopkittest.Message{}
	for _, m := range got {
		byID[m.Name+m.GroupID] = m
	}
	assert.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, byID["now"].MessageID)
	assert.Equal(t, "import-1", byID["then"].MessageID)
	assert.Contains(t, string(byID["then"].Raw), `"timestamp":"2024-02-29T11:00:00.123Z"`)
	assert.Equal(t, "organization", byID["g1"].GroupType)
	assert.Equal(t, "team", byID["g2"].GroupType)
	assert.True(t, byID["g2"].Timestamp.Equal(at.Truncate(time.Millisecond)))
	assert.Equal(t, "squad", byID["g3"].GroupType, "the last one counts")
}

func TestManyPeopleThroughOneClientAreNeverMixed(t *testing.T) {
	const people, rounds = 64, 10
	server := loopkittest.NewServer(t)
	c := newClient(t, server, func(o *loopkit.Options) { o.BatchSize = 50 })
	var done sync.WaitGroup
	for i := range people {
		done.Go(func() {
			me := fmt.Sprint(i)
			own := loopkit.Properties{"owner": me}
			ctx := loopkit.WithIdentity(context.Background(), loopkit.Identity{AnonymousID: "anon_" + me, SessionID: "sess_" + me})
			ctx = loopkit.WithContextFields(ctx, own)
			user := loopkit.WithUser(ctx, "user_"+me)
			signedUp, _ := loopkit.IdentityFrom(user)
			for range rounds {
				assert.NoError(t, c.Track(ctx, "before", own))
				assert.NoError(t, c.Identify(ctx, "user_"+me, loopkit.Traits{"owner": me}))
				assert.NoError(t, c.Group(user, "team_"+me, loopkit.Traits{"owner": me}))
				assert.NoError(t, c.Track(user, "after", own))
				assert.NoError(t, c.Track(loopkit.WithContextFields(context.Background(), own), "after", own, loopkit.As(signedUp)))
			}
		})
	}
	done.Wait()
	require.NoError(t, c.Flush(t.Context()))
	assert.Equal(t, int64(people*rounds*5), requireBalanced(t, c).Delivered)
	require.Len(t, server.Messages(), people*rounds*5)
	for _, m := range server.Messages() {
		me := m.Values["owner"].(string)
		want := loopkit.Identity{AnonymousID: "anon_" + me, UserID: "user_" + me, SessionID: "sess_" + me}
		if m.Name == "before" {
			want.UserID = ""
		}
		require.Equal(t, want, whose(m))
		require.Equal(t, map[string]any{"owner": me}, m.System["context"])
		if m.Kind == loopkittest.KindGroup {
			require.Equal(t, "team_"+me, m.GroupID)
		}
	}
	require.Len(t, server.People(), people)
	for _, p := range server.People() {
		require.Empty(t, p.Conflicts)
		require.Len(t, p.AnonymousIDs, 1)
	}
}
