package loopkit

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
)

func TestTheDerivedAnonymousIDIsAVersion5UUIDOfTheUserID(t *testing.T) {
	seen := map[string]string{}
	for _, userID := range []string{"u", "user_123", "alice@example.com", "żółć", strings.Repeat("x", maxIDBytes), strings.Repeat("x", maxIDBytes-1)} {
		got := derivedAnonymousID(userID)
		assert.Equal(t, "anon_"+uuid.NewSHA1(derivedNamespace, []byte(userID)).String(), got)
		assert.Equal(t, got, derivedAnonymousID(userID), "stable")
		assert.Empty(t, seen[got], "different for different users")
		seen[got] = userID
	}
	// Known users would get a second anonymous ID if this ever changed.
	assert.Equal(t, "anon_af09cbaf-6356-5904-b0f1-c10d1e69fad6", derivedAnonymousID("user_123"))
}
