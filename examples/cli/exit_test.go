package main

import (
	"net"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/loopkittest"
)

// mostExit is the exit budget of 300 ms, and the start of the process.
const mostExit = 350 * time.Millisecond

// attempts is how often something that takes too long on a busy machine is tried:
// whatever else the machine does only adds to it, so the best counts.
const attempts = 10

// holes are addresses that take a request and never answer it.
func holes(t testing.TB) map[string]string {
	t.Helper()
	hanging := loopkittest.NewServer(t)
	hanging.FailAll(loopkittest.Any, loopkittest.Fault{Hang: true})
	return map[string]string{
		"a server that never answers":     hanging.BaseURL(),
		"connections that nobody takes":   "http://" + ignored(t) + "/v1",
		"a handshake that nobody answers": "https://" + ignored(t) + "/v1",
	}
}

// ignored is an address at which nobody accepts connections.
func ignored(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, listener.Close()) })
	return listener.Addr().String()
}

// refusing is an address at which there is nobody.
func refusing(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	return "http://" + listener.Addr().String() + "/v1"
}

func TestARunEndsInTimeWhateverTheNetworkDoesAndTheNextOneDelivers(t *testing.T) {
	for name, address := range holes(t) {
		t.Run(name, func(t *testing.T) { testExit(t, address) })
	}
}

func TestARunEndsInTimeWhereNobodyListensAndTheNextOneDelivers(t *testing.T) {
	testExit(t, refusing(t))
}

func testExit(t *testing.T, address string) {
	m := agreed(t)
	inTime, delivered := false, false
	var want []string
	for attempt := 0; attempt < attempts && !(inTime && delivered); attempt++ {
		m.env = []string{"LOOPKIT_BASE_URL=" + address}
		r := m.run("add", "Buy milk")
		require.Zero(t, r.code, r.complaints)
		before := len(m.ended())
		require.Len(t, want, before)

		m.env = nil
		m.does("list")
		next := len(m.ended()) - before
		t.Logf("it took %v; the next run delivered %d events", r.took, next)
		inTime = inTime || r.took < mostExit
		delivered = delivered || next == 2
		want = append(want, "add", "list")
		slices.Sort(want)
		assert.Equal(t, want, m.arrived(len(want)))
	}
	assert.True(t, inTime, "none of %d runs ended within %v", attempts, mostExit)
	assert.True(t, delivered, "none of %d runs delivered what the one before had left", attempts)
}

func TestARunWhoseEventIsTakenDoesNotWait(t *testing.T) {
	m := agreed(t)
	best := time.Hour
	for attempt := 0; attempt < attempts && best > mostExit/2; attempt++ {
		r := m.run("add", "Buy milk")
		require.Zero(t, r.code, r.complaints)
		best = min(best, r.took)
	}
	assert.Less(t, best, mostExit/2)
}
