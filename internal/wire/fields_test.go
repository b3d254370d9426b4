package wire

import (
	"encoding/json"
	"math"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func mustFields(t *testing.T, f *Fields, values map[string]any) *Fields {
	t.Helper()
	f, err := f.With(values, noLimit)
	require.NoError(t, err)
	return f
}

func TestNoValuesMakeNoFields(t *testing.T) {
	f, err := NewFields(map[string]any{}, 0)
	require.NoError(t, err)
	assert.Nil(t, f)
}

func TestWithNothingIsTheSameFields(t *testing.T) {
	f := mustFields(t, nil, map[string]any{"app": "shop"})
	assert.Same(t, f, mustFields(t, f, nil))
}

func TestWithLetsLaterKeysWinAndLeavesTheOriginalAlone(t *testing.T) {
	f := mustFields(t, nil, map[string]any{"app": "shop", "page": "/"})
	g := mustFields(t, f, map[string]any{"page": "/pricing", "agent": "curl"})
	h := mustFields(t, g, map[string]any{"page": "/done"})

	assert.Equal(t, `{"app":"shop","page":"/"}`, string(f.object))
	assert.Equal(t, `{"agent":"curl","app":"shop","page":"/pricing"}`, string(g.object))
	assert.Equal(t, `{"agent":"curl","app":"shop","page":"/done"}`, string(h.object))
}

func TestKeysThatAreOneInJSONAreOneField(t *testing.T) {
	f := mustFields(t, nil, map[string]any{"bad\xff": 1})
	g := mustFields(t, f, map[string]any{"bad\xfe": 2})
	assert.Equal(t, `{"bad`+"\uFFFD"+`":2}`, string(g.object))
}

func TestFieldsTakeWhatTheCallersMapHoldsNow(t *testing.T) {
	values := map[string]any{"app": "shop"}
	f := mustFields(t, nil, values)
	values["app"] = "other"
	assert.Equal(t, `{"app":"shop"}`, string(f.object))
}

func TestFieldsHaveALimit(t *testing.T) {
	values := map[string]any{"app": "shop", "list": []int{1, 2}}
	size := len(mustFields(t, nil, values).object)

	_, err := NewFields(values, size)
	require.NoError(t, err)
	for limit := -1; limit < size; limit++ {
		_, err := NewFields(values, limit)
		require.ErrorIs(t, err, ErrTooLarge, "limit %d", limit)
	}

	f := mustFields(t, nil, map[string]any{"app": "shop"})
	_, err = f.With(map[string]any{"list": []int{1, 2}}, size-1)
	require.ErrorIs(t, err, ErrTooLarge, "the limit is for all of them together")
}

func TestErrorsOfFieldsStartWithContext(t *testing.T) {
	for path, values := range map[string]map[string]any{
		"context.load":       {"load": math.NaN()},
		"context.loads[1].x": {"loads": []any{0, map[string]any{"x": math.Inf(1)}}},
	} {
		_, err := NewFields(values, noLimit)
		var invalid *ValueError
		require.ErrorAs(t, err, &invalid)
		assert.Equal(t, path, invalid.Path)
	}
}

func TestFieldsAreOneLevelAndMayNestAsDeepAsProperties(t *testing.T) {
	_, err := NewFields(nested(maxDepth), noLimit)
	require.NoError(t, err)
	_, err = NewFields(nested(maxDepth+1), noLimit)
	require.Error(t, err)
}

func TestFieldsServeManyGoroutines(t *testing.T) {
	context := mustFields(t, nil, map[string]any{"app": "shop", "page": "/"})
	want := appended(t, &Message{Kind: Track, Time: noon, Context: context, Scope: mustFields(t, context, map[string]any{"page": "/x"})})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				scope, err := context.With(map[string]any{"page": "/x"}, noLimit)
				assert.NoError(t, err)
				out, err := AppendMessage(nil, &Message{Kind: Track, Time: noon, Context: context, Scope: scope}, noLimit)
				assert.NoError(t, err)
				assert.Equal(t, want, string(out))
			}
		})
	}
	wg.Wait()
	assert.True(t, json.Valid([]byte(want)))
}
