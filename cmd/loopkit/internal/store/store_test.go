package store_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/rules"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/store"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

var start = time.Date(2025, 1, 15, 10, 30, 0, 0, time.UTC)

func track(name string) collector.Message {
	return collector.Message{
		Kind: collector.KindTrack, Name: name, AnonymousID: "anon_1", MessageID: "id_" + name,
		Values: map[string]any{}, Timestamp: start, Raw: []byte(`{}`),
	}
}

func request(messages int) collector.Request {
	return collector.Request{Time: start, Method: http.MethodPost, Path: "/v1/tracks", Status: 200, Auth: "bearer", Messages: messages}
}

func record(s *store.Store, names ...string) {
	var messages []collector.Message
	for _, name := range names {
		messages = append(messages, track(name))
	}
	s.Record(request(len(names)), messages)
}

// content is "1 page_view", and "2 -" for a request without a message.
func content(entries []*store.Entry) []string {
	out := []string{}
	for _, e := range entries {
		name := "-"
		if e.Message != nil {
			name = e.Message.Name
		}
		out = append(out, fmt.Sprintf("%d %s", e.Seq, name))
	}
	return out
}

func TestMessagesAreKeptInTheirOrderWithTheirRequest(t *testing.T) {
	s := store.New(0)
	record(s, "a", "b")
	s.Record(collector.Request{Status: 401, Refusal: "no API key"}, nil)
	record(s, "c")

	snapshot := s.Snapshot()
	assert.Equal(t, []string{"1 a", "2 b", "3 -", "4 c"}, content(snapshot.Entries))
	assert.Same(t, snapshot.Entries[0].Request, snapshot.Entries[1].Request)
	assert.Equal(t, []int{1, 1, 2, 3}, numbers(snapshot))
	assert.Equal(t, 3, snapshot.Entries[3].Message.Request)
	assert.Equal(t, "no API key", snapshot.Entries[2].Request.Refusal)
	assert.Len(t, snapshot.Messages(), 3)
}

func numbers(s *store.Snapshot) (out []int) {
	for _, e := range s.Entries {
		out = append(out, e.Request.Index)
	}
	return out
}

func TestTheOldestAreForgotten(t *testing.T) {
	s := store.New(3)
	record(s, "a", "b")
	before := s.Snapshot()
	record(s, "c", "d", "e")

	snapshot := s.Snapshot()
	assert.Equal(t, []string{"3 c", "4 d", "5 e"}, content(snapshot.Entries))
	assert.Equal(t, int64(2), snapshot.Forgotten)
	assert.Equal(t, int64(5), snapshot.Last)
	assert.Equal(t, []string{"1 a", "2 b"}, content(before.Entries), "a snapshot stays as it was")
}

func TestLargeMessagesAreForgottenBeforeTheyFillTheMemory(t *testing.T) {
	s := store.NewBytes(0, 100_000)
	for range 9 {
		m := track("large")
		m.Raw = make([]byte, 6000)
		r := request(1)
		r.Body = make([]byte, 10_000)
		s.Record(r, []collector.Message{m})
	}
	assert.Len(t, s.Snapshot().Entries, 4)
	assert.Equal(t, int64(5), s.Snapshot().Forgotten)

	s.Record(collector.Request{Status: 413, Body: make([]byte, 100_001)}, nil)
	assert.Equal(t, []string{"10 -"}, content(s.Snapshot().Entries), "the newest is always there")
	record(s, "small")
	assert.Equal(t, []string{"11 small"}, content(s.Snapshot().Entries))
}

func TestEntriesAreFoundByNumber(t *testing.T) {
	s := store.New(3)
	record(s, "a", "b", "c", "d", "e")
	snapshot := s.Snapshot()
	tests := []struct {
		seq   int64
		entry string
		since []string
	}{
		{math.MinInt64, "", []string{"3 c", "4 d", "5 e"}},
		{2, "", []string{"3 c", "4 d", "5 e"}},
		{3, "c", []string{"4 d", "5 e"}},
		{5, "e", []string{}},
		{6, "", []string{}},
		{3 + 1<<32, "", []string{}},
		{math.MaxInt64, "", []string{}},
	}
	for _, test := range tests {
		assert.Equal(t, test.since, content(snapshot.Since(test.seq)), "since %d", test.seq)
		e := snapshot.Entry(test.seq)
		if test.entry == "" {
			assert.Nil(t, e, "%d", test.seq)
		} else {
			assert.Equal(t, test.entry, e.Message.Name)
		}
	}
}

func TestARepeatedMessageIDIsMarkedAsLongAsTheFirstIsKept(t *testing.T) {
	s := store.New(2)
	record(s, "a", "a")
	record(s, "b", "c", "a")
	var marks []bool
	for _, e := range s.Snapshot().Entries {
		marks = append(marks, e.Message.Duplicate)
	}
	assert.Equal(t, []bool{false, false}, marks, "c, and a whose first ones are forgotten")
	record(s, "a")
	assert.True(t, s.Snapshot().Entries[1].Message.Duplicate)
}

func TestResetForgetsEverythingButTheNumbering(t *testing.T) {
	s := store.New(2)
	record(s, "a", "b", "c")
	s.Reset()
	empty := s.Snapshot()
	assert.Empty(t, empty.Entries)
	assert.Zero(t, empty.Forgotten)
	assert.Equal(t, int64(4), empty.Cleared, "later than everything that was taken back")
	assert.Empty(t, empty.People())
	assert.Empty(t, empty.Findings())

	record(s, "a")
	snapshot := s.Snapshot()
	assert.Equal(t, []string{"5 a"}, content(snapshot.Entries))
	assert.False(t, snapshot.Entries[0].Message.Duplicate)
	assert.Equal(t, []int{2}, numbers(snapshot))
}

func TestSnapshotsOfOneVersionAreTheSame(t *testing.T) {
	s := store.New(0)
	assert.Same(t, s.Snapshot(), s.Snapshot())
	before := s.Snapshot()
	record(s, "a")
	assert.NotSame(t, before, s.Snapshot())
	assert.NotEqual(t, before.Version, s.Snapshot().Version)
}

func TestWaitReturnsAtAChange(t *testing.T) {
	s := store.New(0)
	snapshot, err := s.Wait(t.Context(), -1)
	require.NoError(t, err)
	assert.Empty(t, snapshot.Entries)

	changes := map[string]func(){
		"a request": func() { record(s, "a") },
		"a refusal": func() { s.Record(collector.Request{}, nil) },
		"a reset":   s.Reset,
		"a restore": func() { s.Restore(collector.Request{}, slices.Values([]collector.Message{track("b")})) },
	}
	for name, change := range changes {
		version := s.Snapshot().Version
		select {
		case <-s.Changed(version):
			assert.Fail(t, "changed without a change", name)
		default:
		}
		waited := make(chan *store.Snapshot)
		go func() {
			snapshot, err := s.Wait(t.Context(), version)
			assert.NoError(t, err)
			waited <- snapshot
		}()
		change()
		assert.Greater(t, (<-waited).Version, version, name)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = s.Wait(ctx, s.Snapshot().Version)
	assert.ErrorIs(t, err, context.Canceled)
}

func TestInstancesDiffer(t *testing.T) {
	a, b := store.New(0), store.New(0)
	assert.Equal(t, a.Instance(), a.Instance())
	assert.NotEqual(t, a.Instance(), b.Instance())
	assert.Regexp(t, `^[a-z0-9]{10}$`, a.Instance())
}

func TestRestoredMessagesAreOneRequestThatTheRulesDoNotSee(t *testing.T) {
	s := store.New(2)
	late := track("old")
	late.Timestamp = start.AddDate(-5, 0, 0) // stale, had it come over HTTP
	s.Restore(collector.Request{Method: "READ", Path: "events.ndjson", Time: start},
		slices.Values([]collector.Message{track("a"), late, track("b")}))

	snapshot := s.Snapshot()
	assert.Equal(t, []string{"2 old", "3 b"}, content(snapshot.Entries))
	assert.Equal(t, int64(1), snapshot.Forgotten)
	assert.Equal(t, 3, snapshot.Entries[0].Request.Messages)
	assert.True(t, snapshot.Entries[0].Restored)
	assert.True(t, store.NewEvent(snapshot.Entries[0]).Restored)
	assert.Equal(t, []int{1, 1}, numbers(snapshot))
	for _, f := range snapshot.Entries[0].Findings {
		assert.NotContains(t, []string{"W-STALE", "W-FUTURE"}, f.Rule.ID)
	}
}

func TestPeopleAreMerged(t *testing.T) {
	s := store.New(0)
	record(s, "page_view")
	s.Record(request(1), []collector.Message{
		{Kind: collector.KindIdentify, UserID: "user_123", AnonymousID: "anon_1", Values: map[string]any{"plan": "pro"}, Timestamp: start},
	})
	s.Record(request(1), []collector.Message{
		{Kind: collector.KindGroup, GroupID: "team_456", UserID: "user_123", AnonymousID: "anon_1", Timestamp: start},
	})
	snapshot := s.Snapshot()
	require.Len(t, snapshot.People(), 1)
	for _, id := range []string{"user_123", "anon_1"} {
		p, ok := snapshot.Person(id)
		require.True(t, ok)
		assert.Equal(t, "user_123", p.UserID)
		assert.Equal(t, "page_view", p.Events[0].Name)
	}
	g, ok := snapshot.Group("team_456")
	require.True(t, ok)
	assert.Equal(t, []string{"user_123"}, g.Members)
	assert.Len(t, snapshot.Groups(), 1)
	_, ok = snapshot.Person("nobody")
	assert.False(t, ok)
}

func TestTheStoreMayBeUsedByEverybodyAtOnce(t *testing.T) {
	const writers, each = 4, 200
	s := store.New(50)
	ctx, cancel := context.WithCancel(t.Context())
	var writing, reading sync.WaitGroup
	for range 3 {
		reading.Go(func() {
			var last int64
			for version := int64(-1); ; {
				snapshot, err := s.Wait(ctx, version)
				if err != nil {
					return
				}
				version = snapshot.Version
				for _, e := range snapshot.Since(last) {
					assert.Greater(t, e.Seq, last)
					last = e.Seq
				}
				assert.LessOrEqual(t, len(snapshot.Entries), 50)
				snapshot.People()
				snapshot.Findings()
			}
		})
	}
	for w := range writers {
		writing.Go(func() {
			for i := range each {
				record(s, fmt.Sprintf("event_%d_%d", w, i))
				if i == each/2 && w == 0 {
					s.Reset()
				}
			}
		})
	}
	writing.Wait()
	cancel()
	reading.Wait()
	assert.Equal(t, int64(writers*each+1), s.Snapshot().Last)
}

func TestEventsAreTheJSONOfEntries(t *testing.T) {
	s := store.New(0)
	body := `{"tracks":[{"name":"user_signup","userId":"user_123","anonymousId":"anon_456",` +
		`"timestamp":"2025-01-15T10:30:00Z","properties":{"method":"email"},"system":{"sdk":{"name":"loopkit-go"}}}]}`
	_, raw, err := collector.Split(collector.Tracks, []byte(body))
	require.NoError(t, err)
	m, err := collector.Decode(collector.KindTrack, raw[0])
	require.NoError(t, err)
	r := request(1)
	r.Endpoint, r.Form, r.Bytes, r.Body = collector.Tracks, "envelope", int64(len(body)), []byte(body)
	s.Record(r, []collector.Message{m})
	s.Record(request(1), []collector.Message{
		{Kind: collector.KindIdentify, UserID: "user_123", Values: map[string]any{"plan": "pro"}, Timestamp: start},
	})
	s.Record(collector.Request{Time: start, Method: "POST", Path: "/v1/tracks", Status: 401, Auth: "none", Refusal: "no API key"}, nil)

	entries := s.Snapshot().Entries
	for i := range entries {
		entries[i].Findings = nil // they are their own package's matter
	}
	for i, want := range []string{
		`{"seq":1,"type":"track","name":"user_signup","userId":"user_123","anonymousId":"anon_456",
		  "properties":{"method":"email"},"timestamp":"2025-01-15T10:30:00Z","system":{"sdk":{"name":"loopkit-go"}},
		  "request":{"number":1,"time":"2025-01-15T10:30:00Z","method":"POST","path":"/v1/tracks","status":200,
		             "auth":"bearer","form":"envelope","bytes":186,"records":1}}`,
		`{"seq":2,"type":"identify","userId":"user_123","traits":{"plan":"pro"},"timestamp":"2025-01-15T10:30:00Z",
		  "request":{"number":2,"time":"2025-01-15T10:30:00Z","method":"POST","path":"/v1/tracks","status":200,
		             "auth":"bearer","bytes":0,"records":1}}`,
		`{"seq":3,"type":"refused",
		  "request":{"number":3,"time":"2025-01-15T10:30:00Z","method":"POST","path":"/v1/tracks","status":401,
		             "auth":"none","bytes":0,"records":0,"refusal":"no API key"}}`,
	} {
		event := store.NewEvent(entries[i])
		text, err := json.Marshal(event)
		require.NoError(t, err)
		assert.JSONEq(t, want, string(text))
		var back store.Event
		require.NoError(t, json.Unmarshal(text, &back))
		assert.Equal(t, event, back, "clients can read it back")
	}
}

func TestEventsCarryTheirWarnings(t *testing.T) {
	s := store.New(0)
	s.Record(request(1), []collector.Message{
		{Kind: collector.KindIdentify, UserID: "user_123", AnonymousID: "anon_456", Values: map[string]any{}, Timestamp: start},
	})
	var rules []string
	for _, w := range store.NewEvent(s.Snapshot().Entries[0]).Warnings {
		assert.NotEmpty(t, w.Severity)
		rules = append(rules, w.Rule)
	}
	assert.Contains(t, rules, "W-EMPTYTRAITS")
}

func TestARequestThatWasRefusedSaysWhatTheRulesKnowOfIt(t *testing.T) {
	s := store.New(10)
	c := collector.New(collector.Options{Record: s.Record})
	send := func(body string) []rules.Finding {
		c.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/v1/tracks?apiKey=lk_dev", strings.NewReader(body)))
		entries := s.Snapshot().Entries
		return entries[len(entries)-1].Findings
	}
	found := send(`{"tracks":[
		{"name":"page_view","anonymousId":"anon_456","timestamp":"2025-01-15T10:30:00Z"},
		{"name":"user_signup","userId":"user_123","timestamp":"2025-01-15T10:30:00Z"}]}`)
	require.Len(t, found, 1)
	assert.Equal(t, "W-NOANON", found[0].Rule.ID)
	assert.Equal(t, int64(1), found[0].Subject)
	assert.Empty(t, send(`{"tracks":[{"anonymousId":"anon_456","timestamp":"2025-01-15T10:30:00Z"}]}`))
	assert.Empty(t, send(`{"tracks":`))
}
