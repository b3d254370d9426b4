package loopkittest_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

var errDisk = errors.New("the disk is broken")

func batch(id uint64, kind loopkit.Kind, messages ...string) loopkit.SpoolBatch {
	b := loopkit.SpoolBatch{ID: id, Kind: kind, Accepted: time.Date(2026, 1, 15, 10, 30, 0, 0, time.UTC)}
	for _, m := range messages {
		b.Messages = append(b.Messages, []byte(m))
	}
	return b
}

func mustAppend(t *testing.T, spool loopkit.Spool, batches ...loopkit.SpoolBatch) {
	t.Helper()
	require.NoError(t, spool.Append(batches))
}

func TestWhatIsInASpoolIsSeenAsACopy(t *testing.T) {
	disk := loopkittest.NewSpool()
	spool := disk.Open()
	want := []loopkit.SpoolBatch{batch(1, loopkit.KindTrack, `{"n":1}`, `{"n":2}`), batch(2, loopkit.KindIdentify, `{"n":3}`)}
	mustAppend(t, spool, want...)
	require.NoError(t, spool.SetState([]byte("state")))
	assert.Equal(t, want, disk.Batches())
	assert.Equal(t, "state", string(disk.State()))

	disk.Batches()[0].Messages[0][0] = '!'
	disk.State()[0] = '!'
	assert.Equal(t, want, disk.Batches())
	assert.Equal(t, "state", string(disk.State()))
	assert.Empty(t, disk.Violations())
}

func TestOneClientAtATimeHasASpool(t *testing.T) {
	disk := loopkittest.NewSpool()
	first := disk.Open()
	second := disk.Open()
	everyCall(second, func(call loopkittest.SpoolCall, err error) {
		assert.ErrorIs(t, err, loopkittest.ErrSpoolLocked, call)
	})
	mustAppend(t, first, batch(1, loopkit.KindTrack, `{}`))
	require.NoError(t, first.Close())
	everyCall(second, func(call loopkittest.SpoolCall, err error) {
		assert.ErrorIs(t, err, loopkittest.ErrSpoolLocked, call, "it stays locked out")
	})
	assert.Len(t, disk.Batches(), 1)
	assert.Empty(t, disk.Violations())

	third := disk.Open()
	_, err := third.Status()
	assert.NoError(t, err)
	require.NoError(t, third.Close())
}

// everyCall makes each call once, Close last.
func everyCall(spool loopkit.Spool, check func(loopkittest.SpoolCall, error)) {
	check(loopkittest.SpoolAppend, spool.Append([]loopkit.SpoolBatch{batch(100, loopkit.KindTrack, `{}`)}))
	_, err := spool.Next(loopkit.KindTrack, 0)
	check(loopkittest.SpoolNext, err)
	check(loopkittest.SpoolRemove, spool.Remove([]uint64{1}))
	_, err = spool.Purge(200, func(uint64, loopkit.Kind, []byte) bool { return true })
	check(loopkittest.SpoolPurge, err)
	check(loopkittest.SpoolSetState, spool.SetState([]byte("other")))
	_, err = spool.State()
	check(loopkittest.SpoolState, err)
	_, err = spool.Status()
	check(loopkittest.SpoolStatus, err)
	check(loopkittest.SpoolClose, spool.Close())
}

func TestACrashKeepsWhatIsThereAndNothingMore(t *testing.T) {
	disk := loopkittest.NewSpool()
	killed := disk.Open()
	want := batch(1, loopkit.KindTrack, `{"n":1}`)
	mustAppend(t, killed, want)
	require.NoError(t, killed.SetState([]byte("state")))
	disk.Crash()
	disk.Crash() // of nobody

	next := disk.Open()
	everyCall(killed, func(call loopkittest.SpoolCall, err error) {
		assert.ErrorIs(t, err, loopkittest.ErrSpoolCrashed, call)
	})
	assert.Equal(t, []loopkit.SpoolBatch{want}, disk.Batches())
	assert.Equal(t, "state", string(disk.State()))
	found, err := next.Next(loopkit.KindTrack, 0)
	require.NoError(t, err)
	assert.Equal(t, want, found)
	status, err := next.Status()
	require.NoError(t, err)
	assert.Equal(t, uint64(1), status.LastID)
	assert.Empty(t, disk.Violations(), "a client that was killed breaks no contract")
}

func TestEachCallOfASpoolTakesTheNextFault(t *testing.T) {
	disk := loopkittest.NewSpool()
	spool := disk.Open()
	disk.FailAll(loopkittest.AnySpoolCall, loopkittest.SpoolFault{Err: io.ErrUnexpectedEOF})
	everyCallButClose := []loopkittest.SpoolCall{}
	everyCall(spool, func(call loopkittest.SpoolCall, err error) {
		if call == loopkittest.SpoolClose {
			assert.NoError(t, err, "Close fails only by its name")
			return
		}
		everyCallButClose = append(everyCallButClose, call)
		assert.ErrorIs(t, err, io.ErrUnexpectedEOF, call)
	})
	assert.Len(t, everyCallButClose, 7)
	assert.Empty(t, disk.Batches())

	spool = disk.Open()
	disk.Heal()
	disk.Script(loopkittest.AnySpoolCall, loopkittest.SpoolFault{Err: io.ErrNoProgress})
	disk.Script(loopkittest.SpoolAppend, loopkittest.SpoolFault{Err: errDisk}, loopkittest.SpoolFault{})
	one := []loopkit.SpoolBatch{batch(1, loopkit.KindTrack, `{}`)}
	require.ErrorIs(t, spool.Append(one), errDisk)
	require.NoError(t, spool.Append(one), "the second fault changes nothing")
	require.ErrorIs(t, spool.Remove([]uint64{1}), io.ErrNoProgress)
	require.NoError(t, spool.Remove([]uint64{1}), "none is left")
	disk.FailAll(loopkittest.SpoolClose, loopkittest.SpoolFault{Err: errDisk})
	require.ErrorIs(t, spool.Close(), errDisk)
	assert.Equal(t, 3, disk.Calls(loopkittest.SpoolAppend))
	assert.Equal(t, 2, disk.Calls(loopkittest.SpoolClose))
	assert.Empty(t, disk.Violations())
}

func TestACallOfASpoolMayTakeEffectAndFail(t *testing.T) {
	disk := loopkittest.NewSpool()
	spool := disk.Open()
	mustAppend(t, spool, batch(1, loopkit.KindTrack, `{"n":1}`, `{"n":2}`), batch(2, loopkit.KindTrack, `{"n":3}`))
	disk.FailAll(loopkittest.AnySpoolCall, loopkittest.SpoolFault{Store: true, Err: errDisk})
	require.ErrorIs(t, spool.Remove([]uint64{2}), errDisk)
	_, err := spool.Purge(9, func(_ uint64, _ loopkit.Kind, m []byte) bool { return bytes.Contains(m, []byte("1")) })
	require.ErrorIs(t, err, errDisk)
	assert.Equal(t, []loopkit.SpoolBatch{batch(1, loopkit.KindTrack, `{"n":2}`)}, disk.Batches())
}

func TestASpoolMayPanic(t *testing.T) {
	disk := loopkittest.NewSpool()
	spool := disk.Open()
	disk.Script(loopkittest.SpoolAppend, loopkittest.SpoolFault{Panic: errDisk})
	assert.PanicsWithValue(t, errDisk, func() { _ = spool.Append([]loopkit.SpoolBatch{batch(1, loopkit.KindTrack, `{}`)}) })
	assert.Empty(t, disk.Batches())
	require.NoError(t, spool.Close(), "the call is over")
	assert.Empty(t, disk.Violations())
}

func TestACallOfASpoolBlocksUntilItIsReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := loopkittest.NewSpool()
		spool := disk.Open()
		release := make(chan struct{})
		disk.Script(loopkittest.SpoolAppend, loopkittest.SpoolFault{Until: release})
		appended := make(chan error, 1)
		go func() { appended <- spool.Append([]loopkit.SpoolBatch{batch(1, loopkit.KindTrack, `{}`)}) }()
		synctest.Wait()
		assert.Equal(t, 1, disk.Calls(loopkittest.SpoolAppend))
		assert.Empty(t, appended)
		assert.Empty(t, disk.Batches())
		close(release)
		require.NoError(t, <-appended)
		assert.Len(t, disk.Batches(), 1)
	})
}

func TestACrashEndsACallThatBlocks(t *testing.T) {
	for _, store := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			disk := loopkittest.NewSpool()
			spool := disk.Open()
			disk.Script(loopkittest.SpoolAppend, loopkittest.SpoolFault{Until: make(chan struct{}), Store: store})
			appended := make(chan error, 1)
			go func() { appended <- spool.Append([]loopkit.SpoolBatch{batch(1, loopkit.KindTrack, `{}`)}) }()
			synctest.Wait()
			disk.Crash()
			require.ErrorIs(t, <-appended, loopkittest.ErrSpoolCrashed)
			assert.Equal(t, store, len(disk.Batches()) == 1, "killed after the write, or before")
		})
	}
}

func TestASpoolWithALimitIsFullForAllButDeletions(t *testing.T) {
	disk := loopkittest.NewSpool()
	spool := disk.Open()
	disk.Limit(20)
	mustAppend(t, spool, batch(1, loopkit.KindTrack, `{"n":1}`, `{"n":2}`))
	err := spool.Append([]loopkit.SpoolBatch{batch(2, loopkit.KindTrack, `{"n":3}`)})
	require.ErrorIs(t, err, loopkit.ErrSpoolFull)
	assert.ErrorContains(t, err, "14 bytes of 20 are in use, and 7 more do not fit")
	mustAppend(t, spool, batch(3, loopkit.KindDeleteUser, `{"userId":"user_123"}`))
	require.NoError(t, spool.Remove([]uint64{1, 3}))
	mustAppend(t, spool, batch(4, loopkit.KindTrack, `{"n":3}`))
	disk.Limit(0)
	mustAppend(t, spool, batch(5, loopkit.KindTrack, `{"n":3}`, `{"n":4}`, `{"n":5}`))
	assert.Empty(t, disk.Violations())
}

func TestADamagedBatchIsLeftOutAndCounted(t *testing.T) {
	disk := loopkittest.NewSpool()
	spool := disk.Open()
	for id := uint64(1); id <= 5; id++ {
		mustAppend(t, spool, batch(id, loopkit.KindTrack, `{}`))
	}
	disk.Damage(1, 2, 4)
	damaged := func() int64 {
		status, err := spool.Status()
		require.NoError(t, err)
		return status.Damaged
	}
	assert.Zero(t, damaged(), "nobody has noticed")
	found, err := spool.Next(loopkit.KindTrack, 0)
	require.NoError(t, err)
	assert.Equal(t, uint64(3), found.ID)
	assert.Equal(t, int64(2), damaged())
	purged, err := spool.Purge(5, func(uint64, loopkit.Kind, []byte) bool { return true })
	require.NoError(t, err)
	assert.Equal(t, 1, purged)
	assert.Equal(t, int64(3), damaged())
	assert.Len(t, disk.Batches(), 1)
}

func TestABrokenContractIsNoted(t *testing.T) {
	track := batch(1, loopkit.KindTrack, `{}`)
	for _, c := range []struct {
		want    string
		violate func(loopkit.Spool)
	}{
		{"Append of ID 1 after ID 1", func(s loopkit.Spool) { _ = s.Append([]loopkit.SpoolBatch{track, track}) }},
		{"Append of ID 0 after ID 0", func(s loopkit.Spool) { _ = s.Append([]loopkit.SpoolBatch{batch(0, loopkit.KindTrack, `{}`)}) }},
		{"Append of ID 1 after ID 1", func(s loopkit.Spool) {
			_ = s.Append([]loopkit.SpoolBatch{track})
			_ = s.Remove([]uint64{1})
			_ = s.Append([]loopkit.SpoolBatch{track})
		}},
		{"Append of deletions together with other kinds", func(s loopkit.Spool) {
			_ = s.Append([]loopkit.SpoolBatch{track, batch(2, loopkit.KindDeleteUser, `{}`)})
		}},
		{"Append of batch 1 without messages", func(s loopkit.Spool) {
			_ = s.Append([]loopkit.SpoolBatch{batch(1, loopkit.KindTrack)})
		}},
		{"Append of batch 1, which is of Kind(5)", func(s loopkit.Spool) { _ = s.Append([]loopkit.SpoolBatch{batch(1, 5, `{}`)}) }},
		{"Append of batch 1 without the time of acceptance", func(s loopkit.Spool) {
			_ = s.Append([]loopkit.SpoolBatch{{ID: 1, Kind: loopkit.KindTrack, Messages: track.Messages}})
		}},
		{"Append of batch 1, of which message 1 is not JSON", func(s loopkit.Spool) {
			_ = s.Append([]loopkit.SpoolBatch{batch(1, loopkit.KindTrack, `{}`, `{"n":1}{"n":2}`)})
		}},
		{"SetState of 1025 bytes", func(s loopkit.Spool) { _ = s.SetState(make([]byte, 1025)) }},
		{"Append after Close", func(s loopkit.Spool) {
			_ = s.Close()
			assert.ErrorIs(t, s.Append([]loopkit.SpoolBatch{track}), os.ErrClosed)
		}},
		{"Close after Close", func(s loopkit.Spool) {
			_ = s.Close()
			assert.ErrorIs(t, s.Close(), os.ErrClosed)
		}},
	} {
		disk := loopkittest.NewSpool()
		c.violate(disk.Open())
		assert.Equal(t, []string{c.want}, disk.Violations())
	}
}

func TestTwoCallsAtOnceAreNoted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := loopkittest.NewSpool()
		spool := disk.Open()
		release := make(chan struct{})
		disk.Script(loopkittest.SpoolAppend, loopkittest.SpoolFault{Until: release})
		var appending sync.WaitGroup
		appending.Go(func() { assert.NoError(t, spool.Append([]loopkit.SpoolBatch{batch(1, loopkit.KindTrack, `{}`)})) })
		synctest.Wait()
		_, err := spool.Next(loopkit.KindTrack, 0)
		require.ErrorIs(t, err, io.EOF)
		close(release)
		appending.Wait()
		require.NoError(t, spool.Remove([]uint64{1}), "one after the other is right")
		assert.Equal(t, []string{"Next while Append is under way"}, disk.Violations())
	})
}

func TestAMessageThatMatchKeepsIsSpoilt(t *testing.T) {
	disk := loopkittest.NewSpool()
	spool := disk.Open()
	mustAppend(t, spool, batch(1, loopkit.KindTrack, `{"n":1}`))
	var kept []byte
	_, err := spool.Purge(9, func(_ uint64, _ loopkit.Kind, m []byte) bool { kept = m; return false })
	require.NoError(t, err)
	assert.Equal(t, "!!!!!!!", string(kept))
	assert.Equal(t, `{"n":1}`, string(disk.Batches()[0].Messages[0]))
}
