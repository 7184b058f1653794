package alertlint

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/promql"
	"github.com/pitwall/pitwall/internal/strict"
	"gopkg.in/yaml.v3"
)

// File is a rule file: Prometheus' own, or a PrometheusRule of its operator.
type File struct {
	Name string
	Data []byte
}

// maxFile bounds a rule file.
const maxFile = 16 << 20

// alert is one rule as the linter looks at it.
type alert struct {
	file    string
	line    int // of the rule
	at      int // of its expression
	name    string
	expr    promql.Expr
	tree    promql.Node
	hold    string // for
	labels  map[string]string
	notes   map[string]string // annotations
	excused map[string]bool   // rules that a comment excuses it from
}

// corpus is everything that was read.
type corpus struct {
	alerts   []alert
	records  map[string][]promql.Node // recorded metric to what it is made of
	findings []Finding                // of reading itself
	ranges   map[string]bounds        // of recorded metrics, as far as they are known
	depth    int                      // of recorded metrics being bounded
}

type ruleFile struct {
	Groups     []group   `yaml:"groups"`
	APIVersion string    `yaml:"apiVersion"`
	Kind       string    `yaml:"kind"`
	Metadata   yaml.Node `yaml:"metadata"`
	Spec       struct {
		Groups []group `yaml:"groups"`
	} `yaml:"spec"`
	Status yaml.Node `yaml:"status"`
	// Of other makers of rule files.
	Namespace    yaml.Node `yaml:"namespace"`
	SourceTenant yaml.Node `yaml:"source_tenants"`
}

type group struct {
	Name        string            `yaml:"name"`
	Interval    string            `yaml:"interval"`
	QueryOffset string            `yaml:"query_offset"`
	Limit       int               `yaml:"limit"`
	Labels      map[string]string `yaml:"labels"`
	Rules       []yaml.Node       `yaml:"rules"`
	Partial     string            `yaml:"partial_response_strategy"`
}

type rule struct {
	Record      string            `yaml:"record"`
	Alert       string            `yaml:"alert"`
	Expr        yaml.Node         `yaml:"expr"`
	For         string            `yaml:"for"`
	KeepFiring  string            `yaml:"keep_firing_for"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

// read takes every file in, so that alerts may use what other files record.
func read(files []File) (*corpus, error) {
	c := &corpus{records: map[string][]promql.Node{}, ranges: map[string]bounds{}}
	for _, f := range files {
		doc := strict.Doc{Op: "reading rule file", File: f.Name, Hint: "a rule file has groups, each with a name and rules"}
		if len(f.Data) > maxFile {
			return c, doc.Wrong(0, "split it", "%d bytes are more than the %d allowed", len(f.Data), maxFile)
		}
		nodes, err := doc.Nodes(f.Data)
		if err != nil {
			return c, err
		}
		for _, n := range nodes {
			if err := c.document(doc, n); err != nil {
				return c, err
			}
		}
	}
	return c, nil
}

func (c *corpus) document(doc strict.Doc, n *yaml.Node) error {
	var f ruleFile
	if n.Kind != yaml.MappingNode {
		return doc.Wrong(n.Line, "", "this is no rule file")
	}
	if err := doc.Decode(n, &f); err != nil {
		return err
	}
	groups := f.Groups
	switch {
	case f.Kind == "PrometheusRule":
		groups = f.Spec.Groups
	case f.Kind != "":
		return doc.Wrong(n.Line, "of Kubernetes objects PrometheusRule is read", "kind %q is no rule file", f.Kind)
	case f.Groups == nil:
		return doc.Wrong(n.Line, "", "groups is missing")
	}
	for _, g := range groups {
		for i := range g.Rules {
			if err := c.rule(doc, &g.Rules[i], g.Labels); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *corpus) rule(doc strict.Doc, n *yaml.Node, shared map[string]string) error {
	var r rule
	if n.Kind != yaml.MappingNode {
		return doc.Wrong(n.Line, "", "a rule is a mapping with alert or record, and expr")
	}
	if err := doc.Decode(n, &r); err != nil {
		return err
	}
	if (r.Alert == "") == (r.Record == "") || r.Expr.Kind != yaml.ScalarNode {
		return doc.Wrong(n.Line, "", "a rule needs expr, and one of alert and record")
	}
	a := alert{file: doc.File, line: n.Line, at: r.Expr.Line, name: r.Alert + r.Record, hold: r.For, labels: map[string]string{}, notes: r.Annotations}
	if r.Expr.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		a.at++ // the text begins on the line after | or >
	}
	for _, m := range []map[string]string{shared, r.Labels} {
		for k, v := range m {
			a.labels[k] = v
		}
	}
	var err error
	if a.expr, err = promql.Parse(r.Expr.Value); err != nil {
		c.findings = append(c.findings, a.syntax(err))
		return nil
	}
	a.tree, _ = promql.Tree(a.expr)
	if r.Record != "" {
		c.records[r.Record] = append(c.records[r.Record], a.tree)
		return nil
	}
	if fault, ok := a.excuses(n); !ok {
		c.findings = append(c.findings, fault)
	}
	c.alerts = append(c.alerts, a)
	return nil
}

// syntax words what the parser says, at the line of the file where it lies.
func (a alert) syntax(err error) Finding {
	f := a.finding(RuleSyntax, Fault, err.Error(), "Prometheus refuses the whole file.", pitwall.HintOf(err))
	f.Line = a.at
	var at *promql.SyntaxError
	if errors.As(err, &at) {
		f.Line, f.What = a.at+at.Line-1, fmt.Sprintf("column %d of the expression: %s", at.Column, at.Text)
	}
	return f
}

func (a alert) finding(rule string, level Level, what, why, instead string) Finding {
	return Finding{Rule: rule, Level: level, File: a.file, Line: a.line, Alert: a.name, What: what, Why: why, Instead: instead}
}

// excuse is a comment that says why a rule does not hold here:
// "# lint: no-for, the expression waits by itself". It is read-only.
var excuse = regexp.MustCompile(`(?m)^#\s*lint:\s*([a-z-]+)[,:;\s]*(.*)$`)

// excuses reads the comments at a rule. An excuse without a reason is none.
func (a *alert) excuses(n *yaml.Node) (Finding, bool) {
	a.excused = map[string]bool{}
	comments := []string{n.HeadComment, n.LineComment}
	for _, child := range n.Content {
		comments = append(comments, child.HeadComment, child.LineComment)
	}
	for _, m := range excuse.FindAllStringSubmatch(strings.Join(comments, "\n"), -1) {
		if strings.TrimSpace(m[2]) == "" {
			return a.finding(RuleExcuse, Warning, "the comment excuses it from "+m[1]+" and gives no reason",
				"In a year nobody will know whether the reason still holds.", "# lint: "+m[1]+", and why"), false
		}
		a.excused[m[1]] = true
	}
	return Finding{}, true
}
