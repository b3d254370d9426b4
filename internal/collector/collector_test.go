package collector_test

import (
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/internal/collector"
)

func TestADeletionNamesItsIDUnescaped(t *testing.T) {
	c, base := serve(t, collector.Options{})
	for path, want := range map[string]string{
		"/users/user_123":       "user_123",
		"/users/a%2Fb":          "a/b",
		"/users/..":             "..",
		"/users/tracks":         "tracks",
		"/users/50%25%20%C3%A9": "50% é",
	} {
		c.Reset()
		status, answer := send(t, http.MethodDelete, base+path, "")
		require.Equal(t, 200, status, answer)
		require.Len(t, c.Messages(), 1)
		assert.Equal(t, collector.KindDeleteUser, c.Messages()[0].Kind)
		assert.Equal(t, want, c.Messages()[0].UserID)
		p, ok := c.Person(want)
		assert.True(t, ok && p.Deleted)
		assert.Equal(t, path, strings.TrimPrefix(c.Requests()[0].Path, "/v1"))
		assert.Equal(t, collector.UserDeletions, c.Requests()[0].Endpoint)
	}
	status, _ := send(t, http.MethodDelete, base+"/groups/g%2F1", "")
	assert.Equal(t, 200, status)
	g, ok := c.Group("g/1")
	assert.True(t, ok && g.Deleted)
}

func TestAServerWithoutDeletionAnswers404(t *testing.T) {
	c, base := serve(t, collector.Options{NoDeletion: true})
	for _, path := range []string{"/users/u", "/groups/g"} {
		status, _ := send(t, http.MethodDelete, base+path, "")
		assert.Equal(t, 404, status)
	}
	assert.Empty(t, c.Messages())
	status, _ := send(t, http.MethodPost, base+"/groups", group)
	assert.Equal(t, 200, status)
}

func TestSDKVersionsNeedNoKey(t *testing.T) {
	c, base := serve(t, collector.Options{Strict: true, Keys: []string{"k"}})
	status, answer := send(t, http.MethodGet, base+"/sdk-versions", "", header{"Authorization": ""})
	assert.Equal(t, 200, status)
	assert.Contains(t, answer, `"success":true`)
	assert.Empty(t, c.Messages())
}

func TestARepeatedMessageIDIsADuplicate(t *testing.T) {
	c, base := serve(t, collector.Options{})
	once := strings.Replace(track, "{", `{"messageId":"m1",`, 1)
	for range 2 {
		send(t, http.MethodPost, base+"/tracks", once)
	}
	messages := c.Messages()
	require.Len(t, messages, 2)
	assert.False(t, messages[0].Duplicate)
	assert.True(t, messages[1].Duplicate)
	assert.Equal(t, 1, messages[1].Request)
	p, _ := c.Person("anon_456")
	assert.Len(t, p.Events, 1)

	c.Reset()
	send(t, http.MethodPost, base+"/tracks", once)
	assert.False(t, c.Messages()[0].Duplicate, "Reset forgets message IDs")
}

func TestAMessageWithoutTimestampHasTheTimeOfArrival(t *testing.T) {
	now := time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC)
	c, base := serve(t, collector.Options{Now: func() time.Time { return now }})
	send(t, http.MethodPost, base+"/identifies", `{"userId":"u"}`)
	assert.Equal(t, now, c.Messages()[0].Timestamp)
	assert.Equal(t, now, c.Requests()[0].Time)
}

func TestOnRequestIsCalledOneAtATimeAfterTheAnswer(t *testing.T) {
	var c *collector.Collector
	var mu sync.Mutex
	var got []collector.Request
	ready := make(chan struct{}, 20)
	c, base := serve(t, collector.Options{OnRequest: func(r collector.Request) {
		if !mu.TryLock() {
			t.Error("calls overlap")
			return
		}
		defer mu.Unlock()
		runtime.Gosched() // lets an overlapping call show itself
		got = append(got, r)
		ready <- struct{}{}
	}})
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { send(t, http.MethodPost, base+"/tracks", track) })
	}
	wg.Wait()
	for range 20 {
		<-ready
	}
	require.Len(t, got, 20)
	for _, r := range got {
		assert.Equal(t, c.Requests()[r.Index], r)
		assert.Equal(t, 200, r.Status)
	}
}

func TestWhatAWrapperAnswersIsRecordedButNotStored(t *testing.T) {
	c, base := serve(t, collector.Options{Wrap: func(process http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Fail") == "" {
				process.ServeHTTP(w, r)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write([]byte(`{}`))
		})
	}})
	status, _ := send(t, http.MethodPost, base+"/tracks", track, header{"Fail": "yes"})
	assert.Equal(t, 503, status)
	assert.Empty(t, c.Messages())
	status, _ = send(t, http.MethodPost, base+"/tracks", track)
	assert.Equal(t, 200, status)
	assert.Len(t, c.Messages(), 1)
	assert.Equal(t, 503, c.Requests()[0].Status)
	assert.Equal(t, 1, c.Messages()[0].Request)
}

func TestResetForgetsRequestsThatAreStillServed(t *testing.T) {
	arrived, proceed := make(chan struct{}), make(chan struct{})
	c, base := serve(t, collector.Options{Wrap: func(process http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			close(arrived)
			<-proceed
			process.ServeHTTP(w, r)
		})
	}})
	done := make(chan struct{})
	go func() {
		defer close(done)
		send(t, http.MethodPost, base+"/tracks", track)
	}()
	<-arrived
	assert.Len(t, c.Requests(), 1, "a request shows before it is answered")
	assert.Zero(t, c.Requests()[0].Status)
	c.Reset()
	close(proceed)
	<-done
	assert.Empty(t, c.Requests())
	assert.Empty(t, c.Messages())
}
