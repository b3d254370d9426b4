package spool_test

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// limitFiles makes files unable to grow beyond a size, as a full disk would. A write
// fails then; by default, the kernel would end the process.
func limitFiles(bytes uint64) error {
	signal.Ignore(syscall.SIGXFSZ)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	limit.Cur = min(bytes, limit.Max)
	return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit)
}

// mostTold bounds the calls of OnError: a small Append may find space where a large
// one did not, and the next large one fails again.
const mostTold = 10

// full writes before, while and after the disk is full, and prints how many of its
// messages were accepted, and how often OnError was called.
func (p *program) full() error {
	var told reports
	client, err := p.client(func(o *loopkit.Options) { o.OnError = told.add })
	if err != nil {
		return err
	}
	accepted := 0
	write := func(n int) error {
		for range n {
			pad := strings.Repeat("x", 500)
			err := client.Track(known("user_123"), "page_view", loopkit.Properties{"n": accepted, "pad": pad})
			if err != nil {
				return fmt.Errorf("message %d: %w", accepted, err)
			}
			accepted++
		}
		return nil
	}
	reached := func(what string, happened func(loopkit.Stats) bool) error {
		for begin := time.Now(); !happened(client.Stats()); runtime.Gosched() {
			if time.Since(begin) > patience {
				return fmt.Errorf("%s: not reached: %+v", what, client.Stats())
			}
		}
		return nil
	}
	onDisk := func(s loopkit.Stats) bool { return s.Spooled == int64(accepted) }

	if err := errors.Join(write(100), reached("before", onDisk)); err != nil {
		return err
	}
	info, err := os.Stat(file(p.Dir))
	if err != nil {
		return err
	}
	if err := limitFiles(uint64(info.Size())); err != nil {
		return err
	}
	for len(told.all()) == 0 {
		err := errors.Join(write(100), reached("full", func(s loopkit.Stats) bool { return len(told.all()) > 0 || onDisk(s) }))
		if err != nil {
			return err
		}
	}
	fmt.Println("full:", told.all()[0])
	err = errors.Join(write(1000), reached("drained", func(s loopkit.Stats) bool { return s.Pending == 0 && s.SpoolBytes == 0 }))
	if err != nil {
		return err
	}
	fmt.Println("drained", accepted, len(told.all()))
	if err := untilStdinCloses(); err != nil {
		return err
	}
	before := accepted
	err = errors.Join(limitFiles(1<<40), write(1000), reached("recovered", func(s loopkit.Stats) bool {
		return s.Spooled == int64(accepted-before)
	}))
	if err != nil {
		return err
	}
	fmt.Println("recovered", accepted, len(told.all()))
	select {} // until it is killed
}

func TestAFullDiskCostsDurabilityAndNoMessage(t *testing.T) {
	s, dir := loopkittest.NewServer(t), t.TempDir()
	s.FailAll(loopkittest.Tracks, loopkittest.Fault{Status: 503})
	p := startProgram(t, program{Name: "full", Dir: dir, BaseURL: s.BaseURL()})
	full, ok := p.line()
	require.True(t, ok)
	assert.Contains(t, full, "messages are kept in memory only")
	assert.Contains(t, full, syscall.EFBIG.Error())

	s.Heal()
	drained, ok := p.line()
	require.True(t, ok)
	var accepted, told int
	_, err := fmt.Sscanf(drained, "drained %d %d", &accepted, &told)
	require.NoError(t, err, drained)
	assert.LessOrEqual(t, told, mostTold, "OnError is told once for each time that it had worked before")
	assert.Len(t, names(s), accepted)

	s.FailAll(loopkittest.Tracks, loopkittest.Fault{Status: 503})
	require.NoError(t, p.stdin.Close())
	recovered, ok := p.line()
	require.True(t, ok)
	_, err = fmt.Sscanf(recovered, "recovered %d %d", &accepted, &told)
	require.NoError(t, err, recovered)
	assert.LessOrEqual(t, told, mostTold)
	p.kill()

	s.Heal()
	c := start(t, s, dir)
	drain(t, c)
	requireSettled(t, c)
	require.NoError(t, c.Close(t.Context()))
	requireEmpty(t, dir)
	seen := map[any]bool{}
	for _, m := range s.MessagesOf(loopkittest.KindTrack) {
		seen[m.Values["n"]] = true
	}
	assert.Len(t, seen, accepted, "what was in memory while the disk was full, too")
}
