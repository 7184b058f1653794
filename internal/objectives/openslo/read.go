package openslo

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/strict"
	"gopkg.in/yaml.v3"
)

// MaxSize is the most bytes of one file; a thousand objectives take a tenth of it.
const MaxSize = 8 << 20

// maxDepth is how deep JSON may nest.
const maxDepth = 200

// Read reads a YAML stream, a sequence of objects or JSON; name stands for the
// file in faults. The error is about bytes that are neither; what is wrong with
// the objects is in the faults, all of them, in the order of the file.
func Read(name string, data []byte) ([]Object, []Fault, error) {
	nodes, err := Nodes(name, data)
	if err != nil {
		return nil, nil, err
	}
	var objects []Object
	var faults []Fault
	for i, n := range nodes {
		o, more := Check(name, i, n)
		objects, faults = append(objects, o), append(faults, more...)
	}
	return objects, faults, nil
}

// Nodes splits a file into its objects, whatever their format: the documents of
// a stream, and the entries of those that are lists.
func Nodes(name string, data []byte) ([]*yaml.Node, error) {
	doc := strict.Doc{Op: "reading objectives", File: name}
	if len(data) > MaxSize {
		return nil, doc.Wrong(0, "split the file", "%d bytes are more than the %d that are read", len(data), MaxSize)
	}
	var nodes []*yaml.Node
	var err error
	if trimmed := bytes.TrimLeft(data, " \t\r\n"); len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '[') && json.Valid(trimmed) {
		nodes, err = jsonNodes(doc, data)
	} else {
		nodes, err = doc.Nodes(data)
	}
	if err != nil {
		return nil, err
	}
	var list []*yaml.Node
	for _, n := range nodes {
		if n.Kind == yaml.SequenceNode {
			list = append(list, n.Content...)
			continue
		}
		list = append(list, n)
	}
	if len(list) == 0 {
		return nil, doc.Wrong(0, "an objective starts with apiVersion: "+V1, "the file is empty")
	}
	return list, nil
}

// jsonNodes reads JSON into the nodes that the same document in YAML has, lines
// included. A YAML parser stumbles over tabs and over pairs of surrogates.
func jsonNodes(doc strict.Doc, data []byte) ([]*yaml.Node, error) {
	r := jsonReader{dec: json.NewDecoder(bytes.NewReader(data)), data: data, line: 1}
	r.dec.UseNumber()
	n, err := r.value(0)
	if err != nil {
		return nil, doc.Wrong(r.line, "", "%w", err)
	}
	return []*yaml.Node{n}, nil
}

type jsonReader struct {
	dec  *json.Decoder
	data []byte
	at   int64 // up to where lines were counted
	line int
}

func (r *jsonReader) value(depth int) (*yaml.Node, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("it is nested deeper than %d", maxDepth)
	}
	token, err := r.dec.Token()
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	r.line += bytes.Count(r.data[r.at:r.dec.InputOffset()], []byte{'\n'})
	r.at = r.dec.InputOffset()
	n := &yaml.Node{Kind: yaml.ScalarNode, Line: r.line, Column: 1}
	switch v := token.(type) {
	case json.Delim:
		n.Kind, n.Tag = yaml.MappingNode, "!!map"
		if v == '[' {
			n.Kind, n.Tag = yaml.SequenceNode, "!!seq"
		}
		for r.dec.More() {
			child, err := r.value(depth + 1) // of an object key and value take turns
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, child)
		}
		_, err = r.dec.Token()
	case string:
		n.Tag, n.Value, n.Style = "!!str", v, yaml.DoubleQuotedStyle
	case json.Number:
		n.Tag, n.Value = "!!int", v.String()
		if strings.ContainsAny(n.Value, ".eE") {
			n.Tag = "!!float"
		}
	case bool:
		n.Tag, n.Value = "!!bool", fmt.Sprint(v)
	default:
		n.Tag, n.Value = "!!null", "null"
	}
	return n, err
}

// Check reads one object and finds its faults.
func Check(file string, index int, n *yaml.Node) (Object, []Fault) {
	o := Object{File: file, Line: n.Line, Index: index, root: Field{node: n, line: n.Line}}
	c := &checker{object: &o}
	if n.Kind != yaml.MappingNode {
		c.add(Undecodable, o.root, "an object has apiVersion, kind, metadata and spec", "expected an object, got %s", whatIs(n))
		return o, c.faults
	}
	o.Version, o.Kind, o.Name = o.root.Get("apiVersion").Text(), o.root.Get("kind").Text(), o.root.Get("metadata", "name").Text()
	shapes, known := schema()[o.Version]
	if !known {
		c.add(Undecodable, o.root.Get("apiVersion"), "known: "+strings.Join(versions(), ", "), "apiVersion is %q%s", o.Version, strict.Nearest(o.Version, versions()))
		return o, c.faults
	}
	s, known := shapes[o.Kind]
	if !known {
		var names []string
		for _, kind := range kinds() {
			if shapes[kind] != nil {
				names = append(names, kind)
			}
		}
		c.add(Undecodable, o.root.Get("kind"), "known in "+o.Version+": "+strings.Join(names, ", "), "unknown kind %q%s", o.Kind, strict.Nearest(o.Kind, names))
		return o, c.faults
	}
	c.walk(s, o.root)
	slices.SortStableFunc(c.faults, func(a, b Fault) int { return a.Line - b.Line })
	return o, c.faults
}

func versions() []string { return []string{V1, V1alpha, V2alpha} }

// Errors are the faults that keep a file from being used, as errors; the others
// are warnings (see Refused).
func Errors(faults []Fault, strictly bool) []error {
	var list []error
	for _, f := range faults {
		if f.Refused(strictly) {
			list = append(list, f.Err())
		}
	}
	return list
}

// Err is the fault as an error at the border of a room.
func (f Fault) Err() error {
	text := f.Text
	if f.Path != "" && !strings.Contains(text, f.Path) {
		text = f.Path + ": " + text
	}
	return &pitwall.Error{Op: "reading objectives", Kind: pitwall.Invalid, ID: fmt.Sprintf("%s:%d", f.File, f.Line), Err: errors.New(text), Hint: f.Hint}
}
