// Package browser tests in a real browser. Of examples/webapp and package
// loopkithttp it tests what the cookies and the localStorage hold, and what
// LoopKit then knows about the person in front of it; of "loopkit dev" the page
// that shows what arrives, and what it takes from the pages of other servers.
//
// The tests have the build tag "browser", because they need a Chromium, or a
// Chrome named by the environment variable LOOPKIT_BROWSER:
//
//	apt-get install chromium-headless-shell
//	go test -tags browser ./...
package browser
