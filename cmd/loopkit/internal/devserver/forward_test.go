package devserver_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/devserver"
	"github.com/loopkitai/loopkit-go/internal/collector"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

type forwardCounts struct{ Forwarded, Failed, Dropped, Waiting int }

func (s *server) forwarded() forwardCounts {
	var summary struct{ Forward forwardCounts }
	s.get("/api/summary", &summary)
	return summary.Forward
}

// settled waits until nothing is left to forward.
func (s *server) settled(total int) forwardCounts {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		c := s.forwarded()
		return c.Forwarded+c.Failed+c.Dropped == total
	}, 10*time.Second, 5*time.Millisecond)
	return s.forwarded()
}

func TestAcceptedRequestsAreForwardedWithTheirKeyInTheirOrder(t *testing.T) {
	far := loopkittest.NewServer(t, loopkittest.Strict(), loopkittest.WithKeys("lk_real"))
	s := start(t, devserver.Options{Forward: far.BaseURL()})
	for _, e := range perRequest(travelled(t, devserver.Options{})) {
		s.send(http.MethodPost, e.Path, string(e.Body), header{"Authorization", "Bearer lk_real", "Content-Type", "application/json"})
	}
	s.send(http.MethodPost, "/v1/tracks", "{}", header{"Authorization", "Bearer lk_real"})                  // refused here
	s.send(http.MethodGet, "/v1/sdk-versions", "", nil)                                                     // brings nothing
	s.send(http.MethodPost, "/v1/nothing", "{}", header{"Authorization", "Bearer lk_real"})                 // is nothing
	s.send(http.MethodOptions, "/v1/tracks", "", header{"Origin", "http://localhost:3000"})                 // likewise
	s.send(http.MethodDelete, "/v1/users/user%2F456", "", header{"Authorization", "Bearer lk_real"})        // counts
	s.send(http.MethodPost, "/v1/tracks?apiKey=lk_real", trackBody("by_query"), header{"Cookie", "a=b"})    // refused there, which is strict
	s.send(http.MethodPost, "/v1/tracks", trackBody("refused"), header{"Authorization", "Bearer lk_wrong"}) // likewise

	assert.Equal(t, forwardCounts{Forwarded: 7, Failed: 2}, s.settled(9))
	person := loopkittest.RequireIdentified(t, far, "user_123", "")
	assert.Len(t, person.Events, 5)
	deletions := far.MessagesOf(loopkittest.KindDeleteUser)
	require.Len(t, deletions, 1)
	assert.Equal(t, "user/456", deletions[0].UserID)
	near := s.Store().Snapshot().Messages()
	for i, m := range far.Messages() {
		assert.Equal(t, string(near[i].Raw), string(m.Raw), "unchanged, in order")
	}
	for _, r := range far.Requests() {
		assert.Empty(t, r.Header["Cookie"])
		assert.Contains(t, []string{"bearer", "query"}, r.Auth)
	}
	assert.Contains(t, s.log.String(), "1 requests could not be forwarded so far: answered 401 Unauthorized")
	assert.NotContains(t, s.log.String(), "lk_")
}

// perRequest returns the requests that brought something.
func perRequest(s *server) (out []*collector.Request) {
	for _, e := range s.Store().Snapshot().Entries {
		if len(out) == 0 || out[len(out)-1] != e.Request {
			out = append(out, e.Request)
		}
	}
	return out
}

func TestTheJourneyIsForwardedToNobody(t *testing.T) {
	far := loopkittest.NewServer(t)
	s := travelled(t, devserver.Options{Forward: far.BaseURL()})
	response, text := s.send(http.MethodPost, "/api/demo", "{}", asJSON)
	require.Equal(t, http.StatusOK, response.StatusCode, text)
	s.track("after_it")
	s.settled(1)
	require.Len(t, far.Messages(), 1, "user_123 may be somebody there")
	assert.Equal(t, "after_it", far.Messages()[0].Name)
}

func TestTheEndpointAloneIsForwarded(t *testing.T) {
	var mu sync.Mutex
	var asked []string
	far := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		_, _ = io.Copy(io.Discard, r.Body) // only the path matters
		asked = append(asked, r.URL.EscapedPath())
	}))
	t.Cleanup(far.Close)
	s := start(t, devserver.Options{Forward: far.URL + "/base"})
	for _, path := range []string{"/v1/tracks", "/v1/../../elsewhere/tracks", "/v1/v1/tracks", "/v1//tracks"} {
		response, text := s.send(http.MethodPost, path, trackBody("a"), header{"Authorization", "Bearer lk_dev"})
		require.Equal(t, http.StatusOK, response.StatusCode, text)
	}
	s.send(http.MethodDelete, "/v1/x/users/user%2F456", "", header{"Authorization", "Bearer lk_dev"})
	s.send(http.MethodDelete, "/v1/users/tracks", "", header{"Authorization", "Bearer lk_dev"})
	s.settled(6)
	mu.Lock()
	defer mu.Unlock()
	assert.Equal(t, []string{"/base/tracks", "/base/tracks", "/base/tracks", "/base/tracks", "/base/users/user%2F456", "/base/users/tracks"}, asked)
}

func TestForwardingNeverHoldsUpAnAnswer(t *testing.T) {
	hang := make(chan struct{})
	far := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	t.Cleanup(far.Close)
	t.Cleanup(func() { close(hang) })
	s := start(t, devserver.Options{Forward: far.URL + "/v1"})
	began := time.Now()
	s.track("a", "b", "c")
	assert.Less(t, time.Since(began), 5*time.Second)
	assert.Equal(t, 2, s.forwarded().Waiting)

	began = time.Now()
	require.NoError(t, s.stop())
	assert.Less(t, time.Since(began), time.Second)
	assert.Contains(t, s.log.String(), "3 requests were not forwarded, because the server stops")
}

func TestWhatWaitsToBeForwardedIsBounded(t *testing.T) {
	for name, test := range map[string]struct{ size, count, kept int }{
		"by bytes":  {4 << 20, 9, 8},
		"by number": {10, 1001, 1000},
	} {
		log := &notes{}
		forward := devserver.NewForward(t, log.add)
		body := strings.Repeat("x", test.size)
		for range test.count {
			w := httptest.NewRecorder()
			forward.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/v1/tracks", strings.NewReader(body)))
			require.Equal(t, http.StatusOK, w.Code, name)
		}
		waiting, dropped := forward.Counts()
		assert.Equal(t, test.kept, waiting, name)
		assert.Equal(t, test.count-test.kept, dropped, name)
		assert.Equal(t, "forwarding is too slow: 1 requests were not forwarded so far\n", log.String())
	}
}

func TestWhatTheServerAcceptsAtTheLastMomentIsForwarded(t *testing.T) {
	far := loopkittest.NewServer(t)
	s := start(t, devserver.Options{Forward: far.BaseURL()})
	s.track("a", "b", "c")
	require.NoError(t, s.stop())
	assert.Len(t, far.Messages(), 3)
}

func TestTwoServersThatForwardToEachOtherEndIt(t *testing.T) {
	first := start(t, devserver.Options{})
	second := start(t, devserver.Options{Forward: first.BaseURL()})
	third := start(t, devserver.Options{Forward: second.BaseURL()})
	third.track("a")
	third.settled(1)
	assert.Equal(t, []string{"a"}, second.names())
	assert.Empty(t, first.names(), "what was forwarded once is not forwarded again")
}

func TestTheAddressToForwardToIsChecked(t *testing.T) {
	for base, want := range map[string]string{
		"api.loopkit.ai":                  "must look like https://api.loopkit.ai/v1",
		"ftp://api.loopkit.ai":            "must look like https://api.loopkit.ai/v1",
		"https://":                        "must look like https://api.loopkit.ai/v1",
		"https://user:pw@api.loopkit.ai":  "must not have credentials, a query or a fragment",
		"https://api.loopkit.ai/v1?a=b":   "must not have credentials, a query or a fragment",
		"https://api.loopkit.ai/v1#there": "must not have credentials, a query or a fragment",
	} {
		_, err := devserver.Listen(devserver.Options{Addr: "127.0.0.1:0", Forward: base})
		assert.ErrorContains(t, err, want)
		assert.NotContains(t, err.Error(), "pw")
	}
	free := start(t, devserver.Options{})
	addr := strings.TrimPrefix(free.URL(), "http://")
	require.NoError(t, free.stop())
	_, err := devserver.Listen(devserver.Options{Addr: addr, Forward: "http://" + addr + "/v1"})
	assert.ErrorContains(t, err, "is this server itself")
}

func TestRedirectsAreNotFollowedWithTheKey(t *testing.T) {
	var asked []string
	far := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path)
		_, _ = io.Copy(io.Discard, r.Body) // only the path matters
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	}))
	t.Cleanup(far.Close)
	s := start(t, devserver.Options{Forward: far.URL + "/v1/"})
	s.track("a")
	assert.Equal(t, forwardCounts{Failed: 1}, s.settled(1))
	require.NoError(t, s.stop())
	assert.Equal(t, []string{"/v1/tracks"}, asked)
}
