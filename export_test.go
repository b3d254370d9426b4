package loopkit

import (
	"context"
	"net"
	"net/http"
	"net/url"
)

// SetProxy sets the proxy of a client's own transport. The proxy variables of
// the environment would do, but net/http reads them once in a process.
func SetProxy(c *Client, proxy func(*http.Request) (*url.URL, error)) {
	c.queue.transport.owned.Proxy = proxy
}

// SetDial sets how a client's own transport makes connections.
func SetDial(c *Client, dial func(ctx context.Context, network, address string) (net.Conn, error)) {
	c.queue.transport.owned.DialContext = dial
}

// Unfence makes deletions overtake the attempts that they have to wait for. A
// simulation that finds nothing with the fence must find something without it.
func Unfence(c *Client) {
	c.queue.mu.Lock()
	defer c.queue.mu.Unlock()
	c.queue.erasures.unfenced = true
}
