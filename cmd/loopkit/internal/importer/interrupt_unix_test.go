//go:build unix

package importer_test

import (
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/loopkittest"
)

// awaitRequest returns once the server has a request.
func awaitRequest(t *testing.T, server *loopkittest.Server) {
	t.Helper()
	require.Eventually(t, func() bool { return len(server.Requests()) > 0 }, 30*time.Second, 5*time.Millisecond)
}

func TestCtrlCFinishesWhatIsUnderWayAndSaysHowToGoOn(t *testing.T) {
	server := loopkittest.NewServer(t)
	server.FailAll(loopkittest.Any, loopkittest.Fault{Delay: 150 * time.Millisecond, Store: true, Status: http.StatusOK, Body: `{"success":true}`})
	path := write(t, tracks(9000)...)
	c := start(t, server.BaseURL(), "import", "--concurrency", "8", path)
	awaitRequest(t, server)
	require.NoError(t, c.Process.Signal(syscall.SIGINT))
	assert.Equal(t, 4, c.status())
	assert.Contains(t, c.err.String(), "interrupted\nGo on with: loopkit import --resume --concurrency 8 "+path)
	at := checkpointOf(t, path)
	assert.EqualValues(t, 4000, at.Sent)
	assert.Len(t, server.Messages(), 4000)

	server.Heal()
	c = start(t, server.BaseURL(), "import", "--resume", path)
	require.Equal(t, 0, c.status(), c.err.String())
	assert.Len(t, server.Messages(), 9000, "nothing came twice")
}

func TestCtrlCTwiceStopsAtOnce(t *testing.T) {
	server := loopkittest.NewServer(t)
	server.FailAll(loopkittest.Any, loopkittest.Fault{Hang: true})
	path := write(t, tracks(10)...)
	c := start(t, server.BaseURL(), "import", path)
	awaitRequest(t, server)
	began := time.Now()
	require.Eventually(t, func() bool {
		_ = c.Process.Signal(syscall.SIGINT) // it may have ended
		select {
		case <-c.ended:
			return true
		default:
			return false
		}
	}, 30*time.Second, 50*time.Millisecond)
	assert.Less(t, time.Since(began), 8*time.Second, "which is less than once would take")
	assert.True(t, c.ProcessState.Sys().(syscall.WaitStatus).Signaled())

	server.Heal()
	require.Equal(t, 0, start(t, server.BaseURL(), "import", "--resume", path).status())
	assert.Len(t, server.MessagesOf(loopkittest.KindTrack), 10)
}
