package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// refused returns the error about v, the property "it" of a track.
func refused(t *testing.T, v any) *ValueError {
	t.Helper()
	_, err := AppendMessage(nil, &Message{Kind: Track, Time: noon, Values: map[string]any{"it": v}}, noLimit)
	var invalid *ValueError
	require.ErrorAs(t, err, &invalid)
	return invalid
}

// nested has n objects inside each other.
func nested(n int) map[string]any {
	if n == 1 {
		return map[string]any{}
	}
	return map[string]any{"in": nested(n - 1)}
}

type knot struct{ Next *knot }

func tied() *knot {
	k := new(knot)
	k.Next = k
	return k
}

func TestWhatJSONCannotSayIsRefusedWithAReason(t *testing.T) {
	cycle := map[string]any{}
	cycle["self"] = cycle
	typedCycle := namedMap{}
	typedCycle["self"] = typedCycle
	list := make([]any, 1)
	list[0] = list

	infinity := math.Inf(1)

	for name, test := range map[string]struct {
		value  any
		reason string
	}{
		"NaN":                        {math.NaN(), "no NaN"},
		"infinity":                   {math.Inf(-1), "no infinity"},
		"float32 NaN":                {float32(math.NaN()), "no NaN"},
		"NaN in a struct":            {struct{ F float64 }{math.NaN()}, "NaN"},
		"infinity in a pointer":      {&infinity, "infinity"},
		"cyclic object":              {cycle, "contains itself"},
		"cyclic named object":        {typedCycle, "contains itself"},
		"cyclic array":               {list, "contains itself"},
		"cyclic struct":              {tied(), "contains itself"},
		"channel":                    {make(chan int), "no form for a chan int"},
		"function":                   {func() {}, "no form for a func()"},
		"complex":                    {complex(1, 2), "no form for a complex128"},
		"channel in a struct":        {struct{ C chan bool }{}, "no form for a chan bool"},
		"map with struct keys":       {map[point]int{{}: 1}, "map[wire.point]int"},
		"word for a number":          {json.Number("twelve"), "json.Number"},
		"wrong number in a struct":   {struct{ N json.Number }{"secret"}, "json.Number"},
		"raw that is not JSON":       {json.RawMessage(`{"a":`), "json.RawMessage"},
		"raw of nothing":             {json.RawMessage{}, "json.RawMessage"},
		"year 10000":                 {time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), "year"},
		"year before zero":           {time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC), "year"},
		"zone over a day":            {time.Date(2025, 1, 1, 0, 0, 0, 0, time.FixedZone("", 24*3600)), "zone"},
		"text marshaler's key error": {map[badKey]int{{}: 1}, "wire.badKey"},
	} {
		t.Run(name, func(t *testing.T) {
			err := refused(t, test.value)
			assert.Contains(t, err.Reason, test.reason)
			assert.True(t, strings.HasPrefix(err.Path, "properties.it"), err.Path)
			assert.Equal(t, err.Path+": "+err.Reason, err.Error())
			assert.False(t, err.Panicked)
			assert.NotContains(t, err.Error(), "secret")
			_, theirs := json.Marshal(test.value)
			assert.Error(t, theirs, "encoding/json refuses it too")
		})
	}
}

type badKey struct{}

func (badKey) MarshalText() ([]byte, error) { return nil, errors.New("secret") }

func TestErrorPathLeadsToTheValue(t *testing.T) {
	bad := math.NaN()
	for want, m := range map[string]*Message{
		"properties.price":             {Kind: Track, Values: map[string]any{"price": bad}},
		"traits.price":                 {Kind: Identify, Values: map[string]any{"price": bad}},
		"traits.limits.disk":           {Kind: Group, Values: map[string]any{"limits": namedMap{"disk": bad}}},
		"properties.items[3].price":    {Kind: Track, Values: map[string]any{"items": []any{0, 1, 2, map[string]any{"price": bad}}}},
		"properties.items[1].price":    {Kind: Track, Values: map[string]any{"items": []map[string]any{{}, {"price": bad}}}},
		"properties.matrix[0][1]":      {Kind: Track, Values: map[string]any{"matrix": []any{[]float64{0, bad}}}},
		"properties.by_name.a":         {Kind: Track, Values: map[string]any{"by_name": map[string]float64{"a": bad}}},
		"properties.order":             {Kind: Track, Values: map[string]any{"order": struct{ Price float64 }{bad}}},
		"properties.raw.in":            {Kind: Track, Values: map[string]any{"raw": map[string]any{"in": json.RawMessage("!")}}},
		"properties." + long64() + "…": {Kind: Track, Values: map[string]any{long64() + "and so on": bad}},
	} {
		t.Run(want, func(t *testing.T) {
			m.Time = noon
			_, err := AppendMessage(nil, m, noLimit)
			var invalid *ValueError
			require.ErrorAs(t, err, &invalid)
			assert.Equal(t, want, invalid.Path)
		})
	}
}

func long64() string { return strings.Repeat("long_key", 8) }

func TestLongNamesAreCutBetweenCharacters(t *testing.T) {
	assert.Equal(t, strings.Repeat("x", 62)+"…", shorten(strings.Repeat("x", 62)+"🎉🎉"))
	assert.Equal(t, strings.Repeat("x", 60)+"🎉…", shorten(strings.Repeat("x", 60)+"🎉🎉"))
	assert.Less(t, len(shorten(strings.Repeat("\x80", 1000))), 70, "bytes that start no character")
}

func TestThirtyTwoLevelsAreAllowedAndNoMore(t *testing.T) {
	raw := func(n int) json.RawMessage {
		return json.RawMessage(strings.Repeat(`[`, n) + `"]]]"` + strings.Repeat(`]`, n))
	}
	list := func(n int) any {
		var v any = 1
		for range n {
			v = []any{v}
		}
		return v
	}
	slow := func(n int) any { // through encoding/json
		var v any = 1
		for range n {
			v = [1]any{v}
		}
		return v
	}
	wide := json.RawMessage(`[` + strings.Repeat(`[[]],`, 100) + `{}]`)

	for name, of := range map[string]func(n int) any{
		"objects":       func(n int) any { return nested(n) },
		"named objects": func(n int) any { return namedMap(nested(n)) },
		"arrays":        list,
		"raw message":   func(n int) any { return raw(n) },
		"encoding/json": slow,
		"mixed":         func(n int) any { return namedMap{"a": []any{slow(n - 2)}} },
	} {
		t.Run(name, func(t *testing.T) {
			// The properties themselves are the first level.
			_, err := AppendMessage(nil, &Message{Kind: Track, Time: noon, Values: map[string]any{"it": of(maxDepth - 1)}}, noLimit)
			require.NoError(t, err)
			assert.Contains(t, refused(t, of(maxDepth)).Reason, "32 levels")
		})
	}
	_, err := appendValue(nil, wide, limits{end: noLimit, depth: 3})
	require.NoError(t, err, "levels side by side do not add up")
}

type (
	panics        struct{ with any }
	panicsInText  struct{ with any }
	dereferences  struct{ p *point }
	fails         struct{}
	writesInvalid struct{}
	failsInside   struct{ F fails }
)

func (p panics) MarshalJSON() ([]byte, error)       { panic(p.with) }
func (p panicsInText) MarshalText() ([]byte, error) { panic(p.with) }
func (d dereferences) MarshalJSON() ([]byte, error) { return []byte(d.p.Note), nil }
func (fails) MarshalJSON() ([]byte, error) {
	return nil, fmt.Errorf("cannot encode secret@example.com")
}
func (writesInvalid) MarshalJSON() ([]byte, error) { return []byte("secret"), nil }

func TestPanicInTheCallersCodeIsAnErrorThatKeepsItsValuePrivate(t *testing.T) {
	for name, v := range map[string]any{
		"string":           panics{"secret"},
		"error":            panics{errors.New("secret")},
		"nil":              panics{nil},
		"in MarshalText":   panicsInText{"secret"},
		"inside a struct":  struct{ P panics }{panics{"secret"}},
		"inside an object": namedMap{"in": &panics{"secret"}},
		"nil dereference":  []any{dereferences{}},
	} {
		t.Run(name, func(t *testing.T) {
			err := refused(t, v)
			assert.True(t, err.Panicked)
			assert.Contains(t, err.Reason, "panicked")
			assert.NotContains(t, err.Error(), "secret")
		})
	}
	assert.Contains(t, refused(t, panics{"secret"}).Reason, "the wire.panics panicked with a value of type string")
}

func TestPanicNilIsNoticedUnderItsOldMeaningToo(t *testing.T) {
	t.Setenv("GODEBUG", "panicnil=1")
	assert.True(t, refused(t, panics{nil}).Panicked)
	assert.True(t, refused(t, []panics{{nil}}).Panicked)
}

func TestFailingMarshalerIsNamedByItsTypeOnly(t *testing.T) {
	for name, v := range map[string]any{"error": fails{}, "invalid JSON": writesInvalid{}, "inside": failsInside{}} {
		t.Run(name, func(t *testing.T) {
			err := refused(t, v)
			assert.Regexp(t, `of the \*?wire\.(fails|writesInvalid) returned`, err.Reason)
			assert.False(t, err.Panicked)
			assert.NotContains(t, err.Error(), "secret")
		})
	}
}

type writesInvalidUTF8 struct{}

func (writesInvalidUTF8) MarshalJSON() ([]byte, error) { return []byte("\"a\xffb\""), nil }

func TestInvalidUTF8OfAMarshalerIsReplaced(t *testing.T) {
	got, err := appendValue(nil, writesInvalidUTF8{}, everything)
	require.NoError(t, err)
	assert.Equal(t, "\"a\uFFFDb\"", string(got))
}

func TestSizeOfForeignValuesIsCheckedToo(t *testing.T) {
	for name, v := range map[string]any{
		"encoding/json": [100]int{}, "raw": json.RawMessage(strings.Repeat("1", 100)), "bytes": make([]byte, 100),
		"number": json.Number(strings.Repeat("1", 100)), "string": strings.Repeat("x", 100),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := appendValue(nil, v, limits{end: 90, depth: 1})
			assert.ErrorIs(t, err, ErrTooLarge)
		})
	}
}
