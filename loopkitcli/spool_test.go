package loopkitcli_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkitcli"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// spooling installs a program with a spool whose user agreed, and makes LoopKit
// unreachable.
func spooling(t *testing.T) (*installation, *loopkittest.Spool) {
	t.Helper()
	i, disk := agreed(t), loopkittest.NewSpool()
	i.options.Spool = func(dir string) (loopkit.Spool, error) {
		assert.Equal(t, i.path("spool"), dir)
		return open(disk, dir)
	}
	i.options.Client.OnError = func(_ context.Context, err error) { assert.NoError(t, err) }
	i.server.FailAll(loopkittest.Any, loopkittest.Fault{Status: 503})
	return i, disk
}

// withdrawn are the files of a user who said no: the spool is empty.
var withdrawn = []string{"choice", "cleared", "spool"}

// open opens a spool, unless another process has it open.
func open(disk *loopkittest.Spool, dir string) (loopkit.Spool, error) {
	spool := disk.Open()
	if _, err := spool.Status(); err != nil {
		return nil, err
	}
	return spool, os.MkdirAll(dir, 0o700)
}

func TestWhatCouldNotBeSentIsSentByTheNextRun(t *testing.T) {
	i, _ := spooling(t)
	i.command("first")
	i.login("user_123")
	assert.Empty(t, i.server.Messages())
	i.server.Heal()
	run := i.run()
	run.Start("third") // sends while the command works
	require.Eventually(t, func() bool { return len(i.server.Messages()) >= 3 }, 10*time.Second, time.Millisecond)
	run.Finish(0)
	require.Len(t, i.server.Messages(), 5)
	assert.Equal(t, []string{"", "user_123", "user_123"}, i.users())
	loopkittest.RequireNoConflicts(t, i.server)
}

func TestASpoolIsOpenedOnlyIfTheRunMaySend(t *testing.T) {
	i := install(t)
	opened := 0
	i.options.Spool = func(string) (loopkit.Spool, error) {
		opened++
		return nil, errors.New("the disk is on fire")
	}
	i.command("deploy")
	i.say("on")
	t.Setenv(doNotTrack, "1")
	i.command("deploy")
	t.Setenv(doNotTrack, "")
	i.run().Finish(0)
	assert.Zero(t, opened)

	var told []error
	i.options.Client.OnError = func(_ context.Context, err error) { told = append(told, err) }
	i.command("deploy")
	assert.Equal(t, 1, opened)
	i.anonymousIDs(1)
	require.Len(t, told, 1, "a spool that cannot be opened stops nothing")
	assert.ErrorContains(t, told[0], "the disk is on fire")
}

func TestOffRemovesWhatWaits(t *testing.T) {
	i, _ := spooling(t)
	i.command("deploy")
	i.login("user_123")
	assert.Contains(t, i.say("off"), "Removed 3 messages that had not been sent yet.\n")
	assert.Equal(t, withdrawn, i.files())
	i.server.Heal()
	i.say("on")
	i.command("deploy")
	i.anonymousIDs(1)
	assert.Len(t, i.server.Messages(), 1)
}

func TestResetRemovesWhatWaits(t *testing.T) {
	i, _ := spooling(t)
	i.command("deploy")
	old := i.run().Status().AnonymousID
	require.NotEmpty(t, old)
	text := i.say("reset")
	assert.Contains(t, text, "Removed the anonymous ID "+old+".\n")
	assert.Contains(t, text, "Removed 1 message that had not been sent yet.\n")
	i.server.Heal()
	i.command("deploy")
	assert.NotEqual(t, old, i.anonymousIDs(1)[0])
	assert.Equal(t, loopkitcli.On, i.run().Decision().Mode, "the choice stays")
}

// Who asked to be deleted and then says no to all else still wants to be deleted.
func TestADeletionOutlivesOff(t *testing.T) {
	i, _ := spooling(t)
	i.options.Client.DeletionQuarantine = -1
	run := i.run()
	run.Start("delete-account")
	_, err := run.Client().DeleteUser(t.Context(), "user_123")
	require.NoError(t, err)
	run.Finish(0)
	i.say("off")
	assert.Contains(t, i.files(), "spool")
	i.server.Heal()
	i.say("on")
	run = i.run()
	run.Start("deploy")
	require.Eventually(t, func() bool { return len(i.server.Messages()) == 1 }, 10*time.Second, time.Millisecond)
	run.Finish(0)
	assert.Equal(t, loopkittest.KindDeleteUser, i.server.Messages()[0].Kind)
}

func TestARunThatIsUnderWayKeepsNothingOfAUserWhoSaysNo(t *testing.T) {
	i, disk := spooling(t)
	run := i.run()
	run.Start("watch")
	require.NoError(t, run.Session().Track(t.Context(), "e", nil))
	require.NoError(t, run.Client().Flush(t.Context())) // it is on the disk
	i.write("choice", "off 2025-01-15\n")               // as another process does
	run.Finish(0)
	assert.Equal(t, withdrawn, i.files())
	assert.Empty(t, disk.Batches())
	assert.Empty(t, i.server.Messages())
}

func TestWhatCouldNotBeRemovedIsRemovedByTheNextRun(t *testing.T) {
	i, disk := spooling(t)
	i.command("deploy")
	works := i.options.Spool
	i.options.Spool = func(string) (loopkit.Spool, error) { return nil, errors.New("another process has it") }
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		assert.Contains(t, i.fails("off"), "another process has it")
		assert.InDelta(t, time.Second, time.Since(start), float64(50*time.Millisecond), "it waits for others to end")
	})
	assert.Contains(t, i.files(), "spool")
	assert.Equal(t, loopkitcli.Off, i.run().Decision().Mode)

	i.options.Spool = works
	i.command("deploy")
	assert.Equal(t, withdrawn, i.files())
	assert.Empty(t, disk.Batches())
}

func TestASpoolThatTheProgramHasNoMoreIsRemoved(t *testing.T) {
	i := agreed(t)
	i.write("spool/spool.db", "of an older version")
	i.say("off")
	assert.Equal(t, []string{"choice"}, i.files())
}
