package store_test

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/store"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

// heap is what is alive of the memory.
func heap() int64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// arrive records a request as the collector does.
func arrive(t testing.TB, s *store.Store, r collector.Request, raw string) {
	t.Helper()
	m, err := collector.Decode(collector.KindIdentify, []byte(raw))
	require.NoError(t, err)
	r.Body = []byte(raw)
	s.Record(r, []collector.Message{m})
}

func TestTheMemoryIsBoundedWhateverArrives(t *testing.T) {
	const bound = 1 << 20
	identify := func(value string) string {
		return `{"userId":"user_123","traits":{"a":` + value + `}}`
	}
	var members []string
	for i := range 1000 {
		members = append(members, fmt.Sprintf(`"key_%d":%d`, i, i))
	}
	long := strings.Repeat("x", 30_000)
	tests := map[string]func(*store.Store){
		"empty objects": func(s *store.Store) { arrive(t, s, request(1), identify("["+strings.Repeat("{},", 500)+"{}]")) },
		"empty arrays":  func(s *store.Store) { arrive(t, s, request(1), identify("["+strings.Repeat("[],", 2500)+"[]]")) },
		"small objects": func(s *store.Store) { arrive(t, s, request(1), identify("["+strings.Repeat(`{"a":1},`, 250)+"{}]")) },
		"arrays of one": func(s *store.Store) { arrive(t, s, request(1), identify("["+strings.Repeat(`[1],`, 1000)+"[]]")) },
		"numbers":       func(s *store.Store) { arrive(t, s, request(1), identify("["+strings.Repeat("1,", 2500)+"1]")) },
		"texts":         func(s *store.Store) { arrive(t, s, request(1), identify("["+strings.Repeat(`"a",`, 2500)+`"a"]`)) },
		"many members":  func(s *store.Store) { arrive(t, s, request(1), identify("{"+strings.Join(members, ",")+"}")) },
		"one long text": func(s *store.Store) { arrive(t, s, request(1), identify(`"`+strings.Repeat("x", 25_000)+`"`)) },
		"headers": func(s *store.Store) {
			r := request(1)
			r.Header = http.Header{"User-Agent": {strings.Clone(long)}}
			arrive(t, s, r, identify("1"))
		},
		"paths and IDs": func(s *store.Store) {
			r := request(1)
			r.Path = strings.Clone(long)
			s.Record(r, []collector.Message{{Kind: collector.KindDeleteUser, UserID: strings.Clone(long)}})
		},
		"refusals": func(s *store.Store) { s.Record(collector.Request{Refusal: strings.Clone(long)}, nil) },
	}
	for name, arrives := range tests {
		t.Run(name, func(t *testing.T) {
			before := heap()
			s := store.NewBytes(0, bound)
			for range 40 {
				arrives(s)
			}
			assert.Less(t, heap()-before, int64(bound*3/2))
			assert.Positive(t, s.Snapshot().Forgotten)
			runtime.KeepAlive(s)
		})
	}
}

func TestWhatIsForgottenIsFree(t *testing.T) {
	before, most := heap(), int64(0)
	s := store.New(20)
	for range 60 {
		arrive(t, s, request(1), `{"userId":"user_123","traits":{"a":"`+strings.Repeat("x", 50_000)+`"}}`)
		most = max(most, heap()-before)
	}
	assert.Less(t, most, int64(20*3*50_000*3/2))
	runtime.KeepAlive(s)
}
