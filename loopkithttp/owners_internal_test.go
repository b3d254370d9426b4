package loopkithttp

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAnAnonymousIDIsItsFirstUsers(t *testing.T) {
	var o owners
	assert.True(t, o.claim("anon_1", "user_1"))
	assert.True(t, o.claim("anon_1", "user_1"), "again")
	assert.False(t, o.claim("anon_1", "user_2"))
	assert.True(t, o.claim("anon_2", "user_2"))
	o.release("anon_1", "user_2")
	assert.False(t, o.claim("anon_1", "user_2"), "only its user gives it back")
	o.release("anon_1", "user_1")
	assert.True(t, o.claim("anon_1", "user_2"))
}

func TestOwnersAreForgottenWhenManyCameAfterThem(t *testing.T) {
	var o owners
	require.True(t, o.claim("anon_often", "user_1"))
	require.True(t, o.claim("anon_once", "user_1"))
	for i := range 2 * ownersOfGeneration {
		require.True(t, o.claim(fmt.Sprintf("anon_%d", i), "user_1"))
		require.LessOrEqual(t, len(o.recent)+len(o.older), 2*ownersOfGeneration)
		if i%1000 == 0 {
			require.True(t, o.claim("anon_often", "user_1"))
		}
		if i == ownersOfGeneration {
			require.False(t, o.claim("anon_once", "user_2"), "the last 4096 at least are known")
		}
	}
	assert.False(t, o.claim("anon_often", "user_2"), "what is asked for is not forgotten")
	assert.True(t, o.claim("anon_once", "user_2"), "memory has a bound")
}

func TestOfUsersAtOnceOneGetsTheAnonymousID(t *testing.T) {
	var o owners
	for round := range 100 {
		var all sync.WaitGroup
		var won atomic.Int64
		for user := range 8 {
			all.Go(func() {
				if o.claim(fmt.Sprintf("anon_%d", round), fmt.Sprintf("user_%d", user)) {
					won.Add(1)
				}
			})
		}
		all.Wait()
		require.Equal(t, int64(1), won.Load())
	}
}

func TestADayIsThatOfUTC(t *testing.T) {
	west := time.FixedZone("west", -8*60*60)
	assert.Equal(t, "2025-01-16", day(time.Date(2025, 1, 15, 16, 0, 0, 0, west)))
}
