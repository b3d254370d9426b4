package wire

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// FuzzEncoderAgreesWithEncodingJSON builds a value from the fuzzer's bytes and
// compares what both encoders make of it.
func FuzzEncoderAgreesWithEncodingJSON(f *testing.F) {
	for kind := range byte(kinds) {
		f.Add([]byte{kind, 3, 'a', '"', 0xff, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
	}
	deep := make([]byte, 0, 200)
	for range 50 {
		deep = append(deep, kindArray, 1, kindObject, 1)
	}
	f.Add(deep)
	f.Add([]byte{kindObject, 7, kindString, 3, 'a', 'b', 'c', kindNamedObject, 2, kindFloat64, 1, 2, 3, 4, 5, 6, 7, 8, kindRaw, 3})

	f.Fuzz(func(t *testing.T, data []byte) {
		g := generator{data: data}
		m := Message{Kind: Track, Time: noon, Values: map[string]any{"it": g.value(0)}}
		msg, err := AppendMessage(nil, &m, noLimit)
		theirs, theirErr := json.Marshal(m.Values)
		if theirErr != nil {
			var invalid *ValueError
			require.ErrorAs(t, err, &invalid, "encoding/json: %v", theirErr)
			require.NotEmpty(t, invalid.Reason)
			return
		}
		want := decoded(t, theirs)
		if levels(want) > maxDepth {
			require.ErrorContains(t, err, "32 levels")
			return
		}
		require.NoError(t, err)
		require.True(t, utf8.Valid(msg))
		require.Equal(t, want, decoded(t, msg).(map[string]any)["properties"])

		_, err = AppendMessage(nil, &m, len(msg)-1)
		require.ErrorIs(t, err, ErrTooLarge)
	})
}

func levels(v any) int {
	deepest := 0
	switch v := v.(type) {
	case map[string]any:
		for _, in := range v {
			deepest = max(deepest, levels(in))
		}
	case []any:
		for _, in := range v {
			deepest = max(deepest, levels(in))
		}
	default:
		return 0
	}
	return deepest + 1
}

const (
	kindNil = iota
	kindBool
	kindInt
	kindUint
	kindFloat64
	kindFloat32
	kindString
	kindBytes
	kindTime
	kindDuration
	kindNumber
	kindRaw
	kindUUID
	kindObject
	kindNamedObject
	kindArray
	kindObjects
	kindScalarMap
	kindScalarList
	kindTypedNil
	kindStruct
	kindPointer
	kindNamedString
	kindMarshaler
	kindBrokenRaw
	kindSmallInt
	kinds
)

// generator reads values from bytes; when they end it reads zeros, which are nils.
type generator struct{ data []byte }

func (g *generator) byte() byte {
	if len(g.data) == 0 {
		return 0
	}
	b := g.data[0]
	g.data = g.data[1:]
	return b
}

func (g *generator) uint64() uint64 {
	var b [8]byte
	for i := range b {
		b[i] = g.byte()
	}
	return binary.LittleEndian.Uint64(b[:])
}

func (g *generator) string() string {
	n := min(int(g.byte()%16), len(g.data))
	s := string(g.data[:n])
	g.data = g.data[n:]
	return s
}

// name is unique in its object, for duplicates have no defined meaning.
func (g *generator) name(i int) string { return fmt.Sprintf("%s%d", g.string(), i) }

func (g *generator) object(depth int) map[string]any {
	object := map[string]any{}
	for i := range int(g.byte() % 5) {
		object[g.name(i)] = g.value(depth + 1)
	}
	return object
}

func (g *generator) array(depth int) []any {
	array := []any{}
	for range g.byte() % 5 {
		array = append(array, g.value(depth+1))
	}
	return array
}

func (g *generator) value(depth int) any {
	if depth > maxDepth+3 {
		return nil
	}
	switch g.byte() % kinds {
	case kindBool:
		return g.byte()%2 == 0
	case kindInt:
		return int64(g.uint64())
	case kindUint:
		return g.uint64()
	case kindFloat64:
		return math.Float64frombits(g.uint64())
	case kindFloat32:
		return math.Float32frombits(uint32(g.uint64()))
	case kindString:
		return g.string()
	case kindBytes:
		return []byte(g.string())
	case kindTime:
		zone := time.FixedZone("", int(int32(g.uint64()))%(25*3600))
		return time.Unix(int64(g.uint64())>>uint(g.byte()%64), int64(g.byte())*1e6).In(zone)
	case kindDuration:
		return time.Duration(g.uint64())
	case kindNumber:
		return json.Number(g.string())
	case kindRaw:
		return g.raw(depth)
	case kindUUID:
		return someID
	case kindObject:
		return g.object(depth)
	case kindNamedObject:
		return namedMap(g.object(depth))
	case kindArray:
		return g.array(depth)
	case kindObjects:
		return []map[string]any{g.object(depth + 1), nil}
	case kindScalarMap:
		return g.scalarMap()
	case kindScalarList:
		return g.scalarList()
	case kindTypedNil:
		return []any{[]string(nil), map[string]int(nil), (*point)(nil), namedMap(nil), []byte(nil), json.RawMessage(nil)}[g.byte()%6]
	case kindStruct:
		return struct {
			Name  string
			Value any
			Empty []int `json:",omitempty"`
		}{g.string(), g.value(depth + 1), nil}
	case kindPointer:
		v := g.value(depth + 1)
		return &v
	case kindNamedString:
		return namedString(g.string())
	case kindMarshaler:
		return []any{shout{}, label{}, time.March, fails{}}[g.byte()%4]
	case kindBrokenRaw:
		return json.RawMessage(g.string())
	case kindSmallInt:
		return []any{int(g.byte()), int8(g.byte()), int16(g.byte()), int32(g.byte()), uint(g.byte()), g.byte(), uint16(g.byte()), uint32(g.byte()), uintptr(g.byte())}[g.byte()%9]
	default:
		return nil
	}
}

// raw is a value's JSON with space in it, or nothing where it has none.
func (g *generator) raw(depth int) any {
	v := g.value(depth + 1)
	text, err := json.MarshalIndent(v, " ", "\t")
	if err != nil {
		return nil
	}
	return json.RawMessage(text)
}

func (g *generator) scalarMap() any {
	name := g.string()
	switch g.byte() % 5 {
	case 0:
		return map[string]string{name: g.string()}
	case 1:
		return map[string]bool{name: true}
	case 2:
		return map[string]int{name: int(g.uint64())}
	case 3:
		return map[string]int64{name: int64(g.uint64())}
	default:
		return map[string]float64{name: math.Float64frombits(g.uint64())}
	}
}

func (g *generator) scalarList() any {
	switch g.byte() % 5 {
	case 0:
		return []string{g.string(), g.string()}
	case 1:
		return []bool{true, false}
	case 2:
		return []int{int(g.uint64()), -1}
	case 3:
		return []int64{int64(g.uint64())}
	default:
		return []float64{math.Float64frombits(g.uint64()), 0}
	}
}

func TestDepthOfADecodedValueIsCountedInContainers(t *testing.T) {
	assert.Equal(t, 0, levels("scalar"))
	assert.Equal(t, 5, levels(nested(5)))
	assert.Equal(t, 2, levels([]any{1, map[string]any{}}))
}
