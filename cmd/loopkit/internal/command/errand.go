package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/loopkitai/loopkit-go"
)

// How what was asked of LoopKit ended.
const (
	notConfirmed = "unconfirmed" // it may have been done
	notDone      = "failed"
)

// runner has a client that does one errand at a time, and sees how each ends.
type runner struct {
	settings settings
	timeout  time.Duration // of an errand
	client   *loopkit.Client
	witness  *witness
}

func (p *program) newRunner(s settings, timeout time.Duration, next http.RoundTripper) (*runner, error) {
	r := &runner{settings: s, timeout: timeout, witness: &witness{next: next, key: s.key}}
	opts := s.options()
	if !p.global.verbose {
		opts.Logger = slog.New(noticeHandler{p, []string{"plain_http"}}) // the witness sees answers that are not LoopKit's
	}
	opts.HTTPClient = &http.Client{Transport: r.witness}
	opts.RequestTimeout = min(timeout, 10*time.Minute)
	opts.RetryMin, opts.RetryMax = 500*time.Millisecond, 2*time.Second // somebody waits
	opts.DeletionQuarantine = -1                                       // no message is sent beside a deletion
	var err error
	r.client, err = s.client(opts)
	return r, err
}

// begin returns the context of an errand.
func (r *runner) begin(asked context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(asked, r.timeout)
	deadline, _ := ctx.Deadline()
	r.witness.watch(deadline, cancel)
	return ctx, cancel
}

// longWait is after which time somebody wants to know what is waited for.
const longWait = time.Second

// await waits for the client, and says once what it waits for.
func (r *runner) await(ctx context.Context, tell func(format string, args ...any)) {
	flushed := make(chan struct{})
	go func() {
		defer close(flushed)
		_ = r.client.Flush(ctx) // the witness knows more
	}()
	long := time.NewTimer(min(longWait, r.timeout/2))
	defer long.Stop()
	select {
	case <-flushed:
	case <-long.C:
		newest, _ := r.witness.saw()
		tell("%s, for up to %v in all", r.settings.waitingFor(newest), r.timeout)
		<-flushed
	}
}

// outcome is how the errand ended; why says so unless it was confirmed.
func (r *runner) outcome(asked context.Context) (newest exchange, mayBeDone bool, why string) {
	newest, mayBeDone = r.witness.saw()
	if newest.confirms() {
		return newest, true, ""
	}
	why = r.settings.why(newest, asked, r.timeout)
	if mayBeDone && !newest.mayBeDone() {
		why += "; a request before that was not answered"
	}
	return newest, mayBeDone, why
}

// close gives up what has not settled.
func (r *runner) close() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = r.client.Close(ctx) // what it would say is known
	if transport, ok := r.witness.next.(*http.Transport); ok {
		transport.CloseIdleConnections()
	}
}

// client says in the words of the command line what is wrong with a setting.
func (s settings) client(opts *loopkit.Options) (*loopkit.Client, error) {
	client, err := loopkit.New(s.key, opts)
	var wrong *loopkit.ArgumentError
	switch {
	case err == nil:
		return client, nil
	case errors.As(err, &wrong) && wrong.Field == "apiKey":
		return nil, usageErrorf("the API key from %s %s", s.keyFrom, wrong.Reason)
	case errors.As(err, &wrong) && strings.HasPrefix(wrong.Field, "BaseURL"):
		return nil, usageErrorf("the address from %s %s", s.baseURLFrom, wrong.Reason)
	}
	return nil, usageErrorf("%w", err)
}

// inputError is what a call refused.
func inputError(err error) error {
	var argument *loopkit.ArgumentError
	switch {
	case errors.As(err, &argument):
		return usageErrorf("%s %s", argument.Field, argument.Reason)
	case errors.Is(err, loopkit.ErrTooLarge):
		return usageError(strings.ReplaceAll(fmt.Sprint(err), " (Options.MaxMessageBytes)", ""))
	}
	return err
}
