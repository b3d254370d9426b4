package loopkit

import (
	"context"
	"errors"
	"fmt"
)

// Consent is how much a person has agreed to, from nothing to everything. Its
// zero value is [Denied].
type Consent uint8

// The levels of consent, each of which allows more than the one before.
const (
	// Denied: nothing is sent.
	Denied Consent = iota
	// AnonymousOnly: events are sent under the anonymous ID, without the user ID
	// and without personal values, as with [PIIDrop]. Identifies and groups are
	// withheld. So are events whose anonymous ID leads to a user: one that is
	// derived from the user ID or equals it, and in a [Session] one that was
	// identified. Elsewhere take a new one yourself for somebody who was
	// identified and now agrees to no more than this.
	AnonymousOnly
	// Pseudonymous: everything is sent, but no personal values as they are: what
	// [PIIWarn] would send is hashed, or dropped without a PIIPolicy.Key.
	Pseudonymous
	// Full: everything is sent, as Options.PII says.
	Full
)

var consentNames = [...]string{"denied", "anonymous_only", "pseudonymous", "full"}

// String returns "denied", "anonymous_only", "pseudonymous" or "full".
func (c Consent) String() string {
	if c.valid() {
		return consentNames[c]
	}
	return fmt.Sprintf("Consent(%d)", uint8(c))
}

func (c Consent) valid() bool { return int(c) < len(consentNames) }

var errConsentName = errors.New(`loopkit: a consent is "denied", "anonymous_only", "pseudonymous" or "full"`)

// MarshalText returns what String does, for cookies and configuration files.
func (c Consent) MarshalText() ([]byte, error) {
	if !c.valid() {
		return nil, errConsentName
	}
	return []byte(c.String()), nil
}

// UnmarshalText reads what MarshalText writes. With an error it sets c to
// [Denied].
func (c *Consent) UnmarshalText(text []byte) error {
	*c = Denied
	for level, name := range consentNames {
		if string(text) == name {
			*c = Consent(level)
			return nil
		}
	}
	return errConsentName
}

// WithConsent returns a context whose calls are sent under the given consent at
// most. It can only lower: neither what ctx carries already nor what
// Options.Consent says is ever raised by it. It is safe for concurrent use.
func WithConsent(ctx context.Context, given Consent) context.Context {
	return withScope(ctx, func(s *scope) { s.withheld = max(s.withheld, given.withholds()) })
}

// ConsentFrom returns the consent that ctx carries; [Full] if none.
func ConsentFrom(ctx context.Context) Consent {
	return scopeOf(orBackground(ctx)).consent()
}

func (s *scope) consent() Consent {
	if s == nil {
		return Full
	}
	return Full - s.withheld
}

// withholds is how many levels are missing to Full, so that the zero value of
// a scope withholds nothing. What is no level allows nothing.
func (c Consent) withholds() Consent {
	if !c.valid() {
		return Full
	}
	return Full - c
}

// permit takes out what consent does not cover, and reports whether anything may
// be sent at all.
func (d *draft) permit(level Consent) bool {
	m := &d.message
	switch level {
	case Denied:
		return false
	case AnonymousOnly:
		own := m.AnonymousID != "" && m.AnonymousID != m.UserID && !isDerived(m.AnonymousID) && !d.ownLinked
		m.UserID = ""
		return d.kind == KindTrack && own
	}
	return true
}

// consent asks how much the person of the call has agreed to. What the context
// says goes before, and can only be lowered.
func (c *Client) consent(ctx context.Context, d *draft) Consent {
	given := d.scope.consent()
	if c.privacy.consent == nil || given == Denied {
		return given
	}
	asked := c.privacy.callConsent(ctx, d.shown())
	if !asked.valid() {
		return Denied
	}
	return min(given, asked)
}

// callConsent returns Denied if the program's function panics.
func (p *privacy) callConsent(ctx context.Context, m *Message) Consent {
	given := Denied
	p.guard("Options.Consent", func() { given = p.consent(ctx, m) })
	return given
}
