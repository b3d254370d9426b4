package wire

import (
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const noLimit = math.MaxInt

var (
	noon   = time.Date(2025, 1, 15, 12, 0, 0, 123_999_999, time.UTC)
	someID = uuid.MustParse("01946a2e-5f00-7abc-8def-0123456789ab")
)

func appended(t *testing.T, m *Message) string {
	t.Helper()
	out, err := AppendMessage(nil, m, noLimit)
	require.NoError(t, err)
	return string(out)
}

func TestMessageHasItsMembersInAFixedOrder(t *testing.T) {
	const sdk = `"sdk":{"name":"loopkit-go","version":"` + Version + `"}`
	context, err := NewFields(map[string]any{"app": "shop"}, noLimit)
	require.NoError(t, err)

	for name, test := range map[string]struct {
		message Message
		want    string
	}{
		"identify": {
			Message{Kind: Identify, UUID: someID, UserID: "user_123", AnonymousID: "anon_456", Values: map[string]any{"plan": "pro"}, Time: noon},
			`{"messageId":"01946a2e-5f00-7abc-8def-0123456789ab","userId":"user_123","anonymousId":"anon_456","properties":{"plan":"pro"},"timestamp":"2025-01-15T12:00:00.123Z","system":{` + sdk + `}}`,
		},
		"group": {
			Message{Kind: Group, UUID: someID, GroupID: "team_456", GroupType: "organization", UserID: "user_123", AnonymousID: "anon_456", Values: map[string]any{"size": 25}, Time: noon, SessionID: "sess_1"},
			`{"messageId":"01946a2e-5f00-7abc-8def-0123456789ab","groupId":"team_456","groupType":"organization","userId":"user_123","anonymousId":"anon_456","properties":{"size":25},"timestamp":"2025-01-15T12:00:00.123Z","system":{` + sdk + `,"sessionId":"sess_1"}}`,
		},
		"track": {
			Message{Kind: Track, UUID: someID, Name: "page_view", UserID: "user_123", AnonymousID: "anon_456", Values: map[string]any{"page": "/pricing"}, Time: noon, SessionID: "sess_1", Context: context},
			`{"messageId":"01946a2e-5f00-7abc-8def-0123456789ab","name":"page_view","userId":"user_123","anonymousId":"anon_456","properties":{"page":"/pricing"},"timestamp":"2025-01-15T12:00:00.123Z","system":{` + sdk + `,"sessionId":"sess_1","context":{"app":"shop"}}}`,
		},
		"track of an unknown user, without properties": {
			Message{Kind: Track, UUID: someID, Name: "page_view", AnonymousID: "anon_456", Time: noon},
			`{"messageId":"01946a2e-5f00-7abc-8def-0123456789ab","name":"page_view","anonymousId":"anon_456","properties":{},"timestamp":"2025-01-15T12:00:00.123Z","system":{` + sdk + `}}`,
		},
		"message ID of the caller's": {
			Message{Kind: Track, ID: "import/1", UUID: someID, Name: "page_view", AnonymousID: "anon_456", Time: noon},
			`{"messageId":"import/1","name":"page_view","anonymousId":"anon_456","properties":{},"timestamp":"2025-01-15T12:00:00.123Z","system":{` + sdk + `}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, test.want, appended(t, &test.message))
		})
	}
}

func TestMessageIsAppendedToWhatIsThere(t *testing.T) {
	m := Message{Kind: Track, AnonymousID: "anon_456", Time: noon}
	out, err := AppendMessage([]byte("before "), &m, noLimit)
	require.NoError(t, err)
	assert.Equal(t, "before "+appended(t, &m), string(out))
}

func TestScopeWinsOverContextKeyByKey(t *testing.T) {
	context, err := NewFields(map[string]any{"app": "shop", "page": "/", "version": 1}, noLimit)
	require.NoError(t, err)
	scope, err := NewFields(map[string]any{"page": "/pricing", "agent": "curl"}, noLimit)
	require.NoError(t, err)

	for name, test := range map[string]struct {
		context, scope *Fields
		want           string
	}{
		"context only": {context, nil, `"context":{"app":"shop","page":"/","version":1}}}`},
		"scope only":   {nil, scope, `"context":{"agent":"curl","page":"/pricing"}}}`},
		"both":         {context, scope, `"context":{"agent":"curl","app":"shop","page":"/pricing","version":1}}}`},
	} {
		t.Run(name, func(t *testing.T) {
			got := appended(t, &Message{Kind: Track, Time: noon, Context: test.context, Scope: test.scope})
			assert.True(t, strings.HasSuffix(got, test.want), got)
		})
	}
}

func TestMessageOfExactlyTheLimitFitsAndOneByteLessDoesNot(t *testing.T) {
	context, err := NewFields(map[string]any{"app": "shop"}, noLimit)
	require.NoError(t, err)
	m := Message{
		Kind: Group, GroupID: "team_456", GroupType: "organization", UserID: "user_123", AnonymousID: "anon_456",
		Values: map[string]any{"name": "Acme", "tags": []string{"a", "b"}}, Time: noon, SessionID: "sess_1", Context: context,
	}
	size := len(appended(t, &m))
	before := []byte("before")

	out, err := AppendMessage(before, &m, size)
	require.NoError(t, err)
	assert.Len(t, out, len(before)+size)

	for limit := -1; limit < size; limit++ {
		out, err := AppendMessage(before, &m, limit)
		require.ErrorIs(t, err, ErrTooLarge, "limit %d", limit)
		require.Equal(t, "before", string(out))
	}
}

func TestHugeValueIsRefusedWithoutACopyOfIt(t *testing.T) {
	huge := strings.Repeat("x", 100<<20)
	for name, m := range map[string]*Message{
		"user ID":    {Kind: Track, UserID: huge},
		"value":      {Kind: Track, Values: map[string]any{"text": huge}},
		"key":        {Kind: Track, Values: map[string]any{huge: 1}},
		"element":    {Kind: Track, Values: map[string]any{"texts": []string{huge}}},
		"named type": {Kind: Track, Values: map[string]any{"object": namedMap{"text": huge}}},
		"many":       {Kind: Track, Values: map[string]any{"numbers": make([]int, 10<<20)}},
	} {
		t.Run(name, func(t *testing.T) {
			m.Time = noon
			assert.Less(t, bytesAllocated(func() {
				_, err := AppendMessage(nil, m, 32<<10)
				assert.ErrorIs(t, err, ErrTooLarge)
			}), uint64(1<<20))
		})
	}
	t.Run("field", func(t *testing.T) {
		assert.Less(t, bytesAllocated(func() {
			_, err := NewFields(map[string]any{"text": huge}, 32<<10)
			assert.ErrorIs(t, err, ErrTooLarge)
		}), uint64(1<<20))
	})
}

func bytesAllocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestErrorLeavesTheBufferAtItsOldLength(t *testing.T) {
	out, err := AppendMessage([]byte("before"), &Message{Kind: Track, Time: noon, Values: map[string]any{"bad": math.NaN()}}, noLimit)
	require.Error(t, err)
	assert.Equal(t, "before", string(out))
}

func TestTimestampMustHaveAYearOfFourDigitsInUTC(t *testing.T) {
	west := time.FixedZone("west", -3600)
	for _, bad := range []time.Time{
		time.Date(-1, 12, 31, 23, 59, 59, 0, time.UTC),
		time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(9999, 12, 31, 23, 30, 0, 0, west), // is in 10000 in UTC
	} {
		_, err := AppendMessage(nil, &Message{Kind: Track, Time: bad}, noLimit)
		var invalid *ValueError
		require.ErrorAs(t, err, &invalid)
		assert.Equal(t, "timestamp", invalid.Path)
	}
	for _, good := range []time.Time{
		{},
		time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC),
	} {
		_, err := AppendMessage(nil, &Message{Kind: Track, Time: good}, noLimit)
		assert.NoError(t, err)
	}
}
