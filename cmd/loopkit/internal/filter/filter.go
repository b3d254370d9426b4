// Package filter is the language in which the development server is asked for
// some of what it received.
//
// A query is a list of terms, all of which must hold:
//
//	user:user_123  anon:anon_1r8  group:team_456   IDs, exactly
//	kind:track  name:user_*                        * stands for anything
//	prop.plan=pro  prop.size:>=25                  properties and traits; prop.address.city looks inside
//	warn:*  warn:W-NOANON  warn:error              by rule or severity
//	sdk:loopkit-go  status:>=400  status:4xx       how it arrived
//	id:…  session:…  auth:query  form:array  path:/v1/tracks
//	pricing  "free text"                           anywhere in the message, in upper or lower case
//	prop.size>=25  status<500  prop.plan!=pro      the same without a colon; != is not
//	-kind:track  -pricing                          not
//
// A value in quotes is taken as it is: name:"Page View". Terms with the same
// key are alternatives: kind:track kind:group. Comparisons are not, so that
// status:>=400 status:<500 is a range.
package filter

import (
	"strings"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/store"
)

// Filter says which entries match a query. The zero value matches all of them.
type Filter struct {
	terms []Term
}

// Term is one condition of a query.
type Term struct {
	Text    string // as it stands in the query
	Key     string // "user", or "prop.plan"; empty for free text
	Value   string
	Negated bool

	comparison string // ">", ">=", "<", "<=", or empty for equality
	pattern    pattern
	match      func(*store.Entry) bool
}

// Terms returns the terms in the order of the query.
func (f Filter) Terms() []Term { return f.terms }

// String returns the query.
func (f Filter) String() string { return join(f.terms) }

// Without returns the query without its i-th term.
func (f Filter) Without(i int) string {
	rest := append([]Term(nil), f.terms[:i]...)
	return join(append(rest, f.terms[i+1:]...))
}

func join(terms []Term) string {
	texts := make([]string, len(terms))
	for i, t := range terms {
		texts[i] = t.Text
	}
	return strings.Join(texts, " ")
}

// Match reports whether the entry is what the query asks for.
func (f Filter) Match(e *store.Entry) bool {
	for i, t := range f.terms {
		if t.alternative() {
			if f.firstAlternative(i) && !f.anyAlternative(t.Key, e) {
				return false
			}
		} else if t.match(e) == t.Negated {
			return false
		}
	}
	return true
}

// alternative reports whether terms with the same key are alternatives to this one.
func (t Term) alternative() bool {
	return t.Key != "" && !t.Negated && t.comparison == ""
}

func (f Filter) firstAlternative(i int) bool {
	for _, t := range f.terms[:i] {
		if t.alternative() && t.Key == f.terms[i].Key {
			return false
		}
	}
	return true
}

func (f Filter) anyAlternative(key string, e *store.Entry) bool {
	for _, t := range f.terms {
		if t.alternative() && t.Key == key && t.match(e) {
			return true
		}
	}
	return false
}
