package loopkittest

import (
	"testing"

	"github.com/loopkitai/loopkit-go"
)

// SpoolRule is one of the rules of TestSpool, for a test that it fails.
type SpoolRule struct {
	Name  string
	Check func(t testing.TB, dir string, open func(string) (loopkit.Spool, error))
}

// SpoolRules returns all rules of TestSpool.
func SpoolRules() []SpoolRule {
	var rules []SpoolRule
	for _, r := range spoolRules {
		rules = append(rules, SpoolRule{r.rule, r.judge})
	}
	return rules
}
