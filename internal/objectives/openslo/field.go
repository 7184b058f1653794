package openslo

import (
	"fmt"
	"iter"
	"strconv"

	"github.com/pitwall/pitwall/internal/strict"
	"gopkg.in/yaml.v3"
)

// Field is a place in a document: its path, its line and what stands there. A
// place where nothing stands is as good as any other, so paths can be walked
// without asking at each step.
type Field struct {
	node *yaml.Node // nil: nothing is written here
	path string
	line int
}

// Path is where it stands in its object, such as spec.objectives[0].op.
func (f Field) Path() string { return f.path }

// Line is that of the value; of a value that is not there, the line of what it
// is missing from.
func (f Field) Line() int { return f.line }

// Node is what is written there, nil if nothing is.
func (f Field) Node() *yaml.Node { return f.node }

// Written says whether the field stands there, with a value or without.
func (f Field) Written() bool { return f.node != nil }

// Has says whether the field has a value.
func (f Field) Has() bool { return f.node != nil && f.node.ShortTag() != "!!null" }

// Get walks down by the names of fields.
func (f Field) Get(names ...string) Field {
	for _, name := range names {
		f = f.get(name)
	}
	return f
}

// below is the path of a field of this object.
func (f Field) below(name string) string {
	if f.path == "" {
		return name
	}
	return f.path + "." + name
}

func (f Field) get(name string) Field {
	path := f.below(name)
	if f.node != nil && f.node.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(f.node.Content); i += 2 {
			if f.node.Content[i].Value == name {
				v := f.node.Content[i+1]
				return Field{node: v, path: path, line: max(v.Line, f.node.Content[i].Line)}
			}
		}
	}
	return Field{path: path, line: f.line}
}

// Items are the entries of a list.
func (f Field) Items() []Field {
	if f.node == nil || f.node.Kind != yaml.SequenceNode {
		return nil
	}
	list := make([]Field, len(f.node.Content))
	for i, n := range f.node.Content {
		list[i] = Field{node: n, path: fmt.Sprintf("%s[%d]", f.path, i), line: n.Line}
	}
	return list
}

// Pairs are the fields of an object in the order they are written in. The path
// of each names its key.
func (f Field) Pairs() iter.Seq2[string, Field] {
	return func(yield func(string, Field) bool) {
		if f.node == nil || f.node.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(f.node.Content); i += 2 {
			key, v := f.node.Content[i], f.node.Content[i+1]
			if !yield(key.Value, Field{node: v, path: f.below(key.Value), line: max(v.Line, key.Line)}) {
				return
			}
		}
	}
}

// Text is a scalar as it is written, "" if there is none.
func (f Field) Text() string {
	if !f.Has() || f.node.Kind != yaml.ScalarNode {
		return ""
	}
	return f.node.Value
}

// Number is the float nearest to the decimal number that is written.
func (f Field) Number() (v float64, ok bool) {
	return f.parsed(func(s string) (float64, error) { return strconv.ParseFloat(s, 64) })
}

// Percent is a percentage as a ratio: 99.9 is the float nearest to 0.999, and
// not 99.9/100.
func (f Field) Percent() (v float64, ok bool) { return f.parsed(strict.Percent) }

func (f Field) parsed(parse func(string) (float64, error)) (float64, bool) {
	if !f.Has() || f.node.Kind != yaml.ScalarNode || (f.node.ShortTag() != "!!float" && f.node.ShortTag() != "!!int") {
		return 0, false
	}
	v, err := parse(f.node.Value)
	return v, err == nil && v-v == 0 // neither NaN nor infinite
}

// Flag is a truth value; what is not there is false.
func (f Field) Flag() bool {
	v, ok := f.flag()
	return v && ok
}

// flag reads the words of YAML 1.1 as well, since they stand in many files.
func (f Field) flag() (v, ok bool) {
	if !f.Has() || f.node.Kind != yaml.ScalarNode || f.node.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
		return false, false
	}
	switch f.node.Value {
	case "true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON":
		return true, true
	case "false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF":
		return false, true
	}
	return false, false
}
