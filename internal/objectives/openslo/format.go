package openslo

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/strict"
	"gopkg.in/yaml.v3"
)

// Format writes objects as a YAML stream in the one canonical form: fields in
// the order of the format's documentation, free names sorted, two spaces,
// dates in quotes, comments kept. Formatting twice changes nothing.
func Format(objects []Object) ([]byte, error) {
	var b bytes.Buffer
	shapes := schema()
	for i, o := range objects {
		n := clone(o.root.node)
		if s := shapes[o.Version][o.Kind]; s != nil {
			order(s, n)
		}
		if i > 0 {
			b.WriteString("---\n")
		}
		data, err := strict.Text(n)
		if err != nil {
			return nil, &pitwall.Error{Op: "writing objectives", Kind: pitwall.Invalid, ID: fmt.Sprintf("%s:%d", o.File, o.Line), Err: err, Hint: "check the file first"}
		}
		b.WriteString(data)
	}
	return b.Bytes(), nil
}

// order sorts the fields of an object as its shape lists them; what is unknown
// goes last, and what is null is left out unless it stands for something.
func order(s *shape, n *yaml.Node) {
	switch {
	case n.Kind == yaml.ScalarNode:
		if s.is == aText && n.ShortTag() == "!!timestamp" {
			n.Style = yaml.DoubleQuotedStyle
			n.Tag = "!!str"
		}
	case s.is == aList && n.Kind == yaml.SequenceNode:
		n.Style = 0
		for _, item := range n.Content {
			order(s.item, item)
		}
	case s.is == aMap && n.Kind == yaml.MappingNode:
		n.Style = 0
		sortPairs(n, func(a, b string) int { return strings.Compare(a, b) })
	case s.is == anObject && n.Kind == yaml.MappingNode:
		n.Style = 0
		rank := func(key string) int {
			i := slices.IndexFunc(s.fields, func(m member) bool { return m.name == key })
			if i < 0 {
				return len(s.fields)
			}
			return i
		}
		sortPairs(n, func(a, b string) int { return rank(a) - rank(b) })
		for i := 0; i+1 < len(n.Content); i += 2 {
			if r := rank(n.Content[i].Value); r < len(s.fields) {
				order(s.fields[r].shape, n.Content[i+1])
			}
		}
	}
}

func sortPairs(n *yaml.Node, compare func(a, b string) int) {
	type pair struct{ key, value *yaml.Node }
	var pairs []pair
	for i := 0; i+1 < len(n.Content); i += 2 {
		pairs = append(pairs, pair{n.Content[i], n.Content[i+1]})
	}
	slices.SortStableFunc(pairs, func(a, b pair) int { return compare(a.key.Value, b.key.Value) })
	n.Content = n.Content[:0]
	for _, p := range pairs {
		n.Content = append(n.Content, p.key, p.value)
	}
}
