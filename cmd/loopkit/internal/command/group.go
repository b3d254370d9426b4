package command

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/loopkitai/loopkit-go"
)

func (p *program) group() *cobra.Command {
	var f *sendFlags
	var user, groupType string
	cmd := &cobra.Command{
		Use:   "group GROUP (--user USER | --anonymous-id ID)",
		Short: "Put somebody into a group, and set traits of the group",
		Long: `Put somebody into a group, such as a team or an organization, and set traits of
the group. Identify the user first.

` + aboutIdentity,
		Example: `  loopkit group team_456 --user user_123 --trait name='Acme Corp' --trait 'size:=25'
  loopkit group night_owls --user user_123 --type guild --trait level:=3`,
		Args: exactlyOne("group ID", "team_456"),
		RunE: func(cmd *cobra.Command, args []string) error {
			as, err := somebody(user, f.anonymousID)
			if err != nil {
				return err
			}
			traits, err := f.values.read(p)
			if err != nil {
				return err
			}
			return p.send(cmd.Context(), sending{f, "grouped " + args[0], traits, func(ctx context.Context, client *loopkit.Client, common []loopkit.CallOption) error {
				options := []loopkit.GroupOption{loopkit.GroupType(groupType), as}
				for _, option := range common {
					options = append(options, option)
				}
				return client.Group(ctx, args[0], traits, options...)
			}})
		},
	}
	f = addSendFlags(cmd, "trait", "traits")
	cmd.Flags().StringVar(&user, "user", "", "the user `ID` of who is in the group")
	cmd.Flags().StringVar(&groupType, "type", "organization", "what `kind` of group it is")
	return cmd
}
