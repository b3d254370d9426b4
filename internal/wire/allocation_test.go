//go:build !race

package wire

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// The race detector allocates on its own account, hence the build tag.

func allocations(t *testing.T, m *Message) float64 {
	t.Helper()
	dst := make([]byte, 0, 8192)
	return testing.AllocsPerRun(100, func() {
		if _, err := AppendMessage(dst, m, 8192); err != nil {
			t.Fatal(err)
		}
	})
}

func TestMessagesOfTheUsualTypesAllocateNothing(t *testing.T) {
	assert.Zero(t, allocations(t, flat()))
	assert.Zero(t, allocations(t, nestedValues()))
	assert.Zero(t, allocations(t, withContextAndScope(t)), "merging context and scope included")
}

func TestNoKnownTypeAllocates(t *testing.T) {
	for name, v := range map[string]any{
		"nil": nil, "bool": true, "int": -1 << 30, "int8": int8(1), "int16": int16(1), "int32": int32(1), "int64": int64(1),
		"uint": uint(1), "uint8": uint8(1), "uint16": uint16(1), "uint32": uint32(1), "uint64": uint64(1), "uintptr": uintptr(1),
		"float32": float32(0.1), "float64": 0.1, "string": "a\"é\xff", "bytes": []byte("hello"), "time": noon, "duration": time.Second, "UUID": someID,
		"number": json.Number("-123456789012345678901234567890123456789012345678901234567890"), "raw": json.RawMessage("{\"a\": [1, \"\xff\"]}"),
		"object": map[string]any{"a": map[string]any{"b": 1000}}, "strings by name": map[string]string{"a": "b"}, "bools by name": map[string]bool{"a": true},
		"ints by name": map[string]int{"a": 1000}, "int64s by name": map[string]int64{"a": 1000}, "floats by name": map[string]float64{"a": 0.1},
		"array": []any{1000, "a"}, "strings": []string{"a"}, "bools": []bool{true}, "ints": []int{1000}, "int64s": []int64{1000}, "floats": []float64{0.1},
		"objects": []map[string]any{{"a": 1000}}, "named object": namedMap{"a": 1000},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Zero(t, allocations(t, &Message{Kind: Track, Time: noon, Values: map[string]any{"it": v}}))
		})
	}
}
