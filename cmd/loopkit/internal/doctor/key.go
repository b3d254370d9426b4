package doctor

import (
	"fmt"
	"strings"
)

// checkKey looks at the shape of the key alone; only a probe tells whether
// LoopKit knows it.
func checkKey(env Environment) []Finding {
	const check = "key"
	const again = "copy the key again from LoopKit's settings, without anything around it"
	switch {
	case env.KeyError != nil:
		return []Finding{problem(check, env.KeyError.Error(), "name a file that holds the key and nothing else, and that this user can read")}
	case env.Key == "":
		return []Finding{problem(check, "there is none", "set LOOPKIT_API_KEY, or name a file that holds it with --api-key-file or LOOPKIT_API_KEY_FILE")}
	}
	if what := malformed(env.Key); what != "" {
		return []Finding{problem(check, "the key from "+env.KeyFrom+" "+what, again)}
	}
	findings := []Finding{ok(check, fmt.Sprintf("from %s, %d characters", env.KeyFrom, len(env.Key)))}
	if len(env.Key) < leastKey && !isDevKey(env.Key) {
		findings[0] = warning(check, fmt.Sprintf("the key from %s has only %d characters", env.KeyFrom, len(env.Key)), again)
	}
	if env.KeyFrom == "LOOPKIT_API_KEY" && env.Getenv("LOOPKIT_API_KEY_FILE") != "" {
		findings = append(findings, warning(check, "LOOPKIT_API_KEY and LOOPKIT_API_KEY_FILE are both set; the first one counts", "unset one of them"))
	}
	return findings
}

// leastKey is below the length of every API key that is worth its name.
const leastKey = 8

// isDevKey reports whether it is a key of "loopkit dev", which are no secrets.
func isDevKey(key string) bool { return key == "lk_dev" || strings.HasPrefix(key, "lk_dev_") }

// malformed says what is wrong with a key; "" if nothing is.
func malformed(key string) string {
	lower := strings.ToLower(key)
	switch {
	case strings.TrimSpace(key) == "":
		return "is blank"
	case strings.ContainsAny(strings.TrimSpace(key), "\r\n"):
		return "has more than one line"
	case strings.TrimSpace(key) != key:
		return "has spaces or a line break around it"
	case strings.HasPrefix(key, "\ufeff"):
		return "begins with a byte order mark, which an editor has put there"
	case strings.HasPrefix(lower, "bearer "):
		return `begins with "Bearer ", which the client adds by itself`
	case strings.Trim(key, "\"'`") != key:
		return "has quotes around it, which are not part of it"
	case strings.HasPrefix(lower, "loopkit_api_key=") || strings.HasPrefix(lower, "export "):
		return "begins with the name of the variable"
	case strings.HasPrefix(lower, "http://") || strings.HasPrefix(lower, "https://"):
		return "is an address"
	case lower == "your-api-key" || lower == "your_api_key" || strings.HasPrefix(key, "<") || strings.HasPrefix(key, "$"):
		return "is a placeholder"
	}
	for _, r := range key {
		if r <= ' ' || r > '~' {
			return "has a space or a character that no key has"
		}
	}
	return ""
}
