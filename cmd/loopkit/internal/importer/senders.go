package importer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/loopkitai/loopkit-go"
)

// senders share the work.
type senders struct {
	patience time.Duration
	all      []*sender
}

func newSenders(opts *Options) (*senders, error) {
	s := &senders{patience: opts.Patience}
	for range opts.Concurrency {
		one := &sender{newClient: opts.NewClient, patience: opts.Patience}
		if err := one.renew(); err != nil {
			s.close()
			return nil, err
		}
		s.all = append(s.all, one)
	}
	return s, nil
}

// close gives up what is left.
func (s *senders) close() {
	for _, one := range s.all {
		one.close()
	}
}

// totals are the numbers of all clients that ever were.
type totals struct{ delivered, settled, redacted int64 }

func (s *senders) totals() (sum totals) {
	for _, one := range s.all {
		n := one.totals()
		sum.delivered += n.delivered
		sum.settled += n.settled
		sum.redacted += n.redacted
	}
	return sum
}

// failing is why an endpoint takes nothing for now.
func (s *senders) failing() error {
	for _, one := range s.all {
		if err := one.failing(); err != nil {
			return err
		}
	}
	return nil
}

const (
	reportInterval = 200 * time.Millisecond
	interruptGrace = 10 * time.Second // for the window under way
)

// send returns when every record of the window was acknowledged or rejected. The
// error says why that cannot be. The server is known to have taken records before.
func (s *senders) send(ctx context.Context, w *window, known bool, report func(sent int64, waiting error)) ([]Rejection, error) {
	if len(w.entries) == 0 {
		return nil, nil
	}
	before := s.totals()
	sending, giveUp := context.WithCancelCause(context.WithoutCancel(ctx))
	defer giveUp(nil)
	shares := deal(w.entries, len(s.all))
	rejected := make([][]Rejection, len(shares))
	errs := make([]error, len(shares))
	takes := func() bool { return known || s.totals().delivered > 0 }
	var workers sync.WaitGroup
	for i, share := range shares {
		workers.Go(func() {
			rejected[i], errs[i] = s.all[i].send(sending, share, takes)
			if errs[i] != nil {
				giveUp(errs[i]) // the others need not go on
			}
		})
	}
	done := make(chan struct{})
	go func() {
		workers.Wait()
		close(done)
	}()
	s.watch(ctx, done, giveUp, func(waiting error) { report(s.totals().delivered-before.delivered, waiting) })

	var all []Rejection
	for i, err := range errs {
		if err != nil {
			return nil, context.Cause(sending) // the first of them
		}
		all = append(all, rejected[i]...)
	}
	return all, nil
}

// watch returns when done is closed, which it hastens when nothing is settled for
// too long, or when ctx has ended.
func (s *senders) watch(ctx context.Context, done <-chan struct{}, giveUp context.CancelCauseFunc, report func(waiting error)) {
	ticker := time.NewTicker(reportInterval)
	defer ticker.Stop()
	settled, since := s.totals().settled, time.Now()
	interrupted := ctx.Done()
	var grace <-chan time.Time
	for {
		select {
		case <-done:
			return
		case <-interrupted:
			interrupted = nil
			timer := time.NewTimer(min(interruptGrace, s.patience))
			defer timer.Stop()
			grace = timer.C
		case <-grace:
			giveUp(ErrInterrupted)
		case <-ticker.C:
			why := s.failing()
			report(why)
			if now := s.totals().settled; now != settled {
				settled, since = now, time.Now()
			} else if time.Since(since) >= s.patience {
				giveUp(&OutageError{s.patience, why})
			}
		}
	}
}

// OutageError is why an import stops that delivers nothing.
type OutageError struct {
	Patience time.Duration
	Err      error // of the newest attempt; nil if none has ended
}

func (e *OutageError) Error() string {
	text := fmt.Sprintf("nothing was delivered for %v", e.Patience)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns Err.
func (e *OutageError) Unwrap() error { return e.Err }

// cause is why ctx ended, if that is what the error is about.
func cause(ctx context.Context, err error) error {
	var left *loopkit.UndeliveredError
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &left):
		return left.Err
	}
	return err
}
