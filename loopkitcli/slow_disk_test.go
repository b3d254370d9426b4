package loopkitcli_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// slow installs a program whose spool takes a while to open, in fake time.
func slow(t *testing.T, while time.Duration) *installation {
	t.Helper()
	i, disk := spooling(t)
	i.options.ExitBudget = 0
	i.options.Spool = func(dir string) (loopkit.Spool, error) {
		time.Sleep(while)
		return open(disk, dir)
	}
	server := loopkittest.NewTransport(t)
	server.FailAll(loopkittest.Any, loopkittest.Fault{Delay: time.Hour})
	i.options.Client = &loopkit.Options{HTTPClient: server.HTTPClient()}
	return i
}

func TestStartDoesNotWaitForTheDisk(t *testing.T) {
	i := slow(t, 2*time.Second)
	synctest.Test(t, func(t *testing.T) {
		run, start := i.run(), time.Now()
		run.Start("deploy")
		assert.Zero(t, time.Since(start))
		require.NoError(t, run.Session().Track(t.Context(), "e", nil))
		assert.Equal(t, 2*time.Second, time.Since(start), "a session is there when the client is")
		run.Finish(0)
	})
}

func TestFinishKeepsToItsBudgetWhateverTheDiskDoes(t *testing.T) {
	const budget = 300 * time.Millisecond
	for name, c := range map[string]struct {
		while time.Duration
		said  string
	}{
		"a spool that is slow to open":          {2 * time.Second, ""},
		"a spool that takes most of it":         {290 * time.Millisecond, ""},
		"a slow one of a user who has said no":  {2 * time.Second, "off 2025-01-15\n"},
		"a short one, and the network the rest": {100 * time.Millisecond, ""},
	} {
		t.Run(name, func(t *testing.T) {
			i := slow(t, c.while)
			i.write("spool/part", "") // something may wait
			if c.said != "" {
				i.write("choice", c.said)
			}
			synctest.Test(t, func(t *testing.T) {
				run := i.run()
				run.Start("deploy")
				start := time.Now()
				run.Finish(0)
				assert.LessOrEqual(t, time.Since(start), budget)
				assert.Greater(t, time.Since(start), budget/2)
				time.Sleep(time.Minute) // what is left of it ends
			})
		})
	}
}

func TestALaterFinishWaitsForTheFirst(t *testing.T) {
	i := slow(t, 0)
	i.options.Spool = nil
	synctest.Test(t, func(t *testing.T) {
		run := i.run()
		run.Start("deploy")
		start := time.Now()
		go run.Finish(0)
		synctest.Wait()
		run.Finish(130) // as at a signal
		assert.Equal(t, 250*time.Millisecond, time.Since(start))
	})
}
