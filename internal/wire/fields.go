package wire

import (
	"cmp"
	"slices"
)

// Fields are the members of a system.context object, encoded once and used by
// many messages. They never change and are safe for concurrent use.
type Fields struct {
	members []member // sorted by name
	object  []byte   // all members as one object, ready to be copied
}

type member struct {
	name  string // as it stands in JSON, in quotes
	value []byte // its JSON
}

// NewFields encodes values. As an object they may take limit bytes, or the error
// is ErrTooLarge; the path of a *ValueError starts with "context.".
// Without values it returns nil.
func NewFields(values map[string]any, limit int) (*Fields, error) {
	return (*Fields)(nil).With(values, limit)
}

// With returns the fields of f, which may be nil, and values. A key that both
// have takes its value from values. Limit and errors are those of NewFields.
func (f *Fields) With(values map[string]any, limit int) (*Fields, error) {
	if len(values) == 0 {
		return f, nil
	}
	over, err := encodeMembers(values, limit)
	if err != nil {
		return nil, err
	}
	var under []member
	if f != nil {
		under = f.members
	}
	merged := &Fields{
		members: make([]member, 0, len(under)+len(over)),
		object:  appendMerged(nil, under, over),
	}
	if len(merged.object) > limit {
		return nil, ErrTooLarge
	}
	for len(under)+len(over) > 0 {
		var m member
		m, under, over = next(under, over)
		merged.members = append(merged.members, m)
	}
	return merged, nil
}

func encodeMembers(values map[string]any, limit int) ([]member, error) {
	var members []member
	lim := limits{end: limit, depth: maxDepth - 1} // the object itself is the first level
	for key, value := range values {
		if !lim.fit(nil, len(key)) {
			return nil, ErrTooLarge
		}
		encoded, err := appendValue(nil, value, lim)
		if err != nil {
			return nil, prependPath(inMember(err, key), "context")
		}
		m := member{name: string(AppendString(nil, key)), value: encoded}
		if lim.end -= len(m.name) + len(m.value); lim.end < 0 {
			return nil, ErrTooLarge
		}
		members = append(members, m)
	}
	slices.SortFunc(members, func(a, b member) int { return cmp.Compare(a.name, b.name) })
	return members, nil
}

// appendFields appends the fields of one or both as an object; over wins.
func appendFields(dst []byte, under, over *Fields) []byte {
	switch {
	case over == nil:
		return append(dst, under.object...)
	case under == nil:
		return append(dst, over.object...)
	default:
		return appendMerged(dst, under.members, over.members)
	}
}

func appendMerged(dst []byte, under, over []member) []byte {
	separator := byte('{')
	for len(under)+len(over) > 0 {
		var m member
		m, under, over = next(under, over)
		dst = append(dst, separator)
		dst = append(dst, m.name...)
		dst = append(dst, ':')
		dst = append(dst, m.value...)
		separator = ','
	}
	return append(dst, '}')
}

// next takes the first member off two sorted lists; over wins where both have it.
// At least one list must have a member.
func next(under, over []member) (m member, restUnder, restOver []member) {
	order := 0
	switch {
	case len(over) == 0:
		order = -1
	case len(under) == 0:
		order = +1
	default:
		order = cmp.Compare(under[0].name, over[0].name)
	}
	switch {
	case order < 0:
		return under[0], under[1:], over
	case order > 0:
		return over[0], under, over[1:]
	default:
		return over[0], under[1:], over[1:]
	}
}
