package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// checkNetwork goes the way of a request: proxy, name, connection, encryption, answer.
func checkNetwork(ctx context.Context, env Environment, base *url.URL) []Finding {
	proxy, findings := checkProxy(env, base)
	if Worst(findings) == Failed {
		return findings
	}
	next := base // where the connection goes to
	if proxy != nil {
		next = proxy
	}
	name := checkName(ctx, env, next)
	if findings = append(findings, name); name.Status == Failed {
		return findings
	}
	connection := checkConnection(ctx, env, next, proxy != nil)
	if findings = append(findings, connection); connection.Status == Failed {
		return findings
	}
	v := visit(ctx, env, base)
	v.stayedHere = proxy == nil && isThisMachine(base.Hostname())
	findings = append(findings, checkEncrypted(ctx, env, v)...)
	if v.err != nil && isTrust(v.err) {
		return findings
	}
	findings = append(findings, checkClock(v)...)
	reached := checkReachable(v)
	findings = append(findings, reached)
	return append(findings, checkProbe(ctx, env, v, reached)...)
}

func checkName(ctx context.Context, env Environment, next *url.URL) Finding {
	const check = "DNS"
	host := next.Hostname()
	if net.ParseIP(host) != nil {
		return ok(check, host+" is an IP address")
	}
	ctx, cancel := context.WithTimeout(ctx, env.Timeout)
	defer cancel()
	addresses, err := env.Resolver.LookupHost(ctx, host)
	var lookup *net.DNSError
	switch {
	case errors.As(err, &lookup) && lookup.IsNotFound:
		return problem(check, "there is no host "+host, "check the spelling; if it is right, this network's name server does not know it: try another network or VPN")
	case err != nil && (errors.Is(err, context.DeadlineExceeded) || errors.As(err, &lookup) && lookup.IsTimeout):
		return problem(check, "the name server does not answer", "check the network, the VPN and the firewall")
	case err != nil:
		return problem(check, "the lookup of "+host+" failed: "+err.Error(), "check the network and the name server")
	case len(addresses) == 0:
		return problem(check, host+" has no address", "check the spelling")
	}
	for _, address := range addresses {
		ip := net.ParseIP(address)
		if ip != nil && (ip.IsUnspecified() || ip.IsLoopback()) && !isThisMachine(host) && isPublic(host) {
			return problem(check, host+" is "+address+" here: an ad blocker, a filtering name server or the hosts file blocks it",
				"exempt "+host+" there")
		}
	}
	detail := host + " is " + addresses[0]
	if more := len(addresses) - 1; more > 0 {
		detail += fmt.Sprintf(" (and %d more)", more)
	}
	return ok(check, detail)
}

func checkConnection(ctx context.Context, env Environment, next *url.URL, isProxy bool) Finding {
	const check = "connection"
	place := placeOf(next)
	what := place
	if isProxy {
		what = "the proxy " + place
	}
	ctx, cancel := context.WithTimeout(ctx, env.Timeout)
	defer cancel()
	began := env.Now()
	conn, err := env.Dial(ctx, "tcp", place)
	if err == nil {
		took := env.Now().Sub(began)
		_ = conn.Close() // nothing was sent
		return ok(check, fmt.Sprintf("%s answers within %v", what, took.Round(time.Millisecond)))
	}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED) && isThisMachine(next.Hostname()) && !isProxy:
		return problem(check, "nothing listens on "+place, `start "loopkit dev" in another terminal, or set the address of another server`)
	case errors.Is(err, syscall.ECONNREFUSED):
		return problem(check, what+" refuses the connection", "check the port, and whether the server runs")
	case isTimeout(err):
		return problem(check, what+" does not answer", "a firewall may drop the connection: allow it, or set HTTPS_PROXY if this network has a proxy")
	}
	return problem(check, what+" cannot be reached: "+reason(err), "check the network, the VPN and the firewall")
}

func placeOf(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

// reason leaves out what the layers say around an error.
func reason(err error) string {
	var op *net.OpError
	if errors.As(err, &op) && op.Err != nil {
		return op.Err.Error()
	}
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err.Error()
	}
	return err.Error()
}

// client follows no redirect, since that would not be LoopKit's answer.
func (env Environment) client() *http.Client {
	return &http.Client{
		Timeout:       env.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     env.transport(),
	}
}

func statusLine(status int) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status)))
}
