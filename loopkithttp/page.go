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
	page := withoutParameters(r.URL.Path)
	if o.Page != nil {
		page = o.Page(r)
	}
	fields := make(loopkit.Properties, 3)
	put := func(name, value string) {
		if value != "" {
			fields[name] = shorten(value)
		}
	}
	put("page", page)
	put("referrer", referrer(r, o))
	put("userAgent", r.UserAgent())
	return fields
}

// referrer is where the visitor came from, without what is often secret or
// personal: the query, the fragment, a user's name, and parameters of the path.
func referrer(r *http.Request, o *Options) string {
	sent := r.Referer()
	if sent == "" {
		return ""
	}
	u, err := url.Parse(sent)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return ""
	}
	path := withoutParameters(u.EscapedPath())
	if o.Page != nil {
		path = "/"
	}
	return u.Scheme + "://" + u.Host + path
}

// withoutParameters cuts what servers put behind a path, such as
// ";jsessionid=" and the key to somebody's login.
func withoutParameters(path string) string {
	path, _, _ = strings.Cut(path, ";")
	return path
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
// "{$}"; "" if none does, and for CONNECT, for which mux gives paths as patterns.
// It works before mux has routed the request, so [Middleware] may be around mux.
func RoutePattern(mux *http.ServeMux) func(*http.Request) string {
	return func(r *http.Request) string {
		if r.Method == http.MethodConnect {
			return ""
		}
		_, pattern := mux.Handler(r)
		if end := strings.IndexAny(pattern, " \t"); end >= 0 {
			pattern = strings.TrimLeft(pattern[end:], " \t")
		}
		return strings.TrimSuffix(pattern, "{$}")
	}
}
