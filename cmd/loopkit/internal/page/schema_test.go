package page

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTheSchemaShowsTypesFillAndExamples(t *testing.T) {
	s := newPages(t, append(journey(),
		tracked("page_view", "", "A", values{"page": 7.0}),
		tracked("pageView", "", "A", values{"userEmail": "user@example.com"}),
	)...)
	text := s.text("/schema")
	assert.Contains(t, text, "page_view 2 events")
	assert.Contains(t, text, "page number , string drift 1 : 1 100 % 7")
	assert.Contains(t, text, "pageView 1 event in Live better: page_view")
	assert.Contains(t, text, "not shown: looks personal")
	assert.NotContains(t, text, "@")
	assert.Contains(t, text, "Traits of users")
	assert.Contains(t, text, "Traits of groups organization")
	assert.Contains(t, s.main("/schema"), `href="/?q=name%3Apage_view&#43;kind%3Atrack"`)
}

func TestTheSchemaIsSearched(t *testing.T) {
	s := newPages(t, append(journey(), tracked("pageView", "", "A", nil))...)
	assert.NotContains(t, s.text("/schema?q=button"), "user_signup")
	text := s.text("/schema?problems=1")
	assert.Contains(t, text, "pageView")
	assert.NotContains(t, text, "user_signup")
	assert.Contains(t, s.text("/schema?q=nothing"), "0 of 8 match")
}
