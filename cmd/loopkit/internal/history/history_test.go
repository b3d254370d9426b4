package history

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

type values = map[string]any

func TestTraitsKeepWhatTheyWere(t *testing.T) {
	got := Of([]Change{
		{1, values{"plan": "trial", "size": 5.0}},
		{2, values{"plan": "trial"}},
		{3, values{"plan": "pro", "address": values{"city": "Bern"}}},
		{4, values{"plan": nil, "address": values{"city": "Bern"}}},
	})
	assert.Equal(t, []Trait{
		{Name: "address", Now: Value{values{"city": "Bern"}, 3}},
		{Name: "plan", Now: Value{nil, 4}, Earlier: []Value{{"pro", 3}, {"trial", 1}}},
		{Name: "size", Now: Value{5.0, 1}},
	}, got)
}

func TestOnlySoManyEarlierValuesAreKept(t *testing.T) {
	var changes []Change
	for i := range 100 {
		changes = append(changes, Change{int64(i + 1), values{"n": float64(i)}})
	}
	got := Of(changes)
	assert.Len(t, got[0].Earlier, MaxEarlier)
	assert.Equal(t, Value{98.0, 99}, got[0].Earlier[0])
	assert.Equal(t, 100-1-MaxEarlier, got[0].Older)
}
