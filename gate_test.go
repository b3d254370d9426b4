package loopkit

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func testGate(t *testing.T) gate {
	s, err := resolve("lk_test", nil)
	require.NoError(t, err)
	return newGate(s)
}

var (
	errOutage = errors.New("outage")
	errHalt   = errors.New("halt")
	noon      = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
)

func TestAGateThatIsNotOpenAdmitsOneProbeAtATime(t *testing.T) {
	g := testGate(t)
	straggler, stale, probe := &attempt{}, &attempt{}, &attempt{}
	g.begin(straggler)
	g.failure(noon, false, 0, errOutage)
	assert.False(t, g.admits(noon))
	later := noon.Add(time.Minute)
	require.True(t, g.admits(later))
	g.begin(stale)
	assert.False(t, g.admits(later), "the probe is under way")

	assert.False(t, g.end(straggler))
	g.success(later) // of the straggler
	assert.True(t, g.admits(later))
	g.failure(later, false, 0, errOutage)
	later = later.Add(time.Minute)
	g.begin(probe)
	assert.False(t, g.end(stale), "a probe of an earlier outage is a straggler in this one")
	assert.False(t, g.admits(later))
	assert.True(t, g.end(probe))
}

func TestTheFirstSuccessOpensTheGateUnlessTheServerAskedForAPause(t *testing.T) {
	g := testGate(t)
	g.failure(noon, false, 0, errOutage)
	g.success(noon)
	assert.Equal(t, gateOpen, g.state)
	assert.NoError(t, g.err)

	g.failure(noon, false, time.Hour, errOutage)
	g.success(noon)
	assert.False(t, g.admits(noon.Add(59*time.Minute)))
	assert.ErrorIs(t, g.err, errOutage)
	assert.True(t, g.admits(noon.Add(time.Hour)))
}

func TestAStragglersFailureLeavesTheReasonOfAHaltAlone(t *testing.T) {
	g := testGate(t)
	assert.True(t, g.halt(noon, false, errHalt))
	until := g.until
	g.failure(noon, false, time.Hour, errOutage)
	assert.ErrorIs(t, g.err, errHalt)
	assert.Equal(t, gateHalted, g.state)
	assert.Equal(t, until, g.until)
}

func TestAHaltIsToldOnceUntilTheNextSuccess(t *testing.T) {
	g := testGate(t)
	assert.True(t, g.halt(noon, false, errHalt))
	g.failure(noon, true, 0, errOutage)
	assert.False(t, g.halt(noon, true, errHalt))
	g.success(noon)
	assert.True(t, g.halt(noon, false, errHalt))
}
