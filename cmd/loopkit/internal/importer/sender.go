package importer

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/loopkitai/loopkit-go"
)

// sender sends its share of each window. Its client has one request of a kind
// under way, so that the share arrives in order.
type sender struct {
	newClient func(*loopkit.Options) (*loopkit.Client, error)
	patience  time.Duration // of the importer

	mu     sync.Mutex
	client *loopkit.Client
	drops  *drops // of the client
	past   totals // of the clients before
}

func (s *sender) renew() error {
	d := newDrops()
	client, err := s.newClient(&loopkit.Options{
		MaxInFlight:     1,
		MaxMessageBytes: 256 << 10,
		MaxAge:          -1, // patience decides
		RetryMax:        min(30*time.Second, max(time.Millisecond, s.patience/6)),
		Overflow:        loopkit.Block,
		FlushInterval:   -1, // shares are flushed
		Hooks:           loopkit.Hooks{Dropped: d.add},
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client != nil {
		s.past = s.sum()
	}
	s.client, s.drops = client, d
	return nil
}

func (s *sender) close() {
	now, cancel := context.WithCancel(context.Background())
	cancel()
	_ = s.client.Close(now) // whoever wants to know what is left has flushed
}

func (s *sender) totals() totals {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sum()
}

func (s *sender) sum() totals {
	stats, n := s.client.Stats(), s.past
	n.delivered += stats.Delivered
	n.redacted += stats.Redacted
	n.settled += stats.Delivered + stats.Dropped[loopkit.ReasonRejected] + stats.Dropped[loopkit.ReasonTooLarge]
	return n
}

func (s *sender) failing() error {
	s.mu.Lock()
	stats := s.client.Stats()
	s.mu.Unlock()
	for _, endpoints := range []map[string]error{stats.Halted, stats.Failing} {
		for _, err := range endpoints {
			return err
		}
	}
	return nil
}

// send returns when all of the share was acknowledged or rejected. takes reports
// whether the server has taken any record at all.
func (s *sender) send(ctx context.Context, share []*entry, takes func() bool) (rejected []Rejection, _ error) {
	for {
		refused, err := s.enqueue(ctx, share)
		rejected = append(rejected, refused...)
		if err != nil {
			return nil, cause(ctx, err)
		}
		err = s.client.Flush(ctx)
		var undelivered *loopkit.UndeliveredError
		left := errors.As(err, &undelivered) && undelivered.Pending > 0
		switch {
		case err != nil && undelivered == nil, left && (ctx.Err() != nil || !refusesData(err) || !takes()):
			return nil, cause(ctx, err)
		case left:
			s.close() // which tells the hook what is left
		}
		if err := s.drops.await(s.client); err != nil {
			return nil, err
		}
		refused, share = s.drops.settle(share)
		rejected = append(rejected, refused...)
		if !left {
			return rejected, nil
		}
		// The client halts an endpoint that refuses record after record. As this one
		// has taken others, it is the records: another client begins with the next.
		if err := s.renew(); err != nil {
			return nil, err
		}
	}
}

// enqueue returns the records that the client refuses.
func (s *sender) enqueue(ctx context.Context, share []*entry) (refused []Rejection, _ error) {
	for _, e := range share {
		err := e.send(ctx, s.client)
		var wrong *loopkit.ArgumentError
		switch {
		case err == nil:
		case errors.As(err, &wrong):
			refused = append(refused, e.rejection(wrong.Field+" "+wrong.Reason))
		case errors.Is(err, loopkit.ErrTooLarge), errors.Is(err, loopkit.ErrNoIdentity):
			refused = append(refused, e.rejection(reasonOf(err)))
		default:
			return nil, err
		}
	}
	return refused, nil
}

// refusesData reports whether an endpoint is halted although it refuses records,
// and neither the key nor the address.
func refusesData(err error) bool {
	var answer *loopkit.APIError
	if !errors.As(err, &answer) {
		return false
	}
	switch answer.StatusCode {
	case http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge, http.StatusConflict:
		return true
	}
	return false
}
