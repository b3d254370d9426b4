// Package browser tests examples/webapp and package loopkithttp in a real
// browser: what its cookies and its localStorage hold, and what LoopKit then
// knows about the person in front of it.
//
// The tests have the build tag "browser", because they need a Chromium, or a
// Chrome named by the environment variable LOOPKIT_BROWSER:
//
//	apt-get install chromium-headless-shell
//	go test -tags browser ./...
package browser
