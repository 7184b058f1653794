// Package strict reads the YAML that people write. In come bytes and a pointer
// to a struct; out go the struct, or a pitwall.Error with file, line, what is
// wrong and the nearest known name.
//
// What a type does not name is refused, and so are anchors and aliases: a file
// that decides about production says what it means where it stands. The package
// knows no format; objectives, policies, playbooks, gates and the configuration
// bring their own types.
package strict

import (
	"bytes"
	"cmp"
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

// Doc is one file as its reader sees it.
type Doc struct {
	Op   string // what was being done, for errors: "reading SLO file"
	File string // name in errors
	Hint string // of errors that bring none of their own
}

// lineOf finds the line in an error of the YAML library: "line 7: cannot …".
var lineOf = regexp.MustCompile(`line (\d+): `)

// Wrong words trouble at a line; line 0 means the whole file.
func (d Doc) Wrong(line int, hint, format string, args ...any) error {
	id := d.File
	if line > 0 {
		id = fmt.Sprintf("%s:%d", d.File, line)
	}
	return &pitwall.Error{Op: d.Op, Kind: pitwall.Invalid, ID: id, Err: fmt.Errorf(format, args...), Hint: cmp.Or(hint, d.Hint)}
}

// Explain splits an error of the YAML library into a line, 0 if it names none,
// and words.
func Explain(err error) (line int, text string) {
	text = strings.TrimPrefix(err.Error(), "yaml: ")
	var typed *yaml.TypeError
	if errors.As(err, &typed) && len(typed.Errors) > 0 {
		text = typed.Errors[0]
	}
	if m := lineOf.FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1])
		text = strings.Replace(text, m[0], "", 1)
	}
	return line, text
}

func (d Doc) explained(err error) error {
	line, text := Explain(err)
	return d.Wrong(line, "", "%s", text)
}

// Nodes splits a file into the contents of its documents; empty ones are left out.
func (d Doc) Nodes(data []byte) ([]*yaml.Node, error) {
	var list []*yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var n yaml.Node
		switch err := dec.Decode(&n); {
		case errors.Is(err, io.EOF):
			return list, nil
		case err != nil:
			return nil, d.explained(err)
		case len(n.Content) == 1 && n.Content[0].Tag != "!!null":
			list = append(list, n.Content[0])
		}
	}
}

// Decode reads a node into a pointer to a struct.
func (d Doc) Decode(n *yaml.Node, out any) error {
	if err := d.known(n, reflect.TypeOf(out).Elem()); err != nil {
		return err
	}
	if err := n.Decode(out); err != nil {
		return d.explained(err)
	}
	return nil
}

// known walks a node beside the type it will fill and refuses unknown fields.
func (d Doc) known(n *yaml.Node, t reflect.Type) error {
	switch {
	case t == reflect.TypeFor[yaml.Node]():
		return nil // kept as written, read later
	case n.Kind == yaml.AliasNode:
		return d.Wrong(n.Line, "write the value out", "anchors and aliases are not read here")
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
				return d.Wrong(key.Line, "known here: "+strings.Join(names, ", "), "unknown field %q%s", key.Value, Nearest(key.Value, names))
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

// Nearest gives `: did you mean "x"?` for the known name with the smallest edit
// distance, or "" when none is near.
func Nearest(word string, names []string) string {
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
