package playbook

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/pitwall/pitwall"
	"gopkg.in/yaml.v3"
)

// document reads YAML strictly: what a type does not name is an error with
// file, line and the nearest name.
type document struct{ op, file string }

// lineOf finds the line in an error of the YAML library: "line 7: cannot …".
var lineOf = regexp.MustCompile(`line (\d+): `)

// wrong words trouble at a line; line 0 means the whole file.
func (d document) wrong(line int, hint, format string, args ...any) error {
	id := d.file
	if line > 0 {
		id = fmt.Sprintf("%s:%d", d.file, line)
	}
	return &pitwall.Error{Op: d.op, Kind: pitwall.Invalid, ID: id, Err: fmt.Errorf(format, args...), Hint: hint}
}

// yamlError turns an error of the YAML library into one with file and line.
func (d document) yamlError(err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	var typed *yaml.TypeError
	if errors.As(err, &typed) && len(typed.Errors) > 0 {
		text = typed.Errors[0]
	}
	line := 0
	if m := lineOf.FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1])
		text = strings.Replace(text, m[0], "", 1)
	}
	return d.wrong(line, "", "%s", text)
}

// nodes splits a file into the contents of its documents; empty ones are left out.
func (d document) nodes(data []byte) ([]*yaml.Node, error) {
	var list []*yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var n yaml.Node
		switch err := dec.Decode(&n); {
		case errors.Is(err, io.EOF):
			return list, nil
		case err != nil:
			return nil, d.yamlError(err)
		case len(n.Content) == 1 && n.Content[0].Tag != "!!null":
			list = append(list, n.Content[0])
		}
	}
}

// decode reads a node into a pointer to a struct.
func (d document) decode(n *yaml.Node, out any) error {
	if err := d.known(n, reflect.TypeOf(out).Elem()); err != nil {
		return err
	}
	if err := n.Decode(out); err != nil {
		return d.yamlError(err)
	}
	return nil
}

// known walks a node beside the type it will fill and refuses unknown fields.
func (d document) known(n *yaml.Node, t reflect.Type) error {
	switch {
	case t == reflect.TypeFor[yaml.Node]():
		return nil // kept as written, read later
	case n.Kind == yaml.AliasNode:
		return d.wrong(n.Line, "write the value out", "anchors and aliases are not read here")
	case t.Kind() == reflect.Pointer:
		return d.known(n, t.Elem())
	case t.Kind() == reflect.Slice && n.Kind == yaml.SequenceNode:
		for _, item := range n.Content {
			if err := d.known(item, t.Elem()); err != nil {
				return err
			}
		}
	case t.Kind() == reflect.Struct && n.Kind == yaml.MappingNode:
		fields, names := fieldsOf(t)
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			field, ok := fields[key.Value]
			if !ok {
				return d.wrong(key.Line, "known here: "+strings.Join(names, ", "), "unknown field %q%s", key.Value, nearest(key.Value, names))
			}
			if err := d.known(n.Content[i+1], field); err != nil {
				return err
			}
		}
	}
	return nil
}

// fieldsOf lists the YAML fields of a struct type, in its order.
func fieldsOf(t reflect.Type) (fields map[string]reflect.Type, names []string) {
	fields = map[string]reflect.Type{}
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		if name != "" && name != "-" {
			fields[name] = t.Field(i).Type
			names = append(names, name)
		}
	}
	return fields, names
}

// nearest gives `: did you mean "x"?` for the known name with the smallest edit
// distance, or "" when none is near.
func nearest(word string, names []string) string {
	best, least := "", len(word)/2+1
	for _, name := range names {
		if n := distance(strings.ToLower(word), strings.ToLower(name)); n <= least && (best == "" || n < least) {
			best, least = name, n
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(": did you mean %q?", best)
}

// distance is Levenshtein's: the fewest insertions, deletions and replacements.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], slices.Min([]int{row[j+1] + 1, row[j] + 1, diagonal + cost})
		}
	}
	return row[len(b)]
}
