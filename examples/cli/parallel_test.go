package main

import (
	"bytes"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// together is a number of runs at the same time, all of which succeed. None says that
// it could not keep its event, so all must arrive.
func (m *machine) together(count int, args ...string) {
	m.t.Helper()
	runs, complaints := make([]*exec.Cmd, count), make([]bytes.Buffer, count)
	for i := range runs {
		runs[i] = m.command(args...)
		runs[i].Stderr = &complaints[i]
		require.NoError(m.t, runs[i].Start())
	}
	for i, c := range runs {
		require.NoError(m.t, c.Wait(), complaints[i].String())
		assert.Empty(m.t, complaints[i].String())
	}
}

const parallel = 10

func TestParallelRunsLoseNothing(t *testing.T) {
	for name, address := range map[string]string{
		"while the server answers 503":      "",
		"while the server is not there":     refusing(t),
		"while the server takes no request": "http://" + ignored(t) + "/v1",
	} {
		t.Run(name, func(t *testing.T) {
			m := agreed(t)
			m.down()
			if address != "" {
				m.env = []string{"LOOPKIT_BASE_URL=" + address}
			}
			m.together(parallel, "add", "Buy milk")
			require.Empty(t, m.server.Messages())
			m.env = nil
			m.server.Heal()
			assert.Equal(t, slices.Repeat([]string{"add"}, parallel), m.arrived(parallel))
			for _, message := range m.server.Messages() {
				assert.False(t, message.Duplicate, "%s", message.Raw)
			}
			assert.Equal(t, parallel, strings.Count(m.does("list"), "Buy milk"))
		})
	}
}

// Short runs, one after the other, empty the spool as well.
func TestAFewShortRunsDeliverWhatAnOutageLeft(t *testing.T) {
	m := agreed(t)
	m.down()
	m.together(parallel, "add", "Buy milk")
	m.server.Heal()
	later := 0
	for ; later < parallel && len(m.ended()) < parallel+later; later++ {
		m.does("list")
	}
	t.Logf("%d runs", later)
	assert.Len(t, m.ended(), parallel+later)
}

func TestParallelRunsOfANewMachineAreOnePerson(t *testing.T) {
	m := agreed(t)
	m.together(parallel, "add", "Buy milk")
	ids, _ := m.people(parallel)
	slices.Sort(ids)
	assert.Len(t, slices.Compact(ids), 1)
}
