package command

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/loopkitai/loopkit-go"
)

func (p *program) track() *cobra.Command {
	var f *sendFlags
	var user string
	cmd := &cobra.Command{
		Use:   "track EVENT (--user USER | --anonymous-id ID)",
		Short: "Record that somebody did something",
		Long: `Record that somebody did something. LoopKit's convention for names of events is
snake_case: user_signup.

` + aboutIdentity,
		Example: `  loopkit track page_view --anonymous-id anon_456 --prop page=/pricing
  loopkit track user_signup --user user_123 --anonymous-id anon_456 --prop method=email
  loopkit track invoice_paid --user user_123 --prop 'amount:=49.9' --prop 'trial:=false'
  jq -c .payload event.json | loopkit track webhook_received --user user_123 --props-json -`,
		Args: exactlyOne("name of the event", "user_signup"),
		RunE: func(cmd *cobra.Command, args []string) error {
			as, err := somebody(user, f.anonymousID)
			if err != nil {
				return err
			}
			properties, err := f.values.read(p)
			if err != nil {
				return err
			}
			return p.send(cmd.Context(), sending{f, "tracked " + args[0], properties, func(ctx context.Context, client *loopkit.Client, common []loopkit.CallOption) error {
				return client.Track(ctx, args[0], properties, append(common, as)...)
			}})
		},
	}
	f = addSendFlags(cmd, "prop", "props")
	cmd.Flags().StringVar(&user, "user", "", "the user `ID` of who did it")
	return cmd
}
