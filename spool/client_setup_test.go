package spool_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
	"github.com/loopkitai/loopkit-go/spool"
)

const testKey = "lk_test_0123456789"

// patience bounds what happens by itself and soon, in real time.
const patience = 20 * time.Second

// reports are the calls of OnError.
type reports struct {
	mu   sync.Mutex
	errs []error
}

func (r *reports) add(_ context.Context, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errs = append(r.errs, err)
}

func (r *reports) all() []error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]error(nil), r.errs...)
}

// newClient returns a client of s that keeps its messages in a spool.
func newClient(t testing.TB, s *loopkittest.Server, kept loopkit.Spool, change ...func(*loopkit.Options)) *loopkit.Client {
	t.Helper()
	opts := loopkit.Options{
		BaseURL: s.BaseURL(), HTTPClient: s.HTTPClient(), Logger: slog.New(slog.DiscardHandler), Spool: kept,
	}
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

// start returns a client whose spool is in a directory.
func start(t testing.TB, s *loopkittest.Server, dir string, change ...func(*loopkit.Options)) *loopkit.Client {
	t.Helper()
	kept, err := spool.Open(dir, nil)
	require.NoError(t, err)
	return newClient(t, s, kept, change...)
}

// known is the context of somebody who has signed in.
func known(userID string) context.Context {
	return loopkit.WithIdentity(context.Background(), loopkit.Identity{UserID: userID})
}

func track(t testing.TB, c *loopkit.Client, names ...string) {
	t.Helper()
	for _, name := range names {
		require.NoError(t, c.Track(known("user_123"), name, nil))
	}
}

// requireSettled asserts that everything that was accepted is accounted for and nothing
// is left.
func requireSettled(t testing.TB, c *loopkit.Client) loopkit.Stats {
	t.Helper()
	s := requireBalanced(t, c)
	require.Zero(t, s.Pending, "%+v", s)
	require.Zero(t, s.Spooled, "%+v", s)
	return s
}

func requireBalanced(t testing.TB, c *loopkit.Client) loopkit.Stats {
	t.Helper()
	s := c.Stats()
	dropped := int64(0)
	for _, n := range s.Dropped {
		dropped += n
	}
	require.Equal(t, s.Accepted, s.Delivered+s.Pending+dropped, "Accepted = Delivered + Pending + Dropped: %+v", s)
	return s
}

// requireEmpty asserts that a client has left nothing in a directory.
func requireEmpty(t testing.TB, dir string) {
	t.Helper()
	s, err := spool.Open(dir, nil)
	require.NoError(t, err)
	require.Empty(t, drained(t, s))
	require.NoError(t, s.Close())
}

// flush waits until everything is delivered, dropped, or on disk.
func flush(t testing.TB, c *loopkit.Client) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	require.NoError(t, c.Flush(ctx))
}

// drain waits until nothing is left.
func drain(t testing.TB, c *loopkit.Client) {
	t.Helper()
	drainWithin(t, c, patience)
}

// drainWithin is drain for tests with a clock of their own.
func drainWithin(t testing.TB, c *loopkit.Client, most time.Duration) {
	t.Helper()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for begin := time.Now(); c.Stats().Pending > 0 || c.Stats().SpoolBytes > 0; <-ticker.C {
		require.Less(t, time.Since(begin), most, "%+v", c.Stats())
		flush(t, c) // or FlushInterval would pass first
	}
}

// names of the events that a server has stored, in order of arrival.
func names(s *loopkittest.Server) (all []string) {
	for _, m := range s.MessagesOf(loopkittest.KindTrack) {
		all = append(all, m.Name)
	}
	return all
}
