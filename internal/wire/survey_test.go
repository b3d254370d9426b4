package wire

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type link struct{ Next *link }

type textLevel int

func (textLevel) MarshalText() ([]byte, error) { return []byte("x"), nil }

// written is a value that writes itself, and would be too deep if it did not.
type written struct{ list *link }

func (written) MarshalJSON() ([]byte, error) { return []byte(`1`), nil }

func chain(n int) *link {
	var list *link
	for range n {
		list = &link{list}
	}
	return list
}

func encode(v any, size int) ([]byte, error) {
	return appendValue(nil, v, limits{end: size, depth: maxDepth})
}

// encoding/json would recurse until the stack overflows, which no recover stops.
func TestAListOfAMillionLinksIsRefusedAndEndsNothing(t *testing.T) {
	_, err := encode(chain(1_000_000), 1<<20)
	var wrong *ValueError
	require.ErrorAs(t, err, &wrong)
	assert.Contains(t, wrong.Reason, "32 levels")
	assert.False(t, wrong.Panicked)
}

func TestPointersThatLeadNowhereAreRefused(t *testing.T) {
	type pointer *pointer
	var p pointer
	p = &p
	_, err := encode(p, 1<<20)
	require.ErrorContains(t, err, "contains itself")
}

func TestALargeForeignValueIsRefusedBeforeItIsEncoded(t *testing.T) {
	text := strings.Repeat("x", 50<<20)
	type twice struct{ A, B any }
	var tree any = text[:100]
	for range 31 {
		tree = twice{tree, tree}
	}
	pairs := map[int]int{}
	for i := range 100_000 {
		pairs[i] = i
	}
	for name, v := range map[string]any{
		"struct":          struct{ S string }{text},
		"pointer":         &text,
		"slice of slices": [][]string{{text}, {text}},
		"array":           [2]string{text, text},
		"map":             pairs,
		"map of structs":  map[string]struct{ S string }{"a": {text}},
		"long key":        map[string]struct{}{text: {}},
		"numbers":         struct{ N []int }{make([]int, 1<<20)},
		"bytes":           struct{ B []byte }{make([]byte, 1<<20)},
		"embedded":        struct{ link2 }{link2{text}},
		"omitempty, not empty": struct {
			S string `json:",omitempty"`
		}{text},
		"a tree that is a list": tree,
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := encode(v, 32<<10)
			runtime.ReadMemStats(&after)
			require.ErrorIs(t, err, ErrTooLarge)
			assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20))
		})
	}
}

type link2 struct{ S string }

func TestWhatEncodingJSONLeavesOutCountsNothing(t *testing.T) {
	text := strings.Repeat("x", 1<<20)
	type recursive struct {
		*link
		Self *recursive `json:"-"`
	}
	itself := &recursive{link: chain(3)}
	itself.Self = itself
	for name, v := range map[string]any{
		"unexported": struct{ s string }{text},
		"ignored": struct {
			S string `json:"-"`
		}{text},
		"ignored, itself": itself,
		"empty": struct {
			S []string `json:",omitempty"`
		}{make([]string, 0, 10)},
		"zero": struct {
			N [1 << 12]struct{} `json:",omitzero"`
		}{},
		"nil embedded":            struct{ *link2 }{},
		"writes itself":           written{chain(1000)},
		"writes itself, in a map": map[textLevel]written{1: {chain(1000)}},
		"time":                    struct{ T time.Time }{},
		"nil interface":           struct{ V any }{},
	} {
		got, err := encode(v, 200)
		require.NoError(t, err, name)
		want, err := json.Marshal(v)
		require.NoError(t, err)
		assert.JSONEq(t, string(want), string(got), name)
	}
}

func TestForeignValuesOfExactlyTheDepthAndSizePass(t *testing.T) {
	list := chain(maxDepth)
	want, err := json.Marshal(list)
	require.NoError(t, err)
	got, err := encode(list, len(want))
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got))

	_, err = encode(chain(maxDepth+1), 1<<20)
	require.ErrorContains(t, err, "32 levels")
	bytesAtTheBottom := struct{ B []byte }{[]byte("abc")}
	_, err = appendValue(nil, bytesAtTheBottom, limits{end: 100, depth: 1})
	require.NoError(t, err, "base64 is no level")
}

// EmbeddedText and the types below have fields that encoding/json writes by its
// own rules: those of Go know no names of tags.
type (
	EmbeddedText   struct{ Text string }
	embeddedSecret struct{ Secret string }
	EmbeddedX      struct {
		First string `json:"x"`
	}
	EmbeddedTag struct {
		Tagged string `json:"Text"`
	}
	DeepText struct{ EmbeddedText }
	Texts    []string

	named struct {
		EmbeddedText `json:"named"`
	}
	ignored struct {
		EmbeddedText `json:"-"`
	}
	flattened struct {
		EmbeddedText
		*embeddedSecret
	}
	tagged struct {
		EmbeddedText
		EmbeddedTag
	}
	overridden struct {
		EmbeddedX
		Other string `json:"x"`
	}
	renamed struct {
		EmbeddedText
		Text string `json:"other"`
	}
	preferred struct {
		EmbeddedX
		X string `json:"y"`
		DeepText
		Deep string `json:"Text"`
	}
	diamond struct {
		EmbeddedText
		DeepText
	}
	twins struct {
		A struct{ DeepText }
		DeepText
		B struct{ *DeepText }
	}
	list struct {
		Texts
		Text string
	}
)

// fill sets all strings, through all structs and pointers.
func fill(v reflect.Value, text string) {
	switch v.Kind() {
	case reflect.String:
		if v.CanSet() {
			v.SetString(text)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), text)
		}
	case reflect.Slice:
		if v.CanSet() {
			v.Set(reflect.MakeSlice(v.Type(), 2, 2))
			fill(v.Index(0), text)
			fill(v.Index(1), text)
		}
	case reflect.Pointer:
		if v.CanSet() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		if !v.IsNil() {
			fill(v.Elem(), text)
		}
	}
}

func TestASurveySeesTheFieldsThatEncodingJSONWritesAndNoOthers(t *testing.T) {
	text := strings.Repeat("x", 1000)
	for _, v := range []any{
		&named{}, &ignored{}, &flattened{embeddedSecret: &embeddedSecret{}}, &flattened{}, &tagged{}, &overridden{},
		&renamed{}, &preferred{}, &diamond{}, &twins{}, &list{},
	} {
		fill(reflect.ValueOf(v), text)
		want, err := json.Marshal(v)
		require.NoError(t, err)
		look := survey{room: 1 << 20}
		require.NoError(t, look.of(v, maxDepth))
		counted := 1<<20 - look.room
		assert.LessOrEqual(t, counted, len(want), "%T", v)
		assert.GreaterOrEqual(t, counted, len(text)*strings.Count(string(want), text), "%T", v)
	}
}

// unset says that it is zero, whatever it holds.
type unset struct{ Text string }

func (unset) IsZero() bool { return true }

// unsetByPointer does so by a method of its pointer.
type unsetByPointer struct{ Text string }

func (*unsetByPointer) IsZero() bool { return true }

func TestWhatSaysThatItIsZeroCountsNothing(t *testing.T) {
	text := strings.Repeat("x", 1<<20)
	var zeroer interface{ IsZero() bool } = (*unset)(nil)
	got, err := encode(struct {
		A unset                      `json:",omitzero"`
		B unsetByPointer             `json:",omitzero"`
		C *unset                     `json:",omitzero"`
		D interface{ IsZero() bool } `json:",omitzero"`
		E any                        `json:",omitzero"`
	}{unset{text}, unsetByPointer{text}, &unset{text}, zeroer, (*unset)(nil)}, 200)
	require.NoError(t, err)
	assert.Equal(t, `{"E":null}`, string(got))
}

func TestNumbersAreCountedWithoutQuotes(t *testing.T) {
	numbers := []json.Number{"1", "2", ""}
	_, err := encode(numbers, len(`[1,2,0]`))
	require.NoError(t, err)
}

// Children link nodes by an embedded field that is no struct.
type Children []*family

type family struct{ Children }

// Hidden has a field that Go hides behind one of another name in JSON.
type Hidden struct{ Next *hiding }

type hiding struct {
	Hidden
	Next int `json:"n"`
}

func TestALongListOfEmbeddedLinksIsRefusedAndEndsNothing(t *testing.T) {
	var byChildren, byHidden any
	children, hidden := &family{}, &hiding{}
	for range 1_000_000 {
		children, hidden = &family{Children{children}}, &hiding{Hidden: Hidden{hidden}}
	}
	byChildren, byHidden = children, hidden
	for _, v := range []any{byChildren, byHidden} {
		_, err := encode(v, 1<<20)
		require.ErrorContains(t, err, "32 levels")
	}
}

// A survey must never refuse what fits: it may only count what is written.
func FuzzASurveyCountsNoMoreThanIsWritten(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		v := randomForeign(rand.New(rand.NewPCG(seed, 1)), 5)
		want, err := json.Marshal(v)
		require.NoError(t, err)
		got, err := encode(v, len(want))
		require.NoError(t, err, "%s", want)
		var compact bytes.Buffer
		require.NoError(t, json.Compact(&compact, want))
		assert.JSONEq(t, compact.String(), string(got))
	})
}

// foreign has a field of every kind that a survey looks at.
type foreign struct {
	S      string              `json:"s,omitempty"`
	B      []byte              `json:"b"`
	N      int64               `json:",string"`
	F      *float64            `json:"f,omitempty"`
	List   []foreign           `json:"list,omitempty"`
	Map    map[string]*foreign `json:"map"`
	Any    any                 `json:"any,omitzero"`
	Array  [2]bool             `json:"array,omitempty"`
	Levels map[textLevel]string
	*link2
	hidden string
	Time   time.Time
}

func randomForeign(r *rand.Rand, depth int) foreign {
	number := r.Float64()
	v := foreign{S: strings.Repeat("<é\x01", r.IntN(3)), N: r.Int64(), hidden: "x", Time: time.Unix(int64(r.IntN(1e9)), 0)}
	if r.IntN(2) == 0 {
		v.F, v.B, v.link2 = &number, make([]byte, r.IntN(20)), &link2{"embedded"}
		v.Levels = map[textLevel]string{1: "one"}
	}
	if depth > 0 {
		for range r.IntN(3) {
			v.List = append(v.List, randomForeign(r, depth-1))
		}
		if r.IntN(2) == 0 {
			inner := randomForeign(r, depth-1)
			v.Map = map[string]*foreign{"a": &inner, "b": nil}
			v.Any = []any{inner, &inner, nil, 1}[r.IntN(4)]
		}
	}
	return v
}
