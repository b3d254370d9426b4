package importer

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/loopkitai/loopkit-go"
)

// sender sends its share of each window. Its client has one request of a kind
// under way, so that each kind of the share arrives in order.
type sender struct {
	newClient func(*loopkit.Options) (*loopkit.Client, error)
	patience  time.Duration // of the importer

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
	if s.client != nil {
		s.past = s.totals()
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
	stats, n := s.client.Stats(), s.past
	n.delivered += stats.Delivered
	n.redacted += stats.Redacted
	n.settled += stats.Delivered + stats.Dropped[loopkit.ReasonRejected] + stats.Dropped[loopkit.ReasonTooLarge]
	return n
}

func (s *sender) failing() error {
	stats := s.client.Stats()
	for _, endpoints := range []map[string]error{stats.Halted, stats.Failing} {
		for _, err := range endpoints {
			return err
		}
	}
	return nil
}

// outcome is what became of a share.
type outcome struct {
	rejected []Rejection
	left     []*entry         // neither taken nor refused, because an endpoint is halted
	halted   map[string]error // endpoints that refuse record after record
	taken    map[string]int   // records, by endpoint
	refused  map[string]int   // the same, by the server
	err      error            // why the import cannot go on; the rest is not known then
}

// send returns when all of the share was acknowledged or rejected, or when the
// client has halted an endpoint for the records that it refuses. Then the client
// is closed, and has to be renewed.
func (s *sender) send(ctx context.Context, share []*entry) outcome {
	accepted, rejected, err := s.enqueue(ctx, share)
	if err != nil {
		return outcome{err: cause(ctx, err)}
	}
	err = s.client.Flush(ctx)
	var undelivered *loopkit.UndeliveredError
	left := errors.As(err, &undelivered) && undelivered.Pending > 0
	halted := s.client.Stats().Halted
	switch {
	case err != nil && undelivered == nil, left && (ctx.Err() != nil || !refuseData(halted)):
		return outcome{err: cause(ctx, err)}
	case left:
		s.close() // which tells the hook what is left
	}
	if err := s.drops.await(s.client); err != nil {
		return outcome{err: err}
	}
	out := s.drops.settle(accepted)
	out.rejected, out.halted = append(out.rejected, rejected...), halted
	return out
}

// enqueue returns the records that the client takes, and those that it refuses.
func (s *sender) enqueue(ctx context.Context, share []*entry) (accepted []*entry, refused []Rejection, _ error) {
	accepted = make([]*entry, 0, len(share))
	for _, e := range share {
		err := e.send(ctx, s.client)
		var wrong *loopkit.ArgumentError
		switch {
		case err == nil:
			accepted = append(accepted, e)
		case errors.As(err, &wrong):
			refused = append(refused, e.rejection(reasonOfArgument(wrong)))
		case errors.Is(err, loopkit.ErrTooLarge), errors.Is(err, loopkit.ErrNoIdentity):
			refused = append(refused, e.rejection(reasonOf(err)))
		default:
			return nil, nil, err
		}
	}
	return accepted, refused, nil
}

// reasonOfArgument names members as they are in the record.
func reasonOfArgument(wrong *loopkit.ArgumentError) string {
	field := wrong.Field
	if field == "event" {
		field = "name"
	}
	return field + " " + strings.TrimPrefix(wrong.Reason, "it ")
}

// refuseData reports whether endpoints are halted although they refuse records,
// and neither the key nor the address.
func refuseData(halted map[string]error) bool {
	for _, err := range halted {
		var answer *loopkit.APIError
		if !errors.As(err, &answer) {
			return false
		}
		switch answer.StatusCode {
		case http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge, http.StatusConflict:
		default:
			return false
		}
	}
	return len(halted) > 0
}
