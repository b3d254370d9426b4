package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/loopkitai/loopkit-go"
)

// visited is one harmless request and what came back: GET /sdk-versions, which
// needs no key and records nothing.
type visited struct {
	base  *url.URL
	began time.Time
	ended time.Time
	err   error

	status      int
	header      http.Header
	body        []byte
	state       *tls.ConnectionState
	contentType string

	stayedHere bool // it went to this machine, and through no proxy
}

func (v visited) listsVersions() bool { return v.status == http.StatusOK && listsVersions(v.body) }

const mostRead = 64 << 10

func visit(ctx context.Context, env Environment, base *url.URL) visited {
	client := env.client()
	defer client.CloseIdleConnections()
	return visitWith(ctx, env, client, base)
}

func visitWith(ctx context.Context, env Environment, client *http.Client, base *url.URL) visited {
	v := visited{base: base, began: env.Now()}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, base.String()+"/sdk-versions", nil)
	if err != nil {
		v.err = err
		return v
	}
	request.Header.Set("User-Agent", userAgent)
	answer, err := client.Do(request)
	if err != nil {
		v.err = err
		return v
	}
	v.ended = env.Now()
	v.body, err = io.ReadAll(io.LimitReader(answer.Body, mostRead))
	if closed := answer.Body.Close(); err == nil {
		err = closed
	}
	v.status, v.header, v.state, v.err = answer.StatusCode, answer.Header, answer.TLS, err
	v.contentType = mediaType(answer.Header)
	return v
}

const userAgent = "loopkit-go/" + loopkit.Version + " doctor"

// transport tells a proxy's refusal from the server's.
func (env Environment) transport() *http.Transport {
	return &http.Transport{
		Proxy:             env.Proxy,
		DialContext:       env.Dial,
		TLSClientConfig:   &tls.Config{RootCAs: env.Roots, Time: env.Now},
		ForceAttemptHTTP2: true,
		OnProxyConnectResponse: func(_ context.Context, _ *url.URL, _ *http.Request, answer *http.Response) error {
			if answer.StatusCode != http.StatusOK {
				return &proxyRefusal{answer.StatusCode}
			}
			return nil
		},
	}
}

type proxyRefusal struct{ status int }

func (e *proxyRefusal) Error() string { return "the proxy answered " + statusLine(e.status) }

// checkReachable tells LoopKit from whatever else may answer.
func checkReachable(v visited) Finding {
	const check = "server"
	path := v.base.Path + "/sdk-versions"
	wrongHost := "check the address; LoopKit's is " + loopkit.DefaultURL
	if v.err != nil {
		return unanswered(check, v)
	}
	answered := fmt.Sprintf("GET %s answered %s", path, statusLine(v.status))
	switch isHTML := v.contentType == "text/html"; {
	case v.status == http.StatusProxyAuthRequired:
		return proxyWantsCredentials(check)
	case v.status >= 300 && v.status < 400:
		return problem(check, answered+to(v.header.Get("Location")), "redirects are never followed, since they would carry the key elsewhere: "+wrongHost)
	case v.status == http.StatusNotFound && (isLoopKits(v.base) || v.stayedHere && isJSON(v.contentType)):
		return warning(check, answered+": the server does not know it", wrongHost+"; --probe asks the other endpoints")
	case v.status == http.StatusNotFound && isJSON(v.contentType):
		return problem(check, answered+": wrong host; this is another API, or another path of LoopKit's", wrongHost)
	case isHTML && v.status < 500:
		return problem(check, answered+" with a web page", "this is a web site or a login page of the network, not LoopKit's API: "+wrongHost)
	case v.status == http.StatusNotFound, v.status == http.StatusMethodNotAllowed, v.status == http.StatusGone:
		return problem(check, answered+": this is not LoopKit's API, or another path of it", wrongHost)
	case v.status >= 500:
		return problem(check, answered, "the server has a problem; try again later")
	case v.status == http.StatusTooManyRequests:
		return warning(check, answered, fewerRequests)
	case v.status >= 400:
		return warning(check, answered+", although it needs no key", wrongHost)
	case !isJSON(v.contentType):
		return warning(check, answered+", but not with JSON", wrongHost)
	case !isLoopKits(v.base) && !v.listsVersions():
		return warning(check, answered+", but names no versions of LoopKit's SDKs: this may be another API", wrongHost)
	}
	return ok(check, answered)
}

func to(location string) string {
	u, err := url.Parse(location)
	if err != nil || u.Host == "" {
		return ""
	}
	return ", to " + u.Scheme + "://" + u.Host
}

func proxyWantsCredentials(check string) Finding {
	return problem(check, "the proxy wants credentials (407)", "write them into HTTPS_PROXY: http://user:password@host:port")
}

// unanswered explains a request that ended without an answer, but for a matter of trust.
func unanswered(check string, v visited) Finding {
	var refusal *proxyRefusal
	switch {
	case errors.As(v.err, &refusal) && refusal.status == http.StatusProxyAuthRequired:
		return proxyWantsCredentials(check)
	case errors.As(v.err, &refusal):
		return problem(check, refusal.Error()+" to the request for "+v.base.Host, "ask who runs the proxy to allow "+v.base.Host)
	case isTimeout(v.err):
		return problem(check, "the connection stands, but no answer comes", "a firewall or a proxy may swallow it; try another network")
	case errors.Is(v.err, io.EOF), strings.Contains(v.err.Error(), "connection reset"):
		return problem(check, "the connection is closed before an answer", "a firewall or a proxy may cut it; try another network")
	}
	return problem(check, "no answer: "+reason(v.err), "check the address, and the port")
}
