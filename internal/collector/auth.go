package collector

import (
	"net/http"
	"slices"
	"strings"
)

// Credentials returns the API key of a request and how it was sent, as in Request.Auth.
func Credentials(r *http.Request) (form, key string) {
	header := strings.TrimSpace(r.Header.Get("Authorization"))
	if scheme, key, _ := strings.Cut(header, " "); strings.EqualFold(scheme, "Bearer") {
		return "bearer", strings.TrimSpace(key)
	}
	if header != "" {
		return "raw", header
	}
	if query := r.URL.Query(); query.Has("apiKey") {
		return "query", query.Get("apiKey")
	}
	return "none", ""
}

func (c *Collector) authorize(r *http.Request) error {
	form, key := Credentials(r)
	switch {
	case key == "":
		return refuse(http.StatusUnauthorized, "no API key")
	case c.opts.Strict && form != "bearer":
		return refuse(http.StatusUnauthorized, "the API key must be sent as Authorization: Bearer")
	case len(c.opts.Keys) > 0 && !slices.Contains(c.opts.Keys, key):
		return refuse(http.StatusUnauthorized, "unknown API key")
	}
	return nil
}
