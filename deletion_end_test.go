package loopkit_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	loopkit "github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

func TestHowADeletionEnds(t *testing.T) {
	for _, c := range []struct {
		statuses []int
		reason   loopkit.Reason // "" for delivered
		unknown  bool
	}{
		{[]int{404, 405, 410, 501}, loopkit.ReasonUnsupported, true},
		{[]int{400, 409, 413, 415, 422}, loopkit.ReasonRejected, false},
		{[]int{200, 202, 204}, "", false},
	} {
		for _, status := range c.statuses {
			synctest.Test(t, func(t *testing.T) {
				s := loopkittest.NewTransport(t)
				s.FailAll(loopkittest.UserDeletions, loopkittest.Fault{Status: status})
				client := newClient(t, s)
				err := deleteUser(t, client, "user_1").Wait(t.Context())
				stats := requireBalanced(t, client)
				if c.reason == "" {
					require.NoError(t, err, "status %d", status)
					assert.Equal(t, int64(1), stats.Delivered)
					return
				}
				var answer *loopkit.APIError
				require.ErrorAs(t, err, &answer, "status %d", status)
				assert.Equal(t, status, answer.StatusCode)
				assert.Equal(t, c.unknown, errors.Is(err, loopkit.ErrDeletionUnsupported), "status %d", status)
				assert.Equal(t, map[loopkit.Reason]int64{c.reason: 1}, stats.Dropped)
			})
		}
	}
}

func TestARefusalAfterAnUnansweredDeletionSaysThatItMayHaveHappened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.Script(loopkittest.UserDeletions,
			loopkittest.Fault{Reset: true, Store: true},
			loopkittest.Fault{Status: 404})
		c := newClient(t, s)
		err := deleteUser(t, c, "user_1").Wait(t.Context())
		require.ErrorIs(t, err, loopkit.ErrDeletionUnsupported)
		assert.ErrorContains(t, err, "may have deleted it")
	})
}

func TestADeletionIsRetriedThroughOutagesAndHalts(t *testing.T) {
	for _, status := range []int{401, 403, 408, 429, 500, 502, 503} {
		synctest.Test(t, func(t *testing.T) {
			s := loopkittest.NewTransport(t)
			s.FailAll(loopkittest.UserDeletions, loopkittest.Fault{Status: status})
			c := newClient(t, s)
			d := deleteUser(t, c, "user_1")
			ctx, cancel := context.WithTimeout(t.Context(), 26*time.Hour)
			defer cancel()
			require.ErrorIs(t, d.Wait(ctx), context.DeadlineExceeded, "status %d", status)
			assert.Equal(t, int64(1), requireBalanced(t, c).Pending, "status %d", status)
			s.Heal()
			require.NoError(t, d.Wait(t.Context()), "status %d", status)
		})
	}
}

func TestCloseSettlesADeletionAsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.Script(loopkittest.Tracks, loopkittest.Fault{Reset: true})
		c := newClient(t, s, func(o *loopkit.Options) { o.BatchSize = 1 })
		trackN(t, c, 1)
		time.Sleep(2 * time.Second)
		d := deleteUser(t, c, "user_1")
		start := time.Now()
		var undelivered *loopkit.UndeliveredError
		require.ErrorAs(t, c.Close(t.Context()), &undelivered)
		assert.Equal(t, int64(1), undelivered.Dropped)
		assert.Less(t, time.Since(start), time.Second, "the quarantine ends after CloseTimeout: nothing to wait for")
		require.ErrorIs(t, d.Wait(t.Context()), loopkit.ErrClosed)
		assert.Equal(t, map[loopkit.Reason]int64{loopkit.ReasonClosed: 1}, requireBalanced(t, c).Dropped)
	})
}

func TestADeletionEndpointOfOnesOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		var method, path string
		c := newClient(t, s, func(o *loopkit.Options) {
			o.DeletionEndpoint = func(kind loopkit.Kind, id string) (string, string) {
				return "POST", "/privacy/" + kind.String() + "/" + id
			}
			next := o.HTTPClient.Transport
			o.HTTPClient.Transport = transportFunc(func(r *http.Request) (*http.Response, error) {
				method, path = r.Method, r.URL.Path
				return next.RoundTrip(r)
			})
		})
		require.Error(t, deleteUser(t, c, "user_1").Wait(t.Context()), "the server has no such path")
		assert.Equal(t, "POST", method)
		assert.Equal(t, "/v1/privacy/deleteUser/user_1", path)
	})
}

func TestThousandsOfDeletionsDoNotSlowTheCalls(t *testing.T) {
	const deletions = 10_000
	server := newSink(t)
	c, err := loopkit.New(testKey, &loopkit.Options{BaseURL: server, Logger: quietLogger()})
	require.NoError(t, err)
	ctx := known("anon_1", "someone")
	median := func() time.Duration {
		calls := make([]time.Duration, 5000)
		for i := range calls {
			begin := time.Now()
			require.NoError(t, c.Track(ctx, "page_view", nil))
			calls[i] = time.Since(begin)
			runtime.Gosched()
		}
		slices.Sort(calls)
		return calls[len(calls)/2]
	}
	before := median()
	for i := range deletions {
		_, err := c.DeleteUser(t.Context(), fmt.Sprintf("user_%d", i))
		require.NoError(t, err)
	}
	during := median()
	require.Greater(t, c.Stats().Pending, int64(deletions/2), "they were waiting all the time")
	assert.Less(t, during, 5*before+5*time.Microsecond)
	require.NoError(t, c.Close(contextFor(t, time.Minute*raceFactor)))
	assert.Zero(t, c.Stats().QueueBytes)
}

func contextFor(t testing.TB, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestIDsThatCannotBeAPathSegmentAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, loopkittest.NewTransport(t))
		for _, id := range []string{".", "..", "", "undefined"} {
			_, err := c.DeleteUser(t.Context(), id)
			var wrong *loopkit.ArgumentError
			require.ErrorAs(t, err, &wrong, "%q", id)
			_, err = c.DeleteGroup(t.Context(), id)
			require.ErrorAs(t, err, &wrong, "%q", id)
		}
		assert.Equal(t, int64(8), c.Stats().Refused)
	})
}
