package command

import (
	"github.com/spf13/cobra"

	"github.com/loopkitai/loopkit-go"
)

const aboutIdentity = `Say who it is: --user for a known user, --anonymous-id for somebody before
signup, both where both are known. With --user alone the message carries an
anonymous ID that is derived from the user ID: the same in every run, and no
other user's. A new one for each run would be a new person each time, so none
is made up.`

// somebody is whose message it is.
func somebody(user, anonymousID string) (loopkit.CallOption, error) {
	if user == "" && anonymousID == "" {
		return nil, usageError("whose message is it? Pass --user USER, --anonymous-id ID, or both")
	}
	return loopkit.As(loopkit.Identity{UserID: user, AnonymousID: anonymousID}), nil
}

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
