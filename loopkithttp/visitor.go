package loopkithttp

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/loopkitai/loopkit-go"
)

// site is what all visitors of one middleware have in common.
type site struct {
	client  *loopkit.Client
	options Options
	refresh func() bool // whether to set the cookies of a known visitor anew
}

// visitor is who sent a request. Login, Logout and SetConsent change it, so
// that each sees what the ones before it did, whichever request they are given.
type visitor struct {
	site        *site
	consent     loopkit.Consent
	anonymousID string // "" if the consent is Denied
	userID      string
	session     session // zero without Options.Sessions
	linked      link    // to whom the anonymous ID belongs
	origin      origin
}

// origin is where an anonymous ID comes from.
type origin uint8

const (
	fromCookie origin = iota // the browser's cookies say who it is, or shall
	fromHeader               // the client keeps its ID itself
	fromNobody               // the browser has cookies, maybe, but was not allowed to send them
)

type visitorKey struct{}

// visitorOf returns the visitor that the middleware put into r's context; one
// without a client if there is none.
func visitorOf(r *http.Request) *visitor {
	if v := knownVisitor(r); v != nil {
		return v
	}
	return &visitor{site: &site{}, consent: loopkit.ConsentFrom(r.Context())}
}

func knownVisitor(r *http.Request) *visitor {
	v, _ := r.Context().Value(visitorKey{}).(*visitor)
	return v
}

func (v *visitor) cookies(w http.ResponseWriter, r *http.Request) cookies {
	return cookies{w: w, r: r, options: &v.site.options}
}

func (v *visitor) identity() loopkit.Identity {
	return loopkit.Identity{AnonymousID: v.anonymousID, UserID: v.userID, SessionID: v.session.id}
}

// context returns a context whose calls are the visitor's.
func (v *visitor) context(ctx context.Context) context.Context {
	ctx = loopkit.WithConsent(loopkit.WithIdentity(ctx, v.identity()), v.consent)
	return context.WithValue(ctx, visitorKey{}, v)
}

// meet finds out who sent r, and sets the cookies that follow from it.
func (s *site) meet(w http.ResponseWriter, r *http.Request) *visitor {
	v := &visitor{site: s, consent: consentOf(r, &s.options), userID: s.options.userOf(r)}
	c := v.cookies(w, r)
	if v.consent == loopkit.Denied {
		c.forgetVisitor()
		return v
	}
	v.recognize(c)
	if v.origin == fromCookie {
		before := *v
		v.settle()
		v.save(c, before, s.refresh())
	}
	return v
}

// recognize reads what the request says about the visitor.
func (v *visitor) recognize(c cookies) {
	if outer := knownVisitor(c.r); outer != nil { // two middlewares around one handler know one visitor
		v.anonymousID, v.session, v.linked, v.origin = outer.anonymousID, outer.session, outer.linked, outer.origin
		return
	}
	if id := c.r.Header.Get(anonymousHeader); usable(id) {
		v.anonymousID, v.origin = id, fromHeader
		return
	}
	ids, links := c.sent(anonymousCookie), c.sent(linkedCookie)
	if len(ids) == 0 && withheld(c.r, v.site.options.sameSite()) {
		v.anonymousID, v.origin = loopkit.NewAnonymousID(), fromNobody
		return
	}
	if i := slices.IndexFunc(ids, usable); i >= 0 {
		v.anonymousID = ids[i]
	}
	if len(links) > 0 && links[0] != "" {
		v.linked = parseLink(links[0])
	}
	for _, value := range c.sent(sessionCookie) {
		if s, alive := parseSession(value, time.Now()); alive && v.site.options.Sessions {
			v.session = s
			return
		}
	}
}

// withheld reports whether the browser may hold cookies that it does not send
// with r because another site made it send r, such as the page of a payment or
// login provider. New cookies would overwrite them.
func withheld(r *http.Request, sameSite http.SameSite) bool {
	switch {
	case sameSite == http.SameSiteNoneMode || r.Header.Get("Sec-Fetch-Site") != "cross-site":
		return false
	case sameSite == http.SameSiteStrictMode:
		return true
	}
	return r.Method != http.MethodGet && r.Method != http.MethodHead
}

// settle makes what the browser said agree with who is logged in.
func (v *visitor) settle() {
	known := v.site.options.User != nil
	strange := v.linked.exists() && (!v.mayLink() || known && !v.linked.to(v.userID))
	if v.anonymousID == "" || strange || v.linked.left(v.anonymousID) {
		v.renew()
	}
	v.prolong()
	switch {
	case !v.mayLink():
		v.linked = link{}
	case v.userID != "" && !v.linked.exists():
		v.linked = v.linked.joined(v.userID)
	}
}

// mayLink reports whether the visitor agreed to be known as a user.
func (v *visitor) mayLink() bool { return v.consent >= loopkit.Pseudonymous }

// renew makes a browser a stranger's: a new anonymous ID, which belongs to
// nobody, and a new session. It remembers which ID it left.
func (v *visitor) renew() {
	former := parted(v.anonymousID)
	if v.origin == fromNobody || !v.mayLink() {
		former = link{}
	}
	if v.origin == fromNobody { // whatever the browser holds shall end
		v.origin = fromCookie
	}
	v.anonymousID, v.session, v.linked = loopkit.NewAnonymousID(), session{}, former
	v.prolong()
}

// prolong begins a session if there is none, and keeps it from ending.
func (v *visitor) prolong() {
	now := time.Now()
	switch {
	case !v.site.options.Sessions || v.origin != fromCookie:
	case v.session.id == "":
		v.session = newSession(now)
	case v.session.stale(now):
		v.session.refreshed = now
	}
}

// save sets the cookies that changed, or both that last if they are to live for
// another year: what says whose an ID is must not end before the ID.
func (v *visitor) save(c cookies, before visitor, refresh bool) {
	if v.origin != fromCookie {
		return
	}
	options := &v.site.options
	refresh = refresh || v.anonymousID != before.anonymousID
	if refresh {
		c.set(anonymousCookie, v.anonymousID, options.maxAge(), options.HTTPOnly)
	}
	switch nothing := (link{}); {
	case v.linked != nothing && (refresh || v.linked != before.linked):
		c.set(linkedCookie, v.linked.String(), options.maxAge(), true)
	case v.linked == nothing && (before.linked != nothing || before.origin == fromNobody):
		c.expire(linkedCookie)
	}
	if v.session != before.session {
		c.set(sessionCookie, v.session.String(), sessionTimeout, true)
	}
}

// mark is what the link says after an identify in this session.
func (v *visitor) mark() string {
	during := v.session.id
	if during == "" {
		during = time.Now().UTC().Format(time.DateOnly)
	}
	return digest(markDigits, during, v.anonymousID)
}
