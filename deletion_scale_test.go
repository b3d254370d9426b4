package loopkit

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// hangingTransport answers nothing before the request's context ends.
type hangingTransport struct{}

func (hangingTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// newHangingClient has one message under way.
func newHangingClient(t *testing.T) *Client {
	c, err := New("lk_test", &Options{
		BatchSize: 1, DeletionQuarantine: -1, MaxAge: -1,
		Logger: slog.New(slog.DiscardHandler), HTTPClient: &http.Client{Transport: hangingTransport{}},
	})
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		defer cancel()
		_ = c.Close(ctx)
	})
	require.NoError(t, c.Track(WithIdentity(context.Background(), Identity{AnonymousID: "anon_1"}), "page_view", nil))
	synctest.Wait()
	return c
}

func (q *queue) purgesKnown() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.erasures.purged)
}

func TestManyOptOutsOfOnePersonCostNoMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newHangingClient(t)
		s := c.NewSession(Identity{AnonymousID: "anon_1", UserID: "user_1"})
		for range 10_000 {
			s.OptOut()
			s.OptIn()
		}
		assert.Equal(t, 2, c.queue.purgesKnown(), "the user and the anonymous ID")
	})
}

func TestWhoIsToBeForgottenIsRememberedOnlyWhileAnAttemptMayCarryThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newHangingClient(t)
		for i := range 100 {
			_, err := c.DeleteUser(t.Context(), fmt.Sprint("user_", i))
			require.NoError(t, err)
		}
		assert.Equal(t, 200, c.queue.purgesKnown())
		time.Sleep(11 * time.Second) // the attempt timed out
		synctest.Wait()
		assert.Zero(t, c.queue.purgesKnown())
	})
}
