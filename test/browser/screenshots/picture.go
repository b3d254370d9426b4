//go:build browser

package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// picture is one of a page of the server.
type picture struct {
	file  string
	path  string
	theme string
	ready string // an expression that is true when all is there
}

const (
	liveIsReady   = `document.querySelector("#connection.connected") && document.querySelectorAll("#events tr.event").length >= 15`
	peopleIsReady = `document.querySelector("#connection.connected") && document.querySelectorAll(".milestone-join").length === 2`
)

var pictures = []picture{
	{"dev-live.png", "/", "light", liveIsReady},
	{"dev-live-dark.png", "/", "dark", liveIsReady},
	{"dev-people.png", "/people/user_123", "light", peopleIsReady},
	{"dev-people-dark.png", "/people/user_123", "dark", peopleIsReady},
}

// take opens the page in a tab of its own and returns a PNG of the window.
func (p picture) take(browser context.Context, url string) ([]byte, error) {
	tab, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	defer cancel()
	tab, end := context.WithTimeout(tab, patience)
	defer end()
	preference := &emulation.MediaFeature{Name: "prefers-color-scheme", Value: p.theme}
	if err := chromedp.Do(tab, chromedp.EmulateViewport(1440, 900, chromedp.EmulateScale(2))); err != nil {
		return nil, err
	}
	_, err := chromedp.Call(tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{preference}})
	if err != nil {
		return nil, err
	}
	if err := chromedp.Do(tab, chromedp.Navigate(url+p.path)); err != nil {
		return nil, err
	}
	if _, err := chromedp.Run(tab, chromedp.Evaluate[bool](whenTrue(p.ready), chromedp.EvalAwaitPromise)); err != nil {
		return nil, fmt.Errorf("waiting until %s: %w", p.ready, err)
	}
	png, err := chromedp.Run(tab, chromedp.CaptureScreenshot())
	return png, errors.Join(err, chromedp.Cancel(tab))
}

// whenTrue is a promise of the moment when an expression is true.
func whenTrue(expression string) string {
	return fmt.Sprintf(`new Promise((done) => {
		(function look() { if (%s) done(true); else setTimeout(look, 20); })();
	})`, expression)
}
