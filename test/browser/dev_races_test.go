//go:build browser

package browser_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
)

// holdAnswer keeps the next answer to the page about an address that begins so.
// The server gives it at once; the page gets it with the returned function.
func (b *browser) holdAnswer(beginning string) (release func()) {
	b.t.Helper()
	b.evaluate(fmt.Sprintf(`{
		const fetched = window.fetch;
		window.held = null;
		window.fetch = (address, options) => {
			if (!String(address).startsWith(%q)) return fetched(address, options);
			window.fetch = fetched;
			const answer = fetched(address, options);
			return new Promise((give) => { window.held = () => give(answer); });
		};
	}`, beginning))
	return func() {
		b.t.Helper()
		b.await("window.held")
		b.evaluate("window.held(); new Promise((done) => setTimeout(done, 100))")
	}
}

// breakAnswer lets the next answer about an address that begins so break off.
func (b *browser) breakAnswer(beginning string) {
	b.t.Helper()
	b.evaluate(fmt.Sprintf(`{
		const fetched = window.fetch;
		window.broken = false;
		window.fetch = async (address, options) => {
			if (!String(address).startsWith(%q)) return fetched(address, options);
			window.fetch = fetched;
			window.broken = true;
			return new Response(new ReadableStream({ start: (stream) => stream.error(new Error("broken off")) }));
		};
	}`, beginning))
}

func (b *browser) awaitPending(text string) {
	b.t.Helper()
	b.await(fmt.Sprintf(`!document.querySelector("#pending").hidden && document.querySelector("#pending").textContent.trim() === %q`, text))
}

func TestEventsThatArriveWhileTheListCatchesUpAreNotLost(t *testing.T) {
	t.Parallel()
	s := startDev(t)
	s.tracks("before", 3)
	b := s.livePage()
	b.awaitRows(3)
	b.press("j")
	s.tracks("waiting", 3)
	b.awaitPending("3 new events")
	release := b.holdAnswer("/rows")
	b.push("#pending")
	b.await("window.held")
	s.tracks("meanwhile", 2)
	b.await(`document.querySelector("#counters dd").textContent === "8"`)
	release()
	b.awaitRows(8)
	assert.Equal(t, "meanwhile_2", b.newest())
	b.await(`document.querySelector("#pending").hidden`)
}

func TestAnAnswerThatBreaksOffLeavesTheListWorking(t *testing.T) {
	t.Parallel()
	s := startDev(t)
	s.tracks("before", 3)
	b := s.livePage()
	b.awaitRows(3)
	b.press("j")
	s.tracks("waiting", 2)
	b.awaitPending("2 new events")
	b.breakAnswer("/rows")
	b.push("#pending")
	b.await("window.broken")
	s.tracks("later", 1)
	b.awaitRows(6)

	people := s.page("/people")
	people.awaitConnection()
	people.breakAnswer("/people")
	s.post("/v1/tracks", `{"name":"page_view","anonymousId":"anon_1","timestamp":"NOW"}`)
	people.await("window.broken")
	people.await(`document.querySelectorAll("#people tbody tr").length === 2`)
	assert.Equal(t, "People (2) · LoopKit dev", people.evaluate("document.title"))
}

func TestOlderEventsOfAnotherFilterAreNotAdded(t *testing.T) {
	t.Parallel()
	s := startDev(t)
	s.tracks("a", 250)
	b := s.livePage()
	b.awaitRows(200)
	release := b.holdAnswer("/rows")
	b.push("#older a")
	b.press("/", "n", "a", "m", "e", ":", "a", "_", "1")
	b.awaitRows(1)
	release()
	assert.Equal(t, []string{"a_1"}, b.events())
	b.push("#events .row-link") // and the page goes on
	b.await(`!document.querySelector("#drawer").hidden`)
}

func TestListsGoOnUnderTheFocusButNotUnderASelection(t *testing.T) {
	t.Parallel()
	s := startDev(t)
	visit := func(anonymousID string) {
		s.post("/v1/tracks", `{"name":"page_view","anonymousId":"`+anonymousID+`","timestamp":"NOW"}`)
	}
	visit("anon_1")
	b := s.page("/people")
	b.awaitConnection()
	b.evaluate(`document.querySelector("#people tbody a").focus()`)
	visit("anon_2")
	b.await(`document.querySelectorAll("#people tbody tr").length === 2`)
	assert.Equal(t, "anon_1", b.evaluate("document.activeElement.textContent"), "the focus stays where it was")
	assert.True(t, b.holds(`document.querySelector("#waits").hidden`))

	b.evaluate(`getSelection().selectAllChildren(document.querySelector("#people tbody th"))`)
	visit("anon_3")
	b.await(`document.querySelector("#waits").textContent === "Updates wait while text is selected"`)
	assert.Len(t, b.texts("#people tbody tr"), 2)
	b.evaluate(`getSelection().removeAllRanges()`)
	b.await(`document.querySelectorAll("#people tbody tr").length === 3 && document.querySelector("#waits").hidden`)
}

func TestADeletedUsersNameLeavesTheRowsOfTheirAnonymousID(t *testing.T) {
	t.Parallel()
	s := startDev(t)
	s.post("/v1/tracks", `{"name":"page_view","anonymousId":"anon_456","timestamp":"NOW"}`)
	s.post("/v1/identifies", `{"userId":"user_123","anonymousId":"anon_456","timestamp":"NOW","traits":{"plan":"pro"}}`)
	b := s.livePage()
	b.awaitRows(2)
	assert.Equal(t, []string{"user_123anon_456", "user_123anon_456"}, b.strings(`Array.from(document.querySelectorAll(".cell-person"), (cell) => cell.textContent.replace(/\s/g, ""))`))
	s.send("DELETE", "/v1/users/user_123", "", 200)
	b.awaitRows(3)
	b.await(`Array.from(document.querySelectorAll(".cell-person")).at(-1).textContent === "anon_456"`)
}
