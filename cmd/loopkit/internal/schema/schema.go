// Package schema finds out what events and traits look like from those that arrived.
package schema

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/exact"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/store"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

// What a Schema has room for. Names of events and properties that are made of
// data, an ID for one, have no end.
const (
	MaxShapes     = 200
	MaxProperties = 100 // of one shape
)

// Schema is what the messages look like.
type Schema struct {
	Events []Shape // in order of their names
	Users  []Shape // the traits of users, one shape or none
	Groups []Shape // the traits of groups, one shape for each type
	Hidden int     // messages of further shapes than there was room for
}

// Shape is what the messages of one name look like.
type Shape struct {
	Name       string
	Style      Style
	Count      int   // of messages; those with a message ID count once each
	Last       int64 // Seq of the latest
	Properties []Property
	Hidden     int // values of further properties than there was room for
}

// Property is one property or trait of a shape.
type Property struct {
	Name    string
	Style   Style
	Types   []TypeCount
	Fill    int // percentage of the messages that have a value, rounded down but for what there is
	Example Example
	Drift   bool // it has values of several types; null is none
}

// TypeCount is how often a property had a type.
type TypeCount struct {
	Type  string // "string", "number", "boolean", "object", "array" or "null"
	Count int
}

// Drifts reports whether a property of the shape has values of several types.
func (s Shape) Drifts() bool {
	return slices.ContainsFunc(s.Properties, func(p Property) bool { return p.Drift })
}

// Of infers the schema of what arrived.
func Of(entries []*store.Entry) Schema {
	g := gatherer{shapes: make(map[key]*shape)}
	for _, e := range entries {
		if e.Message != nil && !e.Message.Duplicate {
			g.add(e.Seq, e.Message)
		}
	}
	out := Schema{Hidden: g.hidden}
	for _, k := range slices.SortedFunc(maps.Keys(g.shapes), compare) {
		described := g.shapes[k].describe(k)
		switch k.kind {
		case collector.KindTrack:
			out.Events = append(out.Events, described)
		case collector.KindIdentify:
			out.Users = append(out.Users, described)
		case collector.KindGroup:
			out.Groups = append(out.Groups, described)
		}
	}
	return out
}

// key tells shapes apart.
type key struct {
	kind collector.Kind
	name string // of the event, or the type of the group
}

func compare(a, b key) int {
	return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.name, b.name))
}

type gatherer struct {
	shapes map[key]*shape
	hidden int
}

type shape struct {
	count      int
	last       int64
	properties map[string]*property
	hidden     int
}

type property struct {
	types   map[string]int
	example *collector.Message // the latest that has a value other than null
}

func (g *gatherer) add(seq int64, m *collector.Message) {
	k := key{kind: m.Kind}
	switch m.Kind {
	case collector.KindTrack:
		k.name = m.Name
	case collector.KindGroup:
		k.name = m.GroupType
	case collector.KindIdentify:
	default:
		return
	}
	s := g.shapes[k]
	if s == nil {
		if len(g.shapes) == MaxShapes {
			g.hidden++
			return
		}
		s = &shape{properties: make(map[string]*property)}
		g.shapes[k] = s
	}
	s.count++
	s.last = seq
	for _, name := range slices.Sorted(maps.Keys(m.Values)) {
		s.add(name, m)
	}
}

func (s *shape) add(name string, m *collector.Message) {
	value := m.Values[name]
	p := s.properties[name]
	if p == nil {
		if len(s.properties) == MaxProperties {
			s.hidden++
			return
		}
		p = &property{types: make(map[string]int)}
		s.properties[name] = p
	}
	p.types[TypeOf(value)]++
	if value != nil {
		p.example = m
	}
}

// TypeOf returns what JSON calls the type of a value.
func TypeOf(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case string:
		return "string"
	case bool:
		return "boolean"
	case float64, json.Number:
		return "number"
	case []any:
		return "array"
	case map[string]any:
		return "object"
	default:
		return fmt.Sprintf("%T", value)
	}
}

func (s *shape) describe(k key) Shape {
	out := Shape{Name: k.name, Count: s.count, Last: s.last, Hidden: s.hidden}
	if k.kind == collector.KindTrack {
		out.Style = styleOf(k.name)
	} else {
		out.Style = Style{Good: true} // no name that the program chose as one
	}
	for _, name := range slices.Sorted(maps.Keys(s.properties)) {
		out.Properties = append(out.Properties, s.properties[name].describe(k, name, s.count))
	}
	return out
}

func (p *property) describe(k key, name string, count int) Property {
	out := Property{Name: name, Style: styleOf(name)}
	filled, kinds := 0, 0
	for _, t := range slices.Sorted(maps.Keys(p.types)) {
		out.Types = append(out.Types, TypeCount{Type: t, Count: p.types[t]})
		if t != "null" {
			filled += p.types[t]
			kinds++
		}
	}
	slices.SortStableFunc(out.Types, func(a, b TypeCount) int { return b.Count - a.Count })
	out.Drift = kinds > 1
	out.Fill = filled * 100 / count
	if filled > 0 {
		out.Fill = max(out.Fill, 1)
		out.Example = exampleOf(name, exact.Values(p.example)[name], k.kind == collector.KindIdentify)
	}
	return out
}
