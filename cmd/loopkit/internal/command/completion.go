package command

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

var shells = []string{"bash", "zsh", "fish", "powershell"}

func (p *program) completion() *cobra.Command {
	return &cobra.Command{
		Use:   "completion " + strings.Join(shells, "|"),
		Short: "Print the script that makes a shell complete loopkit's words",
		Example: `  source <(loopkit completion bash)                # in ~/.bashrc
  loopkit completion zsh > "${fpath[1]}/_loopkit"
  loopkit completion fish > ~/.config/fish/completions/loopkit.fish
  loopkit completion powershell | Out-String | Invoke-Expression`,
		ValidArgs: shells,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || !slices.Contains(shells, args[0]) {
				return usageErrorf("name one shell: %s", strings.Join(shells, ", "))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			var err error
			switch args[0] {
			case "bash":
				err = root.GenBashCompletionV2(p.out, true)
			case "zsh":
				err = root.GenZshCompletion(p.out)
			case "fish":
				err = root.GenFishCompletion(p.out, true)
			default: // Args has checked it
				err = root.GenPowerShellCompletionWithDesc(p.out)
			}
			return writing(err)
		},
	}
}
