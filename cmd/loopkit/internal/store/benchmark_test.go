package store_test

import (
	"fmt"
	"testing"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/store"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

func BenchmarkCensusOfAFullStore(b *testing.B) {
	s := store.New(0)
	for i := range 10_000 {
		m := track("page_view")
		m.MessageID, m.UserID = fmt.Sprint("id_", i), fmt.Sprint("user_", i%5000)
		s.Record(request(1), []collector.Message{m})
	}
	b.ReportAllocs()
	for b.Loop() {
		record(s, "page_view")
		s.Snapshot().People()
		s.Snapshot().Groups()
		s.Snapshot().Findings()
	}
}
