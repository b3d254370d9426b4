//go:build browser

// Package headless starts a browser without a window.
package headless

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/chromedp/chromedp"
)

const usualBrowser = "chromium-headless-shell"

// Rebound is the host of a site of the web whose name leads to this machine.
const Rebound = "rebound.example"

// patience bounds the end of the browser.
const patience = 20 * time.Second

func find() (string, error) {
	name := os.Getenv("LOOPKIT_BROWSER")
	if name == "" {
		name = usualBrowser
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("this needs a browser: %w\nInstall Debian's package %s, or set LOOPKIT_BROWSER to the path of a Chromium or Chrome", err, usualBrowser)
	}
	return path, nil
}

// Start starts the browser with an empty user data directory. stop ends it and
// removes the directory.
func Start() (browser context.Context, stop func() error, err error) {
	path, err := find()
	if err != nil {
		return nil, nil, err
	}
	allocator, release := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath(path),
		chromedp.Headless,
		chromedp.NoFirstRun,
		chromedp.NoDefaultBrowserCheck,
		chromedp.DisableGPU,
		chromedp.IgnoreCertErrors, // package httptest's is nobody's
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-default-apps", true),
		chromedp.Flag("disable-dev-shm-usage", true), // it is small in containers
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-sync", true),
		chromedp.Flag("force-prefers-reduced-motion", true), // a click during a transition between pages is lost
		chromedp.Flag("host-resolver-rules", "MAP "+Rebound+" 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"), // no page reaches the network
		chromedp.Flag("no-proxy-server", true),
	)
	browser, cancel := chromedp.NewContext(allocator)
	stop = func() error {
		limited, end := context.WithTimeout(browser, patience)
		err := chromedp.Cancel(limited)
		end()
		cancel()
		release()
		return err
	}
	if err := chromedp.Do(browser); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("starting %s: %w", path, err), stop())
	}
	return browser, stop, nil
}
