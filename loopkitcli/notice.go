package loopkitcli

import (
	"errors"
	"io"
	"os"
	"strings"
)

// Notice tells the user on Options.Stderr, once for each installation, that the
// program can send how it is used, what that is, and that nothing is sent until
// they agree. It is silent where somebody has decided already, where nobody sits
// in front of the program, and where it could not remember that it was shown. It
// reports whether it was shown now. It is safe for concurrent use.
func (t *Telemetry) Notice() bool {
	if t == nil {
		return false
	}
	if t.Decision().Reason != ReasonNotAsked || !t.interactive(t.options.Stderr) || t.dir.create(noticeFile, today()+"\n") != nil {
		return false
	}
	app := t.options.App
	t.tell(t.explanation() + "Nothing is sent unless you agree:\n" +
		"  " + app + " telemetry on      agree\n" +
		"  " + app + " telemetry off     say no for good\n" +
		"  " + app + " telemetry show    see what would be sent\n")
	return true
}

// explanation is what the notice and the question have in common.
func (t *Telemetry) explanation() string {
	text := t.options.App + " can tell its authors how it is used: the command, the names of its\n" +
		"flags, how long it takes, its exit code, its version and the system, under a\n" +
		"random ID of this installation. All of it goes to LoopKit (loopkit.ai), whose\n" +
		"servers see your IP address. It never sends arguments, values of flags, paths\n" +
		"or the environment.\n"
	if t.options.About != "" {
		text += strings.TrimRight(t.options.About, "\n") + "\n"
	}
	return text
}

var errNoAnswer = errors.New("loopkitcli: the question whether usage may be sent was not answered")

// Ask asks on Options.Stderr whether usage may be sent, reads the answer from
// Options.Stdin and saves it; it then holds for this run too. Yes must be said:
// an empty line is a no. It reports whether messages are sent now. It asks once:
// where somebody has decided already, where nobody sits in front of the program,
// or where the answer could not be saved, it returns at once. With an error,
// nothing was answered or saved. It blocks until a line is read, so call it before
// [os/signal.NotifyContext]: behind that, Ctrl-C does not end it.
func (t *Telemetry) Ask() (bool, error) {
	if t == nil {
		return false, nil
	}
	if d := t.Decision(); d.Reason != ReasonNotAsked || !t.interactive(t.options.Stderr, t.options.Stdin) {
		return d.Mode == On, nil
	}
	if !t.dir.writable() {
		return false, nil
	}
	t.tell(t.explanation())
	for range 3 {
		t.tell("May it? You can change your mind with \"" + t.options.App + " telemetry\". [y/N] ")
		line, err := readLine(t.options.Stdin)
		if err != nil {
			return false, errors.Join(errNoAnswer, err)
		}
		switch strings.ToLower(strings.TrimSpace(line)) {
		case "y", "yes":
			err := t.choose(true)
			return err == nil, err
		case "", "n", "no":
			return false, t.choose(false)
		}
	}
	return false, errNoAnswer
}

// choose saves what the user says, and lets it take effect. Nothing from before a
// no is there any more when they agree again, whatever kept it from being removed.
func (t *Telemetry) choose(on bool) error {
	if before, err := t.dir.choice(); err == nil && before.made && !before.on && on {
		_, err := t.clearSpool(spoolPatience)
		if err := errors.Join(err, t.dir.forget()); err != nil {
			return err
		}
	}
	if err := t.dir.keepChoice(on); err != nil {
		return err
	}
	t.decideAgain()
	return nil
}

// readLine reads up to the end of a line and not a byte more: what follows is the
// program's.
func readLine(from io.Reader) (string, error) {
	var line []byte
	var next [1]byte
	for len(line) < 1<<10 {
		n, err := from.Read(next[:])
		switch {
		case n == 1 && next[0] == '\n':
			return string(line), nil
		case n == 1:
			line = append(line, next[0])
		case err != nil:
			return "", err
		}
	}
	return string(line), nil
}

// warn tells once of a variable that says nothing.
func (t *Telemetry) warn() {
	d := t.Decision()
	_, known := modeOf(os.Getenv(variableOf(t.options.App)))
	if known || d.Reason != ReasonVariable || !t.interactive(t.options.Stderr) {
		return
	}
	t.mu.Lock()
	warned := t.warned
	t.warned = true
	t.mu.Unlock()
	if !warned {
		t.tell(t.options.App + ": " + d.Detail + ", so no telemetry is sent\n")
	}
}

// tell writes to the user, who may have closed the terminal.
func (t *Telemetry) tell(text string) {
	_, err := io.WriteString(t.stderr, text)
	t.report(err)
}

func (t *Telemetry) interactive(streams ...any) bool {
	if t.options.Interactive != nil {
		return t.options.Interactive()
	}
	for _, stream := range streams {
		file, ok := stream.(*os.File)
		if !ok || !isTerminal(file) {
			return false
		}
	}
	return true
}
