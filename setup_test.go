package loopkit_test

import (
	"context"
	"log/slog"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// TestMain makes the tests independent of where the developer sends to.
func TestMain(m *testing.M) {
	if err := os.Unsetenv("LOOPKIT_BASE_URL"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

const testKey = "lk_test_0123456789"

// newClient returns a client of s that is closed when the test ends.
func newClient(t testing.TB, s *loopkittest.Server, change ...func(*loopkit.Options)) *loopkit.Client {
	t.Helper()
	opts := loopkit.Options{BaseURL: s.BaseURL(), HTTPClient: s.HTTPClient(), Logger: quietLogger()}
	for _, c := range change {
		c(&opts)
	}
	client, err := loopkit.New(testKey, &opts)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		defer cancel()
		_ = client.Close(ctx) // what it says is the test's business, if anybody's
	})
	return client
}

// requireBalanced asserts that every accepted message is accounted for once.
func requireBalanced(t testing.TB, c *loopkit.Client) loopkit.Stats {
	t.Helper()
	s := c.Stats()
	require.Equal(t, s.Accepted, s.Delivered+s.Pending+sumDropped(s), "Accepted = Delivered + Pending + Dropped: %+v", s)
	return s
}

func sumDropped(s loopkit.Stats) (n int64) {
	for _, dropped := range s.Dropped {
		n += dropped
	}
	return n
}

// visitor is the context of somebody who is not known yet.
func visitor(anonymousID string) context.Context {
	return loopkit.WithIdentity(context.Background(), loopkit.Identity{AnonymousID: anonymousID})
}

// known is the context of somebody who has signed in.
func known(anonymousID, userID string) context.Context {
	return loopkit.WithIdentity(context.Background(), loopkit.Identity{AnonymousID: anonymousID, UserID: userID})
}

// await waits for what happens by itself and soon, in real time.
func await(t testing.TB, what string, happened func() bool) {
	t.Helper()
	for start := time.Now(); !happened(); runtime.Gosched() {
		require.Less(t, time.Since(start), 5*time.Second, what)
	}
}

func quietLogger() *slog.Logger { return slog.New(slog.DiscardHandler) }
