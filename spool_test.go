package loopkit_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	loopkit "github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// process is a client whose process can be killed.
type process struct {
	*loopkit.Client
	disk *loopkittest.Spool
	dead atomic.Bool
	next http.RoundTripper
}

var errDead = errors.New("this process is no more")

func (p *process) RoundTrip(r *http.Request) (*http.Response, error) {
	if p.dead.Load() {
		return nil, errDead
	}
	return p.next.RoundTrip(r)
}

// kill ends the process: nothing more reaches the disk or the network.
func (p *process) kill() {
	p.dead.Store(true)
	p.disk.Crash()
}

// startProcess returns a client of s that keeps its messages in disk.
func startProcess(t testing.TB, s *loopkittest.Server, disk *loopkittest.Spool, change ...func(*loopkit.Options)) *process {
	t.Helper()
	p := &process{disk: disk, next: s.HTTPClient().Transport}
	p.Client = newClient(t, s, append([]func(*loopkit.Options){func(o *loopkit.Options) {
		o.Spool = disk.Open()
		o.HTTPClient = &http.Client{Transport: p}
	}}, change...)...)
	t.Cleanup(func() { assert.Empty(t, disk.Violations(), "the client broke the contract of Spool") })
	return p
}

// names of the events that a server has stored, in order of arrival.
func eventNames(s *loopkittest.Server) (names []string) {
	for _, m := range s.Messages() {
		if m.Kind == loopkittest.KindTrack {
			names = append(names, m.Name)
		}
	}
	return names
}

func messagesIn(disk *loopkittest.Spool) (n int) {
	for _, b := range disk.Batches() {
		n += len(b.Messages)
	}
	return n
}

func TestWhatIsAcceptedIsInTheSpoolAfterTheSpoolInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, disk := loopkittest.NewTransport(t), loopkittest.NewSpool()
		s.FailAll(loopkittest.Any, loopkittest.Fault{Status: 503})
		c := startProcess(t, s, disk)
		trackN(t, c.Client, 3)
		time.Sleep(99 * time.Millisecond)
		synctest.Wait()
		assert.Zero(t, messagesIn(disk))
		assert.Zero(t, c.Stats().Spooled)
		time.Sleep(time.Millisecond)
		synctest.Wait()
		assert.Equal(t, 3, messagesIn(disk))
		assert.Equal(t, int64(3), c.Stats().Spooled)
		requireBalanced(t, c.Client)
	})
}

func TestABatchLeavesTheSpoolWhenLoopKitHasTakenIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, disk := loopkittest.NewTransport(t), loopkittest.NewSpool()
		c := startProcess(t, s, disk)
		trackN(t, c.Client, 3)
		require.NoError(t, c.Flush(t.Context()))
		synctest.Wait()
		assert.Empty(t, disk.Batches())
		stats := requireBalanced(t, c.Client)
		assert.Equal(t, int64(3), stats.Delivered)
		assert.Zero(t, stats.Spooled)
		assert.Zero(t, stats.SpoolBytes)
	})
}

func TestNothingIsSentBeforeItIsInTheSpool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, disk := loopkittest.NewTransport(t), loopkittest.NewSpool()
		slow := make(chan struct{})
		disk.Script(loopkittest.SpoolAppend, loopkittest.SpoolFault{Until: slow})
		c := startProcess(t, s, disk)
		require.NoError(t, c.Identify(visitor("anon_1"), "user_1", nil))
		trackN(t, c.Client, 3)
		flushed := make(chan error, 1)
		go func() { flushed <- c.Flush(t.Context()) }()
		time.Sleep(time.Hour / 2)
		synctest.Wait()
		assert.Empty(t, s.Requests())
		assert.Empty(t, flushed, "Flush waits for the disk")
		close(slow)
		require.NoError(t, <-flushed)
		synctest.Wait()
		assert.Len(t, s.Messages(), 4)
	})
}

func TestFlushReturnsWhenEverythingIsOnDiskAlthoughNothingCanBeSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, disk := loopkittest.NewTransport(t), loopkittest.NewSpool()
		s.FailAll(loopkittest.Any, loopkittest.Fault{Hang: true})
		c := startProcess(t, s, disk)
		trackN(t, c.Client, 3)
		start := time.Now()
		require.NoError(t, c.Flush(t.Context()))
		assert.Zero(t, time.Since(start))
		stats := requireBalanced(t, c.Client)
		assert.Equal(t, int64(3), stats.Pending)
		assert.Equal(t, int64(3), stats.Spooled)
	})
}

func TestSmallBatchesOnDiskShareOneRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, disk := loopkittest.NewTransport(t), loopkittest.NewSpool()
		c := startProcess(t, s, disk)
		for range 40 { // four seconds
			trackN(t, c.Client, 1)
			time.Sleep(100 * time.Millisecond)
		}
		synctest.Wait()
		assert.Empty(t, s.Requests(), "FlushInterval is not over")
		assert.Greater(t, len(disk.Batches()), 20)
		time.Sleep(time.Second)
		synctest.Wait()
		assert.Len(t, s.Requests(), 1)
		assert.Len(t, s.Messages(), 40)
		assert.Empty(t, disk.Batches())
		requireBalanced(t, c.Client)
	})
}

func TestAKilledProcessLosesAtMostTheSpoolInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, disk := loopkittest.NewTransport(t), loopkittest.NewSpool()
		s.FailAll(loopkittest.Any, loopkittest.Fault{Status: 503})
		first := startProcess(t, s, disk)
		trackNamed(t, first, "kept_1", "kept_2")
		time.Sleep(100 * time.Millisecond)
		synctest.Wait()
		trackNamed(t, first, "lost")
		first.kill()
		s.Heal()

		second := startProcess(t, s, disk)
		trackNamed(t, second, "new")
		require.NoError(t, second.Close(t.Context()))
		assert.ElementsMatch(t, []string{"kept_1", "kept_2", "new"}, eventNames(s))
		stats := requireBalanced(t, second.Client)
		assert.Equal(t, int64(3), stats.Accepted)
		assert.Equal(t, int64(2), stats.Restored)
		assert.Equal(t, int64(3), stats.Delivered)
		assert.Empty(t, disk.Batches())
	})
}

func trackNamed(t testing.TB, p *process, names ...string) {
	t.Helper()
	for _, name := range names {
		require.NoError(t, p.Track(visitor("anon_1"), name, nil))
	}
}

func TestCloseLeavesToTheNextProcessWhatCannotBeSent(t *testing.T) {
	for name, fault := range map[string]loopkittest.Fault{
		"no answer":     {Hang: true},
		"an outage":     {Status: 503},
		"a refused key": {Status: 401},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, disk := loopkittest.NewTransport(t), loopkittest.NewSpool()
				s.FailAll(loopkittest.Any, fault)
				first := startProcess(t, s, disk)
				require.NoError(t, first.Identify(visitor("anon_1"), "user_1", nil))
				require.NoError(t, first.Group(known("anon_1", "user_1"), "team_1", nil))
				trackNamed(t, first, "a", "b")
				ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
				defer cancel()
				start := time.Now()
				require.NoError(t, first.Close(ctx), "what is on disk is not lost")
				assert.LessOrEqual(t, time.Since(start), 300*time.Millisecond)
				if !fault.Hang {
					assert.Zero(t, time.Since(start), "Close does not sit out a failure")
				}
				stats := requireBalanced(t, first.Client)
				assert.Equal(t, int64(4), stats.Pending)
				assert.Equal(t, int64(4), stats.Spooled)
				assert.Empty(t, stats.Dropped)
				assert.Zero(t, stats.QueueBytes)

				s.Heal()
				second := startProcess(t, s, disk)
				require.NoError(t, second.Close(t.Context()))
				assert.Equal(t, int64(4), requireBalanced(t, second.Client).Delivered)
				loopkittest.RequireMember(t, s, "team_1", "user_1")
				assert.Equal(t, []string{"a", "b"}, eventNames(s))
			})
		})
	}
}

func TestASpoolThatCannotBeUsedCostsOneWarningAndNoMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, disk := loopkittest.NewTransport(t), loopkittest.NewSpool()
		other := disk.Open() // another process has it
		var told []error
		logger, lines := newLog()
		c := newClient(t, s, func(o *loopkit.Options) {
			o.Spool, o.Logger = disk.Open(), logger
			o.OnError = func(_ context.Context, err error) { told = append(told, err) }
		})
		for range 10 {
			trackN(t, c, 10)
			time.Sleep(time.Minute)
		}
		require.NoError(t, c.Close(t.Context()))
		assert.Len(t, s.Messages(), 100)
		require.Len(t, told, 1)
		require.ErrorIs(t, told[0], loopkittest.ErrSpoolLocked)
		assert.Len(t, lines.lines("level="), 1)
		require.NoError(t, other.Close())
		requireBalanced(t, c)
	})
}

func TestADiskThatFailsCostsDurabilityAlone(t *testing.T) {
	for name, fault := range map[string]loopkittest.SpoolFault{
		"with an error":          {Err: errors.New("no space left on device")},
		"because it is full":     {Err: fmt.Errorf("the file has 256 MiB: %w", loopkit.ErrSpoolFull)},
		"with a panic":           {Panic: "at the disk"},
		"after it had an effect": {Err: errors.New("input/output error"), Store: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, disk := loopkittest.NewTransport(t), loopkittest.NewSpool()
				disk.FailAll(loopkittest.SpoolAppend, fault)
				c := startProcess(t, s, disk)
				trackN(t, c.Client, 5)
				require.NoError(t, c.Flush(t.Context()))
				assert.Len(t, s.Messages(), 5)

				s.FailAll(loopkittest.Any, loopkittest.Fault{Status: 503})
				trackN(t, c.Client, 2)
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				var undelivered *loopkit.UndeliveredError
				require.ErrorAs(t, c.Flush(ctx), &undelivered, "it is neither delivered nor on disk")
				assert.Equal(t, int64(2), undelivered.Pending)

				disk.Heal()
				trackN(t, c.Client, 4)
				time.Sleep(time.Second)
				synctest.Wait()
				assert.Equal(t, int64(4), c.Stats().Spooled, "the disk works again")
				s.Heal()
				time.Sleep(time.Minute)
				synctest.Wait()
				assert.Len(t, s.Messages(), 11)
				requireBalanced(t, c.Client)
			})
		})
	}
}

func TestWithASpoolTheDefaultOfMaxAgeIsThreeDays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, disk := loopkittest.NewTransport(t), loopkittest.NewSpool()
		s.FailAll(loopkittest.Any, loopkittest.Fault{Status: 503})
		c := startProcess(t, s, disk)
		trackN(t, c.Client, 3)
		time.Sleep(72*time.Hour - time.Minute)
		assert.Equal(t, int64(3), c.Stats().Pending)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		assert.Equal(t, map[loopkit.Reason]int64{loopkit.ReasonExpired: 3}, requireBalanced(t, c.Client).Dropped)
		assert.Empty(t, disk.Batches())
	})
}

func TestMaxAgeGoesOnWhileNoProcessRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, disk := loopkittest.NewTransport(t), loopkittest.NewSpool()
		s.FailAll(loopkittest.Any, loopkittest.Fault{Status: 503})
		first := startProcess(t, s, disk)
		trackNamed(t, first, "old")
		require.NoError(t, first.Close(t.Context()))
		s.Heal()
		time.Sleep(73 * time.Hour)
		second := startProcess(t, s, disk)
		trackNamed(t, second, "new")
		time.Sleep(time.Minute)
		synctest.Wait()
		assert.Equal(t, []string{"new"}, eventNames(s))
		assert.Equal(t, map[loopkit.Reason]int64{loopkit.ReasonExpired: 1}, requireBalanced(t, second.Client).Dropped)
		assert.Empty(t, disk.Batches())
	})
}

func TestANilSpoolIsReportedAndDoesNoHarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		var told []error
		c := newClient(t, s, func(o *loopkit.Options) {
			var none *brokenSpool
			o.Spool = none
			o.OnError = func(_ context.Context, err error) { told = append(told, err) }
		})
		trackN(t, c, 3)
		require.NoError(t, c.Close(t.Context()))
		assert.Len(t, s.Messages(), 3)
		assert.Len(t, told, 2, "that it panicked, and what follows from it")
	})
}

// brokenSpool panics when it is nil.
type brokenSpool struct{ loopkit.Spool }
