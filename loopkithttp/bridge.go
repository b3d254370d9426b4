package loopkithttp

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"html/template"
	"net/http"
	"strings"
	"time"
)

//go:embed bridge.js
var bridgeFunction string

// BridgeScript returns a script element that lets LoopKit's browser SDK and this
// server share one anonymous ID, with default Options. Put it into the page
// before the SDK. A nonce, if not empty, becomes its attribute, as a content
// security policy asks.
//
// The script compares the SDK's localStorage with the cookie. At their first
// meeting, and when the SDK has a new ID, the cookie takes it over; when the
// server has a new one, as after [Logout], the SDK does. While the browser's ID
// is linked to a user, the server accepts no other, for that may be another
// user's: it answers with a new one, and the SDK takes that over. Without a
// cookie, as without consent or with Options.HTTPOnly, it does nothing.
//
// Beside the SDK's own key loopkit_anonymousId it keeps one in localStorage,
// loopkit_bridge: the ID that both had last.
func BridgeScript(nonce string) template.HTML { return (*Options)(nil).BridgeScript(nonce) }

// BridgeHandler serves the script of [BridgeScript] by itself, for policies that
// allow no inline scripts. It answers GET and HEAD.
func BridgeHandler() http.Handler { return (*Options)(nil).BridgeHandler() }

// BridgeScript is the function [BridgeScript] for a middleware with these
// options; nil means the defaults.
func (o *Options) BridgeScript(nonce string) template.HTML {
	var attribute string
	if nonce != "" {
		attribute = ` nonce="` + template.HTMLEscapeString(nonce) + `"`
	}
	return template.HTML("<script" + attribute + ">\n" + o.bridge() + "</script>")
}

// BridgeHandler is the function [BridgeHandler] for a middleware with these
// options; nil means the defaults.
func (o *Options) BridgeHandler() http.Handler {
	script := []byte(o.bridge())
	sum := sha256.Sum256(script)
	tag := `"` + hex.EncodeToString(sum[:8]) + `"`
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			header.Set("Allow", "GET, HEAD")
			http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
			return
		}
		header.Set("Content-Type", "text/javascript; charset=utf-8")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("ETag", tag)
		if len(header["Set-Cookie"]) == 0 { // else the middleware has made it private
			header.Set("Cache-Control", "public, max-age=3600")
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(script))
	})
}

// bridge is the script: a function, called with the cookie's attributes.
func (o *Options) bridge() string {
	if o == nil {
		o = &Options{}
	}
	cookie := http.Cookie{
		Name: anonymousCookie, Path: "/", Domain: o.Domain,
		MaxAge: int(o.maxAge() / time.Second), SameSite: o.sameSite(),
	}
	_, attributes, _ := strings.Cut(cookie.String(), "=")
	literal, err := json.Marshal(attributes) // which escapes what would end a script element
	if err != nil {
		return "" // a string always has a form in JSON
	}
	return strings.TrimSuffix(bridgeFunction, "\n") + "(" + string(literal) + ");\n"
}
