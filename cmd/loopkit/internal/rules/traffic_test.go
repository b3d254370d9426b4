package rules

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

// receiver is a server whose messages a Checker observes.
type receiver struct {
	*httptest.Server

	mu      sync.Mutex
	checker *Checker
	number  int64
	found   []Finding
}

func receive(t *testing.T, now func() time.Time) *receiver {
	r := &receiver{checker: NewChecker()}
	r.Server = httptest.NewServer(collector.New(collector.Options{Now: now, Record: r.record}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) record(request collector.Request, messages []collector.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range messages {
		r.number++
		r.found = append(r.found, r.checker.Observe(Input{Number: r.number, Message: m, Request: &request})...)
	}
}

// rulesFound returns the IDs, those of conclusions included.
func (r *receiver) rulesFound() (ids []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range slices.Concat(r.found, r.checker.Conclude()) {
		ids = append(ids, f.Rule.ID)
	}
	slices.Sort(ids)
	return ids
}

// captured are the requests of the vendor's JavaScript SDK for the page's journey.
func captured(t *testing.T) (requests []struct {
	Method, URL string
	Body        json.RawMessage
}) {
	text, err := os.ReadFile("../../../../internal/collector/testdata/vendor-js-1.1.4-journey.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &requests))
	return requests
}

func TestTheVendorsTrafficGivesNoErrorInWhateverOrderItArrives(t *testing.T) {
	requests := captured(t)
	require.Len(t, requests, 3)
	sent := time.Date(2026, time.November, 24, 2, 8, 14, 0, time.UTC)
	for _, order := range [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} { // the SDK posts them in parallel
		server := receive(t, func() time.Time { return sent })
		for _, i := range order {
			request, err := http.NewRequestWithContext(t.Context(), requests[i].Method, server.URL+requests[i].URL, bytes.NewReader(requests[i].Body))
			require.NoError(t, err)
			answer, err := http.DefaultClient.Do(request)
			require.NoError(t, err)
			require.NoError(t, answer.Body.Close())
			require.Equal(t, http.StatusOK, answer.StatusCode)
		}
		assert.Equal(t, []string{"W-KEYINQUERY", "W-KEYINQUERY", "W-KEYINQUERY", "W-LONELYGROUP", "W-PII"}, server.rulesFound(), "order %v", order)
	}
}

func TestOrdinaryTrafficOfThisSDKGivesNothing(t *testing.T) {
	server := receive(t, time.Now)
	client, err := loopkit.New("lk_test", &loopkit.Options{BaseURL: server.URL + "/v1", FlushInterval: time.Millisecond})
	require.NoError(t, err)
	ctx := t.Context()

	for i := range 20 { // visitors of a site, some at the same time, who sign up
		person := loopkit.WithIdentity(ctx, loopkit.Identity{AnonymousID: loopkit.NewAnonymousID(), SessionID: fmt.Sprintf("sess_%d", i)})
		user := fmt.Sprintf("user_%d", 100+i)
		require.NoError(t, client.Track(person, "page_view", loopkit.Properties{"page": "/pricing"}))
		require.NoError(t, client.Track(person, "user_signup", loopkit.Properties{"method": "email"}))
		require.NoError(t, client.Identify(person, user, loopkit.Traits{"plan": "trial", "team_size": 25}))
		person = loopkit.WithUser(person, user)
		require.NoError(t, client.Group(person, "team_456", loopkit.Traits{"name": "Acme Corp"}))
		require.NoError(t, client.Track(person, "feature_used", nil))
		job := loopkit.WithUser(ctx, user) // knows no visitor
		require.NoError(t, client.Track(job, "invoice_paid", loopkit.Properties{"amount": 12}))
	}
	session := client.NewSession(loopkit.Identity{AnonymousID: "anon_desktop"})
	for _, user := range []string{"user_100", "user_101"} { // two people, one computer
		require.NoError(t, session.Track(ctx, "app_started", nil))
		require.NoError(t, session.Identify(ctx, user, loopkit.Traits{"platform": "desktop"}))
		require.NoError(t, session.Track(ctx, "level_done", loopkit.Properties{"level": 3}))
		session.Reset()
	}
	closing, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	require.NoError(t, client.Close(closing))

	assert.Empty(t, server.rulesFound(), strings.Join(texts(server.found), "\n"))
}

func texts(findings []Finding) (out []string) {
	for _, f := range findings {
		out = append(out, text(f))
	}
	return out
}
