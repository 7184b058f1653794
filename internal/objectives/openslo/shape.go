package openslo

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/pitwall/pitwall/internal/strict"
	"gopkg.in/yaml.v3"
)

// sort is what a value must be.
type sort string

const (
	aText     sort = "text"
	aNumber   sort = "a number"
	aFlag     sort = "true or false"
	aDuration sort = "a duration such as 30d"
	aList     sort = "a list"
	anObject  sort = "an object"
	aMap      sort = "an object of names that are free" // of item
	anything  sort = "anything"
)

// shape is what may stand at a place.
type shape struct {
	is     sort
	fields []member // of an object, in the order in which they are written
	item   *shape   // of a list or a map
	rules  []rule   // asked once the type is right and a value is there
}

// member is a field of an object.
type member struct {
	name  string
	shape *shape
	need  Grade // of the fault when it is missing; "": it may be
}

// rule finds faults that types cannot.
type rule func(*checker, Field)

func text(rules ...rule) *shape   { return &shape{is: aText, rules: rules} }
func number(rules ...rule) *shape { return &shape{is: aNumber, rules: rules} }
func flag() *shape                { return &shape{is: aFlag} }
func free() *shape                { return &shape{is: anything} }
func duration(rules ...rule) *shape {
	return &shape{is: aDuration, rules: append([]rule{unit}, rules...)}
}
func list(item *shape) *shape { return &shape{is: aList, item: item} }
func mapOf(item *shape, rules ...rule) *shape {
	return &shape{is: aMap, item: item, rules: rules}
}
func object(rules []rule, fields ...member) *shape {
	return &shape{is: anObject, fields: fields, rules: rules}
}

func may(name string, s *shape) member  { return member{name: name, shape: s} }
func must(name string, s *shape) member { return member{name: name, shape: s, need: Invalid} }

// ought is a field that the reference demands and Pitwall can do without.
func ought(name string, s *shape) member { return member{name: name, shape: s, need: Tolerated} }

// checker collects the faults of one object.
type checker struct {
	object *Object
	faults []Fault
}

func (c *checker) add(g Grade, f Field, hint, format string, args ...any) {
	if hint == "" {
		hint = "see docs/reference/openslo.md"
	}
	c.faults = append(c.faults, Fault{File: c.object.File, Line: f.line, Object: c.object.String(), Index: c.object.Index,
		Path: f.path, Text: fmt.Sprintf(format, args...), Hint: hint, Grade: g})
}

// walk compares what stands at a place with what may.
func (c *checker) walk(s *shape, f Field) {
	if f.node.Kind == yaml.AliasNode {
		c.add(Stricter, f, "write the value out", "anchors and aliases are not read here")
		return
	}
	if !f.Has() {
		return
	}
	if !c.typed(s, f) {
		return
	}
	switch s.is {
	case aList:
		for _, item := range f.Items() {
			c.walk(s.item, item)
		}
	case aMap:
		c.twice(f)
		for _, v := range f.Pairs() {
			c.walk(s.item, v)
		}
	case anObject:
		c.members(s, f)
	case anything:
		c.aliases(f.node, f)
	}
	for _, r := range s.rules {
		r(c, f)
	}
}

// typed says whether a value is what it must be, and of the wrong ones why.
func (c *checker) typed(s *shape, f Field) bool {
	ok, hint := true, ""
	scalar := f.node.Kind == yaml.ScalarNode
	switch s.is {
	case aText, aDuration:
		tag := f.node.ShortTag()
		ok = scalar && (tag == "!!str" || tag == "!!timestamp" || tag == "!!merge")
		if scalar && !ok {
			hint = fmt.Sprintf("put it in quotes: %q", f.node.Value)
		}
	case aNumber:
		_, ok = f.Number()
	case aFlag:
		_, ok = f.flag()
		hint = "write true or false"
	case aList:
		ok, hint = f.node.Kind == yaml.SequenceNode, "start each entry with a dash"
	case aMap, anObject:
		ok = f.node.Kind == yaml.MappingNode
	}
	if ok && s.is == aDuration && !durationLike.MatchString(f.node.Value) {
		ok, hint = false, durationHint
	}
	if !ok {
		c.add(Undecodable, f, hint, "expected %s, got %s", s.is, whatIs(f.node))
	}
	return ok
}

func (c *checker) members(s *shape, f Field) {
	c.twice(f)
	names := make([]string, len(s.fields))
	for i, m := range s.fields {
		names[i] = m.name
	}
	for key, v := range f.Pairs() {
		if i := slices.Index(names, key); i >= 0 {
			c.walk(s.fields[i].shape, v)
			continue
		}
		c.add(Undecodable, Field{path: v.path, line: f.keyLine(key)}, "known here: "+strings.Join(names, ", "), "unknown field %q%s", key, strict.Nearest(key, names))
	}
	for _, m := range s.fields {
		if v := f.Get(m.name); m.need != "" && !v.Has() {
			c.add(m.need, v, "add "+m.name+"; it must be "+string(m.shape.is), "%s is missing", m.name)
		}
	}
}

// keyLine is the line of a key, which may be above that of its value.
func (f Field) keyLine(key string) int {
	for i := 0; i+1 < len(f.node.Content); i += 2 {
		if f.node.Content[i].Value == key {
			return f.node.Content[i].Line
		}
	}
	return f.line
}

// twice refuses keys that are written twice, of which YAML readers silently
// take one or the other.
func (c *checker) twice(f Field) {
	seen := map[string]int{}
	for i := 0; i+1 < len(f.node.Content); i += 2 {
		key := f.node.Content[i]
		if first, again := seen[key.Value]; again {
			c.add(Stricter, Field{path: f.Get(key.Value).path, line: key.Line}, "keep one of them", "%s is written twice, first in line %d", key.Value, first)
			continue
		}
		seen[key.Value] = key.Line
	}
}

// aliases looks for aliases where anything may stand.
func (c *checker) aliases(n *yaml.Node, f Field) {
	if n.Kind == yaml.AliasNode {
		c.add(Stricter, Field{path: f.path, line: n.Line}, "write the value out", "anchors and aliases are not read here")
		return
	}
	for _, child := range n.Content {
		c.aliases(child, f)
	}
}

const durationHint = "a number and one of m (minutes), h, d, w, M (months), Q or Y"

// What the reference can decode, and what is right.
var (
	durationLike = regexp.MustCompile(`^[+-]?[0-9]+\S+$`)
	durationText = regexp.MustCompile(`^[0-9]{1,9}[mhdwMQY]$`)
)

func unit(c *checker, f Field) {
	if !durationText.MatchString(f.Text()) {
		c.add(Invalid, f, durationHint, "%q is not a duration such as 30d", clip(f.Text()))
	}
}

func whatIs(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "an object"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	}
	return fmt.Sprintf("%q", clip(n.Value))
}

// clip keeps a message short, whatever stands in a file.
func clip(s string) string {
	const most = 60
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
