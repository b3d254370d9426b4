package command

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/plural"
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
	cmd.ValidArgsFunction = cobra.NoFileCompletions
	return f
}

// sending is one message that a command is about to send.
type sending struct {
	flags  *sendFlags
	done   string // what to print when it was delivered
	values map[string]any
	call   func(ctx context.Context, client *loopkit.Client, common []loopkit.CallOption) error
}

// delivery is what became of it.
type delivery struct {
	Status    string `json:"status"` // delivered, notConfirmed or notDone
	MessageID string `json:"messageId"`
	Redacted  int64  `json:"redacted,omitempty"` // values left out because they look like secrets
	Error     string `json:"error,omitempty"`
}

const delivered = "delivered"

func (p *program) send(ctx context.Context, m sending) error {
	if err := positive(m.flags.timeout); err != nil {
		return err
	}
	var common []loopkit.CallOption
	if m.flags.at != "" {
		at, err := parseTime(m.flags.at)
		if err != nil {
			return err
		}
		common = append(common, loopkit.At(at))
	}
	run, err := p.newSender(m.flags)
	if err != nil {
		return err
	}
	defer run.close()
	errand, cancel := run.begin(ctx)
	defer cancel()
	if err := m.call(errand, run.client, common); err != nil {
		return inputError(err)
	}
	run.await(errand, p.tell)
	stats := run.client.Stats()
	newest, mayBeDone, why := run.outcome(ctx)
	p.comment(m, newest, stats.Redacted)
	if m.flags.dryRun {
		return p.printDryRun(newest, stats.Redacted, m.flags.json)
	}
	message, _ := newest.carried()
	d := delivery{Status: notDone, MessageID: message.MessageID, Redacted: stats.Redacted}
	switch {
	case newest.confirms(), newest.status == http.StatusConflict && stats.Delivered > 0: // taken by an earlier attempt
		d.Status = delivered
	case mayBeDone:
		d.Status, d.Error = notConfirmed, "nothing confirms that it was delivered; it may have arrived: "+why
	default:
		d.Error = "nothing was delivered: " + why
	}
	return p.reportDelivery(m, d)
}

func (p *program) newSender(f *sendFlags) (*runner, error) {
	if f.dryRun {
		s, err := p.settingsWithoutKey()
		if err != nil {
			return nil, err
		}
		s.key = "dry-run"
		return p.newRunner(s, f.timeout, nowhere{})
	}
	s, err := p.settings()
	if err != nil {
		return nil, err
	}
	return p.newRunner(s, f.timeout, newTransport())
}

// comment says what the message lacks, and what the rules say of it.
func (p *program) comment(m sending, x exchange, redacted int64) {
	message, ok := x.carried()
	if !ok { // no request was made
		return
	}
	if redacted > 0 {
		which := ""
		if keys := missing(m.values, message); len(keys) > 0 {
			which = " (" + strings.Join(keys, ", ") + ")"
		}
		p.warn("%s left out%s: the key looks like a secret (password, token, card number, …), which analytics must not hold", plural.Of(redacted, "value"), which)
	}
	p.hint(message)
}

func (p *program) reportDelivery(m sending, d delivery) error {
	var unwritten error
	if m.flags.json {
		unwritten = p.printJSON(d)
	} else if d.Status == delivered {
		unwritten = written(fmt.Fprintf(p.out, "%s (1 message delivered)\n", printable(m.done, 2*longestShown)))
	}
	switch {
	case d.Error != "":
		return failed(errors.Join(errors.New(d.Error), unwritten))
	case unwritten != nil:
		return failed(fmt.Errorf("it was delivered, and must not be sent again; but %w", unwritten))
	}
	return nil
}

func positive(timeout time.Duration) error {
	if timeout <= 0 {
		return usageErrorf("--timeout is %v; it must be above zero", timeout)
	}
	return nil
}

func parseTime(text string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usageErrorf("--at is %q; write it as 2025-01-15T10:30:00Z or 2025-01-15, which is midnight UTC", text)
}
