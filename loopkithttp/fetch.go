package loopkithttp

import (
	"net/http"
	"net/url"
	"strings"
)

// preflight reports whether r only asks, in CORS, whether another request may be
// made. It never carries cookies or the header.
func preflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != ""
}

// withheld reports whether the browser may hold cookies that it does not send
// with r because another site made it send r, such as the page of a payment or
// login provider. New cookies would overwrite them.
func withheld(r *http.Request, sameSite http.SameSite) bool {
	switch {
	case sameSite == http.SameSiteNoneMode || !crossSite(r):
		return false
	case sameSite == http.SameSiteStrictMode:
		return true
	}
	return r.Method != http.MethodGet && r.Method != http.MethodHead
}

// crossSite tells by the headers that net/http's CrossOriginProtection goes by:
// over plain HTTP, and from older browsers, only Origin says something.
func crossSite(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" {
		return site == "cross-site"
	}
	origin := r.Header.Get("Origin")
	u, err := url.Parse(origin)
	return origin != "" && (err != nil || u.Host != r.Host)
}

// cacheable reports whether a shared cache may keep the answer, for all that is
// known before the handler runs. A cookie in it would be everybody's.
func cacheable(w http.ResponseWriter, r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Dest") {
	case "style", "script", "image", "font", "audio", "video", "track", "manifest":
		return true
	}
	for _, value := range w.Header()["Cache-Control"] {
		for directive := range strings.SplitSeq(value, ",") {
			name, _, _ := strings.Cut(strings.TrimSpace(directive), "=")
			if strings.EqualFold(name, "public") || strings.EqualFold(name, "s-maxage") {
				return true
			}
		}
	}
	return false
}
