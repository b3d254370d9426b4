package loopkithttp

import (
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/loopkitai/loopkit-go"
)

// longestField bounds what a visitor can put into every message.
const longestField = 512

// pageFields is what messages say in system.context about the request. The
// visitor's address is not part of it.
func pageFields(r *http.Request, o *Options) loopkit.Properties {
	page := r.URL.Path
	if o.Page != nil {
		page = o.Page(r)
	}
	fields := loopkit.Properties{}
	for name, value := range map[string]string{
		"page":      page,
		"referrer":  referrer(r, o),
		"userAgent": r.UserAgent(),
	} {
		if value != "" {
			fields[name] = shorten(value)
		}
	}
	return fields
}

// referrer is where the visitor came from, without what is often secret or
// personal: the query, the fragment, and a user's name.
func referrer(r *http.Request, o *Options) string {
	u, err := url.Parse(r.Referer())
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return ""
	}
	path := u.EscapedPath()
	if o.Page != nil {
		path = "/"
	}
	return u.Scheme + "://" + u.Host + path
}

func shorten(s string) string {
	if len(s) <= longestField {
		return s
	}
	end := longestField
	for end > longestField-utf8.UTFMax && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}

// RoutePattern returns a function for Options.Page: the pattern of mux that
// serves a request, such as "/users/{id}", without its method and the end mark
// "{$}"; "" if none does. It works before mux has routed the request, so
// [Middleware] may be around mux.
func RoutePattern(mux *http.ServeMux) func(*http.Request) string {
	return func(r *http.Request) string {
		_, pattern := mux.Handler(r)
		if end := strings.IndexAny(pattern, " \t"); end >= 0 {
			pattern = strings.TrimLeft(pattern[end:], " \t")
		}
		return strings.TrimSuffix(pattern, "{$}")
	}
}
