package command

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/devserver"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/journey"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// running is a command that goes on until it is interrupted.
type running struct {
	t         testing.TB
	out, err  *transcript
	interrupt context.CancelFunc
	status    chan int
}

// transcript is what a command writes while it runs.
type transcript struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *transcript) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *transcript) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func launch(t testing.TB, env map[string]string, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{t: t, out: &transcript{}, err: &transcript{}, interrupt: cancel, status: make(chan int, 1)}
	p := &program{in: strings.NewReader(""), out: r.out, err: r.err, getenv: func(name string) string { return env[name] }}
	go func() { r.status <- p.run(ctx, args) }()
	t.Cleanup(func() {
		cancel()
		if len(r.status) == 0 {
			r.status <- <-r.status // it ends before the test does
		}
	})
	return r
}

// waitFor returns the first match of a pattern in what the command writes.
func (r *running) waitFor(s *transcript, pattern string) string {
	r.t.Helper()
	find := regexp.MustCompile(pattern)
	require.Eventually(r.t, func() bool { return find.MatchString(s.String()) }, 10*time.Second, 5*time.Millisecond,
		"%s in %s %s", pattern, r.out, r.err)
	return find.FindString(s.String())
}

// end interrupts the command as Ctrl-C does.
func (r *running) end() int {
	r.t.Helper()
	r.interrupt()
	select {
	case status := <-r.status:
		r.status <- status
		return status
	case <-time.After(10 * time.Second):
		require.Fail(r.t, "it does not end")
		return -1
	}
}

// launchDev starts "loopkit dev" on a free port.
func launchDev(t testing.TB, args ...string) (r *running, url string) {
	t.Helper()
	r = launch(t, nil, append([]string{"dev", "--addr", "127.0.0.1:0"}, args...)...)
	notes := r.out
	if strings.Contains(strings.Join(args, " "), "--json") {
		notes = r.err
	}
	r.waitFor(notes, "Ctrl-C ends")
	return r, r.waitFor(notes, `http://127\.0\.0\.1:\d+`)
}

func devEnv(url string) map[string]string {
	return map[string]string{envBaseURL: url + "/v1", envKey: devserver.Key}
}

func TestDevShowsWhereItIsAndWhatArrives(t *testing.T) {
	dev, url := launchDev(t)
	assert.Contains(t, dev.out.String(), environmentLine(runtime.GOOS, envBaseURL, url+"/v1"))
	_, err := journey.Send(t.Context(), devserver.Key, url+"/v1")
	require.NoError(t, err)
	response, err := http.Post(url+"/v1/tracks", "application/json", strings.NewReader("{}"))
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	dev.waitFor(dev.out, "no API key")

	assert.Equal(t, statusOK, dev.end())
	_, shown, _ := strings.Cut(dev.out.String(), "Ctrl-C ends.\n\n")
	shown = regexp.MustCompile(`anon_[0-9a-f-]+…`).ReplaceAllString(shown, "anon_ID……………………")
	shown = regexp.MustCompile(`(?m)^\d\d:\d\d:\d\d\.\d\d\d`).ReplaceAllString(shown, "TIME")
	assert.Equal(t, strings.TrimPrefix(`
TIME  track     page_view                   anon_ID……………………  page=/pricing
TIME  track     button_click                anon_ID……………………  button=start_trial
TIME  track     user_signup                 anon_ID……………………  method=email source=pricing_page
TIME  identify  user_123                    anon_ID……………………  email=john@acme.com plan=trial signup_date=2025-01-15 +1  ⚠ W-PII
TIME  track     team_invitation_accepted    user_123          role=developer team_id=team_456
TIME  group     team_456                    user_123          industry=software name=Acme Corp plan=enterprise +1
TIME  track     feature_used                user_123          feature=api_integration team_id=team_456 user_role=developer
TIME  refused   POST /v1/tracks             401  no API key
`, "\n"), shown)
	assert.Empty(t, dev.err.String())
}

func TestTheLinesToCopyAreThoseOfTheShell(t *testing.T) {
	assert.Equal(t, "export LOOPKIT_API_KEY=lk_dev", environmentLine("linux", envKey, "lk_dev"))
	assert.Equal(t, `$env:LOOPKIT_API_KEY = "lk_dev"`, environmentLine("windows", envKey, "lk_dev"))
}

func TestDevWritesNothingButEventsAsJSON(t *testing.T) {
	dev, url := launchDev(t, "--json", "--demo")
	dev.waitFor(dev.out, "feature_used")
	assert.Equal(t, statusOK, dev.end())
	assert.Contains(t, dev.err.String(), url)
	var names []string
	for line := range strings.Lines(dev.out.String()) {
		var event struct {
			Type, Name string
			Request    struct{ Status int }
		}
		require.NoError(t, json.Unmarshal([]byte(line), &event), line)
		assert.Equal(t, 200, event.Request.Status)
		names = append(names, event.Type+" "+event.Name)
	}
	assert.Equal(t, []string{"track page_view", "track button_click", "track user_signup", "identify ",
		"track team_invitation_accepted", "group ", "track feature_used"}, names)
}

func TestDevEndsWithinASecond(t *testing.T) {
	dev, url := launchDev(t)
	response, err := http.Get(url + "/api/stream")
	require.NoError(t, err)
	defer func() { assert.NoError(t, response.Body.Close()) }()
	began := time.Now()
	assert.Equal(t, statusOK, dev.end())
	assert.Less(t, time.Since(began), time.Second)
}

func TestDevKeepsWhatArrivesInAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "events.ndjson")
	first, _ := launchDev(t, "--data", file, "--demo")
	first.waitFor(first.out, "feature_used")
	require.Equal(t, statusOK, first.end())
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, 7, strings.Count(string(text), "\n"))

	second, url := launchDev(t, "--data", file)
	response, err := http.Get(url + "/api/people/user_123")
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, response.StatusCode)
	require.NoError(t, response.Body.Close())
	require.Equal(t, statusOK, second.end())
	assert.NotContains(t, second.out.String(), "page_view", "what was there is not shown again")
}

func TestDevForwards(t *testing.T) {
	far := loopkittest.NewServer(t)
	dev, url := launchDev(t, "--demo", "--forward", far.BaseURL())
	dev.waitFor(dev.out, "feature_used")
	demo := launch(t, map[string]string{envBaseURL: url + "/v1", envKey: "lk_real"}, "demo")
	assert.Equal(t, statusOK, <-demo.status)
	demo.status <- statusOK
	response, err := http.Post(url+"/v1/tracks?apiKey=lk_real", "application/json", strings.NewReader(
		`{"name":"page_view","anonymousId":"anon_456","timestamp":"2025-01-15T10:30:00Z"}`))
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, statusOK, dev.end())
	require.Len(t, far.Messages(), 1, "no demo")
	assert.Equal(t, "page_view", far.Messages()[0].Name)
}

func TestDevMakesTroubleOnRequest(t *testing.T) {
	dev, url := launchDev(t, "--chaos", "fail=100%:500")
	response, err := http.Post(url+"/v1/tracks?apiKey=lk_dev", "application/json", strings.NewReader("{}"))
	require.NoError(t, err)
	assert.Equal(t, 500, response.StatusCode)
	require.NoError(t, response.Body.Close())
	dev.waitFor(dev.out, `refused   POST /v1/tracks             500  refused on purpose`)
}

func TestDevExplainsAWrongUse(t *testing.T) {
	for says, args := range map[string][]string{
		"--addr: the address \"0.0.0.0:4850\" is not of this machine alone": {"--addr", "0.0.0.0:4850"},
		"--addr: the address \"4850\" is no host and port":                  {"--addr", "4850"},
		"--chaos: chaos \"speed\" is unknown":                               {"--chaos", "speed=1"},
		"--forward: the address to forward to must look like":               {"--forward", "api.loopkit.ai"},
		"--max is 0; it must be at least 1":                                 {"--max", "0"},
	} {
		r := launch(t, nil, append([]string{"dev"}, args...)...)
		assert.Equal(t, statusUsage, r.end(), args)
		assert.Contains(t, r.err.String(), says)
		assert.Empty(t, r.out.String())
	}
}

func TestDevSaysWhatToDoWhenTheAddressIsTaken(t *testing.T) {
	_, url := launchDev(t)
	second := launch(t, nil, "dev", "--addr", strings.TrimPrefix(url, "http://"))
	assert.Equal(t, statusFailed, <-second.status)
	second.status <- statusFailed
	assert.Contains(t, second.err.String(), strings.TrimPrefix(url, "http://"))
	assert.Contains(t, second.err.String(), `perhaps another "loopkit dev": stop that, or take a free port with --addr 127.0.0.1:0`)
}

func TestDevEndsWhenNobodyReadsItsOutput(t *testing.T) {
	p := &program{in: strings.NewReader(""), out: &closesAfter{n: 1}, err: io.Discard, getenv: func(string) string { return "" }}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	assert.Equal(t, statusFailed, p.run(ctx, []string{"dev", "--addr", "127.0.0.1:0", "--demo"}))
	assert.NoError(t, ctx.Err(), "it ended by itself")
}

// closesAfter is a pipe whose reader goes away after n writes.
type closesAfter struct{ n int }

func (c *closesAfter) Write(p []byte) (int, error) {
	if c.n == 0 {
		return 0, io.ErrClosedPipe
	}
	c.n--
	return len(p), nil
}

func TestTheBrowserIsThatOfTheSystem(t *testing.T) {
	for system, want := range map[string]string{
		"linux": "xdg-open", "freebsd": "xdg-open", "darwin": "open", "windows": "rundll32 url.dll,FileProtocolHandler",
	} {
		assert.Equal(t, want+" http://127.0.0.1:4850", strings.Join(browserCommand(system, "http://127.0.0.1:4850"), " "))
	}
}

func TestDemoSendsTheJourneyToTheServerThatRuns(t *testing.T) {
	dev, url := launchDev(t)
	demo := launch(t, devEnv(url), "demo")
	assert.Equal(t, statusOK, <-demo.status)
	demo.status <- statusOK
	assert.Equal(t, "7 messages were delivered: see "+url+"\n", demo.out.String())
	dev.waitFor(dev.out, "feature_used")

	env := devEnv(url)
	env[envKey] = "lk_dev_403_identifies"
	refused := launch(t, env, "demo")
	assert.Equal(t, statusFailed, <-refused.status)
	refused.status <- statusFailed
	assert.Contains(t, refused.err.String(), "of 7 messages of the journey were delivered")
	assert.NotContains(t, refused.err.String(), "lk_dev_403")
}

func TestDemoStartsAServerIfThereIsNone(t *testing.T) {
	dev, url := launchDev(t)
	require.Equal(t, statusOK, dev.end()) // its port is free now
	demo := launch(t, devEnv(url), "demo")
	demo.waitFor(demo.out, "feature_used")
	assert.Contains(t, demo.err.String(), "no server at "+strings.TrimPrefix(url, "http://")+", so this is one:")
	assert.Contains(t, demo.out.String(), "Ctrl-C ends")
	response, err := http.Get(url + "/api/people/user_123")
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, response.StatusCode)
	require.NoError(t, response.Body.Close())
	assert.Equal(t, statusOK, demo.end())
}

func TestDemoAndTailAreForADevelopmentServerOnly(t *testing.T) {
	for base, says := range map[string]string{
		"https://api.loopkit.ai/v1": "is not the address of a development server",
		"http://api.loopkit.ai/v1":  "names a host that is not this machine",
		"http://10.0.0.1:4850/v1":   "names a host that is not this machine",
		"http://127.0.0.1:4850":     "is not the address of a development server, such as http://127.0.0.1:4850/v1",
		"http://a:b@127.0.0.1/v1":   "is not the address of a development server",
		"::":                        "is not the address of a development server",
	} {
		for _, command := range []string{"demo", "tail"} {
			r := launch(t, map[string]string{envBaseURL: base, envKey: "lk_s3cr3t"}, command)
			assert.Equal(t, statusUsage, r.end())
			assert.Contains(t, r.err.String(), "LOOPKIT_BASE_URL "+says)
			assert.NotContains(t, r.err.String(), "s3cr3t")
		}
	}
}

func TestEventsAreSafeToPrint(t *testing.T) {
	for text, want := range map[string]string{
		"page_view":               "page_view",
		"Seite angesehen, größer": "Seite angesehen, größer",
		"日本語 🎉":                   "日本語 🎉",
		"\x1b[31mred\x1b[0m":      `\x1b[31mred\x1b[0m`,
		"a\r\nb\tc":               `a\r\nb\tc`,
		"\u009b2J":                `\u009b2J`,
		"a\u202eb":                `a\u202eb`,
		"\x00\x07\x7f":            `\x00\a\x7f`,
		"bad \xff":                `bad \xff`,
		"\u2028\ufeff":            `\u2028\ufeff`,
		"":                        "",
		strings.Repeat("x", 41):   strings.Repeat("x", 39) + "…",
		strings.Repeat("ö", 40):   strings.Repeat("ö", 40),
	} {
		assert.Equal(t, want, printable(text, 40), "%q", text)
	}
}

func TestHostileEventsStayOnTheirLine(t *testing.T) {
	dev, url := launchDev(t)
	evil := "\u001b]0;title\u0007\u001b[2J\n00:00:00.000  track     forged"
	body, err := json.Marshal(map[string]any{
		"name": evil, "anonymousId": evil, "userId": evil, "timestamp": time.Now(), "properties": map[string]any{evil: evil},
	})
	require.NoError(t, err)
	for _, path := range []string{"/tracks", "/%1b%5b2J%0aforged/nothing"} {
		response, err := http.Post(url+"/v1"+path+"?apiKey=lk_dev", "application/json", strings.NewReader(string(body)))
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
	}
	dev.waitFor(dev.out, "no such endpoint")
	_, shown, _ := strings.Cut(dev.out.String(), "Ctrl-C ends.\n\n")
	assert.Equal(t, 2, strings.Count(shown, "\n"), shown)
	assert.NotRegexp(t, `[\x00-\x09\x0b-\x1f\x7f]`, shown)
}

func TestColoursAreForTerminalsOnly(t *testing.T) {
	for _, test := range []struct {
		terminal bool
		noColor  string
		painted  bool
	}{{true, "", true}, {true, "1", false}, {false, "", false}} {
		out := &transcript{}
		ctx, cancel := context.WithCancel(t.Context())
		p := &program{
			in: strings.NewReader(""), out: out, err: io.Discard,
			getenv:   func(name string) string { return map[string]string{"NO_COLOR": test.noColor}[name] },
			terminal: func(any) bool { return test.terminal },
		}
		status := make(chan int)
		go func() { status <- p.run(ctx, []string{"dev", "--addr", "127.0.0.1:0", "--demo"}) }()
		require.Eventually(t, func() bool { return strings.Contains(out.String(), "feature_used") }, 10*time.Second, 5*time.Millisecond)
		cancel()
		assert.Equal(t, statusOK, <-status)
		assert.Equal(t, test.painted, strings.Contains(out.String(), "\x1b["), fmt.Sprintf("%+v", test))
	}
}
