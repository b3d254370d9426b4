package page

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// CSS has no way to name a set of variables once for a choice and for a preference.
func TestTheDarkThemeIsTheSameWhetherChosenOrPreferred(t *testing.T) {
	css, err := static.ReadFile("static/base.css")
	require.NoError(t, err)
	variables := func(selector string) []string {
		block := regexp.MustCompile(regexp.QuoteMeta(selector) + ` \{([^}]*)\}`).FindSubmatch(css)
		require.NotNil(t, block, selector)
		return strings.Fields(string(block[1]))
	}
	chosen := variables(`:root[data-theme="dark"]`)
	assert.Contains(t, chosen, "--bg:")
	assert.Equal(t, chosen, variables(`:root:not([data-theme])`))
}
