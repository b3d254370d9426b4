package loopkit_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	loopkit "github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/internal/collector"
	"github.com/loopkitai/loopkit-go/internal/faulty"
)

// authority issues certificates.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := &authority{}
	issued := a.issue(t, func(c *x509.Certificate) {
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign
	})
	a.certificate, a.key = issued.Leaf, issued.PrivateKey.(*ecdsa.PrivateKey)
	return a
}

// issue returns a certificate that is good for 127.0.0.1 and loopkit.test now,
// unless changed. The first one signs itself.
func (a *authority) issue(t testing.TB, change ...func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: "LoopKit's tests"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		DNSNames:     []string{"loopkit.test"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	for _, c := range change {
		c(template)
	}
	parent, signer := a.certificate, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// trusting returns a client that trusts this authority alone.
func (a *authority) trusting(change ...func(*http.Transport)) *http.Client {
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	for _, c := range change {
		c(transport)
	}
	return &http.Client{Transport: transport}
}

// wiretap remembers what clients send, as it goes over the wire.
type wiretap struct {
	net.Listener
	mu   sync.Mutex
	sent bytes.Buffer
}

func (w *wiretap) Accept() (net.Conn, error) {
	c, err := w.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &tappedConn{c, w}, nil
}

func (w *wiretap) heard() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sent.String()
}

type tappedConn struct {
	net.Conn
	tap *wiretap
}

func (c *tappedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.tap.mu.Lock()
	defer c.tap.mu.Unlock()
	c.tap.sent.Write(p[:n])
	return n, err
}

func TestAServerThatCannotBeTrustedHaltsAndGetsNothing(t *testing.T) {
	trusted, unknown := newAuthority(t), newAuthority(t)
	for _, row := range []struct {
		name   string
		server *tls.Config // nil: plain HTTP
		says   string
		late   bool // the server objects after the request has been sent
	}{
		{name: "unknown authority", says: "certificate signed by unknown authority",
			server: &tls.Config{Certificates: []tls.Certificate{unknown.issue(t)}}},
		{name: "a certificate that signs itself", says: "certificate signed by unknown authority",
			server: &tls.Config{Certificates: []tls.Certificate{(&authority{}).issue(t)}}},
		{name: "expired", says: "certificate has expired",
			server: &tls.Config{Certificates: []tls.Certificate{trusted.issue(t, func(c *x509.Certificate) {
				c.NotBefore, c.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
			})}}},
		{name: "not valid yet", says: "certificate has expired or is not yet valid",
			server: &tls.Config{Certificates: []tls.Certificate{trusted.issue(t, func(c *x509.Certificate) {
				c.NotBefore = time.Now().Add(time.Hour / 2)
			})}}},
		{name: "another host", says: "certificate is valid for 127.0.0.2, not 127.0.0.1",
			server: &tls.Config{Certificates: []tls.Certificate{trusted.issue(t, func(c *x509.Certificate) {
				c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 2)}
			})}}},
		{name: "another use", says: "certificate specifies an incompatible key usage",
			server: &tls.Config{Certificates: []tls.Certificate{trusted.issue(t, func(c *x509.Certificate) {
				c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
			})}}},
		{name: "TLS 1.1 at most", says: "remote error: tls: protocol version not supported",
			server: &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10,
				Certificates: []tls.Certificate{trusted.issue(t)}}},
		{name: "a client certificate, TLS 1.2", says: "remote error: tls: ",
			server: &tls.Config{MaxVersion: tls.VersionTLS12, ClientAuth: tls.RequireAnyClientCert,
				Certificates: []tls.Certificate{trusted.issue(t)}}},
		{name: "a client certificate, TLS 1.3", says: "remote error: tls: certificate required", late: true,
			server: &tls.Config{MinVersion: tls.VersionTLS13, ClientAuth: tls.RequireAnyClientCert,
				Certificates: []tls.Certificate{trusted.issue(t)}}},
		{name: "no TLS at all", says: "server gave HTTP response to HTTPS client"},
	} {
		t.Run(row.name, func(t *testing.T) {
			tap := &wiretap{Listener: faulty.Listen(t, nil)}
			var listener net.Listener = tap
			if row.server != nil {
				listener = tls.NewListener(tap, row.server)
			}
			var requests atomic.Int64
			handler := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) })
			serve(t, listener, handler)
			c := newTCPClient(t, "https://"+tap.Addr().String(), func(o *loopkit.Options) { o.HTTPClient = trusted.trusting() })
			trackN(t, c, 5)
			err := c.Flush(contextFor(t, time.Minute)) // at once, if it is halted
			require.ErrorContains(t, err, row.says)
			assert.NotErrorIs(t, err, context.DeadlineExceeded)
			assert.NotContains(t, err.Error(), testKey)
			stats := requireBalanced(t, c)
			require.ErrorContains(t, stats.Halted["tracks"], row.says)
			assert.Equal(t, int64(5), stats.Pending, "nothing is dropped")
			if !row.late { // else a reset may hide the alert at first
				assert.Equal(t, int64(1), stats.Requests)
			}
			assert.Zero(t, requests.Load())
			assert.NotEmpty(t, tap.heard())
			assert.NotContains(t, tap.heard(), testKey)
			assert.NotContains(t, tap.heard(), "POST ", "there is no way back to plain HTTP")
		})
	}
}

// oldServerHello is a server's choice of TLS 1.1, which a server makes that was
// written before TLS 1.3.
var oldServerHello = slices.Concat(
	[]byte{22, 3, 2, 0, 42}, // a record of 42 bytes
	[]byte{2, 0, 0, 38},     // a ServerHello of 38 bytes
	[]byte{3, 2}, make([]byte, 32), []byte{0, 0xc0, 0x13, 0},
)

func TestAServerThatChoosesAnOldTLSVersionHalts(t *testing.T) {
	l := faulty.Listen(t, nil)
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 4096)) // the client's hello
			_, _ = c.Write(oldServerHello)    // a client that is gone shows below
		}
	})
	c := newTCPClient(t, "https://"+l.Addr().String(), func(o *loopkit.Options) { o.HTTPClient = newAuthority(t).trusting() })
	trackN(t, c, 5)
	err := c.Flush(contextFor(t, time.Minute))
	require.ErrorContains(t, err, "tls: server selected unsupported protocol version 302")
	assert.Contains(t, c.Stats().Halted, "tracks")
	require.NoError(t, l.Close())
	serving.Wait()
}

// A server of net/http, as nginx, answers plain HTTP on its TLS port with 400,
// which is the answer to a message that is wrong.
func TestPlainHTTPToATLSServerLosesNoMoreThanTheMessagesThatItTakesToHalt(t *testing.T) {
	a := newAuthority(t)
	l := faulty.Listen(t, nil)
	var requests atomic.Int64
	serve(t, tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{a.issue(t)}}),
		http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) }))
	c := newTCPClient(t, l.URL(), func(o *loopkit.Options) { o.MaxInFlight = 1 })
	trackN(t, c, 50)
	var answer *loopkit.APIError
	require.ErrorAs(t, c.Flush(t.Context()), &answer)
	assert.Equal(t, 400, answer.StatusCode)
	stats := requireBalanced(t, c)
	assert.Equal(t, map[loopkit.Reason]int64{loopkit.ReasonRejected: 20}, stats.Dropped)
	assert.Equal(t, int64(30), stats.Pending)
	assert.ErrorContains(t, stats.Halted["tracks"], "check Options.BaseURL")
	assert.Zero(t, requests.Load())
}

func TestAServerThatBecomesTrustworthyGetsEverythingAtTheNextFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		trusted := newAuthority(t)
		var certificate atomic.Pointer[tls.Certificate]
		set := func(c tls.Certificate) { certificate.Store(&c) }
		set(newAuthority(t).issue(t))
		server := &site{Collector: collector.New(collector.Options{})}
		l := newMemoryNetwork()
		serve(t, tls.NewListener(l, &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return certificate.Load(), nil
		}}), server.Collector)

		var told []error
		c := newTCPClient(t, "https://loopkit.test/v1", func(o *loopkit.Options) {
			o.HTTPClient = trusted.trusting(func(h *http.Transport) { h.DialContext, h.DisableKeepAlives = l.dial, true })
			o.OnError = func(_ context.Context, err error) { told = append(told, err) }
		})
		trackIDs(t, c, 0, 5, nil)
		for range 3 {
			require.ErrorContains(t, c.Flush(t.Context()), "unknown authority")
			time.Sleep(2 * time.Second)
		}
		assert.Equal(t, int64(5), requireBalanced(t, c).Pending)
		synctest.Wait()
		require.Len(t, told, 1, "told once")
		assert.ErrorContains(t, told[0], "unknown authority")

		set(trusted.issue(t))
		require.NoError(t, c.Flush(t.Context()))
		for id, k := range server.copies(t, 5) {
			assert.Equal(t, 1, k, id)
		}
		assert.Empty(t, requireBalanced(t, c).Halted)

		set(trusted.issue(t, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }))
		trackIDs(t, c, 5, 10, nil)
		require.ErrorContains(t, c.Flush(t.Context()), "expired")
		set(trusted.issue(t))
		time.Sleep(6 * time.Minute)
		assert.Zero(t, requireBalanced(t, c).Pending, "a probe of its own finds it, too")
		server.copies(t, 10)
		require.NoError(t, c.Close(t.Context()))
	})
}

func TestAnAnswerThatIsDamagedUnderTLSIsRetriedAndMayHaveBeenExecuted(t *testing.T) {
	var deletions atomic.Int64
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodDelete {
			deletions.Add(1)
			return
		}
		conn, _, err := w.(http.Hijacker).Hijack()
		if assert.NoError(t, err) {
			_, _ = conn.(*tls.Conn).NetConn().Write([]byte("garbage, not a TLS record"))
			assert.NoError(t, conn.(*tls.Conn).NetConn().Close())
		}
	}))
	defer server.Close()
	const quarantine = 20 * time.Millisecond
	c := newTCPClient(t, server.URL, func(o *loopkit.Options) {
		o.BatchSize, o.HTTPClient, o.RetryMin, o.RetryMax, o.DeletionQuarantine = 1, server.Client(), time.Hour, time.Hour, quarantine
	})
	require.NoError(t, c.Track(known("anon_1", "user_2"), "e", nil))
	before, err := awaitFailing(t, c)
	require.ErrorContains(t, err, "tls.RecordHeaderError")
	assert.Empty(t, c.Stats().Halted)
	require.NoError(t, deleteUser(t, c, "user_1").Wait(contextFor(t, time.Minute)))
	assert.GreaterOrEqual(t, time.Since(before), quarantine, "the server may have executed it")
	assert.Equal(t, int64(1), deletions.Load())
}

func TestADamagedRecordOfAnyTypeIsRetried(t *testing.T) {
	for kind := byte(20); kind <= 25; kind++ {
		server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // what is unread would make the end of the connection a reset
			conn, _, err := w.(http.Hijacker).Hijack()
			if assert.NoError(t, err) {
				t.Cleanup(func() { _ = conn.Close() }) // the client has done so
				_, err = conn.(*tls.Conn).NetConn().Write([]byte{kind, 3, 3, 0, 4, 1, 2, 3, 4})
				assert.NoError(t, err)
			}
		}))
		c := newTCPClient(t, server.URL, func(o *loopkit.Options) {
			o.HTTPClient, o.BatchSize, o.RetryMin, o.RetryMax = server.Client(), 1, time.Hour, time.Hour
		})
		trackN(t, c, 1)
		_, err := awaitFailing(t, c)
		require.ErrorContains(t, err, "local error: tls: ", "type %d", kind)
		server.Close()
	}
}
