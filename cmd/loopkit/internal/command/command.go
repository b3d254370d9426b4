// Package command is the tree of loopkit's subcommands, one file each.
package command

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

func init() { cobra.EnableCommandSorting = false } // help has the order of root

// program is what a command knows of the world around it. Tests make their own.
type program struct {
	in       io.Reader
	out, err io.Writer
	getenv   func(string) string
	terminal func(stream any) bool // nil asks the operating system

	global globalFlags
}

// Main runs the command that the arguments name and returns the exit status.
func Main(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	p := &program{in: os.Stdin, out: os.Stdout, err: os.Stderr, getenv: os.Getenv}
	return p.run(ctx, args)
}

func (p *program) run(ctx context.Context, args []string) int {
	root := p.root()
	help := &watched{Writer: p.out} // cobra ignores whether its help was written
	root.SetOut(help)
	failByDefault(root)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		err = writing(help.err)
	}
	var exit *exitError
	if err != nil && (!errors.As(err, &exit) || exit.err != nil) {
		p.tell("%s", strings.TrimPrefix(err.Error(), "loopkit: "))
	}
	return statusOf(err)
}

func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "loopkit",
		Short: "Send, import, check and watch analytics for LoopKit",
		Long: `Send, import, check and watch analytics for LoopKit.

The API key is taken from the environment variable ` + envKey + `, or from a
file that --api-key-file or ` + envKeyFile + ` names; never from the
command line. Flags win over the environment. This tool sends nothing about its
own use to anybody.

Exit status: 0 done, 1 failed, 2 wrong usage, 3 not supported by the server,
4 done in part.`,
		Example: `  loopkit dev                                      # a local LoopKit with a web page
  loopkit track user_signup --user user_123 --prop method=email
  loopkit doctor                                   # why does nothing arrive?`,
		Args:                  commandExists,
		PersistentPreRunE:     nothingEmpty,
		RunE:                  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		Version:               thisBuild().String(),
		DisableFlagsInUseLine: true,
		SilenceUsage:          true,
		SilenceErrors:         true,
	}
	root.SetIn(p.in)
	root.SetErr(p.err)
	root.SetFlagErrorFunc(explainFlagError)
	p.global.register(root)
	for _, group := range []struct {
		id, title string
		commands  []*cobra.Command
	}{
		{"send", "Send:", []*cobra.Command{p.identify(), p.group(), p.track(), p.deletion(users), p.deletion(groups)}},
		{"files", "Files:", []*cobra.Command{p.importFiles(), p.validate()}},
		{"develop", "Develop:", []*cobra.Command{p.dev(), p.demo(), p.tail()}},
		{"diagnose", "Diagnose:", []*cobra.Command{p.doctor(), p.version(), p.completion()}},
	} {
		root.AddGroup(&cobra.Group{ID: group.id, Title: group.title})
		for _, cmd := range group.commands {
			cmd.GroupID = group.id
			root.AddCommand(cmd)
		}
	}
	root.CompletionOptions.DisableDefaultCmd = true // for completion, which takes its place
	root.SetHelpCommand(p.help())
	root.SetHelpCommandGroupID("diagnose")
	root.SetVersionTemplate("{{.Version}}\n")
	return root
}
