package loopkit_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// beforeSend returns a client whose BeforeSend is f, and its server.
func beforeSend(t *testing.T, f func(*loopkit.Message) *loopkit.Message) (*loopkit.Client, *loopkittest.Server) {
	server := loopkittest.NewTransport(t)
	return newClient(t, server, func(o *loopkit.Options) {
		o.Context = loopkit.Properties{"app": "shop"}
		o.BeforeSend = func(_ context.Context, m *loopkit.Message) *loopkit.Message { return f(m) }
	}), server
}

func TestBeforeSendMayChangeEverythingButTheKind(t *testing.T) {
	at := time.Date(2025, 1, 15, 10, 30, 0, 0, time.UTC)
	c, server := beforeSend(t, func(m *loopkit.Message) *loopkit.Message {
		return &loopkit.Message{
			Kind: m.Kind, MessageID: "message_1", Name: "renamed", UserID: "user_9", AnonymousID: "anon_9", SessionID: "sess_9",
			Values: map[string]any{"page": "/"}, Context: loopkit.Properties{"app": "other"}, Timestamp: at,
		}
	})
	require.NoError(t, c.Track(known("anon_456", "user_123"), "page_view", loopkit.Properties{"page": "/secret"}))
	require.NoError(t, c.Close(t.Context()))
	require.Len(t, server.Messages(), 1)
	m := server.Messages()[0]
	assert.Equal(t, []any{"message_1", "renamed", "user_9", "anon_9", "sess_9", at}, []any{m.MessageID, m.Name, m.UserID, m.AnonymousID, m.SessionID, m.Timestamp})
	assert.Equal(t, map[string]any{"page": "/"}, m.Values)
	assert.Equal(t, map[string]any{"app": "other"}, m.System["context"])
}

func TestBeforeSendGetsWhatConsentAndPolicyHaveLeft(t *testing.T) {
	var seen []loopkit.Message
	server := loopkittest.NewTransport(t)
	c := newClient(t, server, func(o *loopkit.Options) {
		o.Context = loopkit.Properties{"app": "shop"}
		o.PII = loopkit.PIIPolicy{Mode: loopkit.PIIHash, Key: piiKey}
		o.BeforeSend = func(_ context.Context, m *loopkit.Message) *loopkit.Message {
			seen = append(seen, *m)
			return m
		}
	})
	ctx := loopkit.WithContextFields(known("anon_456", "user_123"), loopkit.Properties{"page": "/", "ip": "203.0.113.7"})
	require.NoError(t, c.Track(ctx, "page_view", loopkit.Properties{"email": "x", "password": "y", "count": 25, "account": account{Plan: "pro"}}))
	require.NoError(t, c.Track(loopkit.WithConsent(ctx, loopkit.AnonymousOnly), "page_view", nil))
	require.NoError(t, c.Track(loopkit.WithConsent(ctx, loopkit.Denied), "page_view", nil))
	require.NoError(t, c.Close(t.Context()))
	require.Len(t, seen, 2)
	assert.Equal(t, map[string]any{
		"email_hash": loopkit.HashPII(piiKey, "x"), "count": 25, "account": map[string]any{"email": "", "plan": "pro"},
	}, seen[0].Values)
	assert.Equal(t, loopkit.Properties{"app": "shop", "page": "/", "ip_hash": loopkit.HashPII(piiKey, "203.0.113.7")}, seen[0].Context)
	assert.Empty(t, seen[1].UserID)
	assert.NotNil(t, seen[1].Values, "there is a map to add to")
	for i, m := range server.Messages() {
		assert.Equal(t, seen[i].MessageID, m.MessageID)
		assert.WithinDuration(t, seen[i].Timestamp, m.Timestamp, time.Millisecond)
	}
}

func TestBeforeSendWithholdsByNilAndByPanic(t *testing.T) {
	c, server := beforeSend(t, func(m *loopkit.Message) *loopkit.Message {
		switch m.Name {
		case "nil":
			return nil
		case "panic":
			panic("needle")
		}
		return m
	})
	session := c.NewSession(loopkit.Identity{AnonymousID: "anon_456"})
	for _, name := range []string{"nil", "panic", "sent"} {
		require.NoError(t, session.Track(t.Context(), name, nil))
	}
	require.NoError(t, c.Close(t.Context()))
	require.Len(t, server.Messages(), 1)
	assert.Equal(t, "sent", server.Messages()[0].Name)
	assert.EqualValues(t, 2, c.Stats().Withheld)
	assert.EqualValues(t, 1, c.Stats().Panics)
}

func TestWhatBeforeSendReturnsIsValidated(t *testing.T) {
	for name, row := range map[string]struct {
		change func(*loopkit.Message)
		wrong  string
	}{
		"another kind":      {func(m *loopkit.Message) { m.Kind = loopkit.KindDeleteUser }, "BeforeSend"},
		"no name":           {func(m *loopkit.Message) { m.Name = "" }, "event"},
		"a placeholder":     {func(m *loopkit.Message) { m.UserID = "undefined" }, "userId"},
		"a session ID":      {func(m *loopkit.Message) { m.SessionID = " " }, "sessionId"},
		"an anonymous ID":   {func(m *loopkit.Message) { m.AnonymousID = strings.Repeat("x", 257) }, "anonymousId"},
		"a message ID":      {func(m *loopkit.Message) { m.MessageID = "null" }, "messageId"},
		"a time":            {func(m *loopkit.Message) { m.Timestamp = time.Unix(-1e10, 0) }, "time"},
		"a value":           {func(m *loopkit.Message) { m.Values["bad"] = make(chan int) }, "properties.bad"},
		"a context":         {func(m *loopkit.Message) { m.Context["bad"] = make(chan int) }, "context.bad"},
		"values too large":  {func(m *loopkit.Message) { m.Values["big"] = strings.Repeat("x", 40<<10) }, "too large"},
		"nobody's any more": {func(m *loopkit.Message) { m.UserID, m.AnonymousID = "", "" }, "no identity"},
	} {
		c, server := beforeSend(t, func(m *loopkit.Message) *loopkit.Message { row.change(m); return m })
		require.ErrorContains(t, c.Track(known("anon_456", "user_123"), "page_view", nil), row.wrong, name)
		require.NoError(t, c.Close(t.Context()))
		assert.EqualValues(t, 1, c.Stats().Refused, name)
		assert.Empty(t, server.Messages(), name)
	}
}

func TestBeforeSendCannotTakeBackWhatConsentTook(t *testing.T) {
	c, server := beforeSend(t, func(m *loopkit.Message) *loopkit.Message {
		m.UserID = "user_123"
		return m
	})
	require.NoError(t, c.Track(loopkit.WithConsent(known("anon_456", "user_123"), loopkit.AnonymousOnly), "page_view", nil))
	require.NoError(t, c.Close(t.Context()))
	require.Len(t, server.Messages(), 1)
	assert.NotContains(t, string(server.Messages()[0].Raw), "user_123")
}

func TestAUserIDThatBeforeSendReplacesLeavesNoTrace(t *testing.T) {
	c, server := beforeSend(t, func(m *loopkit.Message) *loopkit.Message {
		m.UserID = loopkit.HashPII(piiKey, m.UserID)
		return m
	})
	derived := c.NewSession(loopkit.Identity{UserID: "user_123"}).Identity().AnonymousID
	ctx := loopkit.WithUser(t.Context(), "user_123")
	require.NoError(t, c.Identify(ctx, "user_123", nil))
	require.NoError(t, c.NewSession(loopkit.Identity{UserID: "user_123"}).Track(t.Context(), "page_view", nil))
	require.NoError(t, c.Close(t.Context()))
	person := loopkittest.RequireIdentified(t, server, loopkit.HashPII(piiKey, "user_123"), "")
	assert.Len(t, person.Events, 1)
	for _, m := range server.Messages() {
		assert.NotContains(t, string(m.Raw), "user_123")
		assert.NotContains(t, string(m.Raw), derived, "the anonymous ID is derived from the new user ID")
	}
}

func TestAContextKeyThatBeforeSendTakesAwayIsNotSent(t *testing.T) {
	c, server := beforeSend(t, func(m *loopkit.Message) *loopkit.Message {
		delete(m.Context, "app")
		return m
	})
	require.NoError(t, c.Track(loopkit.WithContextFields(visitor("anon_456"), loopkit.Properties{"page": "/"}), "page_view", nil))
	require.NoError(t, c.Close(t.Context()))
	assert.Equal(t, map[string]any{"page": "/"}, server.Messages()[0].System["context"])
}

// Its own traits may change the session while they are encoded, and any other
// call may.
func TestAnIdentifyThatIsOvertakenGoesThroughBeforeSendFromTheBeginning(t *testing.T) {
	var session *loopkit.Session
	overtakes := 3
	c, server := beforeSend(t, func(m *loopkit.Message) *loopkit.Message {
		if overtakes > 0 {
			overtakes--
			session.Reset()
		}
		m.UserID = "pseudonym of " + m.UserID
		m.Values["times"] = len(m.Values)
		return m
	})
	session = c.NewSession(loopkit.Identity{})
	require.NoError(t, session.Identify(t.Context(), "user_123", loopkit.Traits{"password": "x"}))
	require.NoError(t, c.Close(t.Context()))
	require.Len(t, server.Messages(), 1)
	m := server.Messages()[0]
	assert.Equal(t, "pseudonym of user_123", m.UserID)
	assert.Equal(t, map[string]any{"times": 0.0}, m.Values)
	assert.Equal(t, "user_123", session.Identity().UserID)
	assert.EqualValues(t, 1, c.Stats().Redacted)
}

func TestBeforeSendMayKeepItsMessage(t *testing.T) {
	var kept []*loopkit.Message
	c, server := beforeSend(t, func(m *loopkit.Message) *loopkit.Message {
		kept = append(kept, m)
		return m
	})
	values := loopkit.Properties{"n": 0, "list": []string{"a"}, "raw": json.RawMessage(`{"a":1}`), "bytes": []byte("x")}
	for i := range 3 {
		values["n"] = i
		require.NoError(t, c.Track(visitor("anon_456"), "page_view", values))
	}
	values["list"].([]string)[0], values["bytes"].([]byte)[0] = "b", 'y'
	require.NoError(t, c.Close(t.Context()))
	for i, m := range kept {
		assert.Equal(t, map[string]any{"n": i, "list": []string{"a"}, "raw": map[string]any{"a": json.Number("1")}, "bytes": []byte("x")}, m.Values)
	}
	require.Len(t, server.Messages(), 3)
}
