package command

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"strings"

	"golang.org/x/term"
)

// tell tells the person, not the program that reads the output. What is told may
// quote arguments and files.
func (p *program) tell(format string, args ...any) {
	_, _ = fmt.Fprintln(p.err, "loopkit:", harmless(fmt.Sprintf(format, args...))) // nobody is left to tell of an error
}

func (p *program) warn(format string, args ...any) { p.tell("warning: "+format, args...) }

// harmless is text of any number of lines without what could steer a terminal.
func harmless(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = printable(line, math.MaxInt)
	}
	return strings.Join(lines, "\n")
}

// printJSON writes one value for machines to the output.
func (p *program) printJSON(value any) error {
	encoder := json.NewEncoder(p.out)
	encoder.SetEscapeHTML(false)
	return writing(encoder.Encode(value))
}

// writing makes an error of the output tell what failed.
func writing(err error) error {
	if err == nil {
		return nil
	}
	return failed(fmt.Errorf("writing the output: %w", err))
}

// isTerminal reports whether a stream of the program is a terminal.
func (p *program) isTerminal(stream any) bool {
	if p.terminal != nil {
		return p.terminal(stream)
	}
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// A style is how a terminal shows a word.
type style string

const (
	styleBold   style = "1"
	styleDim    style = "2"
	styleRed    style = "31"
	styleGreen  style = "32"
	styleYellow style = "33"
	styleCyan   style = "36"
)

// paint gives a text a style if w is a terminal whose user wants colours
// (https://no-color.org).
func (p *program) paint(w io.Writer, s style, text string) string {
	if p.getenv("NO_COLOR") != "" || p.getenv("TERM") == "dumb" || !p.isTerminal(w) {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}

// watched remembers the first error of writing, for those who ignore it.
type watched struct {
	io.Writer
	err error
}

func (w *watched) Write(b []byte) (int, error) {
	n, err := w.Writer.Write(b)
	if err != nil && w.err == nil {
		w.err = err
	}
	return n, err
}
