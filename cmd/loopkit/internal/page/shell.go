package page

import (
	"regexp"
	"strings"
)

var plainArgument = regexp.MustCompile(`^[A-Za-z0-9_.@/+][A-Za-z0-9_.@/+:-]*$`)

// shellQuoted writes an argument for a shell, in quotes if it needs them.
func shellQuoted(s string) string {
	if plainArgument.MatchString(s) {
		return s
	}
	return alwaysQuoted(s)
}

func alwaysQuoted(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
