package page_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func cursorOf(t testing.TB, html string) string {
	_, rest, ok := strings.Cut(html, `data-cursor="`)
	require.True(t, ok)
	cursor, _, _ := strings.Cut(rest, `"`)
	return cursor
}

func TestTheStreamBringsWhatThePageLacks(t *testing.T) {
	s := newSite(t, 0)
	s.track("first", `{}`)
	c := s.stream("?after="+cursorOf(t, s.get("/")), "")
	name, b := c.next()
	assert.Equal(t, "batch", name)
	assert.Empty(t, b.HTML, "the page has it")
	assert.False(t, b.Replace)

	s.track("second", `{}`)
	s.track("third", `{}`)
	var got []string
	b = c.until(func(b batch) bool {
		got = append(titles(b.HTML), got...)
		return b.Last == 3
	})
	assert.Equal(t, []string{"third", "second"}, got)
	assert.Equal(t, 3, b.Counts.Events)
	assert.Equal(t, 3, b.Matched)

	resumed := s.stream("?after="+cursorOf(t, s.get("/")), strings.TrimSuffix(c.id, ".3")+".2")
	_, b = resumed.next()
	assert.Equal(t, []string{"third"}, titles(b.HTML), "Last-Event-ID says more than the address")
}

func TestTheStreamFiltersAsThePageDoes(t *testing.T) {
	s := newSite(t, 0)
	s.track("page_view", `{}`)
	c := s.stream("?q=name%3Apage_*&after="+cursorOf(t, s.get("/")), "")
	c.next()
	s.track("button_click", `{}`)
	b := c.until(func(b batch) bool { return b.Last == 2 })
	assert.Zero(t, b.Rows)
	assert.Empty(t, titles(b.HTML))
	assert.Equal(t, 1, b.Matched)
	assert.Equal(t, 2, b.Total)
	s.track("page_left", `{}`)
	b = c.until(func(b batch) bool { return b.Last == 3 })
	assert.Equal(t, []string{"page_left"}, titles(b.HTML))
	assert.Equal(t, 2, b.Matched)
}

func TestAnIdentifyNamesTheRowsThatAreThere(t *testing.T) {
	s := newSite(t, 0)
	s.track("page_view", `{}`)
	c := s.stream("?after="+cursorOf(t, s.get("/")), "")
	c.next()
	s.send("/v1/identifies", `{"userId":"user_123","anonymousId":"anon_1","traits":{"plan":"trial"}}`)
	b := c.until(func(b batch) bool { return b.Last == 2 })
	require.Len(t, b.People, 1)
	assert.Contains(t, s.get("/"), `data-user="" data-anon="`+b.People[0].Anonymous[0]+`"`)
	assert.Contains(t, b.People[0].Person, `href="/people/user_123"`)
}

func TestAnotherRunOfTheServerResetsThePage(t *testing.T) {
	s := newSite(t, 0)
	s.track("page_view", `{}`)
	c := s.stream("?after=another.7", "")
	name, b := c.next()
	assert.Equal(t, "reset", name)
	assert.Equal(t, s.store.Instance(), b.Instance)
	name, b = c.next()
	assert.Equal(t, "batch", name)
	assert.True(t, b.Replace)
	assert.Equal(t, []string{"page_view"}, titles(b.HTML))
}

func TestWhatIsNoLongerKeptLeavesThePage(t *testing.T) {
	s := newSite(t, 2)
	s.track("first", `{}`)
	c := s.stream("", "")
	c.next()
	s.track("second", `{}`)
	s.track("third", `{}`)
	b := c.until(func(b batch) bool { return b.Last == 3 })
	assert.EqualValues(t, 2, b.Oldest)
	assert.Equal(t, 2, b.Matched)

	s.store.Reset()
	_, b = c.next()
	assert.Greater(t, b.Oldest, int64(3))
	assert.Zero(t, b.Total)
	assert.Zero(t, b.Counts.Events)
}

func TestAFloodReplacesTheList(t *testing.T) {
	s := newSite(t, 0)
	s.track("first", `{}`)
	c := s.stream("?after="+cursorOf(t, s.get("/")), "")
	c.next()
	var tracks []string
	for i := range 300 {
		tracks = append(tracks, fmt.Sprintf(`{"name":"event_%d","anonymousId":"anon_1","timestamp":"2025-01-15T10:30:00Z"}`, i+1))
	}
	s.send("/v1/tracks", `{"tracks":[`+strings.Join(tracks, ",")+`]}`)
	b := c.until(func(b batch) bool { return b.Last == 301 })
	assert.True(t, b.Replace)
	assert.Equal(t, 300, b.Rows)
	got := titles(b.HTML)
	require.Len(t, got, 50)
	assert.Equal(t, "event_300", got[0])
	assert.EqualValues(t, 252, b.Older)
}

func TestOtherPagesGetTheCountsOnly(t *testing.T) {
	s := newSite(t, 0)
	c := s.stream("?rows=0", "")
	name, _ := c.next()
	assert.Equal(t, "counts", name)
	s.track("page_view", `{}`)
	b := c.until(func(b batch) bool { return b.Counts.Events == 1 })
	assert.Empty(t, b.HTML)
	assert.Equal(t, 1, b.Counts.People)
}
