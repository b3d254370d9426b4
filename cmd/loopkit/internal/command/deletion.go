package command

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/loopkitai/loopkit-go"
)

// A deletable is what can be deleted: users or groups.
type deletable struct {
	noun, example string
	delete        func(*loopkit.Client, context.Context, string) (*loopkit.Deletion, error)
}

var (
	users  = deletable{"user", "user_123", (*loopkit.Client).DeleteUser}
	groups = deletable{"group", "team_456", (*loopkit.Client).DeleteGroup}
)

type deletionFlags struct {
	file    string
	yes     bool
	json    bool
	timeout time.Duration
}

func (p *program) deletion(kind deletable) *cobra.Command {
	var f deletionFlags
	name := "delete-" + kind.noun
	cmd := &cobra.Command{
		Use:   name + " ID…",
		Short: "Ask LoopKit to delete all data of a " + kind.noun,
		Long: fmt.Sprintf(`Ask LoopKit to delete all data of one or more %[1]ss, and print a receipt.

You are asked to type the ID, or how many there are; --yes does not ask. After a
failure it goes on with the next. Only a success status of the server counts as
deleted. No public source documents the HTTP form of LoopKit's deletions: this
sends DELETE {base URL}/%[1]ss/{id}, and a server that does not know it, or no
such %[1]s, answers "unsupported".

Exit status: 0 all deleted, 4 some of them, 3 none because it is unsupported,
1 none for another reason.`, kind.noun),
		Example: fmt.Sprintf(`  loopkit %[1]s %[2]s
  loopkit %[1]s %[2]s --yes --json > receipt.json
  loopkit %[1]s --from-file ids.txt          # one ID a line, # begins a comment`, name, kind.example),
		SuggestFor: []string{"delete", "remove-" + kind.noun, "erase-" + kind.noun},
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.deleteAll(cmd.Context(), kind, f, args)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.file, "from-file", "", "`file` with one ID a line, or - for stdin")
	flags.BoolVar(&f.yes, "yes", false, "do not ask")
	flags.BoolVar(&f.json, "json", false, "print the receipt as JSON")
	flags.DurationVar(&f.timeout, "timeout", 10*time.Second, "how long to try each")
	return cmd
}

// receipt is one line of what came of a deletion.
type receipt struct {
	Kind   string    `json:"kind"`
	ID     string    `json:"id"`
	Status string    `json:"status"`
	Code   int       `json:"httpStatus,omitempty"` // of an answer that was no success
	Time   time.Time `json:"time"`
	Detail string    `json:"detail,omitempty"`
}

// The statuses of receipts.
const (
	deleted     = "deleted"
	unsupported = "unsupported"
	notDeleted  = "failed"
	notTried    = "not tried"
)

func (p *program) deleteAll(ctx context.Context, kind deletable, f deletionFlags, args []string) error {
	if f.timeout <= 0 {
		return usageErrorf("--timeout is %v; it must be above zero", f.timeout)
	}
	ids, err := p.idsToDelete(kind, f, args)
	if err != nil {
		return err
	}
	s, err := p.settings()
	if err != nil {
		return err
	}
	if !f.yes {
		if err := p.confirmDeletion(ctx, kind, ids, f, s.baseURL); err != nil {
			return err
		}
	}
	run := &deletionRun{kind: kind, settings: s, timeout: f.timeout}
	receipts := make([]receipt, 0, len(ids))
	for _, id := range ids {
		receipts = append(receipts, run.delete(ctx, id))
	}
	run.close()
	if run.wrong != nil { // of the settings, so that nothing was tried
		return run.wrong
	}
	if err := p.printReceipts(receipts, f.json); err != nil {
		return err
	}
	return statusOfReceipts(receipts)
}

// deletionRun deletes one by one. A client whose deletion did not settle is
// replaced, because it would go on with that one first.
type deletionRun struct {
	kind     deletable
	settings settings
	timeout  time.Duration
	client   *loopkit.Client
	refused  string // why the key cannot delete anything
	wrong    error
}

func (r *deletionRun) delete(ctx context.Context, id string) receipt {
	line := receipt{Kind: r.kind.noun, ID: id, Status: notTried}
	switch {
	case r.wrong != nil:
		return line
	case r.refused != "":
		line.Detail = r.refused
	case ctx.Err() != nil:
		line.Detail = "interrupted"
	default:
		err := r.try(ctx, id)
		line.Status, line.Code, line.Detail = r.judge(err)
	}
	line.Time = time.Now().UTC().Truncate(time.Millisecond)
	return line
}

func (r *deletionRun) try(ctx context.Context, id string) error {
	if r.client == nil {
		opts := r.settings.options()
		opts.RequestTimeout = min(r.timeout, 10*time.Minute)
		opts.RetryMin, opts.RetryMax = 500*time.Millisecond, 2*time.Second // somebody waits
		opts.DeletionQuarantine = -1                                       // this program sends no messages that could arrive late
		if r.client, r.wrong = r.settings.client(opts); r.wrong != nil {
			return r.wrong
		}
	}
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	deletion, err := r.kind.delete(r.client, ctx, id)
	if err != nil {
		return inputError(err)
	}
	flushed := r.client.Flush(ctx) // unlike Wait it does not wait for a key that is refused to become valid
	select {
	case <-deletion.Done():
		return deletion.Wait(ctx)
	default:
		r.close()
		return flushed
	}
}

// close gives up what has not settled.
func (r *deletionRun) close() {
	if r.client == nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = r.client.Close(ctx) // its deletions have been reported
	r.client = nil
}

func (r *deletionRun) judge(err error) (status string, code int, detail string) {
	var answer *loopkit.APIError
	var exit *exitError
	if errors.As(err, &answer) {
		code = answer.StatusCode
	}
	switch {
	case err == nil:
		return deleted, 0, ""
	case errors.Is(err, loopkit.ErrDeletionUnsupported):
		return unsupported, code, fmt.Sprintf("the server knows no such endpoint, or no such %s", r.kind.noun)
	case errors.As(err, &exit): // refused by the client
		return notDeleted, 0, err.Error()
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		r.refused = fmt.Sprintf("the key was refused with %d before", code)
		return notDeleted, code, r.settings.explainAnswer(answer)
	case answer != nil:
		return notDeleted, code, r.settings.explainAnswer(answer)
	case neverSent(err):
		return notDeleted, 0, r.settings.baseURL + " cannot be reached: " + innermost(err).Error()
	}
	return notDeleted, 0, "not confirmed, it may have been done: " + innermost(err).Error()
}

func (p *program) printReceipts(receipts []receipt, asJSON bool) error {
	if asJSON {
		return p.printJSON(receipts)
	}
	table := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	_, err := fmt.Fprintln(table, "ID\tSTATUS\tTIME\tDETAIL")
	for _, r := range receipts {
		if err == nil {
			_, err = fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", r.ID, r.Status, r.Time.Format(time.RFC3339), r.Detail)
		}
	}
	if err == nil {
		err = table.Flush()
	}
	return writing(err)
}

func statusOfReceipts(receipts []receipt) error {
	count := map[string]int{}
	for _, r := range receipts {
		count[r.Status]++
	}
	switch n := len(receipts); {
	case count[deleted] == n:
		return nil
	case count[deleted] > 0:
		return &exitError{statusPartial, fmt.Errorf("%d of %d were deleted", count[deleted], n)}
	case count[unsupported] == n:
		return &exitError{statusUnsupported, errors.New("nothing was confirmed as deleted: the server does not support it; ask LoopKit to delete the data")}
	}
	return failed(errors.New("nothing was confirmed as deleted"))
}
