package loopkitcli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// Subcommand is a command below "telemetry", for flag libraries to mount.
type Subcommand struct {
	Name    string // "status", "on", "off", "show" or "reset"
	Summary string // one line for the help
	// Run does it, and writes the result to out. status knows the flag --json, all
	// know --help, and none takes arguments; the error wraps [ErrUsage] if they are
	// wrong. The run of the program is not tracked then.
	Run func(args []string, out io.Writer) error
}

// Subcommands returns what [Telemetry.Command] runs: status, on, off, show and
// reset, in this order.
func (t *Telemetry) Subcommands() []Subcommand {
	return []Subcommand{
		{"status", "say whether usage is sent, and why (--json for programs)", t.subcommand(t.status, "--json")},
		{"on", "agree that usage is sent", t.subcommand(t.on)},
		{"off", "say no, and remove what is kept", t.subcommand(t.off)},
		{"show", "show what is kept, and what is sent", t.subcommand(t.show)},
		{"reset", "take a new anonymous ID, and remove what waits", t.subcommand(t.reset)},
	}
}

// Command runs the subcommand "telemetry" with the arguments that follow that
// word: status, which is the default, on, off, show, reset or help. It writes
// results to out and errors to Options.Stderr, and returns the exit code: 0, 1 if
// it failed, 2 if the arguments are wrong. The run of the program is not tracked.
func (t *Telemetry) Command(args []string, out io.Writer) (exitCode int) {
	t.untrack()
	name := "status"
	if len(args) > 0 {
		name, args = args[0], args[1:]
	}
	var err error
	commands := t.Subcommands()
	switch i := slices.IndexFunc(commands, func(c Subcommand) bool { return c.Name == name }); {
	case i >= 0:
		err = commands[i].Run(args, out)
	case name == "help", isHelp(name):
		_, err = io.WriteString(out, t.usage())
	case name == "--json":
		err = commands[0].Run([]string{name}, out)
	default:
		err = ErrUsage
	}
	switch {
	case err == nil:
		return 0
	case errors.Is(err, ErrUsage):
		t.complain(t.usage())
		return 2
	}
	t.complain(t.app() + ": " + strings.ReplaceAll(err.Error(), "loopkitcli: ", "") + "\n")
	return 1
}

func isHelp(arg string) bool { return arg == "-h" || arg == "-help" || arg == "--help" }

// ErrUsage is what a [Subcommand] returns if its arguments are wrong.
var ErrUsage = errors.New("loopkitcli: wrong arguments; see \"telemetry help\"")

// subcommandName is the word that the subcommands are below.
const subcommandName = "telemetry"

func (t *Telemetry) usage() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Usage: %s telemetry [command]\n\n", t.app())
	for _, c := range t.Subcommands() {
		fmt.Fprintf(&b, "  %-7s %s\n", c.Name, c.Summary)
	}
	if t != nil {
		fmt.Fprintf(&b, "\nThe environment wins over the saved choice: %s=1, %s=off|log|on.\n", doNotTrack, variableOf(t.options.App))
	}
	return b.String()
}

// app is the program's name in texts.
func (t *Telemetry) app() string {
	if t == nil || t.options.App == "" {
		return "this program"
	}
	return t.options.App
}

func (t *Telemetry) complain(text string) {
	if t != nil {
		t.tell(text)
		return
	}
	_, _ = io.WriteString(os.Stderr, text) // nobody else could be told
}

// subcommand checks the arguments and writes the text.
func (t *Telemetry) subcommand(do func(args []string) (string, error), allowed ...string) func([]string, io.Writer) error {
	return func(args []string, out io.Writer) error {
		t.untrack()
		for _, arg := range args {
			if isHelp(arg) {
				_, err := io.WriteString(out, t.usage())
				return err
			}
			if !slices.Contains(allowed, arg) {
				return ErrUsage
			}
		}
		text, failed := do(args)
		_, err := io.WriteString(out, text)
		return errors.Join(failed, err)
	}
}

// untrack makes the run one of a user who only looks at what is sent.
func (t *Telemetry) untrack() {
	if t == nil {
		return
	}
	t.mu.Lock()
	t.untold = true
	t.mu.Unlock()
}

// on saves that the user agrees.
func (t *Telemetry) on([]string) (string, error) {
	if t == nil {
		return "", fmt.Errorf("loopkitcli: nothing can be sent: %w", errNotSetUp)
	}
	if err := t.choose(true); err != nil {
		return "", err
	}
	text := "Thank you. From now on " + t.options.App + " sends how it is used; \"" + t.options.App + " telemetry show\" says what that is.\n"
	if d := t.Decision(); d.Mode != On {
		text = "Your choice is saved, but nothing is sent: " + d.Detail + ".\n"
	}
	return text, nil
}

// off saves that the user does not agree, and removes what is kept about them.
func (t *Telemetry) off([]string) (string, error) {
	if t == nil {
		return "Nothing is sent: " + errNotSetUp.Error() + ".\n", nil
	}
	t.end(true)
	err := t.choose(false)
	text, failed := t.clear()
	if err != nil {
		return text, errors.Join(err, failed)
	}
	if d := t.Decision(); d.Mode == On {
		return "Your choice is saved, but usage is still sent: " + d.Detail + ".\n" + text, failed
	}
	return "From now on " + t.options.App + " sends nothing.\n" + text, failed
}
