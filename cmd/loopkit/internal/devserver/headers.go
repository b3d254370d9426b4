package devserver

import (
	"net/http"
	"slices"
	"strings"
)

// maxHeader bounds the head of a request.
const maxHeader = 32 << 10

// maxHeaderValue bounds what is kept of one header.
const maxHeaderValue = 1 << 10

// harmless are the headers that say how a message was sent. Any other may be a
// secret: cookies are sent to all ports of a host, and proxies and programs have
// their own names for keys.
var harmless = []string{
	"Accept", "Accept-Encoding", "Content-Encoding", "Content-Type", "Origin", "Referer",
	"Sec-Fetch-Dest", "Sec-Fetch-Mode", "Sec-Fetch-Site", "Traceparent", "User-Agent", "Via",
}

// shown returns what is kept of a request's header.
func shown(h http.Header) http.Header {
	out := make(http.Header)
	for name, values := range h {
		if len(values) == 0 || !slices.Contains(harmless, name) && !strings.HasPrefix(name, "X-Loopkit-") {
			continue
		}
		value := values[0]
		if name == "Referer" {
			value, _, _ = strings.Cut(value, "#")
			value, _, _ = strings.Cut(value, "?")
		}
		if len(value) > maxHeaderValue {
			value = strings.ToValidUTF8(value[:maxHeaderValue], "") + "…"
		}
		out[name] = []string{strings.Clone(value)} // a part would hold all of it
	}
	return out
}
