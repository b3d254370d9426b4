package wire

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/internal/sensitive"
)

func treeOf(t *testing.T, values map[string]any) map[string]any {
	t.Helper()
	m := Message{Kind: Track, Values: values}
	tree, err := m.Tree(1 << 20)
	require.NoError(t, err)
	return tree
}

func TestATreeKeepsWhatIsPlainAndOpensTheRest(t *testing.T) {
	type named map[string]any
	now := time.Now()
	n := 5
	assert.Equal(t, map[string]any{
		"nil": nil, "int": 1, "float": 1.5, "number": json.Number("12345678901234567890"), "time": now, "uuid": uuid.NameSpaceDNS,
		"bytes": []byte("x"), "strings": []string{"a"}, "ints": []int{1}, "floats": []float64{1}, "bools": []bool{true}, "int64s": []int64{1},
		"nil map": nil, "nil slice": []string(nil),
		"map":     map[string]any{"a": map[string]any{"b": 1}},
		"typed":   map[string]any{"a": "b"},
		"named":   map[string]any{"a": 1},
		"list":    []any{1, map[string]any{"a": "b"}},
		"objects": []any{map[string]any{"a": 1}, nil},
		"struct":  map[string]any{"A": json.Number("9007199254740993")},
		"raw":     []any{json.Number("1e3")},
		"pointer": json.Number("5"),
	}, treeOf(t, map[string]any{
		"nil": nil, "int": 1, "float": 1.5, "number": json.Number("12345678901234567890"), "time": now, "uuid": uuid.NameSpaceDNS,
		"bytes": []byte("x"), "strings": []string{"a"}, "ints": []int{1}, "floats": []float64{1}, "bools": []bool{true}, "int64s": []int64{1},
		"nil map": map[string]any(nil), "nil slice": []string(nil),
		"map":     map[string]any{"a": map[string]any{"b": 1}},
		"typed":   map[string]string{"a": "b"},
		"named":   named{"a": 1},
		"list":    []any{1, named{"a": "b"}},
		"objects": []map[string]any{{"a": 1}, nil},
		"struct":  struct{ A int64 }{9007199254740993},
		"raw":     json.RawMessage(" [ 1e3 ] "),
		"pointer": &n,
	}))
	assert.Equal(t, map[string]any{}, treeOf(t, nil))
}

// TestATreeIsEncodedLikeItsValues also shows that nothing is lost on the way.
func TestATreeIsEncodedLikeItsValues(t *testing.T) {
	for _, values := range sampleValues() {
		m := Message{Kind: Track, Values: map[string]any{"v": values}}
		before, err := AppendMessage(nil, &m, 1<<20)
		require.NoError(t, err)
		m.Values = treeOf(t, m.Values)
		after, err := AppendMessage(nil, &m, 1<<20)
		require.NoError(t, err)
		assert.JSONEq(t, string(before), string(after))
	}
}

func sampleValues() []any {
	return []any{
		map[string]bool{"a": true}, map[string]int{"a": 1}, map[string]int64{"a": 1}, map[string]float64{"a": 1.5},
		[]any{nil, true, int8(1), uint16(2), float32(0.1), time.Second, "ü\xff"}, [2]int{1, 2}, map[int]string{1: "a"},
		json.RawMessage(`{"a":[1,{"b":null}]}`), struct{ time.Time }{time.Unix(0, 0)}, errors.New("x"), []json.RawMessage{[]byte(`1`)},
	}
}

func TestATreeHasTheLimitsOfTheEncoder(t *testing.T) {
	cyclic := map[string]any{}
	cyclic["self"] = []any{cyclic}
	for name, row := range map[string]struct {
		values any
		path   string // none if it is too large
	}{
		"a cycle":         {cyclic, "properties.v.self[0].self"},
		"a large string":  {strings.Repeat("x", 2000), ""},
		"large bytes":     {make([]byte, 2000), ""},
		"many strings":    {strings.Split(strings.Repeat("xxxx,", 500), ","), ""},
		"a large struct":  {struct{ S string }{strings.Repeat("x", 2000)}, ""},
		"a large key":     {map[string]int{strings.Repeat("x", 2000): 1}, ""},
		"a channel":       {[]any{make(chan int)}, "properties.v[0]"},
		"bad raw JSON":    {json.RawMessage(`{`), "properties.v"},
		"deep raw JSON":   {json.RawMessage(strings.Repeat("[", 40) + strings.Repeat("]", 40)), "properties.v"},
		"NaN in a struct": {struct{ F float64 }{math.NaN()}, "properties.v"},
	} {
		_, err := (&Message{Kind: Track, Values: map[string]any{"v": row.values}}).Tree(1000)
		if row.path == "" {
			require.ErrorIs(t, err, ErrTooLarge, name)
			continue
		}
		var wrong *ValueError
		require.ErrorAs(t, err, &wrong, name)
		assert.True(t, strings.HasPrefix(wrong.Path, row.path), "%s: %s", name, wrong.Path)
	}
}

func TestFieldsAsATree(t *testing.T) {
	under, err := NewFields(map[string]any{"app": "shop", "page": "/"}, 1000)
	require.NoError(t, err)
	over, err := NewFields(map[string]any{"page": "/pricing", "deep": map[string]int{"a": 1}}, 1000)
	require.NoError(t, err)
	deep := map[string]any{"a": json.Number("1")}
	for _, row := range []struct {
		under, over *Fields
		want        map[string]any
	}{
		{nil, nil, map[string]any{}},
		{under, nil, map[string]any{"app": "shop", "page": "/"}},
		{nil, over, map[string]any{"page": "/pricing", "deep": deep}},
		{under, over, map[string]any{"app": "shop", "page": "/pricing", "deep": deep}},
	} {
		tree, err := row.under.Tree(row.over)
		require.NoError(t, err)
		assert.Equal(t, row.want, tree)
	}
}

func TestAWatchSeesEveryMemberOnce(t *testing.T) {
	for name, value := range map[string]any{
		"a map": map[string]any{"email": "x"}, "a typed map": map[string]string{"email": "x"}, "a list": []any{[]map[string]any{{"email": "x"}}},
		"a struct": struct {
			Email string `json:"email"`
		}{"x"},
		"raw JSON": json.RawMessage(`{ "a\"b":"email:", "c": [ {"e\u006dail" : {"d":"\\"}} ] }`),
	} {
		var found []string
		watch := &Watch{Keys: sensitive.New(nil, nil), Stops: func(term *sensitive.Term) bool {
			found = append(found, term.Name)
			return false
		}}
		m := &Message{Kind: Track, Values: map[string]any{"v": value, "phone": true, "tokens": 5, "cookie": nil}, Watch: watch}
		_, err := AppendMessage(nil, m, 1000)
		require.NoError(t, err)
		assert.Equal(t, []string{"email"}, found, name)

		watch.Stops = func(*sensitive.Term) bool { return true }
		_, err = AppendMessage(nil, m, 1000)
		require.ErrorIs(t, err, ErrWatched, name)
	}
}
