//go:build unix

package loopkitcli_test

import (
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/loopkitcli"
)

// A pipe that nobody writes to stands for a disk that hangs.
func TestFinishKeepsToItsBudgetIfTheDiskHangs(t *testing.T) {
	i := agreed(t)
	i.options.ExitBudget = 100 * time.Millisecond
	run := i.began("deploy")
	require.NoError(t, os.Remove(i.path("choice")))
	require.NoError(t, syscall.Mkfifo(i.path("choice"), 0o600))
	start := time.Now()
	run.Finish(0)
	assert.Less(t, time.Since(start), 10*time.Second, "for ever, without a bound")

	writer, err := os.OpenFile(i.path("choice"), os.O_WRONLY, 0)
	require.NoError(t, err)
	require.NoError(t, writer.Close())
	require.Eventually(t, func() bool { return run.Decision().Mode == loopkitcli.Off }, 10*time.Second, time.Millisecond)
	assert.NoError(t, run.Client().Close(t.Context()))
}
