package command

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPairsAreTextUnlessTheyAreTyped(t *testing.T) {
	for pair, want := range map[string]any{
		"plan=pro":                 "pro",
		"plan=":                    "",
		"size=25":                  "25",
		"formula=a=b":              "a=b",
		"url=https://x.test/?a:=1": "https://x.test/?a:=1",
		"size:=25":                 json.Number("25"),
		"big:=9007199254740993":    json.Number("9007199254740993"),
		"price:=-1.50":             json.Number("-1.50"),
		"active:=true":             true,
		"left:=null":               nil,
		`quoted:="25"`:             "25",
		"list:=[1,\"a\"]":          []any{json.Number("1"), "a"},
		"object:={\"a\":1}":        map[string]any{"a": json.Number("1")},
	} {
		_, value, err := parsePair(pair)
		require.NoError(t, err, pair)
		assert.Equal(t, want, value, pair)
	}
}

func TestWhatFollowsColonEqualsIsOneJSONValue(t *testing.T) {
	for _, pair := range []string{"k:=", "k:=pro", "k:=1 2", "k:=NaN", "k:={", "k:='a'"} {
		_, _, err := parsePair(pair)
		assert.Error(t, err, pair)
	}
}

func FuzzParsePair(f *testing.F) {
	for _, seed := range []string{"plan=pro", "size:=25", ":=", "=", "a:=[1]", "é=\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, pair string) {
		key, value, err := parsePair(pair)
		if err != nil {
			return
		}
		text, failure := json.Marshal(map[string]any{key: value})
		require.NoError(t, failure)
		again, failure := parseObject(text)
		require.NoError(t, failure)
		assert.Len(t, again, 1)
	})
}
