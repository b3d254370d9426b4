//go:build browser

package browser_test

import (
	_ "embed"
	"slices"
	"strings"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

var (
	//go:embed testdata/axe/axe.min.js
	axeScript string
	//go:embed testdata/contrast.js
	contrastScript string
)

// What axe-core looks at.
const (
	allRules = `["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]`
	// rulesOfLooks depend on the theme and on the window.
	rulesOfLooks = `{type: "rule", values: ["link-in-text-block", "target-size", "scrollable-region-focusable"]}`
)

// violations returns what axe-core finds in the page as it is. Its rule on
// contrast, which takes longer than all others, is left to faintTexts.
func (b *browser) violations(rules string) []string {
	b.t.Helper()
	if b.holds("!window.axe") {
		b.evaluate(axeScript + "; 0")
	}
	return b.strings(`axe.run(document, {
		runOnly: ` + rules + `,
		resultTypes: ["violations"],
		rules: {"color-contrast": {enabled: false}},
	}).then(({ violations }) => violations.flatMap(({ id, nodes }) =>
		nodes.slice(0, 3).map((node) => id + ": " + node.target + ": " + node.failureSummary.replace(/\s+/g, " "))))`)
}

// faintTexts returns the texts that have too little contrast.
func (b *browser) faintTexts() []string {
	b.t.Helper()
	return b.strings(contrastScript)
}

// controls are the roles that are of no use to who cannot see them, unless they have a name.
var controls = []string{
	"button", "checkbox", "combobox", "dialog", "grid", "link", "listbox", "menuitem", "navigation", "radio",
	"region", "search", "searchbox", "slider", "spinbutton", "splitter", "switch", "tab", "table", "tablist", "tabpanel", "textbox",
}

// namelessControls returns the roles of the controls that a screen reader knows no name of.
func (b *browser) namelessControls() []string {
	b.t.Helper()
	tree, err := chromedp.Call(b.ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	require.NoError(b.t, err)
	var nameless []string
	named := 0
	for _, node := range tree.Nodes {
		if node.Ignored || node.Role == nil || !slices.Contains(controls, axText(node.Role)) {
			continue
		}
		if axText(node.Name) == "" {
			nameless = append(nameless, axText(node.Role))
		} else {
			named++
		}
	}
	require.Greater(b.t, named, 10, "the controls of the header and the navigation at least")
	return nameless
}

func axText(value *accessibility.Value) string {
	if value == nil {
		return ""
	}
	return strings.Trim(string(value.Value), `" `)
}
