package page_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestARefusedRequestShowsWhatTheRulesFound(t *testing.T) {
	s := newSite(t, 0)
	require.Equal(t, http.StatusBadRequest, s.send("/v1/tracks", `{"name":"page_view","timestamp":"2025-01-15T10:30:00Z"}`))
	live := s.get("/")
	assert.Regexp(t, `(?s)request-refused.*class="refusal".*severity-error.*1 warning, the worst: error`, live)
	drawer := s.get("/event/1?tab=warnings")
	assert.Contains(t, drawer, `id="panel-warnings"`)
	assert.Contains(t, drawer, "W-NOANON")
	warnings := s.get("/warnings")
	assert.Contains(t, warnings, `id="W-NOANON"`)
	assert.Contains(t, warnings, "refused</span>")
	assert.Equal(t, 1, s.rows("/rows?q=warn:W-NOANON").Rows)
}
