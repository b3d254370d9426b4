package spool_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/spool"
)

// holdVariable makes this test program a process that holds a spool.
const holdVariable = "LOOPKIT_SPOOL_TEST_HOLD"

func TestInAChildThatHoldsASpool(t *testing.T) {
	dir := os.Getenv(holdVariable)
	if dir == "" {
		return // hold starts it
	}
	s := open(t, dir, &spool.Options{Processes: 2})
	require.NoError(t, s.Append([]loopkit.SpoolBatch{
		events(1, "child"), batch(2, loopkit.KindDeleteUser, "user_123"), events(3, "child again"),
	}))
	fmt.Println("held")
	_, err := io.Copy(io.Discard, os.Stdin) // until it is killed
	require.NoError(t, err)
}

// hold starts a process that has kept three batches, and returns how to kill it.
func hold(t *testing.T, dir string) (kill func()) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestInAChildThatHoldsASpool$")
	cmd.Env = append(os.Environ(), holdVariable+"="+dir)
	_, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "held\n", line)
	return func() {
		require.NoError(t, cmd.Process.Kill())
		assert.Error(t, cmd.Wait(), "it was killed")
	}
}

func TestASecondProcessGetsErrLockedUntilTheFirstIsKilled(t *testing.T) {
	dir := t.TempDir()
	kill := hold(t, dir)
	_, err := spool.Open(dir, nil)
	require.ErrorIs(t, err, spool.ErrLocked)
	kill()
	assert.Equal(t, []uint64{1, 3, 2}, ids(drained(t, open(t, dir, nil))), "what it kept is there")
}

func TestProcessesShareADirectoryAndTakeOverWhatOthersLeft(t *testing.T) {
	dir, two := t.TempDir(), &spool.Options{Processes: 2}
	kill := hold(t, dir)
	s, err := spool.Open(dir, two)
	require.NoError(t, err)
	require.Empty(t, drained(t, s), "the other process is alive")
	require.NoError(t, s.Append([]loopkit.SpoolBatch{events(1, "parent")}))
	_, err = spool.Open(dir, two)
	require.ErrorIs(t, err, spool.ErrLocked, "both are taken")
	kill()
	require.NoError(t, s.Close())

	first := open(t, dir, two) // takes the file of the child, and then what is in the other
	got := drained(t, first)
	require.Equal(t, []uint64{1, 3, 4, 2}, ids(got))
	assert.Equal(t, events(0, "parent").Messages, got[2].Messages)
	require.NoError(t, first.Append([]loopkit.SpoolBatch{events(5, "new")}))
	second := open(t, dir, two)
	assert.Empty(t, drained(t, second), "nothing is left there")
}

func TestWhatIsTakenOverKeepsItsOrderAndIsBounded(t *testing.T) {
	dir, two := t.TempDir(), &spool.Options{Processes: 2, Sync: spool.SyncNever}
	first := open(t, dir, two)
	second, err := spool.Open(dir, two)
	require.NoError(t, err)
	const each, n = 100_000, 100 // 10 MB
	for id := uint64(1); id <= n; id++ {
		b := large(id, each)
		if id%10 == 0 {
			b = batch(id, loopkit.KindDeleteUser, fmt.Sprint(id))
		}
		require.NoError(t, second.Append([]loopkit.SpoolBatch{b}))
	}
	require.NoError(t, second.Close())
	require.NoError(t, first.Append([]loopkit.SpoolBatch{events(7, "own")}))
	last := uint64(0)
	for opens := 1; ; opens++ {
		require.NoError(t, first.Close())
		first = open(t, dir, two)
		taken := status(t, first).LastID - max(last, 7)
		last = status(t, first).LastID
		if taken == 0 {
			assert.Equal(t, 4, opens, "each takes over 4 MiB of the 9 MB")
			break
		}
		assert.LessOrEqual(t, taken, uint64(60))
	}
	got := map[uint64]string{}
	for _, b := range drained(t, first) {
		got[b.ID] = string(b.Messages[0])
	}
	assert.Equal(t, string(events(0, "own").Messages[0]), got[7])
	for id := uint64(1); id <= n; id++ {
		want := string(large(id, 1).Messages[0])
		if id%10 == 0 {
			want = string(batch(id, loopkit.KindDeleteUser, fmt.Sprint(id)).Messages[0])
		}
		require.Equal(t, want, got[7+id])
	}
}

func TestTheBoundLeavesTheRestToLaterRuns(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir, &spool.Options{Processes: 2})
	second, err := spool.Open(dir, &spool.Options{Processes: 2})
	require.NoError(t, err)
	require.NoError(t, second.Append([]loopkit.SpoolBatch{large(1, 50_000), large(2, 50_000)}))
	require.NoError(t, second.Close())
	require.NoError(t, first.Close())
	small := &spool.Options{MaxBytes: 64 << 10}
	first, err = spool.Open(dir, small)
	require.NoError(t, err)
	assert.Empty(t, drained(t, first), "the two are taken over together, or not at all")
	require.NoError(t, first.Close())
	assert.Len(t, drained(t, open(t, dir, nil)), 2)
}
