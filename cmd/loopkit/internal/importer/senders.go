package importer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/loopkitai/loopkit-go"
)

// senders share the work. They belong to one goroutine, which alone makes and
// replaces clients.
type senders struct {
	patience time.Duration
	all      []*sender
	inARow   map[string]int // records that an endpoint refused since it took one
}

func newSenders(opts *Options) (*senders, error) {
	s := &senders{patience: opts.Patience, inARow: map[string]int{}}
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
// error says why that cannot be.
func (s *senders) send(ctx context.Context, w *window, report func(sent int64, waiting error)) ([]Rejection, error) {
	if len(w.entries) == 0 {
		return nil, nil
	}
	before := s.totals()
	sending, giveUp := context.WithCancelCause(context.WithoutCancel(ctx))
	defer giveUp(nil)
	var rejected []Rejection
	verdict := judgement{inARow: s.inARow, took: map[string]bool{}, halted: map[string]error{}}
	for shares, left := deal(w.entries, len(s.all)), true; left; {
		results := s.sendOnce(ctx, sending, giveUp, shares, func(waiting error) { report(s.totals().delivered-before.delivered, waiting) })
		left = false
		for i, r := range results {
			if r.err != nil {
				return nil, context.Cause(sending) // the first of them
			}
			rejected = append(rejected, r.rejected...)
			shares[i] = r.left
			left = left || len(r.left) > 0
		}
		verdict.hear(results)
		if err := verdict.speak(!left); err != nil {
			return nil, err
		}
		for i, share := range shares {
			if len(share) > 0 { // its client has halted and is closed
				if err := s.all[i].renew(); err != nil {
					return nil, err
				}
			}
		}
	}
	return rejected, nil
}

// sendOnce returns when every sender has sent its share or cannot go on.
func (s *senders) sendOnce(ctx, sending context.Context, giveUp context.CancelCauseFunc, shares [][]*entry, report func(waiting error)) []outcome {
	results := make([]outcome, len(shares))
	var workers sync.WaitGroup
	for i, share := range shares {
		if len(share) == 0 {
			continue
		}
		workers.Go(func() {
			results[i] = s.all[i].send(sending, share)
			if err := results[i].err; err != nil {
				giveUp(err) // the others need not go on
			}
		})
	}
	done := make(chan struct{})
	go func() {
		workers.Wait()
		close(done)
	}()
	s.watch(ctx, done, giveUp, report)
	return results
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
				if interrupted == nil {
					giveUp(ErrInterrupted)
				}
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
