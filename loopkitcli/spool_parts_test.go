package loopkitcli_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkitcli"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// parts is a spool with a part for each process, as package spool has it: one that
// is opened takes over a batch of what is in those that are free.
type parts [4]*loopkittest.Spool

// parted installs a program with such a spool, like spooling.
func parted(t *testing.T) (*installation, parts) {
	i, _ := spooling(t)
	var p parts
	for n := range p {
		p[n] = loopkittest.NewSpool()
	}
	i.options.Spool = func(dir string) (loopkit.Spool, error) { return p.open(dir) }
	return i, p
}

func (p parts) open(dir string) (loopkit.Spool, error) {
	for n := range p {
		mine, err := open(p[n], dir)
		if err != nil {
			continue
		}
		for _, part := range p {
			if other, err := open(part, dir); err == nil {
				return mine, errors.Join(takeOver(mine, other), other.Close())
			}
		}
		return mine, nil
	}
	return nil, loopkittest.ErrSpoolLocked
}

func takeOver(mine, other loopkit.Spool) error {
	status, err := mine.Status()
	if err != nil {
		return err
	}
	batch, err := other.Next(loopkit.KindTrack, 0)
	if err != nil {
		return nil // there is none
	}
	id := batch.ID
	batch.ID = status.LastID + 1
	return errors.Join(mine.Append([]loopkit.SpoolBatch{batch}), other.Remove([]uint64{id}))
}

// fill puts batches of one message into every part.
func (p parts) fill(t *testing.T, i *installation, each int) {
	for _, part := range p {
		spool, err := open(part, i.path("spool"))
		require.NoError(t, err)
		for id := range uint64(each) {
			require.NoError(t, spool.Append([]loopkit.SpoolBatch{{
				ID: id + 1, Kind: loopkit.KindTrack, Accepted: time.Now(),
				Messages: [][]byte{[]byte(`{"messageId":"m","name":"old","anonymousId":"anon_old"}`)},
			}}))
		}
		require.NoError(t, spool.Close())
	}
}

func (p parts) left() int {
	left := 0
	for _, part := range p {
		left += len(part.Batches())
	}
	return left
}

func TestOffRemovesWhatWaitsInEveryPartOfTheSpool(t *testing.T) {
	for _, command := range []string{"off", "reset"} {
		i, p := parted(t)
		p.fill(t, i, 5)
		assert.Contains(t, i.say("show"), "20 messages wait, ")
		assert.Contains(t, i.say(command), "Removed 20 messages that had not been sent yet.\n")
		assert.Zero(t, p.left())
	}
}

func TestOffKeepsADeletionOfARunThatIsUnderWay(t *testing.T) {
	i, p := parted(t)
	i.options.Client.DeletionQuarantine = -1
	run := i.run()
	run.Start("delete-account")
	require.NoError(t, run.Session().Track(t.Context(), "e", nil))
	_, err := run.Client().DeleteUser(t.Context(), "user_123")
	require.NoError(t, err)
	require.NoError(t, run.Client().Flush(t.Context())) // both are on the disk
	require.Equal(t, 2, p.left())
	i.say("off")
	run.Finish(0)
	assert.Equal(t, 1, p.left(), "the run has removed its event itself")
	i.server.Heal()
	i.say("on")
	run = i.run()
	run.Start("deploy")
	require.Eventually(t, func() bool { return len(i.server.Messages()) == 1 }, 10*time.Second, time.Millisecond)
	assert.Equal(t, loopkittest.KindDeleteUser, i.server.Messages()[0].Kind)
	run.Finish(0)
}

// A process that was killed left its part of the spool in use for a moment longer
// than the user's no.
func TestNothingFromBeforeANoIsSentAfterAYes(t *testing.T) {
	i, p := parted(t)
	i.say("off")
	p.fill(t, i, 1)
	i.server.Heal()
	i.say("on")
	assert.Zero(t, p.left())
	i.command("deploy")
	assert.Len(t, i.server.Messages(), 1)
}

func TestAYesIsNotKeptWhileSomethingFromBeforeTheNoIsLeft(t *testing.T) {
	i, disk := spooling(t)
	i.command("deploy")
	i.say("off")
	inUse := disk.Open()
	synctest.Test(t, func(t *testing.T) { assert.Contains(t, i.fails("on"), "another run has it open") })
	assert.Equal(t, loopkitcli.Off, i.run().Decision().Mode)
	require.NoError(t, inUse.Close())
	i.say("on")
}

func TestOnceItIsEmptyRunsOfAUserWhoSaidNoLeaveTheSpoolAlone(t *testing.T) {
	i, _ := spooling(t)
	i.command("deploy")
	i.say("off")
	i.options.Spool = func(string) (loopkit.Spool, error) {
		assert.Fail(t, "it is opened")
		return nil, nil
	}
	i.command("deploy")
	assert.Equal(t, withdrawn, i.files())
}
