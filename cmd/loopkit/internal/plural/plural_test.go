package plural_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/plural"
)

func TestOnlyOneIsSingular(t *testing.T) {
	for n, want := range map[int64]string{0: "0 events", 1: "1 event", 2: "2 events", -1: "-1 events"} {
		assert.Equal(t, want, plural.Of(n, "event"))
		assert.Equal(t, want, plural.Of(int(n), "event"))
	}
}
