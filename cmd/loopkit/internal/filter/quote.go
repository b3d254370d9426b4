package filter

import (
	"regexp"
	"strings"
)

var plainValue = regexp.MustCompile(`^[A-Za-z0-9_.|@/+][A-Za-z0-9_.|@/+:-]*$`)

// Quote writes a value so that a term means exactly that.
func Quote(value string) string {
	if plainValue.MatchString(value) {
		return value
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`
}
