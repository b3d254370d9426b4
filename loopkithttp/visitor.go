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
	owners  owners
}

// visitor is who sent a request. Login, Logout and SetConsent change it, so
// that each sees what the ones before it did, whichever request they are given.
type visitor struct {
	site        *site
	consent     loopkit.Consent
	anonymousID string // "" if the consent is Denied, or if a header's is another user's
	userID      string
	session     session // zero without Options.Sessions
	linked      link    // to whom the anonymous ID belongs
	origin      origin
	held        []*http.Cookie // what the browser sent
	owners      *owners        // the site's; of two middlewares around one handler, the outer one's
}

// origin is where an anonymous ID comes from.
type origin uint8

const (
	fromCookie origin = iota // the browser's cookies say who it is, or shall
	fromHeader               // the client keeps its ID itself
	fromNobody               // for this request alone: no cookies may be set, or they would overwrite others
)

type visitorKey struct{}

// visitorOf returns the visitor that the middleware put into r's context; one
// without a client if there is none.
func visitorOf(r *http.Request) *visitor {
	if v := knownVisitor(r); v != nil {
		return v
	}
	return &visitor{site: &site{}, consent: loopkit.ConsentFrom(r.Context()), held: r.Cookies()}
}

func knownVisitor(r *http.Request) *visitor {
	v, _ := r.Context().Value(visitorKey{}).(*visitor)
	return v
}

func (v *visitor) cookies(w http.ResponseWriter, r *http.Request) cookies {
	return cookies{w: w, r: r, options: &v.site.options, held: v.held}
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
	outer := knownVisitor(r)
	if outer == nil {
		v.held, v.owners = r.Cookies(), &s.owners
	} else {
		v.held, v.owners = outer.held, outer.owners
		if s.options.User == nil {
			v.userID = outer.userID
		}
	}
	c, shared := v.cookies(w, r), cacheable(w, r)
	switch {
	case v.consent == loopkit.Denied:
		if !shared {
			c.forgetVisitor()
		}
		return v
	case outer != nil: // two middlewares around one handler know one visitor
		v.anonymousID, v.session, v.linked, v.origin = outer.anonymousID, outer.session, outer.linked, outer.origin
	default:
		v.recognize(c, shared)
	}
	before := *v
	v.settle()
	if !shared {
		v.save(c, before, s.options.maxAge() < shortMaxAge || s.refresh())
	}
	return v
}

// recognize reads what the request says about the visitor.
func (v *visitor) recognize(c cookies, shared bool) {
	if id := c.r.Header.Get(anonymousHeader); usable(id) {
		v.anonymousID, v.origin = id, fromHeader
		return
	}
	ids := c.sent(anonymousCookie)
	if len(ids) == 0 && (shared || withheld(c.r, v.site.options.sameSite())) {
		v.anonymousID, v.origin = loopkit.NewAnonymousID(), fromNobody
		return
	}
	if i := slices.IndexFunc(ids, usable); i >= 0 {
		v.anonymousID = ids[i]
	}
	v.linked = linkOf(c.sent(linkedCookie))
	if !v.site.options.Sessions {
		return
	}
	for _, value := range c.sent(sessionCookie) {
		if s, alive := parseSession(value, time.Now()); alive {
			v.session = s
			return
		}
	}
}

// settle makes what the request said agree with who is logged in.
func (v *visitor) settle() {
	if v.origin == fromCookie {
		known := v.site.options.User != nil
		strange := v.linked.exists() && (!v.mayLink() || known && !v.linked.to(v.userID))
		if v.anonymousID == "" || strange || v.linked.excludes(v.anonymousID) {
			v.renew()
		}
		v.prolong()
	}
	switch {
	case !v.mayLink():
		v.linked = link{}
	case v.userID != "" && !v.linked.exists():
		v.own(v.userID)
		v.linked = joined(v.userID, v.anonymousID)
	}
}

// own makes the anonymous ID the user's. If it is another user's, they get one
// of their own first.
func (v *visitor) own(userID string) {
	if v.mayLink() && v.anonymousID != "" && !v.owners.claim(v.anonymousID, userID) {
		v.leave()
		v.own(userID)
	}
}

// leave leaves another user's anonymous ID behind. Who sent it in the header
// cannot be given a new one, so that only the user ID says who they are.
func (v *visitor) leave() {
	if v.origin == fromHeader {
		v.anonymousID = ""
		return
	}
	v.renew()
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
// another year. A link never goes without its ID: it must not end before that,
// and an http.TimeoutHandler around the handler drops what was set before.
func (v *visitor) save(c cookies, before visitor, refresh bool) {
	if v.origin != fromCookie {
		return
	}
	options := &v.site.options
	renewed, relinked := v.anonymousID != before.anonymousID, v.linked != before.linked
	c.everywhere = renewed && before.anonymousID != ""
	if refresh || renewed || relinked && v.linked.exists() {
		c.set(anonymousCookie, v.anonymousID, options.maxAge(), options.HTTPOnly)
	}
	switch nothing := (link{}); {
	case v.linked != nothing && (refresh || renewed || relinked):
		c.set(linkedCookie, v.linked.String(), options.maxAge(), true)
	case v.linked == nothing && (relinked || before.origin == fromNobody):
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
		during = day(time.Now())
	}
	return digest(markDigits, during)
}

// day is the same for servers in different places.
func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
