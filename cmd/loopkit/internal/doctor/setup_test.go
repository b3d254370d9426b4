package doctor

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/loopkittest"
)

const testKey = "lk_test_s3cr3t"

// healthy is an environment in which everything is well, with the server at
// the base URL.
func healthy(t testing.TB, baseURL string) Environment {
	return Environment{
		Key: testKey, KeyFrom: "LOOPKIT_API_KEY",
		BaseURL: baseURL, BaseURLFrom: "LOOPKIT_BASE_URL",
		Getenv:    func(string) string { return "" },
		ConfigDir: func() (string, error) { return t.TempDir(), nil },
		Proxy:     func(*http.Request) (*url.URL, error) { return nil, nil },
		Resolver:  nameServer{"api.loopkit.ai": {"192.0.2.1", "192.0.2.2"}, "proxy.test": {"127.0.0.1"}},
		Dial:      (&net.Dialer{}).DialContext,
		Now:       time.Now,
		Timeout:   5 * time.Second,
	}
}

// nameServer knows some names.
type nameServer map[string][]string

func (n nameServer) LookupHost(_ context.Context, host string) ([]string, error) {
	if addresses, known := n[host]; known {
		return addresses, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

// environment makes Getenv of a map.
func environment(variables map[string]string) func(string) string {
	return func(name string) string { return variables[name] }
}

// examine runs all checks and returns the findings by check, which is what tests
// ask for. It fails if the key shows anywhere.
func examine(t testing.TB, env Environment) map[string][]Finding {
	t.Helper()
	found := map[string][]Finding{}
	for _, f := range Run(t.Context(), env) {
		found[f.Check] = append(found[f.Check], f)
		assert.NotContains(t, f.Detail+f.Fix, "s3cr3t")
		assert.Equal(t, f.Status != OK, f.Fix != "", "what is not well has a fix: %v", f)
	}
	return found
}

// requireFinding asks for the one finding of a check.
func requireFinding(t testing.TB, found map[string][]Finding, check string, status Status, says string) {
	t.Helper()
	require.Len(t, found[check], 1, check)
	f := found[check][0]
	assert.Equal(t, status, f.Status, "%v", f)
	assert.Contains(t, f.Detail+" → "+f.Fix, says)
}

// through sends every connection to one address, as a network would that routes
// api.loopkit.ai to the test's server.
func through(address string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, network, address)
	}
}

// An authority issues certificates.
type authority struct {
	t    testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t testing.TB, name, organization string) *authority {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name, Organization: []string{organization}},
		NotBefore: time.Now().AddDate(-10, 0, 0), NotAfter: time.Now().AddDate(10, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return &authority{t, cert, key}
}

func (a *authority) issue(host string, from, until time.Time) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(a.t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: from, NotAfter: until, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	require.NoError(a.t, err)
	return tls.Certificate{Certificate: [][]byte{der, a.cert.Raw}, PrivateKey: key}
}

func (a *authority) roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// serveTLS answers as LoopKit does, with a certificate.
func serveTLS(t testing.TB, certificate tls.Certificate) (address string) {
	collector := loopkittest.NewTransport(t)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, err := collector.RoundTripper().RoundTrip(r)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		_ = answer.Body.Close() // what it says does not matter
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(answer.StatusCode)
	}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	server.Config.ErrorLog = quiet
	server.StartTLS()
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "https://")
}

// serve answers every request with handle, under /v1.
func serve(t testing.TB, handle http.HandlerFunc) (baseURL string) {
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	return server.URL + "/v1"
}
