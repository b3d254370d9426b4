package page

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/store"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

func TestTheHelpKeepsWhatThePageShows(t *testing.T) {
	p := newPages(t, journey()...)
	_, html := p.get("/?q=kind%3Atrack&sel=1")
	assert.Contains(t, html, `id="help-open" href="?help=1&amp;q=kind%3Atrack&amp;sel=1"`)
	_, html = p.get("/people/a%2Fb?help=1&q=x")
	assert.Contains(t, html, `class="no-js" href="/people/a%2Fb?q=x"`)
}

func TestAFragmentBringsTheTitleOfTheDocument(t *testing.T) {
	p := newPages(t, journey()...)
	for path, title := range map[string]string{
		"/people": "People (1)", "/people/user_123": "user_123 (5 events)", "/groups": "Groups (1)",
		"/groups/team_456": "team_456 (1 member)", "/warnings": "Warnings (", "/schema": "Schema (5 event names)",
	} {
		assert.Contains(t, p.main(path), `data-title="`+title, path)
	}
}

func TestWhatWasReadFromAFileDidNotArriveJustNow(t *testing.T) {
	s := store.New(0)
	s.Restore(collector.Request{Method: "READ", Path: "events.ndjson"}, func(yield func(collector.Message) bool) {
		yield(tracked("page_view", "", "A", nil))
	})
	_, html := (&pages{t, s, New(Options{Store: s})}).get("/event/1")
	assert.NotContains(t, html, "Arrived")
	assert.Contains(t, html, "from a file")
}

func TestADeletionTakesTheNameOffTheRowsThatAreShown(t *testing.T) {
	p := newPages(t, append(journey(), collector.Message{Kind: collector.KindDeleteUser, UserID: "user_123"})...)
	snapshot := p.store.Snapshot()
	updates := p.page.(*Page).personUpdates(snapshot.Since(snapshot.Last-1), takeCensus(snapshot))
	assert.Equal(t, []personUpdate{{User: identityKey("user_123"), Forgotten: "/people/user_123"}}, updates)
}
