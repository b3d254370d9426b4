package loopkit_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	loopkit "github.com/loopkitai/loopkit-go"
)

// TestAHundredThousandMapsAreSentAsTheyWereAndNotAsTheyBecame changes one map
// again and again right after the calls that took it, while batches of it are
// being sent.
func TestAHundredThousandMapsAreSentAsTheyWereAndNotAsTheyBecame(t *testing.T) {
	const calls = 100_000 / raceFactor
	var mu sync.Mutex
	seen := make([]bool, calls)
	check := func(body []byte) {
		mu.Lock()
		defer mu.Unlock()
		for part := range bytes.SplitSeq(body, []byte(`"list":["`)) {
			n, rest, ok := bytes.Cut(part, []byte(`"]`))
			if !ok {
				continue // what comes before the first
			}
			i, err := strconv.Atoi(string(n))
			if !assert.NoError(t, err) {
				return
			}
			seen[i] = true
			inner, _, _ := bytes.Cut(rest, []byte("}}"))
			if want := `,"map":{"n":` + string(n); string(inner) != want { // assert.Equal takes longer than the calls
				assert.Fail(t, "a map has changed", "%s, not %s", inner, want)
			}
		}
	}
	c, err := loopkit.New(testKey, &loopkit.Options{
		BaseURL: "http://loopkit.test", Overflow: loopkit.Block, Logger: quietLogger(),
		HTTPClient: &http.Client{Transport: transportFunc(func(r *http.Request) (*http.Response, error) {
			body, err := io.ReadAll(r.Body)
			_ = r.Body.Close() // of the client's own: it cannot fail
			check(body)
			return &http.Response{StatusCode: 200, Body: http.NoBody, Header: http.Header{}}, err
		})},
	})
	require.NoError(t, err)
	ctx := visitor("anon_1")
	list, inner := []string{""}, map[string]any{}
	outer := loopkit.Properties{"all": orderedValues{list, inner}}
	for i := range calls {
		list[0], inner["n"] = strconv.Itoa(i), i
		require.NoError(t, c.Track(ctx, "e", outer))
		list[0], inner["n"], outer["new"] = "-1", -1, -1
		delete(outer, "new")
	}
	require.NoError(t, c.Close(context.Background()))
	assert.NotContains(t, seen, false)
}

// orderedValues keeps the order of two values, for what reads them.
type orderedValues struct {
	List []string       `json:"list"`
	Map  map[string]any `json:"map"`
}
