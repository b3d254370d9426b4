package loopkit_test

import (
	"context"
	"fmt"
	"math"
	"runtime"
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

// duringEncoding runs a function while a call encodes it.
type duringEncoding func()

func (f duringEncoding) MarshalJSON() ([]byte, error) {
	f()
	return []byte("null"), nil
}

func TestASessionCarriesTheUserIDAfterIdentify(t *testing.T) {
	var anonymous string
	got := sent(t, func(c *loopkit.Client) {
		ctx, s := context.Background(), c.NewSession(loopkit.Identity{SessionID: "sess_1"})
		anonymous = s.Identity().AnonymousID
		_ = s.Track(ctx, "before", nil)
		_ = s.Identify(ctx, "user_1", nil)
		_ = s.Track(ctx, "after", nil)
		_ = s.Group(ctx, "team_1", nil)
		_ = s.Identify(ctx, "user_1", nil)
	})
	assert.Regexp(t, "^anon_", anonymous)
	for _, m := range got {
		want := loopkit.Identity{AnonymousID: anonymous, UserID: "user_1", SessionID: "sess_1"}
		if m.Name == "before" {
			want.UserID = ""
		}
		assert.Equal(t, want, whose(m), "%s %s", m.Kind, m.Name)
	}
}

func TestAnIdentifyThatFindsTheQueueFullStillSticks(t *testing.T) {
	server := loopkittest.NewTransport(t)
	server.FailAll(loopkittest.Any, loopkittest.Fault{Hang: true})
	c := newClient(t, server, func(o *loopkit.Options) { o.QueueSize = 1 })
	s := c.Session()
	require.NoError(t, s.Track(t.Context(), "e", nil))
	require.ErrorIs(t, s.Identify(t.Context(), "user_1", nil), loopkit.ErrQueueFull)
	assert.Equal(t, "user_1", s.Identity().UserID)
}

func TestAnIdentifyThatIsInvalidOrWithheldDoesNotStick(t *testing.T) {
	c := newClient(t, loopkittest.NewTransport(t))
	s := c.Session()
	before := s.Identity()
	for name, identify := range map[string]func() error{
		"wrong ID":   func() error { return s.Identify(t.Context(), "undefined", nil) },
		"wrong time": func() error { return s.Identify(t.Context(), "user_1", nil, loopkit.At(time.Time{})) },
		"NaN":        func() error { return s.Identify(t.Context(), "user_1", loopkit.Traits{"n": math.NaN()}) },
		"too large": func() error {
			return s.Identify(t.Context(), "user_1", loopkit.Traits{"s": strings.Repeat("x", 40<<10)})
		},
		"bad fields": func() error {
			return s.Identify(loopkit.WithContextFields(t.Context(), loopkit.Properties{"f": math.NaN()}), "user_1", nil)
		},
	} {
		assert.Error(t, identify(), name)
		assert.Equal(t, before, s.Identity(), name)
	}

	s.OptOut()
	assert.NoError(t, s.Identify(t.Context(), "user_1", nil))
	assert.Equal(t, before, s.Identity(), "withheld")
	assert.Equal(t, int64(1), requireBalanced(t, c).Withheld)
}

func TestAnOptOutThatOvertakesACallWithholdsIt(t *testing.T) {
	c := newClient(t, loopkittest.NewTransport(t))
	for i, call := range []func(s *loopkit.Session) error{
		func(s *loopkit.Session) error {
			return s.Track(t.Context(), "e", loopkit.Properties{"now": duringEncoding(s.OptOut)})
		},
		func(s *loopkit.Session) error {
			return s.Identify(t.Context(), "user_1", loopkit.Traits{"now": duringEncoding(s.OptOut)})
		},
	} {
		s := c.NewSession(loopkit.Identity{})
		before := s.Identity()
		assert.NoError(t, call(s))
		assert.Equal(t, before, s.Identity(), "what is withheld does not stick")
		assert.Equal(t, int64(i+1), c.Stats().Withheld)
		assert.Zero(t, c.Stats().Accepted)
	}
}

func TestASecondUserOfASessionGetsANewAnonymousID(t *testing.T) {
	var a, b loopkit.Identity
	got := sent(t, func(c *loopkit.Client) {
		ctx, s := context.Background(), c.NewSession(loopkit.Identity{SessionID: "sess_1"})
		_ = s.Identify(ctx, "alice", nil)
		a = s.Identity()
		_ = s.Track(ctx, "as_alice", nil)
		_ = s.Identify(ctx, "bob", nil)
		b = s.Identity()
		_ = s.Track(ctx, "as_bob", nil)
	})
	assert.Equal(t, "bob", b.UserID)
	assert.NotEqual(t, a.AnonymousID, b.AnonymousID)
	assert.Empty(t, b.SessionID, "another person's session ID is left behind too")
	require.Len(t, got, 4)
	for _, m := range got {
		want := a
		if m.UserID == "bob" || m.Name == "as_bob" {
			want = b
		}
		assert.Equal(t, want, whose(m))
	}
}

func TestResetMakesASessionAStranger(t *testing.T) {
	var before, after loopkit.Identity
	got := sent(t, func(c *loopkit.Client) {
		ctx, s := context.Background(), c.Session()
		_ = s.Identify(ctx, "user_1", nil)
		before = s.Identity()
		s.Reset()
		after = s.Identity()
		assert.Equal(t, after.AnonymousID, c.AnonymousID())
		_ = s.Track(ctx, "e", nil)
	})
	assert.Empty(t, after.UserID)
	assert.Regexp(t, "^anon_", after.AnonymousID)
	assert.NotEqual(t, before.AnonymousID, after.AnonymousID)
	for _, m := range got {
		if m.Kind == loopkittest.KindIdentify {
			assert.Equal(t, before, whose(m), "what was accepted before keeps its identity")
		} else {
			assert.Equal(t, after, whose(m))
		}
	}
}

func TestAnotherIdentityIsForOneCallAndDoesNotStick(t *testing.T) {
	other := loopkit.Identity{AnonymousID: "anon_other", UserID: "other"}
	for name, options := range map[string]struct {
		ctx  context.Context
		opts []loopkit.CallOption
	}{
		"context": {ctx: loopkit.WithIdentity(context.Background(), other)},
		"As":      {ctx: context.Background(), opts: []loopkit.CallOption{loopkit.As(other)}},
	} {
		t.Run(name, func(t *testing.T) {
			var own loopkit.Identity
			got := sent(t, func(c *loopkit.Client) {
				s := c.NewSession(loopkit.Identity{AnonymousID: "anon_1", UserID: "user_1"})
				own = s.Identity()
				_ = s.Identify(options.ctx, "other", nil, options.opts...)
				_ = s.Track(options.ctx, "theirs", nil, options.opts...)
				_ = s.Track(context.Background(), "own", nil)
				assert.Equal(t, own, s.Identity())
			})
			for _, m := range got {
				if m.Name == "own" {
					assert.Equal(t, own, whose(m))
				} else {
					assert.Equal(t, other, whose(m))
				}
			}
		})
	}
}

func TestContextFieldsLeaveASessionItsIdentity(t *testing.T) {
	got := sent(t, func(c *loopkit.Client) {
		ctx, s := loopkit.WithContextFields(context.Background(), loopkit.Properties{"page": "/"}), c.NewSession(loopkit.Identity{AnonymousID: "anon_1"})
		_ = s.Identify(ctx, "user_1", nil)
		_ = s.Group(ctx, "team_1", nil)
		_ = s.Track(ctx, "e", nil)
	})
	require.Len(t, got, 3)
	for _, m := range got {
		assert.Equal(t, loopkit.Identity{AnonymousID: "anon_1", UserID: "user_1"}, whose(m))
		assert.Equal(t, map[string]any{"page": "/"}, m.System["context"])
	}
}

func TestANewSessionCompletesItsIdentity(t *testing.T) {
	c := newClient(t, loopkittest.NewTransport(t))
	a, b := c.NewSession(loopkit.Identity{}).Identity(), c.NewSession(loopkit.Identity{}).Identity()
	assert.Regexp(t, "^anon_", a.AnonymousID)
	assert.NotEqual(t, a, b)
	assert.NotEqual(t, a.AnonymousID, c.AnonymousID())
	user := c.NewSession(loopkit.Identity{UserID: "user_1"}).Identity()
	assert.Equal(t, derivedFrom(t, "user_1"), user.AnonymousID)
	given := loopkit.Identity{AnonymousID: "anon_1", UserID: "user_1", SessionID: "sess_1"}
	assert.Equal(t, given, c.NewSession(given).Identity())
}

func TestUsersWhoIdentifyAtOnceNeverShareAnAnonymousID(t *testing.T) {
	const rounds, users = 200, 6
	server := loopkittest.NewTransport(t)
	c := newClient(t, server)
	for round := range rounds {
		s := c.NewSession(loopkit.Identity{})
		var done sync.WaitGroup
		for i := range users {
			done.Go(func() {
				_ = s.Track(t.Context(), "e", nil)
				_ = s.Identify(t.Context(), fmt.Sprintf("user_%d_%d", round, i), loopkit.Traits{"now": duringEncoding(runtime.Gosched)})
				_ = s.Track(t.Context(), "e", nil)
				if i == 0 {
					s.Reset()
				}
			})
		}
		done.Wait()
	}
	require.NoError(t, c.Flush(t.Context()))
	require.Len(t, server.Messages(), rounds*users*3)
	owner := map[string]string{}
	for _, m := range server.Messages() {
		if m.UserID != "" {
			if before := owner[m.AnonymousID]; before != "" {
				require.Equal(t, before, m.UserID)
			}
			owner[m.AnonymousID] = m.UserID
		}
	}
	assert.Len(t, owner, rounds*users)
}

func TestAnIdentifyThatAnotherOvertakesTakesAnAnonymousIDOfItsOwn(t *testing.T) {
	got := sent(t, func(c *loopkit.Client) {
		ctx, s := context.Background(), c.Session()
		var once sync.Once
		overtaken := func() { once.Do(func() { _ = s.Identify(ctx, "bob", nil) }) }
		_ = s.Identify(ctx, "alice", loopkit.Traits{"now": duringEncoding(overtaken)})
		assert.Equal(t, "alice", s.Identity().UserID)
	})
	require.Len(t, got, 2)
	assert.Equal(t, "bob", got[0].UserID)
	assert.NotEqual(t, got[0].AnonymousID, got[1].AnonymousID)
}

func TestAWithheldIdentifyDoesNotUndoTheResetThatItOvertook(t *testing.T) {
	s := newClient(t, loopkittest.NewServer(t)).NewSession(loopkit.Identity{})
	rounds := 0
	err := s.Identify(t.Context(), "user_2", loopkit.Traits{"now": duringEncoding(func() {
		if rounds++; rounds <= 10 {
			s.Reset()
			assert.NoError(t, s.Identify(t.Context(), "user_1", nil))
			return
		}
		s.Reset()
		s.OptOut()
	})})
	require.NoError(t, err)
	require.Equal(t, 11, rounds)
	assert.Empty(t, s.Identity().UserID)
}

func TestOptOutDropsWhatIsUnsentAndWithholdsWhatFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var drops []string
		server := loopkittest.NewTransport(t)
		c := newClient(t, server, func(o *loopkit.Options) {
			o.Hooks.Dropped = func(_ context.Context, d loopkit.Drop) {
				drops = append(drops, fmt.Sprintf("%s %s %d", d.Kind, d.Reason, len(d.Messages)))
			}
		})
		ctx, s := context.Background(), c.NewSession(loopkit.Identity{AnonymousID: "anon_1"})
		require.NoError(t, s.Track(ctx, "e", nil))
		require.NoError(t, s.Identify(ctx, "user_1", nil))
		require.NoError(t, s.Group(ctx, "team_1", nil))
		require.NoError(t, c.Track(visitor("anon_1"), "e", nil))
		require.NoError(t, c.Track(loopkit.WithUser(ctx, "user_1"), "e", nil))
		require.NoError(t, c.Track(known("anon_2", "user_2"), "of another", nil))
		s.OptOut()
		require.NoError(t, s.Track(ctx, "e", nil))
		require.NoError(t, s.Identify(ctx, "user_1", nil))
		require.NoError(t, s.Group(ctx, "team_1", nil))
		require.NoError(t, s.Track(ctx, "e", nil, loopkit.As(loopkit.Identity{UserID: "user_3"})), "also under another identity")
		stats := requireBalanced(t, c)
		assert.Equal(t, map[loopkit.Reason]int64{loopkit.ReasonConsent: 5}, stats.Dropped)
		assert.Equal(t, int64(4), stats.Withheld)
		assert.Zero(t, stats.Refused)

		s.OptIn()
		require.NoError(t, s.Track(ctx, "again", nil))
		require.NoError(t, c.Close(ctx), "what the program itself dropped is no failure")
		var names []string
		for _, m := range server.Messages() {
			names = append(names, m.Name)
		}
		assert.Equal(t, []string{"of another", "again"}, names)
		assert.ElementsMatch(t, []string{"identify consent 1", "group consent 1", "track consent 3"}, drops)
	})
}

func TestAReturningBatchIsThinnedOfWhoOptedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := loopkittest.NewTransport(t)
		server.Script(loopkittest.Tracks, loopkittest.Fault{Delay: 2 * time.Second, Status: 503})
		c := newClient(t, server, func(o *loopkit.Options) { o.FlushInterval = time.Millisecond })
		s := c.NewSession(loopkit.Identity{AnonymousID: "anon_1"})
		require.NoError(t, s.Track(t.Context(), "e", nil))
		require.NoError(t, c.Track(visitor("anon_2"), "e", nil))
		time.Sleep(time.Second)
		s.OptOut()
		assert.Equal(t, int64(2), requireBalanced(t, c).Pending, "it is in flight")
		s.OptIn()
		require.NoError(t, s.Track(t.Context(), "after", nil))
		require.NoError(t, c.Flush(t.Context()))
		stats := requireBalanced(t, c)
		assert.Equal(t, map[loopkit.Reason]int64{loopkit.ReasonConsent: 1}, stats.Dropped)
		assert.Equal(t, int64(2), stats.Delivered)
		for _, m := range server.Messages() {
			assert.False(t, m.AnonymousID == "anon_1" && m.Name == "e")
		}
	})
}

func TestWhatIsInFlightAtAnOptOutMayArrive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := loopkittest.NewTransport(t)
		server.Script(loopkittest.Tracks, loopkittest.Fault{Delay: 2 * time.Second})
		c := newClient(t, server, func(o *loopkit.Options) { o.FlushInterval = time.Millisecond })
		require.NoError(t, c.Session().Track(t.Context(), "e", nil))
		time.Sleep(time.Second)
		c.Session().OptOut()
		require.NoError(t, c.Flush(t.Context()))
		assert.Equal(t, int64(1), requireBalanced(t, c).Delivered)
	})
}

func TestNilAndZeroValuesDiscardEverything(t *testing.T) {
	for name, c := range map[string]*loopkit.Client{"nil": nil, "zero": new(loopkit.Client)} {
		t.Run(name+" client", func(t *testing.T) {
			ctx := t.Context()
			assert.NoError(t, c.Identify(ctx, "", nil))
			assert.NoError(t, c.Group(ctx, "", nil))
			assert.NoError(t, c.Track(ctx, "", loopkit.Properties{"n": math.NaN()}))
			for _, call := range []func(context.Context, string) (*loopkit.Deletion, error){c.DeleteUser, c.DeleteGroup} {
				d, err := call(ctx, "user_1")
				require.NoError(t, err)
				<-d.Done()
				assert.ErrorIs(t, d.Wait(ctx), loopkit.ErrDisabled)
			}
			assert.NoError(t, c.Flush(ctx))
			assert.NoError(t, c.Close(ctx))
			assert.Empty(t, c.AnonymousID())
			assert.Zero(t, requireBalanced(t, c).Accepted)
			assert.NotNil(t, c.Stats().Dropped)
			assert.Nil(t, c.Session())
			assert.Nil(t, c.NewSession(loopkit.Identity{}))
			assert.NotEmpty(t, fmt.Sprint(c))
		})
	}
	for name, s := range map[string]*loopkit.Session{"nil": nil, "zero": new(loopkit.Session)} {
		t.Run(name+" session", func(t *testing.T) {
			assert.NotPanics(t, func() {
				assert.NoError(t, s.Identify(t.Context(), "", nil))
				assert.NoError(t, s.Group(t.Context(), "", nil))
				assert.NoError(t, s.Track(t.Context(), "", nil))
				s.OptOut()
				s.OptIn()
				s.Reset()
				assert.Zero(t, s.Identity())
			})
		})
	}
	var d *loopkit.Deletion
	<-d.Done()
	assert.Error(t, d.Wait(t.Context()))
}

func TestAnIdentifyWhoseOwnTraitsChangeTheSessionEnds(t *testing.T) {
	s := loopkittest.NewTransport(t)
	c := newClient(t, s)
	session := c.NewSession(loopkit.Identity{})
	require.NoError(t, session.Identify(t.Context(), "alice", loopkit.Traits{"v": duringEncoding(session.Reset)}))
	require.NoError(t, session.Track(t.Context(), "e", nil))
	require.NoError(t, c.Close(t.Context()))
	messages := s.Messages()
	require.Len(t, messages, 2)
	assert.Equal(t, "alice", messages[1].UserID, "the identify came last")
	assert.Equal(t, messages[0].AnonymousID, messages[1].AnonymousID)
}
