package page

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/rules"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

func TestNoWarningsSaysHowManyChecksRan(t *testing.T) {
	want := fmt.Sprintf("No warnings. %d checks ran on 0 events.", len(rules.All()))
	assert.Contains(t, newPages(t).text("/warnings"), want)
}

func TestWarningsAreGroupedByRule(t *testing.T) {
	var messages []collector.Message
	for i := range 7 {
		messages = append(messages, identified(fmt.Sprint("user_", i), "", values{"plan": "pro"}))
	}
	s := newPages(t, messages...)
	html := s.main("/warnings")
	text := textOf(html)
	assert.Contains(t, text, "error No anonymousId W-NOANON 7 findings")
	assert.Contains(t, text, "The latest 5 of 7")
	assert.Contains(t, html, `href="/?sel=7"`)
	assert.NotContains(t, html, `href="/?sel=2"`)
	assert.Contains(t, html, `href="/?q=warn%3AW-NOANON"`)
	assert.Contains(t, html, `data-mute="W-NOANON"`)
	assert.Contains(t, text, "Troubleshooting: User data isn't merging properly")
}

func TestErrorsComeBeforeWarnings(t *testing.T) {
	s := newPages(t, joined("group-1", "U", "A", nil), identified("V", "", values{"plan": "pro"}))
	var order []string
	for _, section := range regexp.MustCompile(`data-rule="([^"]+)"`).FindAllStringSubmatch(s.main("/warnings"), -1) {
		rule, ok := rules.ByID(section[1])
		assert.True(t, ok)
		order = append(order, string(rule.Severity))
	}
	assert.Subset(t, order, []string{"error", "warning", "info"})
	assert.Regexp(t, `^(error )+(warning )+(info ?)+$`, strings.Join(order, " "))
}

func TestTheReportIsMarkdownThatStaysText(t *testing.T) {
	rule := &rules.Rule{ID: "W-X", Severity: rules.Error, Title: "Title", Section: "Best Practices", Why: "Why.", Fix: "Do it.", Example: "code()"}
	report := reportOf(warningsView{
		Total: 2, Events: 3, Checks: 4,
		Found: []ruleFound{{Rule: rule, Count: 2, Examples: []finding{{Finding: rules.Finding{Rule: rule, Detail: "from *<b>* \n# @all `x`"}}}}},
	})
	assert.Equal(t, strings.Join([]string{
		"# LoopKit: 2 warnings", "", "4 checks ran on 3 events.", "",
		"## W-X: Title (error, 2×)", "", "From the documentation, Best Practices.", "", "Why.", "", "Fix: Do it.", "",
		"- from \\*&lt;b&gt;\\*  # @\u200ball \\`x\\`", "- and 1 more", "", "```go", "code()", "```", "",
	}, "\n"), report)
}
