package page

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/loopkitai/loopkit-go/internal/collector"
)

func TestGroupsShowTheirMembersAndWhatTheyDid(t *testing.T) {
	s := newPages(t, append(journey(), joined("team_456", "", "anon_2", values{"size": 26.0}))...)
	assert.Regexp(t, `team_456 organization Acme Corp 2 5 `, s.text("/groups"))
	text := s.text("/groups/team_456")
	assert.Contains(t, text, "user_123")
	assert.Contains(t, text, "anon_2 anonymous")
	assert.Contains(t, text, "size 26 #8 25 #6")
	assert.Contains(t, s.main("/groups/team_456"), `href="/people/user_123"`)
	assert.Contains(t, s.text("/groups?q=ACME"), "1 of 1 group")
	assert.Contains(t, s.text("/groups?q=other"), "0 of 1 match")

	status, _ := s.get("/groups/other")
	assert.Equal(t, http.StatusNotFound, status)
}

func TestAGroupShowsItsOwnWarnings(t *testing.T) {
	s := newPages(t, identified("U", "A", values{"plan": "pro"}), joined("group-1", "U", "A", nil), joined("acme-corp", "U", "A", values{"name": "Acme Corp", "size": 2.0}))
	text := s.text("/groups/group-1")
	assert.Contains(t, text, "A generic group ID")
	assert.Contains(t, text, "A group of one")
	assert.NotContains(t, s.text("/groups/acme-corp"), "A generic group ID")
}

func TestADeletedGroupBeginsAnew(t *testing.T) {
	s := newPages(t, joined("G", "U", "", values{"size": 1.0}), collector.Message{Kind: collector.KindDeleteGroup, GroupID: "G"})
	text := s.text("/groups/G")
	assert.Contains(t, text, "deleted")
	assert.NotContains(t, text, "size")

	s = newPages(t, joined("G", "U", "", values{"size": 1.0}), collector.Message{Kind: collector.KindDeleteGroup, GroupID: "G"}, joined("G", "V", "", values{"size": 2.0}))
	text = s.text("/groups/G")
	assert.Contains(t, text, "recreated")
	assert.Contains(t, text, "size 2 #3")
	assert.NotContains(t, text, "#1")
}
