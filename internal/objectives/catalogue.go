package objectives

import (
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/catalogue"
	"github.com/pitwall/pitwall/internal/objectives/openslo"
	"github.com/pitwall/pitwall/internal/promql"
	"github.com/pitwall/pitwall/internal/strict"
	"gopkg.in/yaml.v3"
)

// KindStandard is the kind of the entries of the catalogue.
const KindStandard = "StandardSLI"

// Entry is a standard indicator: what it is, what to mind, and the document it becomes.
type Entry struct {
	Name, Title string
	Formula     string
	Window      string // such as 30d
	Target      string // what to start with, in words
	Why, Gotcha string
	Needs       string // what must be measured
	// Instead says how it differs from what is usually asked for, if it does.
	Instead    string
	Parameters []Parameter
	template   *yaml.Node
}

// Parameter is a value that an entry is filled in with.
type Parameter struct {
	Name    string `yaml:"name"`
	Means   string `yaml:"means"`
	Kind    string `yaml:"kind"` // name, text, number, duration, metric or promql
	Example string `yaml:"example"`
	// Default is taken when the parameter is not given; nil: it must be.
	Default *string `yaml:"default,omitempty"`
}

type entryFile struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
	Metadata   struct {
		Name        string `yaml:"name"`
		DisplayName string `yaml:"displayName"`
	} `yaml:"metadata"`
	Spec struct {
		Formula    string      `yaml:"formula"`
		Target     string      `yaml:"target"`
		Why        string      `yaml:"why"`
		Gotcha     string      `yaml:"gotcha"`
		Needs      string      `yaml:"needs"`
		Instead    string      `yaml:"instead,omitempty"`
		Window     string      `yaml:"window"`
		Parameters []Parameter `yaml:"parameters"`
		Template   yaml.Node   `yaml:"template"`
	} `yaml:"spec"`
}

// Catalogue are the standard indicators that ship with Pitwall, by name.
func Catalogue() ([]Entry, error) { return ReadCatalogue(catalogue.FS) }

// ReadCatalogue reads entries from the .yaml files at the top of a file system.
func ReadCatalogue(fsys fs.FS) ([]Entry, error) {
	names, err := fs.Glob(fsys, "*.yaml")
	if err != nil {
		return nil, fmt.Errorf("reading catalogue: %w", err)
	}
	var list []Entry
	for _, name := range names {
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, &pitwall.Error{Op: "reading catalogue", Kind: pitwall.Invalid, ID: name, Err: err}
		}
		e, err := readEntry(strict.Doc{Op: "reading catalogue", File: name, Hint: "see docs/reference/objectives.md"}, data)
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, nil
}

func readEntry(doc strict.Doc, data []byte) (Entry, error) {
	nodes, err := doc.Nodes(data)
	if err != nil {
		return Entry{}, err
	}
	var f entryFile
	if len(nodes) != 1 {
		return Entry{}, doc.Wrong(0, "", "expected one entry, got %d", len(nodes))
	}
	if err := doc.Decode(nodes[0], &f); err != nil {
		return Entry{}, err
	}
	s := f.Spec
	e := Entry{Name: f.Metadata.Name, Title: f.Metadata.DisplayName, Formula: s.Formula, Window: s.Window, Target: s.Target,
		Why: s.Why, Gotcha: s.Gotcha, Needs: s.Needs, Instead: s.Instead, Parameters: s.Parameters, template: &s.Template}
	switch {
	case f.APIVersion != ownVersion || f.Kind != KindStandard:
		return e, doc.Wrong(1, "", "expected apiVersion: %s and kind: %s", ownVersion, KindStandard)
	case e.Name == "" || e.Formula == "" || e.Window == "" || e.Target == "" || e.Why == "" || e.Gotcha == "" || e.Needs == "":
		return e, doc.Wrong(1, "", "an entry needs a name, formula, window, target, why, gotcha and needs")
	case e.template.Kind != yaml.MappingNode:
		return e, doc.Wrong(1, "", "template is missing")
	}
	return e, nil
}

// Find gives the entry of a name.
func Find(entries []Entry, name string) (Entry, error) {
	var names []string
	for _, e := range entries {
		if e.Name == name {
			return e, nil
		}
		names = append(names, e.Name)
	}
	return Entry{}, &pitwall.Error{Op: "choosing a standard indicator", Kind: pitwall.NotFound, ID: name,
		Err: fmt.Errorf("no such entry%s", strict.Nearest(name, names)), Hint: "known: " + strings.Join(names, ", ")}
}

// placeholder is a parameter in a template; metricName is what the data model
// of Prometheus allows.
var (
	placeholder = regexp.MustCompile(`\$\{([a-z]+)\}`)
	metricName  = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*$`)
)

// Apply fills an entry in and gives an OpenSLO document. Values are checked by
// their kind and put into the parsed template, so that none can add to it.
func Apply(e Entry, params map[string]string) ([]byte, error) {
	wrong := func(hint, format string, args ...any) error {
		return &pitwall.Error{Op: "applying a standard indicator", Kind: pitwall.Invalid, ID: e.Name, Err: fmt.Errorf(format, args...), Hint: hint}
	}
	values := map[string]string{}
	kinds := map[string]string{}
	var names []string
	for _, p := range e.Parameters {
		v, given := params[p.Name]
		if !given && p.Default != nil {
			v, given = *p.Default, true
		}
		if !given || v == "" && (p.Default == nil || *p.Default != "") {
			return nil, wrong(fmt.Sprintf("--set %s=%s", p.Name, p.Example), "%s is missing: %s", p.Name, p.Means)
		}
		if err := fits(p, v); err != nil {
			return nil, wrong("such as "+p.Example, "%s: %w", p.Name, err)
		}
		values[p.Name], kinds[p.Name] = v, p.Kind
		names = append(names, p.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(params)) {
		if !slices.Contains(names, name) {
			return nil, wrong("known: "+strings.Join(names, ", "), "%s is no parameter%s", name, strict.Nearest(name, names))
		}
	}
	doc := filler{values, kinds}.fill(e.template, "")
	text, err := strict.Text(doc)
	if err != nil {
		return nil, wrong("", "writing it: %w", err)
	}
	if _, err := Parse(Options{}, File{e.Name, []byte(text)}); err != nil {
		return nil, wrong(pitwall.HintOf(err), "with these values it is no objective: %w", err)
	}
	return []byte(text), nil
}

// fits checks a value by the kind of its parameter.
func fits(p Parameter, v string) error {
	switch p.Kind {
	case "name":
		if openslo.Slug(v) != v || v == "" {
			return fmt.Errorf("%q is not made of lower-case letters, digits and dashes", v)
		}
	case "text":
		if strings.ContainsAny(v, "\"\\`\n\r${}") || len(v) > 200 {
			return fmt.Errorf("%q has a quote, a backslash, a brace or a line break, or is too long", v)
		}
	case "number":
		if f, err := strconv.ParseFloat(v, 64); err != nil || f-f != 0 || strings.ContainsAny(v, "_xXpP") {
			return fmt.Errorf("%q is not a number", v)
		}
	case "duration":
		if d, err := time.ParseDuration(v); err != nil || d <= 0 {
			return fmt.Errorf("%q is not a duration", v)
		}
	case "metric":
		if !metricName.MatchString(v) {
			return fmt.Errorf("%q is not the name of a metric", v)
		}
	case "promql":
		if _, err := promql.Parse(v); err != nil {
			return err
		}
	default:
		return fmt.Errorf("its kind %q is not known", p.Kind)
	}
	return nil
}

// filler puts values into a copy of a template.
type filler struct{ values, kinds map[string]string }

func (f filler) fill(n *yaml.Node, path string) *yaml.Node {
	c := *n
	c.Content = nil
	if n.Kind == yaml.ScalarNode {
		f.scalar(&c, path)
		return &c
	}
	for i := 0; i < len(n.Content); i++ {
		if n.Kind != yaml.MappingNode {
			c.Content = append(c.Content, f.fill(n.Content[i], path))
			continue
		}
		key, v := n.Content[i], n.Content[i+1]
		i++
		if m := placeholder.FindStringSubmatch(v.Value); m != nil && m[0] == v.Value && f.values[m[1]] == "" {
			continue // what is left empty is left out
		}
		c.Content = append(c.Content, key, f.fill(v, path+"."+key.Value))
	}
	return &c
}

func (f filler) scalar(n *yaml.Node, path string) {
	if m := placeholder.FindStringSubmatch(n.Value); m != nil && m[0] == n.Value && f.kinds[m[1]] == "number" {
		n.Value, n.Style, n.Tag = f.values[m[1]], 0, ""
		return
	}
	n.Value = placeholder.ReplaceAllStringFunc(n.Value, func(s string) string { return f.values[s[2:len(s)-1]] })
	if strings.HasSuffix(path, "metadata.name") {
		n.Value = openslo.Slug(n.Value)
	}
}
