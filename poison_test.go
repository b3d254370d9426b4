package loopkit_test

import (
	"bytes"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	loopkit "github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

func TestManyRefusedIdentifiesDoNotKeepAHealthyEndpointHalted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.FailAll(loopkittest.Identifies, loopkittest.Fault{Status: 400,
			If: func(body []byte) bool { return bytes.Contains(body, []byte("poison")) }})
		c := newClient(t, s, func(o *loopkit.Options) { o.MaxAge, o.BatchSize = -1, 1 })
		const poisoned = 25 // more than halt it
		for i := range poisoned {
			require.NoError(t, c.Identify(visitor(fmt.Sprint("anon_", i)), fmt.Sprint("user_", i), loopkit.Traits{"plan": "poison"}))
		}
		require.NoError(t, c.Identify(visitor("anon_good"), "user_good", nil))
		time.Sleep(time.Hour)
		stats := requireBalanced(t, c)
		assert.Equal(t, map[loopkit.Reason]int64{loopkit.ReasonRejected: poisoned}, stats.Dropped)
		assert.Empty(t, stats.Halted)
		loopkittest.RequireIdentified(t, s, "user_good", "anon_good")
	})
}

func TestABatchThatCrashesTheServerIsSplitThoughDeletionsThinItMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.FailAll(loopkittest.Identifies, loopkittest.Fault{Status: 500,
			If: func(body []byte) bool { return bytes.Contains(body, []byte("user_29")) }})
		c := newClient(t, s, func(o *loopkit.Options) { o.BatchSize, o.DeletionQuarantine, o.FlushInterval = 30, -1, -1 })
		for i := range 30 {
			require.NoError(t, c.Identify(visitor(fmt.Sprint("anon_", i)), fmt.Sprint("user_", i), nil))
		}
		whole := func() (n int) {
			for _, r := range s.Requests() {
				if r.Endpoint == loopkittest.Identifies && r.Messages > 15 {
					n++
				}
			}
			return n
		}
		for i := range 4 { // one between any two attempts
			for whole() == i {
				time.Sleep(100 * time.Millisecond)
			}
			deleteUser(t, c, fmt.Sprint("user_", i))
		}
		time.Sleep(10 * time.Minute)
		assert.Equal(t, 5, whole(), "attempts before it was split")
		assert.Len(t, s.MessagesOf(loopkittest.KindIdentify), 25)
	})
}

func TestALocationThatCannotBeReadHaltsAsAnyRedirectDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.FailAll(loopkittest.Tracks, loopkittest.Fault{Status: 307, Header: http.Header{"Location": {"http://[::1"}}})
		c := newClient(t, s)
		trackN(t, c, 1)
		var answer *loopkit.APIError
		require.ErrorAs(t, c.Flush(contextFor(t, time.Minute)), &answer)
		assert.Equal(t, 307, answer.StatusCode)
		assert.Contains(t, c.Stats().Halted, "tracks")
	})
}
