package command

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/loopkitai/loopkit-go"
)

func (p *program) identify() *cobra.Command {
	var f *sendFlags
	cmd := &cobra.Command{
		Use:   "identify USER",
		Short: "Set traits of a user, and link an anonymous ID to it",
		Long: `Set traits of a user, and link an anonymous ID to it.

LoopKit merges what --anonymous-id did before into the user. Two users must
never share one. Without --anonymous-id the message carries one that is derived
from the user ID, always the same, and links nothing.`,
		Example: `  loopkit identify user_123 --trait plan=pro --trait 'team_size:=25'
  loopkit identify user_123 --anonymous-id anon_456 --trait email=user@example.com
  loopkit identify user_123 --traits-json '{"plan":"enterprise","active":true}'
  loopkit identify user_123 --traits-json @traits.json --at 2025-01-15T10:30:00Z`,
		Args: exactlyOne("user ID", "user_123"),
		RunE: func(cmd *cobra.Command, args []string) error {
			traits, err := f.values.read(p)
			if err != nil {
				return err
			}
			return p.send(cmd.Context(), sending{f, "identified " + args[0], traits, func(ctx context.Context, client *loopkit.Client, common []loopkit.CallOption) error {
				as := loopkit.As(loopkit.Identity{AnonymousID: f.anonymousID})
				return client.Identify(ctx, args[0], traits, append(common, as)...)
			}})
		},
	}
	f = addSendFlags(cmd, "trait", "traits")
	return cmd
}
