package command

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// exactlyOne asks for the one argument of a command.
func exactlyOne(what, example string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch len(args) {
		case 1:
			return nil
		case 0:
			return usageErrorf("the %s is missing: %s %s", what, cmd.CommandPath(), example)
		}
		return usageErrorf("%d arguments, but there is only one %s; quote what has spaces, and put values behind their flags", len(args), what)
	}
}

func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageErrorf("%s takes no argument, and %q is one; see %q", cmd.CommandPath(), args[0], cmd.CommandPath()+" --help")
	}
	return nil
}

func someFiles(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usageErrorf("no file is named: %s FILE...", cmd.CommandPath())
	}
	return nil
}

// nothingEmpty refuses flags that are given and empty. They are variables of a
// shell that nobody has set, and the default would be something else than meant:
// production in place of staging, no link in place of a link.
func nothingEmpty(cmd *cobra.Command, _ []string) (err error) {
	cmd.Flags().Visit(func(flag *pflag.Flag) {
		if flag.Value.Type() == "string" && flag.Value.String() == "" && err == nil {
			err = usageErrorf("--%s is empty, as a variable is that nobody has set; leave the flag out if you do not mean it", flag.Name)
		}
	})
	return err
}

// alternatives are words of which one must be chosen.
func alternatives(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
