package loopkithttp

import (
	"errors"
	"net/http"

	"github.com/loopkitai/loopkit-go"
)

// Login says that the visitor is the user userID, from now on: call it when a
// password, link or provider has proved it, before the response is written. It
// returns r with a context whose calls are the user's.
//
// Once a session it calls [loopkit.Client.Identify] with traits, so it may also
// be called at every request; a session is that of Options.Sessions, else the
// day in UTC. A client that sends the header of [Middleware] has no cookie that
// remembers it: there Login identifies whenever it is called. Traits that change
// later are for Identify. If the anonymous ID belongs to another user, the
// browser gets a new one first; a client that sends the header is identified
// without one.
//
// If userID is none that Identify takes, nothing is linked and r comes back as
// it was. An identify that fails otherwise is tried again by the next Login. One
// that the client's own Consent or BeforeSend withholds counts as sent for this
// session. Without consent no cookie is set, and Identify withholds what it
// must. A login by a form on another site, as that of a SAML provider, is linked
// to an anonymous ID of its own, for browsers do not send cookies with it unless
// they are SameSite=None: call Login again on the page that follows.
//
// Without [Middleware] around the handler, or with a nil client, only the
// context changes, as by [loopkit.WithUser]. So it does where Options.Skip left
// r alone: never skip a route that calls Login. Do not call it at the same time
// as other functions that take w.
func Login(w http.ResponseWriter, r *http.Request, userID string, traits loopkit.Traits) *http.Request {
	known := knownVisitor(r)
	switch {
	case known != nil:
		return known.login(w, r, userID, traits)
	case userID == "":
		return r
	}
	return r.WithContext(loopkit.WithUser(r.Context(), userID))
}

func (v *visitor) login(w http.ResponseWriter, r *http.Request, userID string, traits loopkit.Traits) *http.Request {
	before := *v
	others := v.linked.exists() && !v.linked.to(userID) || v.userID != "" && v.userID != userID
	if others && v.consent != loopkit.Denied {
		v.leave()
	}
	v.userID = userID
	if v.linked.mark == "" || v.linked.mark != v.mark() {
		v.own(userID)
		err := v.site.client.Identify(v.context(r.Context()), userID, traits)
		var wrong *loopkit.ArgumentError
		if errors.As(err, &wrong) && wrong.Field == "userId" {
			v.owners.release(v.anonymousID, userID)
			*v = before
			return r
		}
		if v.mayLink() {
			v.linked = joined(userID, v.anonymousID)
			if err == nil {
				v.linked.mark = v.mark()
			}
		}
	}
	v.save(v.cookies(w, r), before, false)
	return r.WithContext(v.context(r.Context()))
}

// Logout says that nobody is logged in any more: the browser gets a new
// anonymous ID, and a new session if it has one. It returns r with a context
// whose calls are those of a stranger. Call it before the response is written,
// and not at the same time as other functions that take w.
//
// Without consent the cookies end. So they do without [Middleware] around the
// handler, or where Options.Skip left r alone, but with the attributes that
// default Options give them: never skip a route that calls Logout. A client that
// sends the header of [Middleware] takes a new ID itself.
func Logout(w http.ResponseWriter, r *http.Request) *http.Request {
	v := visitorOf(r)
	c := v.cookies(w, r)
	v.userID = ""
	switch {
	case knownVisitor(r) == nil:
		c.expireVisitor()
		stranger := loopkit.Identity{AnonymousID: loopkit.NewAnonymousID()}
		return r.WithContext(loopkit.WithIdentity(r.Context(), stranger))
	case v.consent == loopkit.Denied:
		c.expireVisitor()
	default:
		before := *v
		v.renew()
		v.save(c, before, false)
	}
	return r.WithContext(v.context(r.Context()))
}
