package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkitcli"
)

// command is what follows the program's name.
type command struct {
	name, args, summary string
	run                 func(*program) error
}

func commands() []command {
	return []command{
		{"add", "[TEXT]", "add a note, by default what the standard input says", (*program).add},
		{"list", "[-all]", "list the notes that are open, or all", (*program).list},
		{"done", "NUMBER", "a note is done", (*program).done},
		{"login", "USER", "use the notes of somebody", (*program).login},
		{"logout", "", "use the notes of nobody again", (*program).logout},
	}
}

func names() []string {
	var names []string
	for _, c := range commands() {
		names = append(names, c.name)
	}
	return names
}

// program is one run.
type program struct {
	telemetry *loopkitcli.Telemetry
	flags     *flag.FlagSet
	file      string // of the notes; empty for that of the user
	all       bool
}

func newProgram(telemetry *loopkitcli.Telemetry, command string) *program {
	p := &program{telemetry: telemetry, flags: flag.NewFlagSet("notes "+command, flag.ContinueOnError)}
	p.flags.StringVar(&p.file, "file", "", "the `file` with the notes")
	if command == "list" {
		p.flags.BoolVar(&p.all, "all", false, "also the notes that are done")
	}
	return p
}

// parse returns the names of the flags that were given.
func (p *program) parse(args []string) (given []string, err error) {
	err = p.flags.Parse(args)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		err = errFlag
	}
	p.flags.Visit(func(f *flag.Flag) { given = append(given, f.Name) })
	return given, err
}

func (p *program) run(name string) error {
	for _, c := range commands() {
		if c.name == name {
			return c.run(p)
		}
	}
	return errUsage
}

func (p *program) add() error {
	text := strings.Join(p.flags.Args(), " ")
	if text == "" {
		input, err := io.ReadAll(os.Stdin)
		if err != nil {
			return err
		}
		text = string(input)
	}
	return p.book().add(text)
}

func (p *program) list() error {
	notes, err := p.book().read()
	if err != nil {
		return err
	}
	for i, n := range notes {
		switch {
		case !n.done:
			fmt.Printf("%3d  %s\n", i+1, n.text)
		case p.all:
			fmt.Printf("%3d  %s (done)\n", i+1, n.text)
		}
	}
	return nil
}

func (p *program) done() error {
	number, err := strconv.Atoi(p.flags.Arg(0))
	if err != nil {
		return errUsage
	}
	left, err := p.book().done(number)
	if err != nil {
		return err
	}
	// An event beside that of the run belongs to the same person.
	_ = p.telemetry.Session().Track(context.Background(), "note_done", loopkit.Properties{"left": left})
	return nil
}

var (
	errUsage = errors.New("wrong arguments")
	errFlag  = errors.New("wrong flags, of which package flag has told the user")
)

// exitCode tells the user of an error.
func exitCode(err error) int {
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errUsage):
		return usage(os.Stderr, 2)
	case errors.Is(err, errFlag):
		return 2
	}
	fmt.Fprintln(os.Stderr, "notes:", err)
	return 1
}

func usage(out io.Writer, exitCode int) int {
	fmt.Fprint(out, "Notes keeps notes in a file.\n\n")
	for _, c := range commands() {
		fmt.Fprintf(out, "  notes %-6s  %-8s  %s\n", c.name, c.args, c.summary)
	}
	fmt.Fprint(out, "  notes telemetry         say whether usage is sent; on and off change it\n\n"+
		"With -file FILE behind a command the notes are in that file.\n")
	return exitCode
}

// next takes the first of the arguments.
func next(args []string) (first string, rest []string) {
	if len(args) == 0 {
		return "", nil
	}
	return args[0], args[1:]
}
