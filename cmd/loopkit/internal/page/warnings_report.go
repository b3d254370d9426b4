package page

import (
	"fmt"
	"strings"
)

// reportOf writes the findings as Markdown, for an issue or a chat.
func reportOf(view warningsView) string {
	var out strings.Builder
	fmt.Fprintf(&out, "# LoopKit: %s\n\n", plural(view.Total, "warning"))
	fmt.Fprintf(&out, "%s ran on %s.\n", plural(view.Checks, "check"), plural(view.Events, "event"))
	for _, f := range view.Found {
		fmt.Fprintf(&out, "\n## %s: %s (%s, %d×)\n\n", f.ID, f.Title, f.Severity, f.Count)
		if f.Section != "" {
			fmt.Fprintf(&out, "From the documentation, %s.\n\n", f.Section)
		}
		fmt.Fprintf(&out, "%s\n\nFix: %s\n\n", f.Why, f.Fix)
		for _, example := range f.Examples {
			out.WriteString("- ")
			if example.Entry != nil {
				fmt.Fprintf(&out, "event %d: ", example.Subject)
			}
			fmt.Fprintf(&out, "%s\n", markdownText(example.Detail))
		}
		if more := f.More(); more > 0 {
			fmt.Fprintf(&out, "- and %s more\n", grouped(more))
		}
		if f.Example != "" {
			fmt.Fprintf(&out, "\n```go\n%s\n```\n", f.Example)
		}
	}
	return out.String()
}

// markdownText writes what others sent so that it stays text, in one line.
var markdownText = strings.NewReplacer(
	"\n", " ", "\r", " ",
	`\`, `\\`, "`", "\\`", "*", `\*`, "[", `\[`, "]", `\]`, "<", "&lt;", ">", "&gt;", "|", `\|`, "@", "@\u200b",
).Replace
