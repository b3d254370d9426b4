package devserver

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// contentSecurityPolicy lets the page load what this server serves, and nothing inline.
const contentSecurityPolicy = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'"

// hosts are the names by which the server may be called. Any other is a page of
// the web whose name was made to point here (DNS rebinding): the browser would
// let it read everything. The port does not matter to that, and ssh changes it.
type hosts []string

func (h hosts) allow(host string) bool {
	u, err := url.Parse("http://" + host)
	return err == nil && u.Host == host && slices.Contains(h, strings.ToLower(u.Hostname()))
}

func (h hosts) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !h.allow(r.Host) {
			fail(w, http.StatusMisdirectedRequest,
				"this development server answers to %s only, not to the host that the request names; use one of these in the URL",
				strings.Join(h, ", "))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// protect keeps the pages of other origins away from the page and from the API,
// which have everything that was received.
func protect(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentSecurityPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if foreign(r) {
			fail(w, http.StatusForbidden, "only pages of this server may ask for this; other programs send no Origin")
			return
		}
		if changes(r) && !isJSON(r) {
			fail(w, http.StatusUnsupportedMediaType, "%s %s needs Content-Type: application/json", r.Method, r.URL.Path)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// foreign reports whether a page of another origin sent the request. Its links
// may lead to the pages of this server, but not into its API.
func foreign(r *http.Request) bool {
	if origin := r.Header.Get("Origin"); origin != "" && origin != "http://"+r.Host {
		return true
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none": // none: the user typed the address
		return false
	}
	link := r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document" && !changes(r)
	return !link || strings.HasPrefix(r.URL.Path, "/api/")
}

func changes(r *http.Request) bool {
	return r.Method != http.MethodGet && r.Method != http.MethodHead
}
