package rules

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/loopkitai/loopkit-go/internal/collector"
)

// BenchmarkObserve is of tracks as SDKs send them, of many people.
func BenchmarkObserve(b *testing.B) {
	c := newChecker()
	request := &collector.Request{Time: noon, Auth: "bearer"}
	const people = 20_000
	raw := make([]byte, 400)
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
		binary.NativeEndian.PutUint64(raw, uint64(number)) // a message of its own
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
