package loopkithttp

import (
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
)

// The cookies, beside [ConsentCookie].
const (
	anonymousCookie = "loopkit_anonymousId" // the key of LoopKit's browser SDK too
	linkedCookie    = "loopkit_linked"
	sessionCookie   = "loopkit_sessionId"
)

// visitorCookies are those that tell a browser from others.
var visitorCookies = [...]string{anonymousCookie, linkedCookie, sessionCookie}

// cookies are those that a browser sent with r and will hold after w.
type cookies struct {
	w       http.ResponseWriter
	r       *http.Request
	options *Options
	held    []*http.Cookie // those of r
	// everywhere says that what is set replaces another value, which must not
	// survive for the host alone after Options.Domain was set. A change of the
	// domain is seen by no other sign: cookies are sent without it.
	everywhere bool
}

// sent returns the values of a cookie. A browser sends several where it holds
// them for the host and for its parent domains.
func (c cookies) sent(name string) []string {
	var values []string
	for _, cookie := range c.held {
		if cookie.Name == name {
			values = append(values, cookie.Value)
		}
	}
	return values
}

// set gives the browser a cookie, in place of what this answer did with it.
func (c cookies) set(name, value string, maxAge time.Duration, httpOnly bool) {
	c.replace(&http.Cookie{Name: name, Value: value, MaxAge: int(maxAge / time.Second), HttpOnly: httpOnly})
}

// expire ends a cookie, whether or not the browser sent it.
func (c cookies) expire(name string) {
	c.replace(&http.Cookie{Name: name, MaxAge: -1, HttpOnly: name != anonymousCookie || c.options.HTTPOnly})
}

// forget leaves the browser without a cookie, and says nothing of one that it
// does not have.
func (c cookies) forget(name string) {
	if len(c.sent(name)) > 0 {
		c.expire(name)
		return
	}
	c.withdraw(name)
}

// forgetVisitor forgets who the browser is, as far as it said so.
func (c cookies) forgetVisitor() {
	for _, name := range visitorCookies {
		c.forget(name)
	}
}

// expireVisitor does so also where the browser did not send its cookies, as
// with another site's form.
func (c cookies) expireVisitor() {
	for _, name := range visitorCookies {
		c.expire(name)
	}
}

func (c cookies) replace(cookie *http.Cookie) {
	c.withdraw(cookie.Name)
	cookie.Path, cookie.Domain = "/", c.options.Domain
	cookie.SameSite, cookie.Secure = c.options.sameSite(), c.options.secure(c.r)
	replaced := c.everywhere || cookie.MaxAge < 0
	if len(c.sent(cookie.Name)) > 1 || replaced && c.options.Domain != "" {
		c.expireElsewhere(cookie)
	}
	http.SetCookie(c.w, cookie)
	c.keepPrivate()
}

// withdraw takes back what this answer did with a cookie so far.
func (c cookies) withdraw(name string) {
	header := c.w.Header()
	left := slices.DeleteFunc(header["Set-Cookie"], func(line string) bool {
		return strings.HasPrefix(line, name+"=")
	})
	if len(left) == 0 {
		header.Del("Set-Cookie")
		return
	}
	header["Set-Cookie"] = left
}

// expireElsewhere ends the cookies of the same name that the browser holds for
// other domains. They may be the older ones, which it sends first: the cookie
// that is set would never be seen.
func (c cookies) expireElsewhere(cookie *http.Cookie) {
	own := strings.TrimPrefix(cookie.Domain, ".")
	for _, domain := range append(parentDomains(c.r.Host), "") {
		if domain != own {
			other := *cookie
			other.Value, other.MaxAge, other.Domain = "", -1, domain
			if other.Valid() == nil { // the host is what the visitor wrote
				http.SetCookie(c.w, &other)
			}
		}
	}
}

// longestHost is that of the DNS (RFC 1035, section 2.3.4).
const longestHost = 253

// parentDomains are the domains whose cookies a browser sends to host.
func parentDomains(host string) []string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if len(host) > longestHost || strings.Contains(host, ":") || net.ParseIP(host) != nil {
		return nil
	}
	var domains []string
	for strings.Contains(host, ".") {
		domains = append(domains, host)
		_, host, _ = strings.Cut(host, ".")
	}
	return domains
}

// keepPrivate keeps shared caches from giving one visitor's cookies to another.
func (c cookies) keepPrivate() {
	header := c.w.Header()
	if !slices.Contains(header.Values("Vary"), "Cookie") {
		header.Add("Vary", "Cookie")
	}
	if header.Get("Cache-Control") == "" {
		header.Set("Cache-Control", "private")
	}
}
