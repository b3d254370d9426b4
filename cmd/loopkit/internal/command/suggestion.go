package command

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// commandExists refuses a word that names no command, with those that look like it.
func commandExists(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	text := fmt.Sprintf("there is no command %q", args[0])
	cmd.SuggestionsMinimumDistance = 2
	if like := slices.Compact(cmd.SuggestionsFor(args[0])); len(like) > 0 {
		return usageError(text + "; did you mean " + strings.Join(like, " or ") + "?")
	}
	return usageError(text + `; "loopkit --help" lists them`)
}

// explainFlagError never repeats what stands behind an unknown flag: it may be a key.
func explainFlagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return usageErrorf("%w; see %q", err, cmd.CommandPath()+" --help")
	}
	name := unknown.GetSpecifiedName()
	if unknown.GetSpecifiedShortnames() != "" {
		return usageErrorf("there is no flag -%s; see %q", name, cmd.CommandPath()+" --help")
	}
	if slices.Contains([]string{"api-key", "apikey", "api_key", "apiKey", "key", "token"}, name) {
		return usageError("--" + name + " does not exist, because a key on the command line stays in the shell's history and shows in the list of processes: " +
			"set " + envKey + ", or write the key to a file and pass --api-key-file FILE. If a real key was typed here, remove that line from the history")
	}
	text := fmt.Sprintf("there is no flag --%s", name)
	if like := closestFlag(cmd, name); like != "" {
		return usageError(text + "; did you mean --" + like + "?")
	}
	return usageErrorf("%s; see %q", text, cmd.CommandPath()+" --help")
}

func closestFlag(cmd *cobra.Command, name string) string {
	const tooFar = 3
	best, distance := "", tooFar
	cmd.Flags().VisitAll(func(flag *pflag.Flag) {
		d := editDistance(name, flag.Name)
		if strings.HasPrefix(flag.Name, name) || strings.HasPrefix(name, flag.Name) {
			d = min(d, 1)
		}
		if !flag.Hidden && d < distance {
			best, distance = flag.Name, d
		}
	})
	return best
}

// editDistance is Levenshtein's: how many bytes to insert, delete or replace.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}
