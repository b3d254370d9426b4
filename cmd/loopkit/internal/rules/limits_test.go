package rules

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/loopkitai/loopkit-go/internal/collector"
)

// hostile are texts that take a search with steps back for ever.
var hostile = map[string]string{
	"escaped signs":    "%40",
	"signs":            "@",
	"mailboxes":        "a@",
	"almost addresses": "a@b.c ",
	"long domains":     "a%40" + strings.Repeat("b", 1000),
	"digits":           "4111 ",
	"quotation marks":  "%22",
}

func TestALargeMessageTakesTimeInProportion(t *testing.T) {
	const size, most = 2 << 20, 10 * time.Second // one that is quadratic takes minutes
	for about, piece := range hostile {
		text := strings.Repeat(piece, size/len(piece))
		start := time.Now()
		newChecker().Observe(Input{Number: 1, Message: collector.Message{
			Kind: collector.KindTrack, Name: "page_view", UserID: text, AnonymousID: text[:size/8], Timestamp: noon,
			Values: map[string]any{"note": []any{map[string]any{"text": text}}, text[:size/8]: true},
		}})
		assert.Less(t, time.Since(start), most, about)
	}
}

func TestManyFindsInAMessageTakeTimeInProportion(t *testing.T) {
	values, inner := map[string]any{}, map[string]any{}
	for i := range 60_000 {
		values[fmt.Sprint("email_", i)] = "x"
		inner[fmt.Sprint("user", i, "@example.com")] = true
	}
	values["inner"] = inner
	start := time.Now()
	found := of("W-PII", findingsOf(newChecker(), observation{1, collector.Message{Kind: collector.KindTrack, Name: "page_view", AnonymousID: "anon_456", Timestamp: noon, ValuesKey: "properties", Values: values}, nil}))
	assert.Less(t, time.Since(start), 10*time.Second)
	if assert.Len(t, found, 1) {
		assert.True(t, strings.HasSuffix(found[0], " and 59996 more"), found[0])
	}
}

// BenchmarkHoldsEmail is of text that has signs and no address.
func BenchmarkHoldsEmail(b *testing.B) {
	text := strings.Repeat("%40", 2<<20/3)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if holdsEmail(text) {
			b.Fatal("there is none")
		}
	}
}

// TestAFullHistoryIsSmall fills a part of one with IDs as long as can be.
func TestAFullHistoryIsSmall(t *testing.T) {
	const part = mostRemembered / 10
	before := heap()
	c := newChecker()
	c.history = newHistory(part, c.history.place)
	for i := range int64(part) {
		id := func(kind string) string { return fmt.Sprintf("%s%0*d", kind, longestID-len(kind), i) }
		c.Observe(Input{2 * i, collector.Message{
			Kind: collector.KindTrack, Name: "user_signup", MessageID: fmt.Sprint("m", i), Timestamp: noon,
			AnonymousID: id("A"), UserID: id("U"), SessionID: id("S"), Values: map[string]any{id("k"): 1.0},
		}, nil})
		c.Observe(Input{2*i + 1, collector.Message{Kind: collector.KindGroup, MessageID: fmt.Sprint("n", i), GroupID: id("G"), AnonymousID: id("B"), Timestamp: noon}, nil})
	}
	assert.Less(t, int64(heap()-before)*(mostRemembered/part), int64(75<<20))
	assert.Equal(t, part, c.history.devices.len())
}

func heap() uint64 {
	runtime.GC()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	return memory.HeapAlloc
}
