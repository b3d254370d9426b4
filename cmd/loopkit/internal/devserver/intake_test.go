package devserver_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/devserver"
)

func TestLargeBodiesWaitUntilThereIsRoomForThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var reading atomic.Int32
		handler := devserver.LimitBodies(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			reading.Add(1)
			defer reading.Add(-1)
			<-release
		}))
		var under sync.WaitGroup
		serve := func(length int64, encoding string) *httptest.ResponseRecorder {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/tracks", strings.NewReader(""))
			r.ContentLength = length
			r.Header.Set("Content-Encoding", encoding)
			w := httptest.NewRecorder()
			under.Go(func() { handler.ServeHTTP(w, r) })
			synctest.Wait()
			return w
		}
		for range 4 {
			serve(5<<20, "")
			serve(-1, "")      // which may be anything
			serve(100, "gzip") // likewise
		}
		assert.EqualValues(t, 12, reading.Load())
		serve(5<<20, "")
		assert.EqualValues(t, 12, reading.Load(), "there is no room")
		serve(100, "")
		assert.EqualValues(t, 13, reading.Load(), "a small one needs none")
		release <- struct{}{}
		release <- struct{}{}
		synctest.Wait()
		assert.GreaterOrEqual(t, reading.Load(), int32(11))

		for range 3 {
			serve(5<<20, "")
		}
		late := serve(5<<20, "")
		time.Sleep(31 * time.Second)
		synctest.Wait()
		assert.Equal(t, http.StatusServiceUnavailable, late.Code)
		assert.Equal(t, "1", late.Header().Get("Retry-After"))
		close(release)
		under.Wait()
	})
}

// dial sends the beginning of a request.
func (s *server) dial(text string) net.Conn {
	s.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL(), "http://"))
	require.NoError(s.t, err)
	s.t.Cleanup(func() { _ = conn.Close() }) // the test is over
	require.NoError(s.t, conn.SetDeadline(time.Now().Add(20*time.Second)))
	_, err = io.WriteString(conn, strings.ReplaceAll(text, "\n", "\r\n"))
	require.NoError(s.t, err)
	return conn
}

// post is a whole request.
func post(body string) string {
	return fmt.Sprintf("POST /v1/tracks HTTP/1.1\nHost: localhost\nAuthorization: Bearer lk_dev\nContent-Length: %d\n\n%s", len(body), body)
}

func TestABodyThatDoesNotComeIsGivenUpWithoutAnAnswer(t *testing.T) {
	s := start(t, devserver.WithBodyPatience(500*time.Millisecond))
	conn := s.dial(post(trackBody("a"))[:200])
	answer, _ := io.ReadAll(conn) // however the connection ends
	assert.Empty(t, string(answer), "400 would tell the client not to send it again")
	require.Eventually(t, func() bool { return len(s.names()) == 1 }, 10*time.Second, 5*time.Millisecond)
	assert.Zero(t, s.Store().Snapshot().Entries[0].Request.Status)
	s.track("b")
}

func TestALongHeadIsRefused(t *testing.T) {
	s := start(t, devserver.Options{})
	response, _ := s.send(http.MethodPost, "/v1/tracks", trackBody("a"), header{"X-Large", strings.Repeat("x", 40<<10)})
	assert.Equal(t, http.StatusRequestHeaderFieldsTooLarge, response.StatusCode)
}

// underWay gives the requests that were sent time to reach their handlers.
func (s *server) underWay() {
	for range 50 {
		s.send(http.MethodGet, "/livez", "", nil)
	}
}

func TestNothingThatTheStoppingServerThrowsAwayIsAnsweredWith200(t *testing.T) {
	s := start(t, devserver.Options{Chaos: devserver.Chaos{Latency: time.Minute}})
	conn := s.dial(post(trackBody("a")))
	s.underWay()
	began := time.Now()
	require.NoError(t, s.stop())
	assert.Less(t, time.Since(began), time.Second)
	answer, _ := io.ReadAll(conn) // however the connection ends
	assert.Empty(t, string(answer))
}

func TestARequestUnderWayHasTimeToEndWhenTheServerStops(t *testing.T) {
	s := start(t, devserver.Options{Chaos: devserver.Chaos{Latency: 250 * time.Millisecond}})
	conn := s.dial(post(trackBody("a")))
	s.underWay()
	require.NoError(t, s.stop())
	answer, err := io.ReadAll(conn)
	require.NoError(t, err)
	assert.Contains(t, string(answer), "200 OK")
	assert.Len(t, s.Store().Snapshot().Messages(), 1)
}
