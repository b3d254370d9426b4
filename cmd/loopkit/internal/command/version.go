package command

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/loopkitai/loopkit-go"
)

func (p *program) version() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(p.out, "loopkit", loopkit.Version)
			return err
		},
	}
}
