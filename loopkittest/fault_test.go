package loopkittest_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/loopkittest"
)

func TestEachRequestTakesTheNextFault(t *testing.T) {
	everyKind(t, func(t *testing.T, s *loopkittest.Server) {
		s.Script(loopkittest.Tracks, loopkittest.Fault{Status: 503, RetryAfter: "120"}, loopkittest.Fault{Status: 429})
		s.Script(loopkittest.Tracks, loopkittest.Fault{
			Status: 302, Body: "elsewhere", Header: http.Header{"location": {"/x"}, "Content-Type": {"text/html"}},
		})
		assert.Equal(t, 200, status(t, s, "/groups", group), "another endpoint")

		res, body, err := post(t, t.Context(), s, "/tracks", track)
		require.NoError(t, err)
		assert.Equal(t, 503, res.StatusCode)
		assert.Equal(t, "120", res.Header.Get("Retry-After"))
		assert.Equal(t, "application/json", res.Header.Get("Content-Type"))
		assert.NotEmpty(t, res.Header.Get("Date"))
		assert.JSONEq(t, `{"success":false,"message":"scripted fault"}`, body)
		assert.Equal(t, 429, status(t, s, "/tracks", track))

		client := s.HTTPClient()
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		res, err = client.Do(request(t, t.Context(), s, http.MethodPost, "/tracks", strings.NewReader(track)))
		require.NoError(t, err)
		text, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		assert.Equal(t, "elsewhere", string(text))
		assert.Equal(t, "/x", res.Header.Get("Location"))
		assert.Equal(t, "text/html", res.Header.Get("Content-Type"))

		assert.Equal(t, 200, status(t, s, "/tracks", track), "none is left")
		assert.Len(t, s.MessagesOf(loopkittest.KindTrack), 1)
		var statuses []int
		for _, r := range s.Requests() {
			statuses = append(statuses, r.Status)
			assert.Equal(t, 1, r.Messages, "also those that failed")
			assert.Equal(t, "object", r.Form)
		}
		assert.Equal(t, []int{200, 503, 429, 302, 200}, statuses)
	})
}

func TestFaultsOfTheEndpointComeBeforeAnyAndScriptsBeforeFailAll(t *testing.T) {
	s := loopkittest.NewTransport(t)
	s.FailAll(loopkittest.Tracks, loopkittest.Fault{Status: 500})
	s.FailAll(loopkittest.Any, loopkittest.Fault{Status: 501})
	s.Script(loopkittest.Any, loopkittest.Fault{Status: 502})
	s.Script(loopkittest.Tracks, loopkittest.Fault{Status: 503})
	assert.Equal(t, 503, status(t, s, "/tracks", track))
	assert.Equal(t, 502, status(t, s, "/tracks", track))
	assert.Equal(t, 501, status(t, s, "/tracks", track), "the one set last")
	assert.Equal(t, 501, status(t, s, "/nowhere", track))
	s.Script(loopkittest.Tracks, loopkittest.Fault{Status: 503})
	s.Heal()
	assert.Equal(t, 200, status(t, s, "/tracks", track))
	assert.Equal(t, 404, status(t, s, "/nowhere", track))
}

func TestDeletionsHaveEndpointsOfTheirOwn(t *testing.T) {
	s := loopkittest.NewTransport(t)
	s.Script(loopkittest.UserDeletions, loopkittest.Fault{Status: 503})
	s.Script(loopkittest.GroupDeletions, loopkittest.Fault{Status: 502})
	s.Script(loopkittest.Groups, loopkittest.Fault{Status: 501})
	for path, want := range map[string]int{"/users/tracks": 503, "/groups/a%2Fb": 502} {
		res, err := s.HTTPClient().Do(request(t, t.Context(), s, http.MethodDelete, path, nil))
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		assert.Equal(t, want, res.StatusCode, path)
	}
	assert.Equal(t, 501, status(t, s, "/groups", group))
}

func TestAConditionSparesOtherRequests(t *testing.T) {
	everyKind(t, func(t *testing.T, s *loopkittest.Server) {
		poison := func(body []byte) bool { return bytes.Contains(body, []byte("poison")) }
		s.FailAll(loopkittest.Tracks, loopkittest.Fault{Status: 400, If: poison})
		s.Script(loopkittest.Tracks, loopkittest.Fault{Status: 503, If: poison}, loopkittest.Fault{Status: 429})
		assert.Equal(t, 429, status(t, s, "/tracks", track))
		assert.Equal(t, 200, status(t, s, "/tracks", track))
		poisoned := strings.Replace(track, "page_view", "poison", 1)
		assert.Equal(t, 503, status(t, s, "/tracks", poisoned))
		assert.Equal(t, 400, status(t, s, "/tracks", poisoned))

		var compressed bytes.Buffer
		w := gzip.NewWriter(&compressed)
		_, err := io.WriteString(w, poisoned)
		require.NoError(t, err)
		require.NoError(t, w.Close())
		req := request(t, t.Context(), s, http.MethodPost, "/tracks", &compressed)
		req.Header.Set("Content-Encoding", "gzip")
		res, err := s.HTTPClient().Do(req)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		assert.Equal(t, 400, res.StatusCode, "the condition sees the decompressed body")
		assert.Equal(t, "object", s.Requests()[4].Form)
	})
}

func TestAResetBreaksTheConnection(t *testing.T) {
	everyKind(t, func(t *testing.T, s *loopkittest.Server) {
		for _, after := range []int64{0, 1, int64(len(track)) - 1, int64(len(track)), 1 << 20} {
			s.Script(loopkittest.Tracks, loopkittest.Fault{Reset: true, ResetAfter: after})
			_, _, err := post(t, t.Context(), s, "/tracks", track)
			assert.ErrorIs(t, err, syscall.ECONNRESET, "after %d bytes", after)
			requests := s.Requests()
			last := requests[len(requests)-1]
			assert.Zero(t, last.Status)
			assert.Equal(t, min(after, int64(len(track))), last.Bytes)
		}
		assert.Empty(t, s.Messages())
		assert.Equal(t, 200, status(t, s, "/tracks", track))
	})
}

func TestAStoredRequestLosesOnlyItsAnswer(t *testing.T) {
	everyKind(t, func(t *testing.T, s *loopkittest.Server) {
		s.Script(loopkittest.Tracks,
			loopkittest.Fault{Store: true, Status: 502},
			loopkittest.Fault{Store: true, Reset: true},
			loopkittest.Fault{Store: true, Delay: time.Millisecond},
		)
		assert.Equal(t, 502, status(t, s, "/tracks", track))
		assert.Len(t, s.Messages(), 1)
		_, _, err := post(t, t.Context(), s, "/tracks", track)
		assert.ErrorIs(t, err, syscall.ECONNRESET)
		assert.Len(t, s.Messages(), 2)
		res, body, err := post(t, t.Context(), s, "/tracks", track)
		require.NoError(t, err)
		assert.Equal(t, 200, res.StatusCode)
		assert.JSONEq(t, `{"success":true}`, body)
		assert.Len(t, s.Messages(), 3)
		assert.Equal(t, 502, s.Requests()[0].Status, "what the client got")
		assert.Zero(t, s.Requests()[1].Status)
	})
}

func TestAHangEndsWhenTheClientGivesUp(t *testing.T) {
	everyKind(t, func(t *testing.T, s *loopkittest.Server) {
		for _, fault := range []loopkittest.Fault{{Hang: true}, {Delay: time.Hour}} {
			s.Script(loopkittest.Tracks, fault)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			_, _, err := post(t, ctx, s, "/tracks", track)
			cancel()
			assert.ErrorIs(t, err, context.DeadlineExceeded)
		}
		assert.Empty(t, s.Messages())
		assert.Zero(t, s.Requests()[0].Status)
	})
}

func TestAHangEndsWhenTheServerCloses(t *testing.T) {
	ended := make(chan error, 1)
	t.Run("the test with the server", func(t *testing.T) {
		s := loopkittest.NewServer(t)
		s.FailAll(loopkittest.Tracks, loopkittest.Fault{Hang: true})
		req := request(t, context.Background(), s, http.MethodPost, "/tracks", strings.NewReader(track))
		go func() {
			_, err := s.HTTPClient().Do(req) //nolint:bodyclose // there is no response
			ended <- err
		}()
		require.Eventually(t, func() bool { return len(s.Requests()) == 1 }, 5*time.Second, time.Millisecond)
	})
	assert.Error(t, <-ended)
}

// endless is a body that never ends; reads after the first wait for Close.
type endless struct {
	started bool
	closed  chan struct{}
}

func (e *endless) Read(p []byte) (int, error) {
	if e.started {
		<-e.closed
		return 0, errors.New("closed")
	}
	e.started = true
	return copy(p, "{"), nil
}

func (e *endless) Close() error {
	close(e.closed)
	return nil
}

func TestAnEarlyAnswerComesBeforeTheBodyWasRead(t *testing.T) {
	everyKind(t, func(t *testing.T, s *loopkittest.Server) {
		s.Script(loopkittest.Tracks, loopkittest.Fault{Status: 413, Early: true})
		req := request(t, t.Context(), s, http.MethodPost, "/tracks", &endless{closed: make(chan struct{})})
		res, err := s.HTTPClient().Do(req)
		require.NoError(t, err)
		defer res.Body.Close()
		assert.Equal(t, 413, res.StatusCode)
		assert.Equal(t, 413, s.Requests()[0].Status)
		assert.Zero(t, s.Requests()[0].Bytes)
	})
}

func TestAFaultThatCannotWorkFailsTheTest(t *testing.T) {
	for want, script := range map[string]func(*loopkittest.Server){
		`no endpoint "trakcs"`: func(s *loopkittest.Server) { s.Script("trakcs", loopkittest.Fault{Status: 503}) },
		`no endpoint ""`:       func(s *loopkittest.Server) { s.FailAll("", loopkittest.Fault{Status: 503}) },
		`status 103`:           func(s *loopkittest.Server) { s.Script(loopkittest.Tracks, loopkittest.Fault{Status: 103}) },
	} {
		assert.Contains(t, failed(func(tb testing.TB) { script(loopkittest.NewTransport(tb)) }), want)
	}
}
