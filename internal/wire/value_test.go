package wire

import (
	"encoding/json"
	"math"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var everything = limits{end: noLimit, depth: maxDepth}

// decoded is what a careful reader of the JSON sees: numbers as they are written.
func decoded(t *testing.T, text []byte) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	var v any
	require.NoError(t, d.Decode(&v), "%s", text)
	require.False(t, d.More(), "%s", text)
	return v
}

type (
	namedMap    map[string]any
	namedString string
	namedSlice  []any
	namedKeys   map[namedString]any
	point       struct {
		X, Y int
		Note string `json:"note,omitempty"`
	}
	// shout writes itself, although it is a map.
	shout map[string]any
	// label is a map that is text to encoding/json.
	label map[string]any
)

func (s shout) MarshalJSON() ([]byte, error) { return []byte(`"LOUD"`), nil }
func (l label) MarshalText() ([]byte, error) { return []byte("label"), nil }

func TestEveryTypeIsEncodedAsByEncodingJSON(t *testing.T) {
	seven := 7
	zone := time.FixedZone("", 5*3600+30*60)
	for name, v := range map[string]any{
		"nil": nil, "true": true, "false": false,

		"int": -5, "int8": int8(math.MinInt8), "int16": int16(math.MinInt16), "int32": int32(math.MinInt32),
		"int64": int64(math.MinInt64), "max int64": int64(math.MaxInt64),
		"uint": uint(5), "uint8": uint8(math.MaxUint8), "uint16": uint16(math.MaxUint16), "uint32": uint32(math.MaxUint32),
		"uint64": uint64(math.MaxUint64), "uintptr": uintptr(9),

		"zero": 0.0, "minus zero": math.Copysign(0, -1), "third": 1.0 / 3, "large": 1e20, "larger": 1e21, "small": 1e-6,
		"smaller": 9.9e-7, "e-9": 1e-9, "e-10": 1e-10, "e-100": 1e-100, "max": math.MaxFloat64, "least": math.SmallestNonzeroFloat64,
		"float32": float32(0.1), "float32 large": float32(1e21), "float32 small": float32(1e-7), "float32 border": float32(1e-6),

		"empty string": "", "string": "plain", "HTML": `<a href="x">&amp;</a>`, "controls": "\x00\x01\b\f\n\r\t\x1f\x7f", "quotes": `"\/`,
		"Unicode": "zażółć 日本 🎉", "separators": "\u2028\u2029", "U+FFFD": "\uFFFD", "invalid UTF-8": "a\xffb\xc0\xafc\xed\xa0\x80\xe2\x82",

		"bytes": []byte("hello"), "no bytes": []byte{}, "nil bytes": []byte(nil),

		"UTC": noon, "zone": noon.In(zone), "whole second": noon.Truncate(time.Second), "zero time": time.Time{},
		"duration": 90 * time.Second, "UUID": someID, "nil UUID": uuid.Nil,

		"number": json.Number("12.50e+3"), "empty number": json.Number(""), "long number": json.Number("-" + strings.Repeat("9", 100)),

		"raw": json.RawMessage(`{"a":[1,2.0,"x"],"b":null}`), "nil raw": json.RawMessage(nil), "raw scalar": json.RawMessage(` 1 `),
		"raw with space":         json.RawMessage(" {\n\t\"a b\" : [ 1 , \"\\\" \\\\\" ] ,\r\n \"c\":{} } "),
		"raw with invalid UTF-8": json.RawMessage("[\"a\xff\xfeb\", \"é\"]"),

		"object": map[string]any{"a": 1, "b": map[string]any{"c": nil}, "": "", "k\xff\"": 2}, "empty object": map[string]any{}, "nil object": map[string]any(nil),
		"strings by name": map[string]string{"a": "b"}, "bools by name": map[string]bool{"a": true}, "ints by name": map[string]int{"a": -1},
		"int64s by name": map[string]int64{"a": 1 << 60}, "floats by name": map[string]float64{"a": 0.5}, "nil strings by name": map[string]string(nil),
		"array": []any{1, "a", nil, []any{}}, "nil array": []any(nil), "strings": []string{"a", ""}, "nil strings": []string(nil), "bools": []bool{true, false},
		"ints": []int{1, -2}, "int64s": []int64{1 << 60}, "floats": []float64{0, 1e-7}, "objects": []map[string]any{{"a": 1}, nil, {}},

		"named object": namedMap{"a": namedMap{"b": 1}}, "nil named object": namedMap(nil), "named string": namedString("x"),
		"named array": namedSlice{1, "a"}, "named keys": namedKeys{"a": 1}, "map that writes JSON": shout{"a": 1}, "map that writes text": label{"a": 1},
		"struct": point{X: 1, Note: "<&>"}, "pointer": &seven, "pointer to struct": &point{Y: 2}, "nil pointer": (*point)(nil), "nil pointer to time": (*time.Time)(nil),
		"int keys": map[int]string{1: "a"}, "array of fixed length": [2]int{1, 2}, "marshaler of text": net.IPv4(127, 0, 0, 1), "month": time.March,
	} {
		t.Run(name, func(t *testing.T) {
			want, err := json.Marshal(v)
			require.NoError(t, err)
			got, err := appendValue(nil, v, everything)
			require.NoError(t, err)
			assert.Equal(t, decoded(t, want), decoded(t, got))
			assert.Equal(t, strings.ToValidUTF8(string(got), ""), string(got), "valid UTF-8")
			assert.NotContains(t, string(got), "\n")
		})
	}
}

func TestRawMessageLosesTheSpaceBetweenItsTokens(t *testing.T) {
	got, err := appendValue(nil, json.RawMessage(" {\n\t\"a b\" : [ 1 , \"\\\" \\\\\" ] ,\r\n \"c\":{} } "), everything)
	require.NoError(t, err)
	assert.Equal(t, `{"a b":[1,"\" \\"],"c":{}}`, string(got))
}

func TestHTMLIsNotEscaped(t *testing.T) {
	got, err := appendValue(nil, "<a>&</a>", everything)
	require.NoError(t, err)
	assert.Equal(t, `"<a>&</a>"`, string(got))
}

func TestWhatTheCallerChangesAfterwardsIsNotSent(t *testing.T) {
	raw, list := json.RawMessage(`{"a":1}`), []string{"a"}
	got := appended(t, &Message{Kind: Track, Time: noon, Values: map[string]any{"raw": raw, "list": list}})
	again := strings.Clone(got)
	copy(raw, `{"b":2}`)
	list[0] = "b"
	assert.Equal(t, again, got)
}
