package main

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/loopkittest"
)

// arrived are the commands of the runs whose events have arrived, sorted. On a busy
// machine a run may have left its event to a later one; so those of n runs are
// waited for.
func (m *machine) arrived(n int) []string {
	m.t.Helper()
	var found []string
	for _, e := range m.runs(n) {
		found = append(found, fmt.Sprint(e.Values["command"]))
	}
	slices.Sort(found)
	return found
}

// runs are the events of arrived, in the order in which they happened.
func (m *machine) runs(n int) []loopkittest.Message {
	m.t.Helper()
	if len(m.ended()) < n {
		m.drain(n)
	}
	return slices.SortedFunc(slices.Values(m.ended()), func(a, b loopkittest.Message) int {
		return a.Timestamp.Compare(b.Timestamp)
	})
}

// ended are the events of runs that have arrived by now, but for those of drain.
func (m *machine) ended() []loopkittest.Message {
	return slices.DeleteFunc(m.events("command_run"), func(e loopkittest.Message) bool {
		return fmt.Sprint(e.Values["flags"]) == "[file]"
	})
}

// events are those of a name that have arrived, in order. What arrived again,
// because its answer was lost, is left out.
func (m *machine) events(name string) []loopkittest.Message {
	return slices.DeleteFunc(m.server.MessagesOf(loopkittest.KindTrack), func(e loopkittest.Message) bool {
		return e.Duplicate || e.Name != name
	})
}

// drain runs the program until the events of n other runs have arrived. Each run
// sends what one of those that ended at the same time has left.
func (m *machine) drain(n int) {
	m.t.Helper()
	for start := time.Now(); len(m.ended()) < n; {
		require.Less(m.t, time.Since(start), patience, "what waits is not sent")
		m.does("add", "-file", "drain.txt", "one more")
	}
}

// hold begins a run that waits for its input, with which end ends it.
func (m *machine) hold(args ...string) (end func(input string)) {
	m.t.Helper()
	c := m.command(args...)
	in, err := c.StdinPipe()
	require.NoError(m.t, err)
	var complaints bytes.Buffer
	c.Stderr = &complaints
	require.NoError(m.t, c.Start())
	return func(input string) {
		m.t.Helper()
		_, err := io.WriteString(in, input)
		require.NoError(m.t, err)
		require.NoError(m.t, in.Close())
		require.NoError(m.t, c.Wait(), complaints.String())
		require.Empty(m.t, complaints.String())
	}
}

func (m *machine) await(condition func() bool, otherwise string) {
	m.t.Helper()
	require.Eventually(m.t, condition, patience, time.Millisecond, otherwise)
}

// down makes LoopKit answer every request with an error.
func (m *machine) down() {
	m.server.FailAll(loopkittest.Any, loopkittest.Fault{Status: 503})
}
