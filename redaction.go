package loopkit

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/loopkitai/loopkit-go/internal/sensitive"
	"github.com/loopkitai/loopkit-go/internal/wire"
)

// redactor applies the policy to values. It has no state of its own.
type redactor struct {
	*privacy
	mode     PIIMode
	ofPerson bool // the values are a person's traits
	watch    wire.Watch
}

// newRedactor returns the redactor for a person who has agreed to pseudonyms
// only, or to everything.
func newRedactor(p *privacy, pseudonyms, ofPerson bool) *redactor {
	r := &redactor{privacy: p, mode: p.policy.Mode, ofPerson: ofPerson}
	switch {
	case !pseudonyms || r.mode != PIIWarn:
	case len(p.policy.Key) == 0:
		r.mode = PIIDrop
	default:
		r.mode = PIIHash
	}
	r.watch = wire.Watch{Keys: p.keys, OfPerson: ofPerson, Stops: r.stops}
	return r
}

// refusal is why a message must not be sent, with the path below its values.
type refusal struct{ path, reason string }

// stops reports whether a member that was just written may be one for object to
// change, and warns of one that may not.
func (r *redactor) stops(term *sensitive.Term) bool {
	if term.Kind == sensitive.Personal && r.mode == PIIWarn {
		r.warnOf(term)
		return false
	}
	return true
}

// warnOf writes one line about each term in the life of the client. It names
// the term, not the key: that may be made of data.
func (p *privacy) warnOf(term *sensitive.Term) {
	if p.reporter == nil || p.warned[term.Place()].Load() || p.warned[term.Place()].Swap(true) {
		return
	}
	text := "loopkit: personal data is sent as it is; agree it with the people, hash or drop it (Options.PII), or allow the key (PIIPolicy.Allow)"
	if term.Kind == sensitive.Secret {
		text = "loopkit: what looks like a secret was left out of a message; do not pass it, or allow the key (PIIPolicy.Allow)"
	}
	p.reporter.warn(cause("sensitive "+term.Name), text, slog.String("key", term.Name))
}

// object applies the policy to an object of a tree (see wire.Message.Tree), in
// place, and returns how many values it changed.
func (r *redactor) object(object map[string]any) (changed int, problem *refusal) {
	var hashes map[string]any
	for name, value := range object {
		term := r.keys.Find(name, r.ofPerson)
		switch {
		case term == nil || !r.isSensitive(term, value):
			n, problem := r.inside(value)
			if problem != nil {
				return 0, problem.in("." + name)
			}
			changed += n
			continue
		case term.Kind == sensitive.Secret:
			r.warnOf(term)
		case r.mode == PIIWarn:
			r.warnOf(term)
			n, problem := r.inside(value)
			if problem != nil {
				return 0, problem.in("." + name)
			}
			changed += n
			continue
		case r.mode == PIIRefuse:
			reason := fmt.Sprintf("is personal data (%s); leave it out, pass HashPII of it, or allow the key (PIIPolicy.Allow)", term.Name)
			return 0, &refusal{"." + name, reason}
		case r.mode == PIIHash:
			if hashes == nil {
				hashes = map[string]any{}
			}
			hashes[name+"_hash"] = r.hashed(value)
		}
		delete(object, name)
		changed++
	}
	for name, hash := range hashes {
		if _, given := object[name]; !given { // the program's own hash goes before
			object[name] = hash
		}
	}
	return changed, nil
}

func (p *refusal) in(path string) *refusal {
	p.path = path + p.path
	return p
}

// inside applies the policy to what is below a value that is not sensitive.
func (r *redactor) inside(value any) (changed int, problem *refusal) {
	switch value := value.(type) {
	case map[string]any:
		return r.object(value)
	case []any:
		for i, element := range value {
			n, problem := r.inside(element)
			if problem != nil {
				return 0, problem.in(fmt.Sprintf("[%d]", i))
			}
			changed += n
		}
	}
	return changed, nil
}

// isSensitive reports whether there is anything in value that the term is about.
func (r *redactor) isSensitive(term *sensitive.Term, value any) bool {
	switch value := value.(type) {
	case nil, bool, []bool:
		return false
	case string:
		return value != ""
	case []string:
		return strings.Join(value, "") != ""
	case []byte:
		return len(value) > 0
	case time.Time, time.Duration: // when a token expires is no secret
		return term.Kind == sensitive.Personal
	case uuid.UUID:
		return true
	case map[string]any:
		if term.Kind == sensitive.Personal { // its keys may be data, too
			return len(value) > 0
		}
		for _, element := range value {
			if r.isSensitive(term, element) {
				return true
			}
		}
		return false
	case []any:
		for _, element := range value {
			if r.isSensitive(term, element) {
				return true
			}
		}
		return false
	default: // a number, or several
		return term.Numbers
	}
}

// hashed keeps a list a list, so that each of several addresses can be compared.
func (r *redactor) hashed(value any) any {
	switch value := value.(type) {
	case string:
		return HashPII(r.policy.Key, value)
	case []string:
		hashes := make([]string, len(value))
		for i, s := range value {
			hashes[i] = HashPII(r.policy.Key, s)
		}
		return hashes
	case []any:
		hashes := make([]any, len(value))
		for i, element := range value {
			hashes[i] = r.hashed(element)
		}
		return hashes
	}
	text, err := json.Marshal(value) // sorts what is in a map
	if err != nil {                  // NaN, an infinity
		return nil
	}
	return HashPII(r.policy.Key, string(text))
}

// redactedFields are fields of system.context after the policy.
type redactedFields struct {
	fields  *wire.Fields
	changed int
	problem *refusal
}

func (r *redactor) redact(fields *wire.Fields) redactedFields {
	if !fields.Watched(&r.watch) {
		return redactedFields{fields: fields}
	}
	tree, err := fields.Tree(nil)
	if err != nil {
		return redactedFields{problem: &refusal{"", "cannot be read again"}}
	}
	changed, problem := r.object(tree)
	if problem != nil {
		return redactedFields{problem: problem}
	}
	redacted, err := wire.NewFields(tree, mostMessageBytes)
	if err != nil {
		return redactedFields{problem: &refusal{"", "cannot be written again"}}
	}
	return redactedFields{redacted, changed, nil}
}

// contextFields are what WithContextFields was given. They do not know yet which
// client will send them, so the first call finds out what its policy leaves.
type contextFields struct {
	encoded *wire.Fields
	newest  atomic.Pointer[redactedScope]
}

type redactedScope struct {
	redactedFields
	by *redactor
}

func (f *contextFields) redactedBy(r *redactor) *redactedScope {
	if s := f.newest.Load(); s != nil && s.by == r {
		return s
	}
	s := &redactedScope{r.redact(f.encoded), r}
	f.newest.Store(s)
	return s
}
