package main

import (
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/loopkittest"
)

// kill ends a run as kill -9 does, at the moment that until waits for, and reports
// whether it was still running.
func (m *machine) kill(c *exec.Cmd, until func()) bool {
	m.t.Helper()
	require.NoError(m.t, c.Start())
	until()
	killed := c.Process.Kill()
	if killed != nil {
		require.ErrorIs(m.t, killed, os.ErrProcessDone)
	}
	var ended *exec.ExitError
	return errors.As(c.Wait(), &ended) && killed == nil
}

func TestAKilledRunHarmsNothing(t *testing.T) {
	m := agreed(t)
	c := m.command("add") // waits for its input
	input, err := c.StdinPipe()
	require.NoError(t, err)
	require.True(t, m.kill(c, m.awaitSpool))
	require.ErrorIs(t, input.Close(), os.ErrClosed, "by Wait")
	m.does("add", "Buy milk")
	assert.Equal(t, []string{"add"}, m.arrived(1), "the run that was killed had no end, so it is no event")
	assert.Equal(t, "  1  Buy milk\n", m.does("list"))
}

func TestARunThatIsKilledWhileItSendsIsSentByTheNextOne(t *testing.T) {
	m := agreed(t)
	m.server.FailAll(loopkittest.Tracks, loopkittest.Fault{Hang: true})
	require.True(t, m.kill(m.command("add", "Buy milk"), func() {
		m.await(func() bool { return len(m.server.Requests()) > 0 }, "it sends nothing")
	}))
	m.server.Heal()
	assert.Equal(t, []string{"add"}, m.arrived(1))
}

func TestRunsThatAreKilledAtAnyMomentHarmNothing(t *testing.T) {
	const rounds = 10
	m := agreed(t)
	m.does("login", "user_123")
	m.server.FailAll(loopkittest.Any, loopkittest.Fault{Hang: true})
	killed := 0
	for range rounds {
		c := m.command("add", "Buy milk")
		moment := time.NewTimer(rand.N(250 * time.Millisecond)) // a run takes 300 ms
		if m.kill(c, func() { <-moment.C }) {
			killed++
		}
	}
	t.Logf("%d of %d were killed", killed, rounds)
	m.server.Heal()
	m.server.Reset()
	m.does("list")
	found := m.runs(rounds - killed + 1)
	assert.LessOrEqual(t, len(found), rounds+1)
	for _, e := range found {
		assert.Equal(t, "user_123", e.UserID)
	}
	loopkittest.RequireIdentified(t, m.server, "user_123", m.status().AnonymousID)
	loopkittest.RequireNoConflicts(t, m.server)
	assert.Empty(t, m.status().Problems)
}
