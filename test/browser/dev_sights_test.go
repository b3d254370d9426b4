//go:build browser

package browser_test

import (
	_ "embed"
	"testing"

	"github.com/stretchr/testify/assert"
)

//go:embed testdata/overflow.js
var overflowScript string

// The pages in their different states, after receiveVariety and receiveBadMessages.
var (
	sightsOfLive = []string{
		"/",
		"/?sel=4", // an identify
		"/?sel=4&tab=json",
		"/?sel=4&tab=request",
		"/?sel=4&tab=warnings",
		"/?sel=4&tab=code",
		"/?sel=10", // a refused request
		"/?q=user:user_123&kind=track&warnings=1",
		"/?q=name:nothing",
		"/?q=kind:nonsense",
		"/?help=1",
	}
	otherSights = []string{
		"/people",
		"/people?q=nobody",
		"/people/user_123",
		"/people/user_207", // a conflict
		"/people/user_202", // never merged
		"/people/anon_456", // anonymous
		"/groups",
		"/groups/team_456",
		"/warnings",
		"/schema",
	}
	sightsOfNothing = []string{"/", "/people", "/groups", "/warnings", "/schema"}
)

func TestEverySightOfLiveIsAccessibleAndFitsEveryWindow(t *testing.T) {
	t.Parallel()
	s := startDev(t)
	s.receiveVariety()
	s.receiveBadMessages()
	s.checkSights(sightsOfLive)
}

func TestEveryOtherSightIsAccessibleAndFitsEveryWindow(t *testing.T) {
	t.Parallel()
	s := startDev(t)
	s.receiveVariety()
	s.receiveBadMessages()
	s.checkSights(otherSights)
}

func TestEverySightOfNothingIsAccessibleAndFitsEveryWindow(t *testing.T) {
	t.Parallel()
	startDev(t).checkSights(sightsOfNothing)
}

// windows are sizes in CSS pixels. At 200 % zoom, a window has half of them.
var windows = []struct {
	name          string
	width, height int64
	scale         float64
}{
	{"1440 pixels at 200 %", 720, 450, 2},
	{"900 pixels", 900, 700, 1},
	{"375 pixels at 200 %", 188, 406, 2},
}

func (s *devServer) checkSights(paths []string) {
	s.t.Helper()
	b := newBrowser(s.t, s.url)
	for _, path := range paths {
		b.resize(1440, 900, 1)
		b.prefer("light")
		b.visit(path)
		assert.Empty(s.t, b.namelessControls(), path)
		assert.Empty(s.t, b.violations(allRules), path)
		b.checkSight(path + ", 1440 pixels, light")
		b.prefer("dark")
		b.checkSight(path + ", 1440 pixels, dark")
		for _, w := range windows {
			b.resize(w.width, w.height, w.scale)
			assert.Empty(s.t, b.strings(overflowScript), "%s, %s", path, w.name)
		}
		b.resize(375, 812, 1)
		assert.Empty(s.t, b.violations(rulesOfLooks), "%s in the dark, 375 pixels", path)
		b.checkSight(path + ", 375 pixels, dark")
		b.prefer("light")
		b.checkSight(path + ", 375 pixels, light")
	}
}

func (b *browser) checkSight(what string) {
	b.t.Helper()
	assert.Empty(b.t, b.faintTexts(), what)
	assert.Empty(b.t, b.strings(overflowScript), what)
}
