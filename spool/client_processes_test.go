package spool_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
	"github.com/loopkitai/loopkit-go/spool"
)

// first is the process that has the spool. It ends when its standard input does.
func (p *program) first() error {
	client, err := p.client(func(*loopkit.Options) {})
	if err != nil {
		return err
	}
	if err := client.Track(known("user_123"), "of the first", nil); err != nil {
		return err
	}
	ctx, cancel := background()
	defer cancel()
	if err := client.Flush(ctx); err != nil {
		return err
	}
	fmt.Println("it is kept")
	if err := untilStdinCloses(); err != nil {
		return err
	}
	return client.Close(ctx)
}

func TestASecondProcessGoesOnInMemoryAndSaysWhatItLost(t *testing.T) {
	s, dir := loopkittest.NewServer(t), t.TempDir()
	s.FailAll(loopkittest.Any, loopkittest.Fault{Status: 503})
	p := startProgram(t, program{Name: "first", Dir: dir, BaseURL: s.BaseURL()})
	p.expect("it is kept")

	begin := time.Now()
	kept, err := spool.Open(dir, nil)
	require.ErrorIs(t, err, spool.ErrLocked)
	assert.Less(t, time.Since(begin), time.Second, "it does not wait")
	var told reports
	var log bytes.Buffer
	c := newClient(t, s, kept, func(o *loopkit.Options) {
		o.RetryMin, o.RetryMax = time.Millisecond, time.Millisecond
		o.OnError = told.add
		o.Logger = slog.New(slog.NewTextHandler(&log, nil))
	})
	track(t, c, "of the second", "of the second")
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	var undelivered *loopkit.UndeliveredError
	require.ErrorAs(t, c.Flush(ctx), &undelivered)
	assert.Equal(t, int64(2), undelivered.Pending)
	ctx, cancel = context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	require.ErrorAs(t, c.Close(ctx), &undelivered)
	assert.Equal(t, int64(2), undelivered.Dropped)
	stats := requireSettled(t, c)
	assert.Equal(t, map[loopkit.Reason]int64{loopkit.ReasonClosed: 2}, stats.Dropped)
	assert.Zero(t, stats.Restored, "what the first has is not its business")
	require.Len(t, told.all(), 1)
	assert.ErrorIs(t, told.all()[0], spool.ErrLocked)
	assert.Equal(t, 1, strings.Count(log.String(), "the spool fails"), log.String())

	assert.Empty(t, p.finish(), "the first ends without an error: its event is on disk")
	s.Heal()
	c = start(t, s, dir)
	drain(t, c)
	require.NoError(t, c.Close(t.Context()))
	assert.Equal(t, []string{"of the first"}, names(s))
	requireEmpty(t, dir)
}
