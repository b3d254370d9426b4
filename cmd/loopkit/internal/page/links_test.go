package page

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/filter"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/store"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

func TestALinkToLiveFindsExactlyWhatItNames(t *testing.T) {
	for _, id := range []string{"user_123", "a b", `say "hi"`, `back\slash`, "*", ">=400", "-x", `\"`, "a:b", "user@example.com"} {
		u, err := url.Parse(liveURL("user", id, "anon", ""))
		require.NoError(t, err)
		f, err := filter.Parse(u.Query().Get("q"))
		require.NoError(t, err, id)
		entry := func(id string) *store.Entry {
			return &store.Entry{Request: &collector.Request{}, Message: &collector.Message{UserID: id}}
		}
		assert.True(t, f.Match(entry(id)), id)
		assert.False(t, f.Match(entry(id+"x")), id)
	}
}
