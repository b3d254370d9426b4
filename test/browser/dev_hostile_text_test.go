//go:build browser

package browser_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// hostileTexts are sent wherever an SDK may send a text, and what of them is to be seen.
var hostileTexts = []struct{ sent, seen string }{
	{`<img src=x onerror="alert(1)">`, `<img src=x onerror="alert(1)">`},
	{`</script><script>alert(2)</script>`, `</script><script>alert(2)</script>`},
	{`"'><svg/onload=alert(3)>`, `"'><svg/onload=alert(3)>`},
	{`javascript:alert(4)//{{.}}${5}`, `javascript:alert(4)//{{.}}${5}`},
	{"\u202egnp.exe\u2066", `\u202egnp.exe\u2066`}, // turns the direction of text
	{strings.Repeat("wide", 2500), strings.Repeat("wide", 4)},
	{"👩‍👩‍👧‍👦 🇩🇪 é", "👩‍👩‍👧‍👦 🇩🇪 é"},
}

func (s *devServer) receiveHostileTexts() {
	s.t.Helper()
	for _, hostile := range hostileTexts {
		text, now := hostile.sent, time.Now().UTC()
		system := map[string]any{"sdk": map[string]any{"name": text, "version": text}, "sessionId": text}
		values := map[string]any{text: text, "name": text, "list": []string{text}}
		identity := map[string]any{"userId": text, "anonymousId": text, "timestamp": now, "system": system}
		for path, more := range map[string]map[string]any{
			"/v1/tracks":     {"name": text, "properties": values},
			"/v1/identifies": {"traits": values},
			"/v1/groups":     {"groupId": text, "groupType": text, "traits": values},
		} {
			for key, value := range identity {
				more[key] = value
			}
			body, err := json.Marshal(more)
			require.NoError(s.t, err)
			s.post(path, string(body))
		}
	}
	s.send(http.MethodPost, "/v1/tracks/%3Cimg%20src=x%20onerror=alert(5)%3E", "<img src=x onerror=alert(6)>", http.StatusNotFound)
}

// requireHarmless checks that the page has no element, no attribute and no
// direction that came from a message, and that it is no wider than the window.
func (b *browser) requireHarmless(where string) {
	b.t.Helper()
	assert.Empty(b.t, b.strings(`[
		...Array.from(document.querySelectorAll("img:not(.brand-mark), iframe, object, embed, base, style, script:not([src^='/static/'])"), (e) => e.outerHTML),
		...Array.from(document.body.querySelectorAll("*")).flatMap((e) => Array.from(e.attributes)).filter((a) => a.name.startsWith("on") || a.name === "style").map((a) => a.name),
		...Array.from(document.querySelectorAll("[href], [action]"), (e) => e.href ?? e.action).filter((address) => !/^https?:/.test(address)),
	]`), where)
	assert.False(b.t, b.holds(`/[\u202a-\u202e\u2066-\u2069]/.test(document.body.textContent)`), "%s: the direction of the text is turned", where)
	assert.Empty(b.t, b.strings(overflowScript), where)
}

func TestWhatIsReceivedIsShownAsText(t *testing.T) {
	t.Parallel()
	s := startDev(t)
	b := s.livePage()
	s.receiveHostileTexts()
	b.awaitRows(3 * len(hostileTexts))
	b.requireHarmless("rows of the stream")
	shown := b.evaluate(`document.querySelector("#events").textContent`)
	for _, hostile := range hostileTexts {
		assert.Contains(t, shown, hostile.seen)
	}

	b.press("j", enter)
	for seq := 3*len(hostileTexts) + 1; seq > 0; seq-- {
		b.await(fmt.Sprintf(`document.querySelector("#drawer .drawer-head .number")?.textContent === "#%d"`, seq))
		b.requireHarmless(fmt.Sprint("details of ", seq))
		if seq > 1 {
			b.press("j")
		}
	}
	for _, path := range []string{"/", "/people", "/groups", "/warnings", "/schema"} {
		b.visit(path)
		b.requireHarmless(path)
		text := b.evaluate("document.body.textContent")
		if path == "/warnings" {
			continue // it repeats no value that may be personal
		}
		for _, hostile := range hostileTexts[:4] {
			assert.Contains(t, text, hostile.seen, path)
		}
	}
	for _, hostile := range hostileTexts {
		for _, path := range []string{"/people/", "/groups/"} {
			b.visit(path + url.PathEscape(hostile.sent))
			b.requireHarmless(path + hostile.seen)
			assert.Contains(t, b.text("h1"), hostile.seen)
		}
	}
	b.visit("/?q=" + url.QueryEscape(`"`+hostileTexts[0].sent) + "&user=" + url.QueryEscape(hostileTexts[1].sent))
	b.requireHarmless("a filter")
}
