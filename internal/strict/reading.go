package strict

import (
	"fmt"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Reading is one document while it is read, and what was noticed on the way.
type Reading struct {
	Doc
	Node     *yaml.Node
	Warnings []string // file:line: words
}

// Warn notes what is no reason to refuse the document.
func (r *Reading) Warn(line int, format string, args ...any) {
	r.Warnings = append(r.Warnings, fmt.Sprintf("%s:%d: ", r.File, line)+fmt.Sprintf(format, args...))
}

// LineOf is that of the first field of a name, else the document's.
func (r *Reading) LineOf(name string) int {
	return LineOf(r.Node, func(key string) bool { return key == name })
}

// LineOf is the line of the first field below a node whose key is the one, else
// the node's.
func LineOf(n *yaml.Node, is func(key string) bool) int {
	if line := find(n, is); line > 0 {
		return line
	}
	return n.Line
}

func find(n *yaml.Node, is func(key string) bool) int {
	for i, item := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 1 {
			if key := n.Content[i-1]; is(key.Value) {
				return key.Line
			}
		}
		if line := find(item, is); line > 0 {
			return line
		}
	}
	return 0
}

// Text is a node as YAML.
func Text(n *yaml.Node) (string, error) {
	var b strings.Builder
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(n); err != nil {
		return "", err
	}
	if err := enc.Close(); err != nil {
		return "", err
	}
	return b.String(), nil
}

// Shown is a node as YAML to be shown beside what was read of it, "" if it
// cannot be written.
func Shown(n *yaml.Node) string {
	text, err := Text(n)
	if err != nil {
		return ""
	}
	return text
}

// Percent reads a percentage as a ratio: 99.9 is the float nearest to 0.999, and
// not 99.9/100.
func Percent(s string) (float64, error) {
	if v, err := strconv.ParseFloat(s+"e-2", 64); err == nil {
		return v, nil
	}
	v, err := strconv.ParseFloat(s, 64) // with an exponent of its own
	return v / 100, err
}

// Percentage words a ratio as the percentage that a file had: 0.999 is 99.9.
func Percentage(v float64) string { return strconv.FormatFloat(v*100, 'g', 12, 64) }
