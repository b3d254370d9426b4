//go:build browser

package browser_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/test/browser/internal/headless"
)

// foreignPage opens a page of another server, by a name of its host.
func foreignPage(t *testing.T, host string) *browser {
	t.Helper()
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, `<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>A shop</title>`)
	}))
	t.Cleanup(shop.Close)
	address, err := url.Parse(shop.URL)
	require.NoError(t, err)
	b := newBrowser(t, "http://"+host+":"+address.Port())
	b.visit("/")
	return b
}

// captured is what LoopKit's browser SDK sent for the journey.
func captured(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../internal/collector/testdata/vendor-js-1.1.4-journey.json")
	require.NoError(t, err)
	require.True(t, json.Valid(text))
	return string(text)
}

func TestAllOfTheBrowserSDKArrivesFromPagesOfOtherOrigins(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"127.0.0.1", "localhost"} {
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			s := startDev(t)
			b := foreignPage(t, host)
			b.evaluate(fmt.Sprintf(`
				const server = %q, captured = %s;
				addEventListener("pagehide", () => {
					const beacon = (name) => JSON.stringify({tracks: [{
						...captured[0].body.tracks[0], name, timestamp: new Date().toISOString(), properties: {page: location.pathname},
					}]});
					const address = server + "/v1/tracks?apiKey=lk_test_0123456789";
					navigator.sendBeacon(address, new Blob([beacon("page_leave")], {type: "application/json"}));
					navigator.sendBeacon(address, beacon("page_leave_as_text"));
				});
				Promise.all(captured.map(({method, url, body}) => fetch(server + url, {
					method,
					headers: {"Content-Type": "application/json", "User-Agent": "@loopkit/javascript/1.1.4"},
					body: JSON.stringify(body),
				}).then(async (answer) => {
					if (!answer.ok || !(await answer.json()).success) throw new Error(url + ": " + answer.status);
				})))`, s.url, captured(t)))
			assert.Equal(t, 7, s.summary().Events)
			b.visit("/next")
			s.awaitEvents(9)

			page := s.page("/?q=page_leave*")
			page.await(`document.querySelectorAll("#events tr.event").length === 2`)
			page.visit("/people/user_123")
			assert.Contains(t, page.text(".milestone-join"), "became user_123")
			for _, event := range []string{"page_view", "button_click", "user_signup", "team_invitation_accepted", "team_456", "feature_used"} {
				assert.Contains(t, page.text(".timeline"), event)
			}
			assert.Equal(t, 1, s.summary().People)
		})
	}
}

func TestAForeignPageReadsNothingAndChangesNothing(t *testing.T) {
	t.Parallel()
	s := startDev(t)
	s.tracks("secret", 3)
	for _, host := range []string{"127.0.0.1", "localhost"} {
		b := foreignPage(t, host)
		for what, script := range map[string]string{
			"reads the API":                 `fetch(server + "/api/events")`,
			"reads the page":                `fetch(server + "/")`,
			"reads the stream of the page":  `fetch(server + "/live")`,
			"clears, with JSON":             `fetch(server + "/api/reset", {method: "POST", headers: {"Content-Type": "application/json"}, body: "{}"})`,
			"has an image of the page":      `load("img", server + "/static/favicon.svg")`,
			"runs a script of the page":     `load("script", server + "/static/theme.js")`,
			"follows the events":            `new Promise((done, failed) => { const source = new EventSource(server + "/api/stream"); source.onopen = done; source.onerror = () => { source.close(); failed(new TypeError()); }; })`,
			"clears, with a text":           `fetch(server + "/api/reset", {method: "POST", mode: "no-cors", body: "{}"}).then(opaque)`,
			"reads without asking":          `fetch(server + "/api/events", {mode: "no-cors"}).then(opaque)`,
			"clears by a beacon":            `Promise.resolve(navigator.sendBeacon(server + "/api/reset", "{}")).then(() => { throw new TypeError(); })`,
			"clears by a beacon, with JSON": `Promise.resolve(navigator.sendBeacon(server + "/api/reset", new Blob(["{}"], {type: "application/json"}))).then(() => { throw new TypeError(); })`,
			"looks into a frame of it":      `load("iframe", server + "/").then(() => { frames[0].document.body.textContent; })`,
		} {
			assert.Equal(t, "refused", b.evaluate(fmt.Sprintf(`(async () => {
				const server = %q;
				const opaque = (answer) => { if (answer.type === "opaque") throw new TypeError(); };
				const load = (kind, src) => new Promise((done, failed) => {
					const element = document.createElement(kind);
					element.onload = done;
					element.onerror = () => failed(new TypeError());
					element.src = src;
					document.documentElement.append(element);
				});
				try { await %s; return "done"; } catch (error) { return error instanceof TypeError || error.name === "SecurityError" ? "refused" : String(error); }
			})()`, s.url, script)), "%s: %s", host, what)
		}
		b.evaluate(fmt.Sprintf(`
			const form = document.createElement("form");
			form.method = "POST";
			form.action = %q + "/api/reset";
			document.documentElement.append(form);`, s.url))
		answer, err := chromedp.RunResponse(b.ctx, chromedp.Submit(chromedp.CSS("form")))
		require.NoError(t, err)
		assert.Equal(t, int64(http.StatusForbidden), answer.Status, host)
		b.log.takeProblems() // all of the above
		assert.Equal(t, 3, s.summary().Events, host)
	}
}

func TestASiteWhoseNameWasMadeToPointHereGetsNothing(t *testing.T) {
	t.Parallel()
	s := startDev(t)
	s.tracks("secret", 3)
	address, err := url.Parse(s.url)
	require.NoError(t, err)
	b := newBrowser(t, "http://"+headless.Rebound+":"+address.Port())
	for _, path := range []string{"/", "/api/events", "/v1/tracks", "/static/main.js"} {
		answer := run(b, chromedp.NavigateResponse(b.base+path))
		assert.Equal(t, int64(http.StatusMisdirectedRequest), answer.Status, path)
		assert.NotContains(t, b.evaluate("document.documentElement.textContent"), "secret", path)
	}
	for _, problem := range b.log.takeProblems() {
		assert.True(t, strings.Contains(problem, "421"), problem)
	}
}
