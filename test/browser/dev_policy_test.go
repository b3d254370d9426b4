//go:build browser

package browser_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// Every test fails if a page breaks its own policy; here something else does.
func TestThePolicyOfEveryPageForbidsWhatIsNotOfTheServer(t *testing.T) {
	t.Parallel()
	s := startDev(t)
	s.demo()
	b := newBrowser(t, s.url)
	for _, path := range []string{"/", "/?sel=1", "/people", "/people/user_123", "/groups", "/groups/team_456", "/warnings", "/schema"} {
		b.visit(path)
		assert.Empty(t, b.log.takeProblems(), path)
		assert.Equal(t, "nothing ran", b.evaluate(`(async () => {
			const add = (name, attributes, text) => {
				const element = Object.assign(document.createElement(name), attributes);
				if (text) element.textContent = text;
				document.body.append(element);
				return element;
			};
			add("script", {}, "window.ran = 'an inline script'");
			add("script", {src: "data:text/javascript,window.ran = 'a script of data'"});
			add("div", {innerHTML: "<img src=data:, onerror=\"window.ran = 'a handler'\">"});
			const link = add("a", {href: "javascript:window.ran = 'an address'"});
			link.click();
			const coloured = add("p", {innerHTML: "<b style='color: rgb(1, 2, 3)'>styled</b>"}).firstChild;
			if (getComputedStyle(coloured).color === "rgb(1, 2, 3)") window.ran = "an inline style";
			try { await fetch("https://loopkit.example/"); window.ran = "a request elsewhere"; } catch {}
			await new Promise((done) => setTimeout(done, 0));
			return window.ran ?? "nothing ran";
		})()`), path)
		assert.NotEmpty(t, b.log.takeProblems(), "%s: what the policy refused", path)
	}
}
