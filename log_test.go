package loopkit_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

func TestAnOutageHasALineAMinuteThatSaysWhyAndHowMuchWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := loopkittest.NewTransport(t)
		server.FailAll(loopkittest.Tracks, loopkittest.Fault{Status: 503})
		logger, log := newLog()
		c := newClient(t, server, func(o *loopkit.Options) { o.Logger = logger })
		trackN(t, c, 25)
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		lines := log.lines("cause=outage_tracks")
		assert.InDelta(t, 5, len(lines), 1)
		for _, line := range lines {
			assert.Contains(t, line, "level=WARN")
			assert.Contains(t, line, "pending=25")
			assert.Contains(t, line, "503")
		}
		assert.ErrorContains(t, c.Stats().Failing["tracks"], "503")
		server.Heal()
		require.NoError(t, c.Flush(t.Context()))
		assert.Empty(t, c.Stats().Failing)
	})
}

func TestTheLinesThatWereLeftOutAreCountedAtClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := loopkittest.NewTransport(t)
		server.FailAll(loopkittest.Tracks, loopkittest.Fault{Status: 401})
		logger, log := newLog()
		c := newClient(t, server, func(o *loopkit.Options) { o.Logger, o.BatchSize = logger, 100 })
		trackN(t, c, 1000)
		require.Error(t, c.Close(t.Context()))
		counted := 0
		for _, line := range log.lines("cause=drop_closed_track") {
			var n int
			_, err := fmt.Sscanf(line[strings.Index(line, "count="):], "count=%d", &n)
			require.NoError(t, err)
			counted += n
		}
		assert.Equal(t, 1000, counted)
	})
}

func TestAKeyThatWouldTravelUnencryptedIsWarnedOf(t *testing.T) {
	for base, warns := range map[string]bool{
		"http://loopkit.example/v1": true, "https://loopkit.example/v1": false,
		"http://127.0.0.1:4850/v1": false, "http://localhost/v1": false, "http://[::1]:80": false,
	} {
		synctest.Test(t, func(t *testing.T) {
			logger, log := newLog()
			newClient(t, loopkittest.NewTransport(t), func(o *loopkit.Options) { o.BaseURL, o.Logger = base, logger })
			synctest.Wait()
			assert.Equal(t, warns, len(log.lines("cause=plain_http")) == 1, base)
		})
	}
}

func TestStatsAsJSONDoNotQuoteTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := loopkittest.NewTransport(t)
		server.FailAll(loopkittest.Any, loopkittest.Fault{Status: 403, Body: `{"message":"no permission to identify jane@example.com"}`})
		c := newClient(t, server)
		require.NoError(t, c.Identify(visitor("anon_1"), "user_1", nil))
		err := c.Flush(t.Context())
		var answer *loopkit.APIError
		require.ErrorAs(t, err, &answer)
		assert.Contains(t, answer.Message, "jane@example.com")
		assert.NotContains(t, err.Error(), "jane")
		text, err := json.Marshal(c.Stats())
		require.NoError(t, err)
		assert.Contains(t, string(text), `"identifies":{`)
		assert.NotContains(t, string(text), "jane")
	})
}

func TestTheNamesOfPropertiesStayOutOfTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logger, log := newLog()
		c := newClient(t, loopkittest.NewTransport(t), func(o *loopkit.Options) { o.Logger = logger })
		err := c.Track(visitor("anon_1"), "e", loopkit.Properties{"jane@example.com": func() {}})
		require.ErrorContains(t, err, "jane@example.com", "the caller is told where")
		synctest.Wait()
		require.Len(t, log.lines("cause=refused", "properties"), 1)
		assert.NotContains(t, log.String(), "jane")
	})
}
