// Package history tells how traits came to be what they are.
package history

import (
	"maps"
	"reflect"
	"slices"
)

// Change is a message that sets traits.
type Change struct {
	Seq    int64
	Values map[string]any
}

// Trait is one trait and what it was.
type Trait struct {
	Name    string
	Now     Value
	Earlier []Value // the latest first, no more than MaxEarlier
	Older   int     // values that Earlier has no room for
}

// Value is a trait's value and the message that set it first.
type Value struct {
	Value any
	Seq   int64
}

// MaxEarlier is how many earlier values of a trait are kept.
const MaxEarlier = 10

// Of applies the changes in their order, as merging does, and returns the traits
// in order of their names. A value that is set again is no change.
func Of(changes []Change) []Trait {
	traits := make(map[string]*Trait)
	for _, change := range changes {
		for name, value := range change.Values {
			set := Value{Value: value, Seq: change.Seq}
			t, ok := traits[name]
			switch {
			case !ok:
				traits[name] = &Trait{Name: name, Now: set}
			case !reflect.DeepEqual(t.Now.Value, value):
				t.Earlier = slices.Insert(t.Earlier, 0, t.Now)
				t.Now = set
				if len(t.Earlier) > MaxEarlier {
					t.Earlier = t.Earlier[:MaxEarlier]
					t.Older++
				}
			}
		}
	}
	out := make([]Trait, 0, len(traits))
	for _, name := range slices.Sorted(maps.Keys(traits)) {
		out = append(out, *traits[name])
	}
	return out
}
