package wire

import (
	"encoding/json"
	"testing"
	"time"
)

// flat is a track like most: six properties of the usual types.
func flat() *Message {
	return &Message{
		Kind: Track, UUID: someID, Name: "feature_used", UserID: "user_123", AnonymousID: "anon_456", Time: noon,
		Values: map[string]any{
			"feature": "api_integration", "team_id": "team_456", "duration_ms": 1234, "score": 0.75, "trial": true, "plan": "enterprise",
		},
	}
}

func nestedValues() *Message {
	m := flat()
	m.Values = map[string]any{
		"order": map[string]any{"id": "o_1", "total": 99.5, "placed": noon},
		"items": []any{map[string]any{"sku": "a", "n": 1}, map[string]any{"sku": "b", "n": 2}},
		"tags":  []string{"new", "mobile"}, "counts": map[string]int{"views": 3},
		"raw": json.RawMessage(`{"a":[1,2,3]}`), "took": time.Second,
	}
	return m
}

func withContextAndScope(b testing.TB) *Message {
	m := flat()
	m.SessionID = "sess_1"
	var err error
	if m.Context, err = NewFields(map[string]any{"app": "shop", "version": "1.2.3", "page": "/"}, noLimit); err != nil {
		b.Fatal(err)
	}
	if m.Scope, err = NewFields(map[string]any{"page": "/pricing", "agent": "curl"}, noLimit); err != nil {
		b.Fatal(err)
	}
	return m
}

func BenchmarkAppendMessage(b *testing.B) {
	for _, bench := range []struct {
		name    string
		message *Message
	}{
		{"flat", flat()}, {"nested", nestedValues()}, {"context and scope", withContextAndScope(b)},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			dst := make([]byte, 0, 4096)
			for b.Loop() {
				if _, err := AppendMessage(dst, bench.message, 32<<10); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkEncodingJSON is the same body by the standard library.
func BenchmarkEncodingJSON(b *testing.B) {
	type body struct {
		MessageID   string         `json:"messageId"`
		Name        string         `json:"name"`
		UserID      string         `json:"userId,omitempty"`
		AnonymousID string         `json:"anonymousId"`
		Properties  map[string]any `json:"properties"`
		Timestamp   time.Time      `json:"timestamp"`
		System      struct {
			SDK struct {
				Name    string `json:"name"`
				Version string `json:"version"`
			} `json:"sdk"`
		} `json:"system"`
	}
	for _, bench := range []struct {
		name    string
		message *Message
	}{
		{"flat", flat()}, {"nested", nestedValues()},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			m := bench.message
			for b.Loop() {
				v := body{MessageID: m.UUID.String(), Name: m.Name, UserID: m.UserID, AnonymousID: m.AnonymousID, Properties: m.Values, Timestamp: m.Time}
				v.System.SDK.Name, v.System.SDK.Version = SDKName, Version
				if _, err := json.Marshal(&v); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppendTime(b *testing.B) {
	b.ReportAllocs()
	dst := make([]byte, 0, 64)
	for b.Loop() {
		AppendTime(dst, noon)
	}
}

func BenchmarkAppendUUID(b *testing.B) {
	b.ReportAllocs()
	dst := make([]byte, 0, 64)
	for b.Loop() {
		AppendUUID(dst, someID)
	}
}

func BenchmarkAppendString(b *testing.B) {
	b.ReportAllocs()
	dst := make([]byte, 0, 256)
	for b.Loop() {
		AppendString(dst, `Mozilla/5.0 (X11; Linux x86_64) "quoted" zażółć gęślą jaźń`)
	}
}

// BenchmarkForeign is a struct, which encoding/json encodes.
func BenchmarkForeign(b *testing.B) {
	type address struct {
		Street, City string
		Zip          string `json:"zip,omitempty"`
	}
	v := struct {
		Name    string
		Age     int
		Tags    []string
		Address *address
	}{"Acme Corp", 25, []string{"a", "b", "c"}, &address{"Main Street 1", "Springfield", ""}}
	b.ReportAllocs()
	dst := make([]byte, 0, 1<<10)
	for b.Loop() {
		if _, err := appendValue(dst, v, limits{end: 1 << 10, depth: maxDepth}); err != nil {
			b.Fatal(err)
		}
	}
}
