package loopkit_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	loopkit "github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/internal/faulty"
)

// httpProxy forwards plain requests, and opens tunnels for CONNECT.
type httpProxy struct {
	*wiretap
	forwarded, tunnels atomic.Int64
	passwords          sync.Map // of Proxy-Authorization, as sent
}

func newProxy(t testing.TB) *httpProxy {
	p := &httpProxy{wiretap: &wiretap{Listener: faulty.Listen(t, nil)}}
	serve(t, p, p)
	return p
}

// through is the choice of this proxy, with credentials for it.
func (p *httpProxy) through() func(*http.Request) (*url.URL, error) {
	return http.ProxyURL(must(url.Parse("http://me:proxy-password@" + p.Addr().String())))
}

func (p *httpProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.passwords.Store(r.Header.Get("Proxy-Authorization"), true)
	if r.Method == http.MethodConnect {
		p.tunnels.Add(1)
		p.tunnel(w, r.Host)
		return
	}
	p.forwarded.Add(1)
	r.RequestURI = ""
	r.Header.Del("Proxy-Authorization")
	answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer func() { _ = answer.Body.Close() }() // it was read
	w.WriteHeader(answer.StatusCode)
	_, _ = io.Copy(w, answer.Body) // what fails is the test's business
}

func (p *httpProxy) tunnel(w http.ResponseWriter, host string) {
	far, err := net.Dial("tcp", host)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer func() { _ = far.Close() }()
	near, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	_, _ = io.WriteString(near, "HTTP/1.1 200 OK\r\n\r\n")
	var copying sync.WaitGroup
	copying.Go(func() {
		_, _ = io.Copy(near, far) // until either end closes
		_ = near.Close()
	})
	_, _ = io.Copy(far, near)
	_ = far.Close()
	copying.Wait()
}

func TestAPlainHTTPProxyForwardsEverything(t *testing.T) {
	s, p := newSite(t, faulty.Script()), newProxy(t)
	c := newTCPClient(t, s.url)
	loopkit.SetProxy(c, p.through())
	for i := range 5 {
		trackIDs(t, c, i, i+1, nil)
		require.NoError(t, c.Flush(t.Context()))
	}
	s.copies(t, 5)
	assert.Equal(t, int64(5), p.forwarded.Load())
	assert.Zero(t, p.tunnels.Load())
	assert.Contains(t, p.heard(), "POST "+s.url+"/tracks HTTP/1.1")
}

func TestAProxyNeverSeesTheKeyOrAMessageOnItsWayThroughATunnel(t *testing.T) {
	a, p := newAuthority(t), newProxy(t)
	var sink idSink
	l := faulty.Listen(t, nil)
	serve(t, tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{a.issue(t)}}), &sink)
	c := newTCPClient(t, "https://"+l.Addr().String(), func(o *loopkit.Options) {
		o.HTTPClient = a.trusting(func(h *http.Transport) { h.Proxy = p.through() })
	})
	trackIDs(t, c, 0, 5, nil)
	require.NoError(t, c.Flush(t.Context()))
	assert.Len(t, sink.ids, 5)
	assert.Equal(t, int64(1), p.tunnels.Load())
	assert.Zero(t, p.forwarded.Load())
	heard := p.heard()
	assert.Contains(t, heard, "CONNECT "+l.Addr().String())
	for _, secret := range []string{testKey, "Bearer", "\r\nAuthorization", "id_0", "page_view", "/tracks"} {
		assert.NotContains(t, heard, secret)
	}
	_, asked := p.passwords.Load("Basic bWU6cHJveHktcGFzc3dvcmQ=")
	assert.True(t, asked, "the proxy's own credentials reach it")
}

func TestA407HaltsAndNamesTheProxysCredentials(t *testing.T) {
	refuses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Proxy-Authenticate", "Basic")
		w.WriteHeader(http.StatusProxyAuthRequired)
	}))
	defer refuses.Close()
	proxy := http.ProxyURL(must(url.Parse(refuses.URL)))
	ours := func(scheme string) *loopkit.Client {
		c := newTCPClient(t, scheme+"://loopkit.test/v1")
		loopkit.SetProxy(c, proxy)
		return c
	}
	theirs := func(scheme string) *loopkit.Client {
		return newTCPClient(t, scheme+"://loopkit.test/v1", func(o *loopkit.Options) {
			o.HTTPClient = &http.Client{Transport: &http.Transport{Proxy: proxy}}
		})
	}
	for name, c := range map[string]*loopkit.Client{
		"http": ours("http"), "https": ours("https"),
		"http, the program's HTTPClient": theirs("http"), "https, the program's HTTPClient": theirs("https"),
	} {
		trackN(t, c, 5)
		err := c.Flush(contextFor(t, 5*time.Second))
		require.ErrorContains(t, err, "407 Proxy Authentication Required: check the proxy's credentials", name)
		stats := requireBalanced(t, c)
		require.ErrorContains(t, stats.Halted["tracks"], "check the proxy's credentials")
		assert.Equal(t, int64(5), stats.Pending)
	}
}

func TestAProxyThatIsDownIsRetriedAndItsPasswordNotTold(t *testing.T) {
	s, p := newSite(t, faulty.Script()), newProxy(t)
	down := faulty.Listen(t, nil)
	require.NoError(t, down.Close())
	var healed atomic.Bool
	c := newTCPClient(t, s.url, func(o *loopkit.Options) { o.DeletionQuarantine = time.Hour })
	loopkit.SetProxy(c, func(r *http.Request) (*url.URL, error) {
		if healed.Load() {
			return p.through()(r)
		}
		return url.Parse("http://me:proxy-password@" + down.Addr().String())
	})
	trackIDs(t, c, 0, 5, nil)
	flushed := make(chan error, 1)
	go func() { flushed <- c.Flush(t.Context()) }()
	_, err := awaitFailing(t, c)
	require.ErrorContains(t, err, "proxyconnect tcp: dial tcp "+down.Addr().String()+": connect: connection refused")
	assert.NotContains(t, err.Error(), "proxy-password")
	healed.Store(true)
	require.NoError(t, <-flushed)
	for id, k := range s.copies(t, 5) {
		assert.Equal(t, 1, k, id)
	}
	deletion, err := c.DeleteUser(t.Context(), "user_1")
	require.NoError(t, err)
	require.NoError(t, deletion.Wait(contextFor(t, 5*time.Second)), "no quarantine: nothing was sent")
}

func TestAProxyThatBreaksItsTunnelIsRetried(t *testing.T) {
	for name, row := range map[string]struct{ answer, says string }{
		"garbage instead of an answer": {testKey + "\r\n\r\n", "the answer was not HTTP"},
		"closed before the answer":     {"", "EOF"},
		"closed behind the answer":     {"HTTP/1.1 200 OK\r\n\r\n", ""}, // a reset, a broken pipe or EOF
	} {
		t.Run(name, func(t *testing.T) {
			tap := &wiretap{Listener: faulty.Listen(t, func() faulty.Fault { return faulty.Fault{Kind: faulty.Raw, Answer: row.answer} })}
			serve(t, tap, http.NotFoundHandler())
			c := newTCPClient(t, "https://loopkit.test/v1")
			loopkit.SetProxy(c, http.ProxyURL(must(url.Parse("http://"+tap.Addr().String()))))
			trackN(t, c, 5)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			flushed := make(chan error, 1)
			go func() { flushed <- c.Flush(ctx) }()
			_, err := awaitFailing(t, c)
			require.ErrorContains(t, err, row.says)
			assert.NotContains(t, err.Error(), testKey)
			cancel()
			require.ErrorIs(t, <-flushed, context.Canceled)
			assert.Equal(t, int64(5), requireBalanced(t, c).Pending)
			assert.NotContains(t, tap.heard(), testKey)
		})
	}
}

func TestATunnelToAServerWithoutTLSHalts(t *testing.T) {
	s, p := newSite(t, faulty.Script()), newProxy(t)
	c := newTCPClient(t, "https"+strings.TrimPrefix(s.url, "http"))
	loopkit.SetProxy(c, p.through())
	trackN(t, c, 5)
	require.ErrorContains(t, c.Flush(contextFor(t, 5*time.Second)), "server gave HTTP response to HTTPS client")
	stats := requireBalanced(t, c)
	assert.Contains(t, stats.Halted, "tracks")
	assert.Equal(t, int64(5), stats.Pending)
	assert.Equal(t, int64(1), p.tunnels.Load())
	assert.Zero(t, p.forwarded.Load(), "there is no way back to plain HTTP")
	assert.Empty(t, s.Requests())
	assert.NotContains(t, p.heard(), testKey)
}

func TestACaptivePortalIsBelievedAndWarnedOfOnce(t *testing.T) {
	portal, _ := newAnswerer(t, nil, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, "<html>Accept our terms, "+testKey+"</html>")
	})
	logger, log := newLog()
	c := newTCPClient(t, "http://loopkit.test/v1", func(o *loopkit.Options) { o.Logger = logger })
	loopkit.SetProxy(c, http.ProxyURL(must(url.Parse(portal))))
	for range 5 {
		trackN(t, c, 1)
		require.NoError(t, c.Flush(t.Context()), "a success status counts")
	}
	require.NoError(t, c.Close(t.Context()))
	assert.Equal(t, int64(5), requireBalanced(t, c).Delivered)
	lines := log.lines("captive portal")
	require.Len(t, lines, 2, "at once, and at Close how often after that")
	assert.Contains(t, lines[0], "level=WARN")
	assert.Contains(t, lines[0], "Options.BaseURL")
	assert.Contains(t, lines[1], "count=4")
	assert.NotContains(t, strings.Join(log.lines(""), "\n"), testKey)
}

func TestAProxyThatRefusesToConnect(t *testing.T) {
	for status, halted := range map[int]bool{407: true, 403: true, 502: false} {
		proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		through := http.ProxyURL(must(url.Parse(proxy.URL)))
		c, err := loopkit.New(testKey, &loopkit.Options{
			BaseURL: "https://loopkit.test/v1", RetryMin: time.Hour, RetryMax: time.Hour, Logger: quietLogger()})
		require.NoError(t, err)
		loopkit.SetProxy(c, through)
		trackN(t, c, 1)
		ctx, cancel := context.WithCancel(t.Context())
		flushed := make(chan error, 1)
		go func() { flushed <- c.Flush(ctx) }()
		if !halted { // else it ends by itself
			awaitFailing(t, c)
			cancel()
		}
		err = <-flushed
		cancel()
		require.ErrorContains(t, err, fmt.Sprintf("the proxy answered %d", status))
		stats := c.Stats()
		assert.Equal(t, halted, stats.Halted["tracks"] != nil, "%d", status)
		assert.Equal(t, !halted, stats.Failing["tracks"] != nil, "%d", status)
		require.Error(t, c.Close(contextFor(t, time.Millisecond)))
		proxy.Close()
	}
}

func TestAProxyThatDoesNotSpeakTLSAsThisMachineDoesHalts(t *testing.T) {
	proxy := httptest.NewUnstartedServer(http.NotFoundHandler())
	proxy.Config.ErrorLog = log.New(io.Discard, "", 0)
	proxy.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	proxy.StartTLS()
	defer proxy.Close()
	c, err := loopkit.New(testKey, &loopkit.Options{BaseURL: "https://loopkit.test/v1", Logger: quietLogger()})
	require.NoError(t, err)
	loopkit.SetProxy(c, http.ProxyURL(must(url.Parse(proxy.URL))))
	trackN(t, c, 1)
	require.ErrorContains(t, c.Flush(contextFor(t, 2*time.Second)), "protocol version not supported")
	assert.Contains(t, c.Stats().Halted, "tracks")
	require.Error(t, c.Close(contextFor(t, time.Millisecond)))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
