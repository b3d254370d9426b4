//go:build browser

package browser_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"

	"github.com/chromedp/chromedp"
)

const usualBrowser = "chromium-headless-shell"

func findBrowser() (string, error) {
	name := os.Getenv("LOOPKIT_BROWSER")
	if name == "" {
		name = usualBrowser
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("these tests need a browser: %w\nInstall Debian's package %s, or set LOOPKIT_BROWSER to the path of a Chromium or Chrome", err, usualBrowser)
	}
	return path, nil
}

// startChromium starts the browser with an empty user data directory. stop ends
// it and removes the directory.
func startChromium() (chromium context.Context, stop func() error, err error) {
	path, err := findBrowser()
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
		chromedp.Flag("force-prefers-reduced-motion", true),                        // a click during a transition between pages is lost
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"), // no page reaches the network
		chromedp.Flag("no-proxy-server", true),
	)
	chromium, cancel := chromedp.NewContext(allocator)
	stop = func() error {
		limited, end := context.WithTimeout(chromium, patience)
		err := chromedp.Cancel(limited)
		end()
		cancel()
		release()
		return err
	}
	if err := chromedp.Do(chromium); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("starting %s: %w", path, err), stop())
	}
	return chromium, stop, nil
}
