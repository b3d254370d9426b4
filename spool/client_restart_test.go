package spool_test

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// leaveBehind runs a client that cannot send, until what it accepted is on disk.
func leaveBehind(t *testing.T, s *loopkittest.Server, dir string, write func(*loopkit.Client), change ...func(*loopkit.Options)) {
	t.Helper()
	s.FailAll(loopkittest.Any, loopkittest.Fault{Status: 503})
	c := start(t, s, dir, change...)
	write(c)
	flush(t, c)
	require.NoError(t, c.Close(t.Context()), "what is on disk is no error")
	require.Empty(t, s.Messages())
	s.Heal()
	s.Reset()
}

// restart runs the next client until nothing is left.
func restart(t *testing.T, s *loopkittest.Server, dir string, change ...func(*loopkit.Options)) loopkit.Stats {
	t.Helper()
	c := start(t, s, dir, change...)
	drainWithin(t, c, time.Hour)
	require.NoError(t, c.Close(t.Context()))
	requireEmpty(t, dir)
	return requireSettled(t, c)
}

func TestAfterARestartAGroupStillFollowsTheIdentify(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, dir := loopkittest.NewTransport(t), t.TempDir()
		leaveBehind(t, s, dir, func(c *loopkit.Client) {
			require.NoError(t, c.Identify(known("user_123"), "user_123", loopkit.Traits{"plan": "trial"}))
			require.NoError(t, c.Group(known("user_123"), "team_456", nil))
			require.NoError(t, c.Identify(known("user_123"), "user_123", loopkit.Traits{"plan": "pro"}))
		})
		s.Script(loopkittest.Identifies, loopkittest.Fault{Status: 503}, loopkittest.Fault{Status: 503})
		stats := restart(t, s, dir)
		assert.Equal(t, int64(3), stats.Restored)
		var kinds []loopkittest.Kind
		for _, m := range s.Messages() {
			kinds = append(kinds, m.Kind)
		}
		assert.Equal(t, loopkittest.KindIdentify, kinds[0])
		person := loopkittest.RequireIdentified(t, s, "user_123", "")
		assert.Equal(t, "pro", person.Traits["plan"], "the newest is the last")
		loopkittest.RequireMember(t, s, "team_456", "user_123")
	})
}

func TestAfterARestartAPoisonMessageIsIsolated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, dir := loopkittest.NewTransport(t), t.TempDir()
		leaveBehind(t, s, dir, func(c *loopkit.Client) {
			track(t, c, "e0", "e1", "e2", "poison", "e4", "e5", "e6", "e7", "e8")
		})
		s.FailAll(loopkittest.Tracks, loopkittest.Fault{
			Status: 400, If: func(body []byte) bool { return bytes.Contains(body, []byte("poison")) },
		})
		var drops dropped
		stats := restart(t, s, dir, func(o *loopkit.Options) { o.Hooks.Dropped = drops.add })
		assert.Equal(t, int64(8), stats.Delivered)
		assert.Equal(t, map[loopkit.Reason]int64{loopkit.ReasonRejected: 1}, stats.Dropped)
		assert.ElementsMatch(t, []string{"e0", "e1", "e2", "e4", "e5", "e6", "e7", "e8"}, names(s))
		require.Len(t, drops.messages(), 1)
		assert.Contains(t, drops.messages()[0], `"poison"`, "the hook is given it as it was tracked")
	})
}

func TestAMessageKeepsItsAgeAcrossARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, dir := loopkittest.NewTransport(t), t.TempDir()
		leaveBehind(t, s, dir, func(c *loopkit.Client) {
			track(t, c, "old")
			time.Sleep(71 * time.Hour)
			track(t, c, "young")
		}, func(o *loopkit.Options) { o.RetryMax = time.Hour })
		time.Sleep(2 * time.Hour)
		stats := restart(t, s, dir)
		assert.Equal(t, int64(2), stats.Restored)
		assert.Equal(t, map[loopkit.Reason]int64{loopkit.ReasonExpired: 1}, stats.Dropped, "MaxAge is 72 hours with a spool")
		assert.Equal(t, []string{"young"}, names(s))
	})
}

func TestAfterARestartAHaltedEndpointDoesNotStopTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, dir := loopkittest.NewTransport(t), t.TempDir()
		leaveBehind(t, s, dir, func(c *loopkit.Client) {
			track(t, c, "page_view")
			require.NoError(t, c.Identify(known("user_123"), "user_123", nil))
			require.NoError(t, c.Group(known("user_123"), "team_456", nil))
		})
		s.FailAll(loopkittest.Tracks, loopkittest.Fault{Status: 401})
		c := start(t, s, dir)
		time.Sleep(10 * time.Second)
		assert.Contains(t, c.Stats().Halted, "tracks")
		loopkittest.RequireMember(t, s, "team_456", "user_123")
		assert.Empty(t, names(s))
		begin := time.Now()
		require.NoError(t, c.Close(t.Context()), "a halted endpoint is not waited for")
		assert.Less(t, time.Since(begin), time.Second)

		s.Heal()
		restart(t, s, dir)
		assert.Equal(t, []string{"page_view"}, names(s))
	})
}

func TestAfterARestartThoseWhoAreHeldBehindADeletionAreHeldAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, dir := loopkittest.NewTransport(t), t.TempDir()
		leaveBehind(t, s, dir, func(c *loopkit.Client) {
			track(t, c, "before")
			_, err := c.DeleteUser(known("user_123"), "user_123")
			require.NoError(t, err)
			track(t, c, "after")
			require.NoError(t, c.Track(known("user_124"), "other", nil))
		})
		begin := time.Now()
		c := start(t, s, dir)
		time.Sleep(59 * time.Second)
		synctest.Wait()
		assert.Equal(t, []string{"other"}, names(s), "the deletion waits for DeletionQuarantine, and holds nobody else")
		drainWithin(t, c, time.Hour)
		var of []string
		for _, m := range s.Messages() {
			if m.UserID == "user_123" {
				of = append(of, string(m.Kind)+" "+m.Name)
			}
		}
		assert.Equal(t, []string{"deleteUser ", "track after"}, of)
		assert.LessOrEqual(t, time.Since(begin), 61*time.Second)
		requireSettled(t, c)
		require.NoError(t, c.Close(t.Context()))
		requireEmpty(t, dir)
	})
}

// dropped are the messages that Hooks.Dropped was told of.
type dropped struct {
	mu  sync.Mutex
	all []string
}

func (d *dropped) add(_ context.Context, drop loopkit.Drop) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, m := range drop.Messages {
		d.all = append(d.all, string(m))
	}
}

func (d *dropped) messages() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.all...)
}
