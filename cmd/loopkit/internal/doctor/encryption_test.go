package doctor

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/loopkittest"
)

// quiet takes the handshakes that tests make fail.
var quiet = log.New(io.Discard, "", 0)

const loopKits = "https://api.loopkit.ai/v1"

func TestWhoVouchesForTheServer(t *testing.T) {
	now := time.Now()
	public := newAuthority(t, "R11", "Let's Encrypt")
	unknown := newAuthority(t, "Acme Corp Inspection CA", "Acme Corp")
	day := 24 * time.Hour
	for name, c := range map[string]struct {
		certificate tls.Certificate
		trusted     *authority
		clock       time.Duration // how far it is off
		status      Status
		says        string
	}{
		"verified":             {public.issue("api.loopkit.ai", now.Add(-day), now.Add(day)), public, 0, OK, `certificate from "R11 (Let's Encrypt)"`},
		"intercepted":          {unknown.issue("api.loopkit.ai", now.Add(-day), now.Add(day)), public, 0, Failed, `opens the encryption (TLS interception): the certificate is from "Acme Corp Inspection CA (Acme Corp)"`},
		"no root certificates": {public.issue("api.loopkit.ai", now.Add(-day), now.Add(day)), unknown, 0, Failed, "install the package ca-certificates"},
		"of another host":      {public.issue("portal.test", now.Add(-day), now.Add(day)), public, 0, Failed, "the certificate is for portal.test, not for api.loopkit.ai"},
		"expired":              {public.issue("api.loopkit.ai", now.Add(-9*day), now.Add(-day)), public, 0, Failed, "must be renewed"},
		"clock ahead":          {public.issue("api.loopkit.ai", now.Add(-day), now.Add(day)), public, 30 * day, Failed, "set the clock of this machine"},
		"clock behind":         {public.issue("api.loopkit.ai", now.Add(-day), now.Add(day)), public, -30 * day, Failed, "valid only from"},
	} {
		t.Run(name, func(t *testing.T) {
			env := healthy(t, loopKits)
			env.Dial, env.Roots = through(serveTLS(t, c.certificate)), c.trusted.roots()
			env.Now = func() time.Time { return time.Now().Add(c.clock) }
			found := examine(t, env)
			requireFinding(t, found, "TLS", c.status, c.says)
			if c.status == OK {
				assert.Len(t, found["server"], 1)
			} else {
				assert.Empty(t, found["server"])
			}
		})
	}
}

func TestAServerThatVouchesForItself(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = quiet
	server.StartTLS()
	defer server.Close()
	requireFinding(t, examine(t, healthy(t, server.URL+"/v1")), "TLS", Failed, "vouches for itself")
}

func TestAServerWithoutTLS(t *testing.T) {
	server := loopkittest.NewServer(t)
	plain, err := url.Parse(server.BaseURL())
	require.NoError(t, err)
	requireFinding(t, examine(t, healthy(t, "https://"+plain.Host+"/v1")), "TLS", Failed, "does not speak TLS")

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	stop := answerWith(t, listener, func(conn net.Conn) { _, _ = io.WriteString(conn, "SSH-2.0-OpenSSH_9.2\r\n") })
	defer stop()
	requireFinding(t, examine(t, healthy(t, "https://"+listener.Addr().String()+"/v1")), "TLS", Failed, "does not speak TLS")
}

// answerWith serves connections one by one until it is stopped.
func answerWith(t testing.TB, listener net.Listener, handle func(net.Conn)) (stop func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			handle(conn)
			_, _ = io.Copy(io.Discard, conn) // until the client has seen it
			_ = conn.Close()
		}
	}()
	return func() {
		assert.NoError(t, listener.Close())
		<-done
	}
}

func TestAServerThatRefusesTheHandshake(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = quiet
	server.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		return nil, io.ErrUnexpectedEOF
	}}
	server.StartTLS()
	defer server.Close()
	requireFinding(t, examine(t, healthy(t, server.URL+"/v1")), "TLS", Failed, "refuses the encryption")
}

// interceptor is a proxy that opens the encryption: it ends the tunnel itself,
// with a certificate of its own authority for whatever host is asked for.
type interceptor struct {
	authority *authority
	refuse    int // the status that it answers a CONNECT with; 0 to let it through
}

func (p *interceptor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect || p.refuse != 0 {
		w.WriteHeader(p.refuse)
		return
	}
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }() // what fails is seen by the client
	if _, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
		return
	}
	opened := tls.Server(conn, &tls.Config{GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		certificate := p.authority.issue(hello.ServerName, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
		return &certificate, nil
	}})
	request, err := http.ReadRequest(bufio.NewReader(opened))
	if err != nil {
		return
	}
	answer := &http.Response{StatusCode: http.StatusOK, ProtoMajor: 1, ProtoMinor: 1, Request: request, ContentLength: 0, Close: true,
		Header: http.Header{"Content-Type": {"application/json"}, "Date": {time.Now().UTC().Format(http.TimeFormat)}}}
	_ = answer.Write(opened) // what fails is seen by the client
	_ = opened.Close()
}

func behindProxy(t *testing.T, p *interceptor) Environment {
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	address, err := url.Parse(server.URL)
	require.NoError(t, err)
	env := healthy(t, loopKits)
	env.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: "proxy.test:" + address.Port()})
	env.Getenv = environment(map[string]string{"HTTPS_PROXY": "set"})
	dialed := through(address.Host)
	env.Dial = func(ctx context.Context, network, to string) (net.Conn, error) {
		assert.Equal(t, "proxy.test:"+address.Port(), to, "everything goes through the proxy")
		return dialed(ctx, network, to)
	}
	return env
}

func TestAProxyThatOpensTheEncryptionIsNamed(t *testing.T) {
	corporate := newAuthority(t, "Acme Corp Inspection CA", "Acme Corp")
	env := behindProxy(t, &interceptor{authority: corporate})
	env.Roots = newAuthority(t, "R11", "Let's Encrypt").roots()
	found := examine(t, env)
	requireFinding(t, found, "proxy", OK, "through http://proxy.test:")
	requireFinding(t, found, "DNS", OK, "proxy.test is 127.0.0.1")
	requireFinding(t, found, "connection", OK, "the proxy proxy.test:")
	requireFinding(t, found, "TLS", Failed, `the certificate is from "Acme Corp Inspection CA (Acme Corp)", which this machine does not trust`)
	assert.Contains(t, found["TLS"][0].Fix, "SSL_CERT_FILE")

	env.Roots = corporate.roots() // as its administrators would install it
	found = examine(t, env)
	requireFinding(t, found, "TLS", OK, `certificate from "Acme Corp Inspection CA (Acme Corp)"`)
	requireFinding(t, found, "server", OK, "200 OK")
}

func TestAProxyThatRefuses(t *testing.T) {
	requireFinding(t, examine(t, behindProxy(t, &interceptor{refuse: 407})), "server", Failed, "http://user:password@host:port")
	requireFinding(t, examine(t, behindProxy(t, &interceptor{refuse: 403})), "server", Failed, "the proxy answered 403 Forbidden to the request for api.loopkit.ai")
}
