//go:build browser

package browser_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// events returns what the list of the Live page shows, from above.
func (b *browser) events() []string {
	b.t.Helper()
	return b.texts("#events tr.event .cell-event .row-link")
}

// newest returns the first of the events.
func (b *browser) newest() string {
	b.t.Helper()
	shown := b.events()
	require.NotEmpty(b.t, shown)
	return shown[0]
}

// awaitRows waits until the list of the Live page has a number of events.
func (b *browser) awaitRows(n int) {
	b.t.Helper()
	b.await(fmt.Sprintf(`document.querySelectorAll("#events tr.event").length === %d`, n))
}

// counters returns the numbers in the header: events, people, groups, warnings.
func (b *browser) counters() []string {
	b.t.Helper()
	return b.texts("#counters dd")
}

func TestTheJourneyOfAGoClientAppearsWithoutAReload(t *testing.T) {
	t.Parallel()
	s := startDev(t)
	b := s.livePage()
	assert.Equal(t, "Nothing received yet", b.text("#nothing-yet h2"))
	assert.Contains(t, b.text("#nothing-yet"), "Listening on "+s.url)
	assert.Equal(t, []string{"0", "0", "0", "0"}, b.counters())
	assert.Equal(t, "Live (0) · LoopKit dev", b.evaluate("document.title"))
	b.evaluate("window.reloaded = false")
	s.travel(func() {
		b.awaitRows(3)
		assert.NotContains(t, b.texts("#events .person"), "user_123", "who this is, nobody knows yet")
	})

	b.awaitRows(6)
	assert.Equal(t, []string{"feature_used", "group team_456", "identify user_123", "user_signup", "button_click", "page_view"}, b.events())
	b.await(`Array.from(document.querySelectorAll("#events .person"), (e) => e.textContent).join() === "user_123,user_123,user_123,user_123,user_123,user_123"`) // before the signup, too
	assert.True(t, b.holds(`document.querySelector("#nothing-yet").hidden`))
	counted := s.summary()
	warnings := counted.Warnings["error"] + counted.Warnings["warning"] + counted.Warnings["info"]
	assert.Equal(t, []string{"6", "1", "1", fmt.Sprint(warnings)}, b.counters())
	assert.Equal(t, "Live (6) · LoopKit dev", b.evaluate("document.title"))
	assert.Len(t, b.texts("#events tr.request"), 4)
	assert.Regexp(t, `^\d\d:\d\d:\d\d\.\d{3}POST /v1/tracks3 records200[\d.]+ k?BBearer$`, b.texts("#events tr.request")[3])
	assert.Equal(t, false, b.evaluate("window.reloaded"))
}

func TestRowsThatAreThereStayWhenOthersArrive(t *testing.T) {
	t.Parallel()
	s := startDev(t)
	s.tracks("before", 20)
	b := s.livePage()
	b.awaitRows(20)
	b.evaluate(`
		window.kept = Array.from(document.querySelectorAll("#events tr"));
		window.markup = kept.map((row) => row.outerHTML);
		window.changes = [];
		new MutationObserver((records) => {
			for (const record of records) {
				for (const node of record.removedNodes) changes.push("removed " + node.nodeName);
				if (kept.some((row) => row.contains(record.target))) changes.push(record.type + " of " + record.target.nodeName);
			}
		}).observe(document.querySelector("#events"), {subtree: true, childList: true, characterData: true, attributes: true});`)
	for i := range 5 {
		s.tracks(fmt.Sprintf("after_%d", i), 6)
	}
	b.awaitRows(50)
	assert.Empty(t, b.strings("changes"))
	assert.Equal(t, true, b.evaluate("kept.every((row, i) => row.isConnected && row.outerHTML === markup[i])"))
	assert.Equal(t, "after_4_6", b.newest())
}

func TestWhatSomebodyReadsStaysWhereItIs(t *testing.T) {
	t.Parallel()
	s := startDev(t)
	s.tracks("before", 200)
	b := s.livePage()
	b.awaitRows(200)
	pending := func(text string) {
		t.Helper()
		b.await(fmt.Sprintf(`!document.querySelector("#pending").hidden && document.querySelector("#pending").textContent.trim() === %q`, text))
	}
	where := func() any {
		t.Helper()
		return b.evaluate(`[scrollY, Array.from(document.querySelectorAll("#events tr.event"), (row) => row.getBoundingClientRect().top)].flat().join()`)
	}

	b.evaluate("scrollTo(0, 900)")
	b.await("scrollY === 900")
	reading := where()
	s.tracks("scrolled", 12)
	pending("12 new events")
	s.tracks("more", 1)
	pending("13 new events")
	assert.Equal(t, reading, where())
	assert.Equal(t, "213", b.counters()[0])
	b.await(`document.querySelector("#announcer").textContent === "13 new events"`)
	b.push("#pending")
	b.awaitRows(213)
	assert.Equal(t, "more_1", b.newest())
	assert.InDelta(t, 0, b.number("scrollY"), 0)
	b.await(`document.querySelector("#pending").hidden`)

	b.press("j", "j", "j")
	focused := "document.activeElement.dataset.seq"
	seq, reading := b.evaluate(focused), where()
	assert.Equal(t, "211", seq)
	s.tracks("focused", 3)
	pending("3 new events")
	assert.Equal(t, reading, where())
	assert.Equal(t, seq, b.evaluate(focused))
	b.evaluate("document.activeElement.blur()") // and the list goes on
	b.awaitRows(216)
	assert.Equal(t, "focused_3", b.newest())
}

func TestPauseCountsAndResumeShows(t *testing.T) {
	t.Parallel()
	s := startDev(t)
	s.tracks("before", 2)
	b := s.livePage()
	b.push("#pause")
	assert.Equal(t, "true", b.evaluate(`document.querySelector("#pause").ariaPressed`))
	s.tracks("meanwhile", 5)
	b.await(`document.querySelector("#pending").textContent.trim() === "5 new events while paused"`)
	s.tracks("later", 2)
	b.await(`document.querySelector("#pending").textContent.trim() === "7 new events while paused"`)
	assert.Equal(t, []string{"before_2", "before_1"}, b.events())
	assert.Equal(t, "9", b.counters()[0], "what was received is counted at once")

	b.push("#pause")
	b.awaitRows(9)
	assert.Equal(t, []string{"later_2", "later_1", "meanwhile_5"}, b.events()[:3])
	b.await(`document.querySelector("#pending").hidden`)
	assert.Equal(t, "false", b.evaluate(`document.querySelector("#pause").ariaPressed`))
	s.tracks("afterwards", 1)
	b.awaitRows(10)
}

func TestAnnouncementsOfNewEventsAreAtLeastTwoSecondsApart(t *testing.T) {
	t.Parallel()
	s := startDev(t)
	s.tracks("before", 1)
	b := s.livePage()
	b.push("#pause")
	b.evaluate(`
		window.announced = [];
		new MutationObserver(() => {
			if (document.querySelector("#announcer").textContent.includes("new event")) announced.push(performance.now());
		}).observe(document.querySelector("#announcer"), {childList: true, characterData: true, subtree: true});`)
	for n := 1; b.number("announced.length") < 2; n++ {
		s.tracks("meanwhile", 1)
		b.await(fmt.Sprintf(`document.querySelector("#pending").textContent.trim().startsWith("%d new event")`, n))
	}
	assert.GreaterOrEqual(t, b.number("announced[1] - announced[0]"), 2000.0)
	assert.Equal(t, "polite", b.evaluate(`document.querySelector("#announcer").ariaLive`))
	assert.Equal(t, []string{"before_1"}, b.events())
}
