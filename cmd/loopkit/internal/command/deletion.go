package command

import (
	"context"
	"errors"
	"fmt"
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
	file      string
	remaining string
	yes       bool
	json      bool
	timeout   time.Duration
}

func (p *program) deletion(kind deletable) *cobra.Command {
	var f deletionFlags
	name := "delete-" + kind.noun
	cmd := &cobra.Command{
		Use:   name + " ID...",
		Short: "Ask LoopKit to delete all data of a " + kind.noun,
		Long: fmt.Sprintf(`Ask LoopKit to delete all data of one or more %[1]ss, and print a receipt, a
line for each as soon as its end is known.

You are asked to type the ID, or how many there are; --yes does not ask. All IDs
are checked before the first deletion is sent. After a failure it goes on with
the next, unless the next would end in the same way: the key is refused, a page
that is not LoopKit's answers, the server asks to wait for longer than --timeout,
or %[2]d in a row have no answer. The rest is "not tried" then, as after Ctrl-C.

Only LoopKit's success counts as deleted. "unconfirmed" may have been done. No
public source documents the HTTP form of LoopKit's deletions: this sends
DELETE {base URL}/%[1]ss/{id}, and a server that does not know it, or no such
%[1]s, answers "unsupported".

Exit status: 0 all deleted, 4 some of them, 3 none because it is unsupported,
1 none for another reason, 2 wrong usage and nothing was sent.`, kind.noun, mostUnanswered),
		Example: fmt.Sprintf(`  loopkit %[1]s %[2]s
  loopkit %[1]s %[2]s --yes --json >> receipts.ndjson
  loopkit %[1]s --from-file ids.txt --remaining left.txt   # one ID a line, # begins a comment`, name, kind.example),
		SuggestFor:        []string{"delete", "remove-" + kind.noun, "erase-" + kind.noun},
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.deleteAll(cmd.Context(), kind, f, args)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.file, "from-file", "", "`file` with one ID a line, or - for stdin")
	flags.StringVar(&f.remaining, "remaining", "", "new `file` for the IDs that are not confirmed as deleted, to go on with by --from-file")
	flags.BoolVar(&f.yes, "yes", false, "do not ask")
	flags.BoolVar(&f.json, "json", false, "print the receipt as JSON, one object a line")
	flags.DurationVar(&f.timeout, "timeout", 10*time.Second, "how long to try each")
	return cmd
}

func (p *program) deleteAll(ctx context.Context, kind deletable, f deletionFlags, args []string) error {
	if err := positive(f.timeout); err != nil {
		return err
	}
	ids, err := p.idsToDelete(kind, f, args)
	if err != nil {
		return err
	}
	s, err := p.settings()
	if err != nil {
		return err
	}
	if err := s.checkIDs(kind, ids); err != nil {
		return err
	}
	if !f.yes {
		if err := p.confirmDeletion(ctx, kind, ids, f, s.baseURL); err != nil {
			return err
		}
	}
	left, err := createRemaining(f.remaining)
	if err != nil {
		return err
	}
	run := &deletionRun{p: p, kind: kind, settings: s, timeout: f.timeout}
	defer run.close()
	count := map[string]int{}
	receipts := p.newReceipts(ids, f.json)
	for i, id := range ids {
		r, err := run.delete(ctx, id)
		if err == nil {
			err = receipts.print(r)
		}
		if r.Status != deleted {
			left.add(id)
		}
		if err != nil {
			left.add(ids[i+1:]...)
			return errors.Join(receipts.unwritten(r, err), left.close(p))
		}
		count[r.Status]++
	}
	return errors.Join(statusOfReceipts(count, len(ids)), left.close(p))
}
