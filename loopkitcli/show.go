package loopkitcli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/loopkitai/loopkit-go"
)

// show prints what is kept, and what a run sends.
func (t *Telemetry) show([]string) (string, error) {
	if t == nil {
		return t.status(nil)
	}
	t.end(false)
	s := t.Status()
	text := "What " + t.app() + " keeps for its telemetry, in " + t.dir.path + "\n" + t.contents()
	if t.dir.err != nil {
		text = "Nothing is kept: " + strings.TrimPrefix(t.dir.err.Error(), "loopkitcli: ") + "\n"
	}
	event, err := t.example()
	if err != nil {
		return text, err
	}
	if s.Mode == Off {
		return text + "\nNothing is sent: " + s.Detail + ". It would be, for each run:\n" + event, nil
	}
	return text + "\nWhat is sent of each run, for example\n" + event, nil
}

// contents are the files, as they are.
func (t *Telemetry) contents() string {
	entries, err := os.ReadDir(t.dir.path)
	if err != nil && !absent(err) {
		return "  " + err.Error() + "\n"
	}
	var b strings.Builder
	for _, entry := range entries {
		name := entry.Name()
		if name == spoolName {
			fmt.Fprintf(&b, "  %-12s  %s\n", name, t.describeSpool())
			continue
		}
		text, err := t.dir.read(name)
		if err != nil {
			text = strings.TrimPrefix(err.Error(), "loopkitcli: ")
		}
		lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		for i, line := range lines {
			if strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
				lines[i] = strconv.Quote(line)
			}
		}
		fmt.Fprintf(&b, "  %-12s  %s\n", name, strings.Join(lines, "\n"+strings.Repeat(" ", 16)))
	}
	if b.Len() == 0 {
		return "  nothing\n"
	}
	return b.String()
}

func (t *Telemetry) describeSpool() string {
	if t.options.Spool == nil {
		return "of an older version of the program"
	}
	count, bytes := 0, int64(0)
	err := t.visitSpool(0, func(spool loopkit.Spool) (bool, error) {
		n, err := waiting(spool)
		if err != nil {
			return false, err
		}
		status, err := spool.Status()
		count, bytes = count+n, bytes+status.Bytes
		return n > 0, err
	})
	if err != nil {
		return strings.TrimPrefix(err.Error(), "loopkitcli: ")
	}
	return fmt.Sprintf("%s wait%s, %d bytes", messages(count), singular(count), bytes)
}

func messages(count int) string {
	if count == 1 {
		return "1 message"
	}
	return fmt.Sprintf("%d messages", count)
}

// singular is the ending of a verb.
func singular(count int) string {
	if count == 1 {
		return "s"
	}
	return ""
}

// exampleIdentity shows the anonymous ID, and where there is none does not make one
// up that looks as if there were.
type exampleIdentity struct{ dir directory }

func (e exampleIdentity) LoadOrSave(loopkit.StoredIdentity) (loopkit.StoredIdentity, error) {
	return identityReader(e).LoadOrSave(loopkit.StoredIdentity{AnonymousID: "anon_example"})
}

func (exampleIdentity) Save(loopkit.StoredIdentity) error { return nil }

// example is the event of a run, printed by a client with the same options.
func (t *Telemetry) example() (string, error) {
	var text strings.Builder
	opts := t.clientOptions()
	printTo(&opts, &lockedWriter{to: &text})
	opts.IdentityStore = exampleIdentity{t.dir}
	opts.OnError, opts.Hooks = nil, loopkit.Hooks{}
	client, err := loopkit.New(anyKey, &opts)
	if err != nil {
		return "", fmt.Errorf("loopkitcli: the program's options are wrong: %w", err)
	}
	example := run{
		began:   time.Now().Add(-1234 * time.Millisecond),
		command: "example",
		flags:   []string{"force"},
	}
	user, _ := t.dir.user() // the contents tell of a file that cannot be read
	err = errors.Join(
		user.resume(client.Session()),
		example.track(client.Session(), t.options.Event, 0),
		client.Close(context.Background()),
	)
	if err == nil && text.Len() == 0 {
		return "nothing: the program withholds it\n", nil
	}
	return text.String(), err
}
