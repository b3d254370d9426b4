package rules

import (
	"fmt"
	"testing"

	"github.com/loopkitai/loopkit-go/internal/collector"
)

// BenchmarkObserve is of tracks as SDKs send them, of many people.
func BenchmarkObserve(b *testing.B) {
	c := newChecker()
	request := &collector.Request{Time: noon, Auth: "bearer"}
	const people = 20_000
	raw := []byte(`{"name":"feature_1","userId":"user_0000001","anonymousId":"anon_0000001","timestamp":"2025-01-15T12:00:00.000Z",` +
		`"properties":{"feature":"api_integration","team_id":"team_456","user_role":"developer","count":3,"page":"/pricing","new":true},` +
		`"system":{"sdk":{"name":"loopkit-go","version":"0.1.0"},"sessionId":"sess_1","context":{"page":"/pricing","locale":"en"}},"messageId":"00000000"}`)
	messages := make([]collector.Message, people)
	for i := range messages {
		messages[i] = collector.Message{
			Kind: collector.KindTrack, Name: fmt.Sprint("feature_", i%50), UserID: fmt.Sprint("user_", i), AnonymousID: fmt.Sprint("anon_", i),
			SessionID: fmt.Sprint("sess_", i), Timestamp: noon, ValuesKey: "properties",
			Values: map[string]any{"feature": "api_integration", "team_id": "team_456", "user_role": "developer", "count": 3.0, "page": "/pricing", "new": true},
			System: map[string]any{"sdk": map[string]any{"name": "loopkit-go", "version": "0.1.0"}, "context": map[string]any{"page": "/pricing", "locale": "en"}},
		}
	}
	b.ReportAllocs()
	number := int64(0)
	for b.Loop() {
		number++
		m := messages[number%people]
		copy(raw[len(raw)-10:], fmt.Sprintf("%08d", number%1e8)) // a message of its own
		m.Raw = raw
		c.Observe(Input{number, m, request})
	}
}

// BenchmarkConclude is with everything open that may be.
func BenchmarkConclude(b *testing.B) {
	c := newChecker()
	for i := range int64(mostRemembered) {
		m := collector.Message{Kind: collector.KindTrack, Name: "user_signup", AnonymousID: fmt.Sprint("anon_", i), Timestamp: noon}
		c.Observe(Input{2 * i, m, nil})
		m.Kind, m.GroupID = collector.KindGroup, fmt.Sprint("team-", 1000+i)
		c.Observe(Input{2*i + 1, m, nil})
	}
	b.ReportAllocs()
	for b.Loop() {
		c.Conclude()
	}
}
