package loopkitcli

import (
	"errors"
	"net/http"
	"time"

	"github.com/loopkitai/loopkit-go"
)

// guard is the transport of a run that sends: it looks at the saved choice before
// each request, because the user may say no in another terminal. Only requests to
// delete somebody pass then, which are no tracking.
type guard struct {
	t    *Telemetry
	o    *opening
	next http.RoundTripper
}

// guard gives a client such a transport, and returns what closes its connections.
func (t *Telemetry) guard(opts *loopkit.Options, o *opening) (idle func()) {
	var client http.Client
	if opts.HTTPClient != nil {
		client, idle = *opts.HTTPClient, func() {}
		if client.Transport == nil {
			client.Transport = http.DefaultTransport
		}
	} else {
		own := &http.Transport{
			Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, DisableCompression: true, IdleConnTimeout: time.Minute,
		}
		client.Transport, idle = own, own.CloseIdleConnections
	}
	client.Transport = guard{t, o, client.Transport}
	opts.HTTPClient = &client
	return idle
}

var errSaidNo = errors.New("loopkitcli: the user has said no meanwhile")

// RoundTrip implements [http.RoundTripper].
func (g guard) RoundTrip(r *http.Request) (*http.Response, error) {
	if isDeletion(r) || g.t.lookAgain().Mode != Off {
		return g.next.RoundTrip(r)
	}
	select {
	case <-g.o.done:
		g.o.client.Session().OptOut() // so that nothing more is kept for a later attempt
	default:
	}
	return nil, errors.Join(errSaidNo, r.Body.Close())
}

// isDeletion reports whether a request is to delete somebody: all others bring
// messages.
func isDeletion(r *http.Request) bool { return r.Body == nil || r.Body == http.NoBody }
