package spool_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
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

	first := open(t, dir, two)
	assert.Equal(t, []uint64{1, 3, 2}, ids(drained(t, first)), "of the child, which was there first")
	second := open(t, dir, two)
	got := drained(t, second)
	require.Len(t, got, 1)
	assert.Equal(t, events(1, "parent").Messages, got[0].Messages)
	_, err = spool.Open(dir, two)
	require.ErrorIs(t, err, spool.ErrLocked)
}

// leaveInSlots has processes keep a batch each, which all run at once.
func leaveInSlots(t *testing.T, dir string, opts *spool.Options, batches ...loopkit.SpoolBatch) {
	t.Helper()
	var running []*spool.Spool
	for _, b := range batches {
		s, err := spool.Open(dir, opts)
		require.NoError(t, err)
		require.NoError(t, s.Append([]loopkit.SpoolBatch{b}))
		running = append(running, s)
	}
	for _, s := range running {
		require.NoError(t, s.Close())
	}
}

func TestTheLeftoversOfTenProcessesReachTenRunsTheOldestFirst(t *testing.T) {
	dir, opts := t.TempDir(), &spool.Options{Processes: 16, Sync: spool.SyncNever}
	var all []loopkit.SpoolBatch
	for id := uint64(1); id <= 10; id++ { // each slot has IDs of its own
		all = append(all, events(100-id, "user_123"))
	}
	leaveInSlots(t, dir, opts, all...)
	for _, want := range all {
		s, err := spool.Open(dir, opts)
		require.NoError(t, err)
		assert.Equal(t, []uint64{want.ID}, ids(drained(t, s)), "one run has what is in one slot")
		require.NoError(t, s.Remove([]uint64{want.ID}))
		require.NoError(t, s.Close())
	}
	for range 2 {
		s := open(t, dir, opts)
		assert.Empty(t, drained(t, s))
	}
}

func TestRepeatedOpensReachEverySlotAlthoughSomethingStaysThere(t *testing.T) {
	dir, opts := t.TempDir(), &spool.Options{Processes: 4, Sync: spool.SyncNever}
	want := []uint64{7, 8, 9}
	var all []loopkit.SpoolBatch
	for _, id := range want {
		all = append(all, batch(id, loopkit.KindDeleteUser, "user_123"))
	}
	leaveInSlots(t, dir, opts, all...)
	for range 2 {
		var got []uint64
		for range want {
			s, err := spool.Open(dir, opts)
			require.NoError(t, err)
			_, err = s.Purge(100, func(_ uint64, kind loopkit.Kind, _ []byte) bool { return kind == loopkit.KindTrack })
			require.NoError(t, err)
			got = append(got, ids(drained(t, s))...)
			require.NoError(t, s.Close())
		}
		require.Equal(t, want, got)
	}
}

func TestOpensAtOnceNeverShareASlot(t *testing.T) {
	dir, opts := t.TempDir(), &spool.Options{Processes: 12, Sync: spool.SyncNever}
	leaveInSlots(t, dir, opts, events(1, "a"), events(1, "b"))
	spools := make(chan *spool.Spool, opts.Processes)
	var group sync.WaitGroup
	for range opts.Processes {
		group.Go(func() {
			s, err := spool.Open(dir, opts)
			assert.NoError(t, err, "there is one for each")
			spools <- s
		})
	}
	group.Wait()
	close(spools)
	found := 0
	for s := range spools {
		found += len(drained(t, s))
		assert.NoError(t, s.Append([]loopkit.SpoolBatch{events(2, "mine")}), "the slot would have had this ID")
		t.Cleanup(func() { require.NoError(t, s.Close()) })
	}
	assert.Equal(t, 2, found)
	_, err := spool.Open(dir, opts)
	assert.ErrorIs(t, err, spool.ErrLocked)
}

func TestASlotThatCannotBeOpenedIsPassedOver(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(file(dir), []byte("Keep me, I am somebody's notes."), 0o600))
	_, err := spool.Open(dir, nil)
	require.ErrorContains(t, err, "is not a spool")
	two := &spool.Options{Processes: 2}
	s := open(t, dir, two)
	require.NoError(t, s.Append([]loopkit.SpoolBatch{events(1, "a")}))
	_, err = spool.Open(dir, two)
	assert.ErrorIs(t, err, spool.ErrLocked)
	assert.ErrorContains(t, err, "is not a spool")
}
