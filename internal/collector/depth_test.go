package collector_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/loopkitai/loopkit-go/internal/collector"
)

// nested is an object of so many levels.
func nested(levels int) string {
	return strings.Repeat(`{"a":`, levels-1) + `{"a":"\"{[\\"}` + strings.Repeat("}", levels-1)
}

func TestMessagesNestUpToAHundredLevels(t *testing.T) {
	message := func(levels int) []byte {
		return []byte(`{"userId":"user_123","traits":` + nested(levels-1) + `}`)
	}
	_, err := collector.Decode(collector.KindIdentify, message(100))
	assert.NoError(t, err)
	_, err = collector.Decode(collector.KindIdentify, message(101))
	assert.ErrorContains(t, err, "nests deeper than 100 levels")
	_, _, err = collector.Split(collector.Identifies, []byte(`{"identifies":[`+string(message(98))+`]}`))
	assert.NoError(t, err)
	_, _, err = collector.Split(collector.Identifies, []byte(strings.Repeat("[", 5<<20)))
	assert.ErrorContains(t, err, "nests deeper than 100 levels")
	wide := `{"userId":"user_123","traits":{"a":[` + strings.Repeat("{},", 1000) + `{}]}}`
	_, err = collector.Decode(collector.KindIdentify, []byte(wide))
	assert.NoError(t, err, "breadth is no depth")
}
