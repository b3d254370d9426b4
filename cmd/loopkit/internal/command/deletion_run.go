package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/loopkitai/loopkit-go"
)

// mostUnanswered is how many deletions in a row may have no answer.
const mostUnanswered = 3

// deletionRun deletes one by one. A client whose deletion did not settle is
// replaced, because it would go on with that one first.
type deletionRun struct {
	p          *program
	kind       deletable
	settings   settings
	timeout    time.Duration
	runner     *runner
	unanswered int    // in a row
	stopped    string // why nothing more is tried
	waited     bool   // the person knows what takes so long
}

// delete returns an error of the settings alone.
func (r *deletionRun) delete(ctx context.Context, id string) (receipt, error) {
	line := receipt{Kind: r.kind.noun, ID: id, Status: notTried, Detail: r.stopped}
	switch {
	case r.stopped != "":
	case ctx.Err() != nil:
		line.Detail = "interrupted"
	default:
		err := r.try(ctx, id, &line)
		if err != nil {
			return line, err
		}
	}
	line.Time = time.Now().UTC().Truncate(time.Millisecond)
	return line, nil
}

func (r *deletionRun) try(ctx context.Context, id string, line *receipt) error {
	if r.runner == nil {
		var err error
		if r.runner, err = r.p.newRunner(r.settings, r.timeout, newTransport()); err != nil {
			return err
		}
	}
	errand, cancel := r.runner.begin(ctx)
	defer cancel()
	deletion, err := r.kind.delete(r.runner.client, errand, id)
	if err != nil {
		return inputError(err)
	}
	r.runner.await(errand, func(format string, args ...any) {
		if !r.waited {
			r.p.tell(format, args...)
		}
		r.waited = true
	})
	newest, mayBeDone, why := r.runner.outcome(ctx)
	line.Detail = why
	r.judge(newest, mayBeDone, line)
	select {
	case <-deletion.Done():
	default:
		r.close()
	}
	return nil
}

// judge says what became of a deletion, and whether the next would end in the same way.
func (r *deletionRun) judge(x exchange, mayBeDone bool, line *receipt) {
	if r.unanswered++; x.status != 0 {
		r.unanswered = 0
	}
	if !x.confirms() {
		line.Code = x.status
	}
	switch unknown := isUnsupported(x.status); {
	case x.confirms():
		line.Status = deleted
	case unknown && !mayBeDone:
		line.Status, line.Detail = unsupported, "the server knows no such endpoint, or no such "+r.kind.noun
	case mayBeDone:
		line.Status, line.Detail = notConfirmed, "it may have been done: "+line.Detail
	default:
		line.Status = notDone
	}
	switch {
	case x.status == http.StatusUnauthorized, x.status == http.StatusForbidden:
		r.stopped = fmt.Sprintf("the key was refused with %d before", x.status)
	case x.doubt != "":
		r.stopped = "what answered before is not LoopKit"
	case x.retryAfter >= r.timeout:
		r.stopped = fmt.Sprintf("the server has asked to wait %v", x.retryAfter)
	case refusedByThisMachine(x.err), refusedByProxy(x.err):
		r.stopped = "the server cannot be reached"
	case r.unanswered == mostUnanswered:
		r.stopped = fmt.Sprintf("%d in a row had no answer", mostUnanswered)
	}
}

// isUnsupported takes the statuses of loopkit.ErrDeletionUnsupported.
func isUnsupported(status int) bool {
	switch status {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone, http.StatusNotImplemented:
		return true
	}
	return false
}

func refusedByProxy(err error) bool {
	var proxy *proxyRefusal
	return errors.As(err, &proxy)
}

// close gives up what has not settled.
func (r *deletionRun) close() {
	if r.runner != nil {
		r.runner.close()
		r.runner = nil
	}
}

// checkIDs asks a client that sends nothing what it would say of each ID, so that
// a wrong one stops all before any is deleted.
func (s settings) checkIDs(kind deletable, ids []string) error {
	opts := s.options()
	opts.BeforeSend = func(context.Context, *loopkit.Message) *loopkit.Message { return nil }
	opts.HTTPClient = &http.Client{Transport: nowhere{}}
	opts.Logger = slog.New(slog.DiscardHandler)
	client, err := s.client(opts)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	defer func() { _ = client.Close(ctx) }() // it has nothing
	for i, id := range ids {
		reason := ""
		var wrong *loopkit.ArgumentError
		switch err := client.Identify(ctx, id, nil); { // users and groups have the same rules
		case errors.As(err, &wrong):
			reason = wrong.Reason
		case err != nil:
			return err
		case id == "." || id == "..":
			reason = "cannot be put into a path"
		}
		if reason != "" {
			return usageErrorf("%s ID number %d, %q, %s; nothing was deleted", kind.noun, i+1, printable(id, longestShown), reason)
		}
	}
	return nil
}
