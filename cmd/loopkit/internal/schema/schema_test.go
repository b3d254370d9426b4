package schema

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/store"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

type values = map[string]any

var good = Style{Good: true}

func tracked(name string, properties values) collector.Message {
	return collector.Message{Kind: collector.KindTrack, Name: name, AnonymousID: "A", Values: properties}
}

func of(messages ...collector.Message) Schema {
	s := store.New(0)
	s.Record(collector.Request{}, messages)
	return Of(s.Snapshot().Entries)
}

func TestPropertiesHaveTypesFillAndAnExample(t *testing.T) {
	got := of(
		tracked("page_view", values{"page": "/", "n": 1.0, "rare": nil}),
		tracked("page_view", values{"page": "/pricing", "n": "1"}),
		tracked("page_view", values{"page": "/pricing", "n": 2.5, "tags": []any{"a"}, "at": values{"x": true}}),
		tracked("other", nil),
		collector.Message{Kind: collector.KindDeleteUser, UserID: "U"},
	)
	require.Len(t, got.Events, 2)
	assert.Equal(t, Shape{Name: "other", Style: good, Count: 1, Last: 4}, got.Events[0])
	assert.Equal(t, Shape{Name: "page_view", Style: good, Count: 3, Last: 3, Properties: []Property{
		{Name: "at", Style: good, Types: []TypeCount{{"object", 1}}, Fill: 33, Example: Example{Text: `{"x":true}`}},
		{Name: "n", Style: good, Types: []TypeCount{{"number", 2}, {"string", 1}}, Fill: 100, Example: Example{Text: "2.5"}, Drift: true},
		{Name: "page", Style: good, Types: []TypeCount{{"string", 3}}, Fill: 100, Example: Example{Text: `"/pricing"`}},
		{Name: "rare", Style: good, Types: []TypeCount{{"null", 1}}},
		{Name: "tags", Style: good, Types: []TypeCount{{"array", 1}}, Fill: 33, Example: Example{Text: `["a"]`}},
	}}, got.Events[1])
	assert.True(t, got.Events[1].Drifts())
}

func TestNullIsNoDrift(t *testing.T) {
	got := of(tracked("a", values{"x": nil}), tracked("a", values{"x": "y"}))
	assert.False(t, got.Events[0].Drifts())
	assert.Equal(t, 50, got.Events[0].Properties[0].Fill)
}

func TestTraitsOfUsersAndOfEachTypeOfGroupHaveShapes(t *testing.T) {
	got := of(
		collector.Message{Kind: collector.KindIdentify, UserID: "U", Values: values{"plan": "pro"}},
		collector.Message{Kind: collector.KindGroup, GroupID: "G", GroupType: "team", Values: values{"size": 1.0}},
		collector.Message{Kind: collector.KindGroup, GroupID: "H", Values: values{"size": 2.0}},
		collector.Message{Kind: collector.KindGroup, GroupID: "I", Values: values{"size": 3.0}},
	)
	assert.Empty(t, got.Events)
	require.Len(t, got.Users, 1)
	require.Len(t, got.Groups, 2)
	assert.Equal(t, 2, got.Groups[0].Count)
	assert.Equal(t, "team", got.Groups[1].Name)
}

func TestAMessageIDCountsOnce(t *testing.T) {
	m := tracked("a", nil)
	m.MessageID = "1"
	assert.Equal(t, 1, of(m, m).Events[0].Count)
}

func TestNamesMadeOfDataHaveABound(t *testing.T) {
	var messages []collector.Message
	for i := range MaxShapes + 50 {
		messages = append(messages, tracked(fmt.Sprintf("e%03d", i), nil))
	}
	many := values{}
	for i := range MaxProperties + 7 {
		many[fmt.Sprintf("p%03d", i)] = 1.0
	}
	messages = append(messages, tracked("e000", many))
	got := of(messages...)
	assert.Len(t, got.Events, MaxShapes)
	assert.Equal(t, 50, got.Hidden)
	assert.Len(t, got.Events[0].Properties, MaxProperties)
	assert.Equal(t, 7, got.Events[0].Hidden)
}

func TestExamplesShowNothingPersonal(t *testing.T) {
	tests := map[string]struct {
		name     string
		value    any
		ofPerson bool
		want     Example
	}{
		"a value":                        {"page", "/pricing", false, Example{Text: `"/pricing"`}},
		"an address by its key":          {"email", "x", false, Example{Masked: "personal"}},
		"an address by its form":         {"contact", "user@example.com", false, Example{Masked: "personal"}},
		"a number of a card":             {"note", "4111 1111 1111 1111", false, Example{Masked: "personal"}},
		"a secret":                       {"password", "x", false, Example{Masked: "secret"}},
		"the name of a person":           {"name", "x", true, Example{Masked: "personal"}},
		"the name of a group":            {"name", "Acme Corp", false, Example{Text: `"Acme Corp"`}},
		"whether there is an address":    {"email", true, false, Example{Text: "true"}},
		"something personal deep inside": {"form", []any{values{"email": "x"}}, false, Example{Masked: "personal"}},
		"a secret beside it":             {"form", values{"email": "x", "password": "y"}, false, Example{Masked: "secret"}},
		"a long one":                     {"text", strings.Repeat("ä", 100), false, Example{Text: `"` + strings.Repeat("ä", 58) + "…"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, test.want, exampleOf(test.name, test.value, test.ofPerson))
		})
	}
}

func TestNamesAreSuggestedInSnakeCase(t *testing.T) {
	for name, want := range map[string]Style{
		"user_signup": good, "a": good, "step_2": good,
		"userSignup": {Suggestion: "user_signup"}, "User Signup": {Suggestion: "user_signup"}, "user-signup": {Suggestion: "user_signup"},
		"pageURLSeen": {Suggestion: "page_url_seen"}, "UserID": {Suggestion: "user_id"}, "user__signup": {Suggestion: "user_signup"},
		"$pageview": {Suggestion: "pageview"}, "_private": {Suggestion: "private"},
		"2nd": {}, "": {}, "日本": {}, "!!": {}, "Größe": {},
	} {
		assert.Equal(t, want, styleOf(name), name)
	}
}

func FuzzASuggestionIsInSnakeCase(f *testing.F) {
	for _, name := range []string{"userSignup", "User Signup", "日本", "", "\xff", "a__b"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		style := styleOf(name)
		assert.Equal(t, style.Good, snakeCase.MatchString(name))
		if style.Suggestion != "" {
			assert.False(t, style.Good)
			assert.Regexp(t, snakeCase, style.Suggestion)
		}
	})
}
