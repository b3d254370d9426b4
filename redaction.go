package loopkit

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
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

// newRedactor returns the redactor for a person who has given a consent.
func newRedactor(p *privacy, given Consent, ofPerson bool) *redactor {
	r := &redactor{privacy: p, mode: p.policy.Mode, ofPerson: ofPerson}
	hashes := len(p.policy.Key) > 0
	switch {
	case r.mode == PIIRefuse:
	case given <= AnonymousOnly, given == Pseudonymous && r.mode == PIIWarn && !hashes:
		r.mode = PIIDrop
	case given == Pseudonymous && r.mode == PIIWarn:
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
	hashes := map[string]any{}
	for name, value := range object {
		term := r.keys.Find(name, r.ofPerson)
		if term != nil && !r.isSensitive(term, value) {
			term = nil
		}
		if term != nil && (term.Kind == sensitive.Secret || r.mode == PIIWarn) {
			r.warnOf(term)
		}
		if term == nil || term.Kind == sensitive.Personal && r.mode == PIIWarn {
			n, problem := r.inside(value)
			if problem != nil {
				return 0, problem.in("." + name)
			}
			changed += n
			continue
		}
		if term.Kind == sensitive.Personal && r.mode == PIIRefuse {
			reason := fmt.Sprintf("is personal data (%s); leave it out, pass HashPII of it, or allow the key (PIIPolicy.Allow)", term.Name)
			return 0, &refusal{"." + name, reason}
		}
		if term.Kind == sensitive.Personal && r.mode == PIIHash {
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
	case nil, bool:
		return false
	case string:
		return value != ""
	case uuid.UUID:
		return true
	case time.Time, time.Duration: // when a token expires is no secret
		return term.Kind == sensitive.Personal
	case map[string]any:
		return len(value) > 0 && !(term.Counted && isCounts(value))
	case []any:
		return len(value) > 0
	}
	if list := reflect.ValueOf(value); list.Kind() == reflect.Slice {
		return list.Len() > 0
	}
	return term.Numbers
}

// isCounts reports whether an object has nothing but numbers in it, such as
// {"input": 512, "output": 64} of tokens.
func isCounts(object map[string]any) bool {
	for _, value := range object {
		switch value.(type) {
		case json.Number, int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64, float32, float64:
		default:
			return false
		}
	}
	return true
}

// mostHashes bounds the work for a list, whose hashes are longer than its
// elements may be. A longer list has one hash.
const mostHashes = 100

// hashed keeps a list a list, so that each of several addresses can be compared.
func (r *redactor) hashed(value any) any {
	text, err := json.Marshal(value) // sorts what is in a map
	if err != nil {                  // NaN, an infinity: the encoder refuses them, too
		return value
	}
	return r.hashedJSON(text, true)
}

func (r *redactor) hashedJSON(text []byte, mayBeList bool) any {
	var s string
	var list []json.RawMessage
	switch {
	case string(text) == `""`:
		return ""
	case json.Unmarshal(text, &s) == nil:
		return HashPII(r.policy.Key, s)
	case mayBeList && json.Unmarshal(text, &list) == nil && len(list) <= mostHashes:
		hashes := make([]any, len(list))
		for i, element := range list {
			hashes[i] = r.hashedJSON(element, false)
		}
		return hashes
	}
	return HashPII(r.policy.Key, string(text))
}

// redactedFields are fields of system.context after the policy.
type redactedFields struct {
	fields  *wire.Fields
	changed int
	problem *refusal
}

// redact applies the policy to fields, which may then take limit bytes.
func (r *redactor) redact(fields *wire.Fields, limit int) redactedFields {
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
	redacted, err := wire.NewFields(tree, limit)
	if err != nil {
		return redactedFields{problem: &refusal{"", fmt.Sprintf("is longer as JSON than %d bytes after its personal data was hashed", limit)}}
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
	s := &redactedScope{r.redact(f.encoded, mostMessageBytes), r}
	f.newest.Store(s)
	return s
}
