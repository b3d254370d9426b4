package command

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/loopkitai/loopkit-go"
)

// sendFlags are those of identify, group and track.
type sendFlags struct {
	anonymousID string
	at          string
	timeout     time.Duration
	json        bool
	dryRun      bool
	values      *valueFlags
}

func addSendFlags(cmd *cobra.Command, single, plural string) *sendFlags {
	f := &sendFlags{values: addValueFlags(cmd, single, plural)}
	flags := cmd.Flags()
	flags.StringVar(&f.anonymousID, "anonymous-id", "", "the person's anonymous `ID`")
	flags.StringVar(&f.at, "at", "", "the `time` it happened, as 2025-01-15T10:30:00Z or 2025-01-15 (default now)")
	flags.DurationVar(&f.timeout, "timeout", 10*time.Second, "how long to try")
	flags.BoolVar(&f.json, "json", false, "print the result as JSON")
	flags.BoolVar(&f.dryRun, "dry-run", false, "print the request and send nothing; needs no key")
	return f
}

// sending is one message that a command is about to send.
type sending struct {
	flags *sendFlags
	done  string // what to print when it was delivered
	call  func(ctx context.Context, client *loopkit.Client, common []loopkit.CallOption) error
}

// delivery is what became of it.
type delivery struct {
	Delivered int64  `json:"delivered"`
	Dropped   int64  `json:"dropped"`            // refused for good
	Pending   int64  `json:"pending"`            // not settled when the time was up, and given up
	Redacted  int64  `json:"redacted,omitempty"` // values left out because they look like secrets
	MessageID string `json:"messageId"`
	Error     string `json:"error,omitempty"`
}

func (p *program) send(ctx context.Context, m sending) error {
	if m.flags.timeout <= 0 {
		return usageErrorf("--timeout is %v; it must be above zero", m.flags.timeout)
	}
	var common []loopkit.CallOption
	if m.flags.at != "" {
		at, err := parseTime(m.flags.at)
		if err != nil {
			return err
		}
		common = append(common, loopkit.At(at))
	}
	dry := &printer{out: p.out}
	s, opts, err := p.sendOptions(m.flags, dry)
	if err != nil {
		return err
	}
	var messageID string
	opts.BeforeSend = func(_ context.Context, message *loopkit.Message) *loopkit.Message {
		messageID = message.MessageID
		return message
	}
	client, err := s.client(opts)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, m.flags.timeout)
	defer cancel()
	if err := m.call(ctx, client, common); err != nil {
		return errors.Join(inputError(err), client.Close(ctx)) // there is nothing to be sent
	}
	flushed := client.Flush(ctx)
	giveUp, done := context.WithCancel(ctx)
	done()
	_ = client.Close(giveUp) // what it would say is in the statistics
	if m.flags.dryRun {
		return writing(dry.err)
	}
	return p.reportDelivery(m, s, delivered(client.Stats(), messageID), flushed)
}

func (p *program) sendOptions(f *sendFlags, dry *printer) (settings, *loopkit.Options, error) {
	if f.dryRun {
		s, err := p.settingsWithoutKey()
		s.key = "dry-run"
		opts := s.options()
		opts.HTTPClient = &http.Client{Transport: dry}
		return s, opts, err
	}
	s, err := p.settings()
	opts := s.options()
	opts.RequestTimeout = min(f.timeout, 10*time.Minute)
	opts.RetryMin, opts.RetryMax = 500*time.Millisecond, 2*time.Second // somebody waits
	return s, opts, err
}

func delivered(stats loopkit.Stats, messageID string) delivery {
	d := delivery{Delivered: stats.Delivered, Redacted: stats.Redacted, MessageID: messageID}
	for reason, n := range stats.Dropped {
		if reason == loopkit.ReasonClosed {
			d.Pending += n
		} else {
			d.Dropped += n
		}
	}
	return d
}

func (p *program) reportDelivery(m sending, s settings, d delivery, flushed error) error {
	if d.Redacted > 0 {
		p.warn("%s left out: the key looks like a secret (password, token, card number, …), which analytics must not hold", counted(d.Redacted, "value"))
	}
	var err error
	if d.Delivered == 0 {
		err = s.explain(flushed, m.flags.timeout)
		d.Error = err.Error()
	}
	if m.flags.json {
		if err := p.printJSON(d); err != nil {
			return err
		}
	} else if err == nil {
		if _, err := fmt.Fprintf(p.out, "%s (%s delivered)\n", m.done, counted(d.Delivered, "message")); err != nil {
			return writing(err)
		}
	}
	if err != nil {
		return failed(err)
	}
	return nil
}

func counted(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// inputError is what a call refused.
func inputError(err error) error {
	var argument *loopkit.ArgumentError
	switch {
	case errors.As(err, &argument):
		return usageErrorf("%s %s", argument.Field, argument.Reason)
	case errors.Is(err, loopkit.ErrTooLarge):
		return usageErrorf("%w", err)
	}
	return err
}

func parseTime(text string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usageErrorf("--at is %q; write it as 2025-01-15T10:30:00Z or 2025-01-15, which is midnight UTC", text)
}
