// Package hidden is reached through an alias only.
package hidden

type Type struct {
	Kind Kind
	next *Type
}

type Kind string

func (t *Type) Next() *Type { return t.next }
