package loopkit

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/loopkitai/loopkit-go/internal/sensitive"
	"github.com/loopkitai/loopkit-go/internal/wire"
)

// PIIMode says what becomes of values under keys that name personal data.
type PIIMode uint8

const (
	// PIIWarn sends them, and logs one line for each term by which keys are
	// recognised.
	PIIWarn PIIMode = iota
	// PIIHash sends [HashPII] of them under the key and "_hash", as LoopKit's
	// documentation advises: email becomes email_hash. It needs PIIPolicy.Key.
	PIIHash
	// PIIDrop leaves them out.
	PIIDrop
	// PIIRefuse makes the call return an [ArgumentError].
	PIIRefuse
)

// PIIPolicy says what becomes of personal data in traits, in properties and in
// system.context, at any depth. The zero value is [PIIWarn].
//
// What is personal is told by the key alone, split into words at separators and
// capitals: email, mail, phone, mobile, full name, first name, last name, name
// (in an identify only), address, street, zip, postal, birth date, dob, ip, lat,
// lng, passport, national id; also in the plural, in one word, in some other usual
// forms (surname, latitude), and with other words around: user_email,
// billingAddress. Not personal are booleans, empty values, keys that end in hash,
// hashed, hmac or sha256, and keys that end in a word about the data, such as type,
// count, version, status, method, consent or at: email_verified_at. An object or
// array under such a key is personal as a whole. User IDs, group IDs and names of
// events are never looked at.
//
// Secrets are left out in every mode and counted in Stats.Redacted: texts, lists and
// objects under password, passwd, secret, token (but not an object of numbers, which
// counts tokens), api key, authorization, cookie, private key, credit card, card
// number, cvv, ssn; and a single number under api key, private key and the last four.
type PIIPolicy struct {
	// Mode is what becomes of personal values. Default: [PIIWarn].
	Mode PIIMode
	// Key of the hashes, at least 16 bytes. It must stay secret, for who has it
	// can test guesses; and the same, for hashes of two keys never match. It is
	// left out where a policy is printed.
	Key []byte `json:"-"`
	// Extra are further keys that name personal data, recognised as the ones
	// above are: "employee number" matches employeeNumber.
	Extra []string
	// Allow are keys that are neither personal nor secret although they look
	// so, such as "token_type". Each is compared whole, by its words.
	Allow []string
}

// Format prints p without its Key, whatever the verb.
func (p PIIPolicy) Format(f fmt.State, _ rune) { fmt.Fprint(f, p.summary()) }

// LogValue implements [slog.LogValuer], without the Key.
func (p PIIPolicy) LogValue() slog.Value { return slog.StringValue(p.summary()) }

func (p PIIPolicy) summary() string {
	return fmt.Sprintf("loopkit.PIIPolicy{Mode:%d Key:%t}", p.Mode, len(p.Key) > 0)
}

const leastPIIKey = 16

func (p *PIIPolicy) check() error {
	var wrong []error
	switch n := len(p.Key); {
	case n == 0 && p.Mode == PIIHash:
		wrong = append(wrong, wrongOption("PII.Key", "is empty; PIIHash needs a secret of at least %d bytes", leastPIIKey))
	case n > 0 && n < leastPIIKey:
		wrong = append(wrong, wrongOption("PII.Key", "has %d bytes; it must have at least %d", n, leastPIIKey))
	}
	for _, list := range []struct {
		name string
		keys []string
	}{{"PII.Extra", p.Extra}, {"PII.Allow", p.Allow}} {
		for i, key := range list.keys {
			if !sensitive.HasWords(key) {
				wrong = append(wrong, wrongOption(fmt.Sprintf("%s[%d]", list.name, i), "has no letter or digit, so it matches no key"))
			}
		}
	}
	return errors.Join(wrong...)
}

// HashPII returns the HMAC-SHA-256 (RFC 2104) of value in hexadecimal digits,
// after it was trimmed and put into lower case, so that two spellings of an
// e-mail address are one. It is what [PIIHash] sends. Without a secret key of
// 16 bytes or more, whoever guesses a value can confirm it.
func HashPII(key []byte, value string) string {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(strings.ToLower(strings.TrimSpace(value))))
	return hex.EncodeToString(h.Sum(nil))
}

// privacy is what a client does to messages between their validation and their
// encoding, on the caller's goroutine.
type privacy struct {
	consent   func(context.Context, *Message) Consent
	before    func(context.Context, *Message) *Message
	policy    PIIPolicy
	keys      *sensitive.Keys
	redactors [Full + 1][2]*redactor   // by consent, and whether it is about a person's traits
	fields    [Full + 1]redactedFields // Options.Context, by consent
	warned    []atomic.Bool            // by term
	reporter  *reporter                // nil until the client exists
}

// newPrivacy returns an error if fields, which all messages carry, are refused by
// the policy or larger than limit after it.
func newPrivacy(o *Options, fields *wire.Fields, limit int) (*privacy, error) {
	p := &privacy{
		consent: o.Consent,
		before:  o.BeforeSend,
		policy:  o.PII,
		keys:    sensitive.New(o.PII.Extra, o.PII.Allow),
	}
	p.policy.Key = slices.Clone(o.PII.Key)
	p.warned = make([]atomic.Bool, p.keys.Count())
	for level := range Full + 1 {
		for _, ofPerson := range []bool{false, true} {
			p.redactors[level][index(ofPerson)] = newRedactor(p, level, ofPerson)
		}
		p.fields[level] = p.redactors[level][0].redact(fields, limit)
		if problem := p.fields[level].problem; problem != nil {
			return p, wrongOption("Context"+problem.path, "%s", problem.reason)
		}
	}
	return p, nil
}

// reportTo sets who is told, and tells what there is to say of Options.Context.
func (p *privacy) reportTo(r *reporter, context *wire.Fields) {
	p.reporter = r
	p.redactors[Full][0].redact(context, mostMessageBytes)
}

func index(b bool) int {
	if b {
		return 1
	}
	return 0
}

// encode applies the policy and BeforeSend, and appends the message. Most
// messages have nothing that either is about: they are encoded once, as they
// are, under a watch. It returns how many values were changed.
func (c *Client) encode(ctx context.Context, d *draft, level Consent, dst []byte) ([]byte, int, error) {
	p, m, limit := c.privacy, &d.message, c.settings.MaxMessageBytes
	r := p.redactors[level][index(d.kind == KindIdentify)]
	m.Context = p.fields[level].fields
	changed := p.fields[level].changed
	if d.scope != nil && d.scope.fields != nil {
		own := d.scope.fields.redactedBy(p.redactors[level][0])
		if own.problem != nil {
			return dst, 0, d.wrong("context"+own.problem.path, own.problem.reason)
		}
		m.Scope = own.fields
		changed += own.changed
	}
	if p.before == nil {
		m.Watch = &r.watch
		encoded, err := wire.AppendMessage(dst, m, limit)
		if err != wire.ErrWatched {
			return encoded, changed, err
		}
		m.Watch = nil
	}
	values, err := m.Tree(limit)
	if err != nil {
		return dst, 0, err
	}
	n, problem := r.object(values)
	if problem != nil {
		return dst, 0, d.wrong(m.Kind.ValuesName()+problem.path, problem.reason)
	}
	m.Values = values
	if p.before != nil {
		if err := c.askBeforeSend(ctx, d, level); err != nil {
			return dst, 0, err
		}
	}
	encoded, err := wire.AppendMessage(dst, m, limit)
	return encoded, changed + n, err
}

// askBeforeSend shows the message, which is a copy by now, to BeforeSend and takes what
// that makes of it.
func (c *Client) askBeforeSend(ctx context.Context, d *draft, level Consent) error {
	p, m := c.privacy, &d.message
	fields, err := m.Context.Tree(m.Scope)
	if err != nil {
		return err
	}
	shown := d.shown()
	shown.Context = fields
	out := p.callBefore(ctx, shown)
	if out == nil {
		return errWithheld
	}
	if out.Kind != d.kind {
		return d.wrong("BeforeSend", "changed the kind of the message")
	}
	switch d.kind { // the other fields are not its kind's
	case KindGroup:
		m.GroupID, m.GroupType = out.GroupID, out.GroupType
	case KindTrack:
		m.Name = out.Name
	}
	m.UserID, m.AnonymousID, m.SessionID = out.UserID, out.AnonymousID, out.SessionID
	m.Values, m.Context = out.Values, nil
	if out.MessageID != "" {
		m.ID, d.options.idGiven = out.MessageID, true
	}
	if !out.Timestamp.IsZero() {
		m.Time, d.options.timeGiven = out.Timestamp, true
	}
	if err := d.check(); err != nil {
		return err
	}
	if !d.permit(level) { // consent holds for what BeforeSend adds, too
		return errWithheld
	}
	if err := d.checkIdentity(); err != nil {
		return err
	}
	m.Scope, err = wire.NewFields(out.Context, maxContextBytes)
	return err
}

// callBefore returns nil if the program's function panics.
func (p *privacy) callBefore(ctx context.Context, m *Message) (out *Message) {
	p.guard("Options.BeforeSend", func() { out = p.before(ctx, m) })
	return out
}

// guard runs user code on the caller's goroutine. A Goexit ends that goroutine,
// as its author wants, and is counted.
func (p *privacy) guard(what string, run func()) {
	finished := false
	defer func() {
		if !finished {
			_ = recover() // its value may quote the message
			p.reporter.panicked(what)
		}
	}()
	run()
	finished = true
}
