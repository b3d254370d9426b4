package devserver

import (
	"cmp"
	"net/http"
)

// withCORS lets pages of every origin send what they track. Browsers send
// beacons with credentials, and then take no wildcard for an answer: the origin
// and the headers must be repeated, or the beacon vanishes without an error.
func withCORS(collect http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		h.Add("Vary", "Origin")
		origin := r.Header.Get("Origin")
		if origin != "" {
			h.Set("Access-Control-Allow-Origin", origin)
			h.Set("Access-Control-Allow-Credentials", "true")
			h.Set("Access-Control-Expose-Headers", "Retry-After")
		}
		if r.Method != http.MethodOptions {
			collect.ServeHTTP(w, r)
			return
		}
		if origin != "" {
			wanted := r.Header.Get("Access-Control-Request-Headers")
			h.Set("Access-Control-Allow-Headers", cmp.Or(wanted, "content-type, authorization, user-agent"))
			h.Set("Access-Control-Allow-Methods", "GET, POST, DELETE")
			h.Set("Access-Control-Allow-Private-Network", "true") // of a page that is not local
			h.Set("Access-Control-Max-Age", "600")
		}
		w.WriteHeader(http.StatusNoContent)
	})
}
