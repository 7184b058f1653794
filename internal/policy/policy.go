package policy

import (
	"crypto/sha256"
	_ "embed" // the policies that ship with Pitwall are files
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/strict"
	"gopkg.in/yaml.v3"
)

//go:embed default.yaml
var defaultPolicy []byte

//go:embed ask.yaml
var askPolicy []byte

const loadOp = "reading policy"

// costLimit bounds the work of one rule, in CEL's cost units; the rules that
// ship cost under 20.
const costLimit = 10_000

// NoMatch stands in a Decision for the rule when none matched: what nothing
// allows is denied.
const NoMatch = "no-rule-matches"

// rule is one line of a policy file.
type rule struct {
	Name   string                 `yaml:"name"`
	When   yaml.Node              `yaml:"when"`
	Decide pitwall.DecisionResult `yaml:"decide"`
	Reason string                 `yaml:"reason"`

	program cel.Program
}

// Policy is a set of rules, compiled and typed. It may be used by several
// goroutines at once.
type Policy struct {
	name   string
	bundle string
	rules  []rule
}

// Default is the policy for unattended work: a low-risk rollback through a
// canary is allowed, everything else asks a person.
func Default() (*Policy, error) { return Load("default.yaml", defaultPolicy) }

// Ask is the policy under which every change waits for a person.
func Ask() (*Policy, error) { return Load("ask.yaml", askPolicy) }

// Load reads and compiles a policy file. Rules are typed here: a misspelt
// variable or a comparison of different types is an error at load, not at the
// moment of an incident. name stands for the file in errors.
func Load(name string, data []byte) (*Policy, error) {
	doc := strict.Doc{Op: loadOp, File: name}
	nodes, err := doc.Nodes(data)
	if err != nil {
		return nil, err
	}
	if len(nodes) != 1 {
		return nil, doc.Wrong(0, "a policy is one document with rules:", "expected one document, got %d", len(nodes))
	}
	var file struct {
		Rules []yaml.Node `yaml:"rules"`
	}
	if err := doc.Decode(nodes[0], &file); err != nil {
		return nil, err
	}
	if len(file.Rules) == 0 {
		return nil, doc.Wrong(nodes[0].Line, "a policy without rules denies everything; write that as a rule", "rules is empty")
	}
	env, err := environment()
	if err != nil {
		return nil, &pitwall.Error{Op: loadOp, Kind: pitwall.Internal, ID: name, Err: err}
	}
	sum := sha256.Sum256(data)
	p := &Policy{name: name, bundle: hex.EncodeToString(sum[:])}
	seen := map[string]int{}
	for i := range file.Rules {
		n := &file.Rules[i]
		r, err := compile(doc, env, n)
		if err != nil {
			return nil, err
		}
		if first, twice := seen[r.Name]; twice {
			return nil, doc.Wrong(n.Line, "", "rule %q is defined twice, first at line %d", r.Name, first)
		}
		seen[r.Name] = n.Line
		p.rules = append(p.rules, r)
	}
	return p, nil
}

func compile(doc strict.Doc, env *cel.Env, n *yaml.Node) (rule, error) {
	var r rule
	if err := doc.Decode(n, &r); err != nil {
		return r, err
	}
	switch {
	case r.Name == "":
		return r, doc.Wrong(n.Line, "", "a rule needs a name")
	case r.Reason == "":
		return r, doc.Wrong(n.Line, "the reason is shown to whoever waits", "rule %q needs a reason", r.Name)
	case r.When.Kind != yaml.ScalarNode || r.When.Value == "":
		return r, doc.Wrong(max(r.When.Line, n.Line), "when: 'true' matches always", "rule %q needs when: a CEL expression", r.Name)
	}
	switch r.Decide {
	case pitwall.DecisionAllow, pitwall.DecisionAsk, pitwall.DecisionDeny:
	default:
		return r, doc.Wrong(n.Line, "known: allow, ask, deny", "rule %q decides %q", r.Name, r.Decide)
	}
	hint := "variables: " + strings.Join(variableNames(), ", ")
	ast, issues := env.Compile(r.When.Value)
	if issues.Err() != nil {
		return r, doc.Wrong(r.When.Line, hint, "rule %q: %s", r.Name, firstIssue(issues))
	}
	if ast.OutputType() != cel.BoolType {
		return r, doc.Wrong(r.When.Line, "compare it with something", "rule %q: when is %s, not true or false", r.Name, ast.OutputType())
	}
	program, err := env.Program(ast, cel.CostLimit(costLimit))
	if err != nil {
		return r, doc.Wrong(r.When.Line, hint, "rule %q: %w", r.Name, err)
	}
	r.program = program
	return r, nil
}

func firstIssue(issues *cel.Issues) string {
	errs := issues.Errors()
	if len(errs) == 0 {
		return issues.Err().Error()
	}
	e := errs[0]
	message := strings.TrimSuffix(e.Message, " (in container '')")
	return fmt.Sprintf("%s (at character %d of the expression)", message, e.Location.Column()+1)
}

// Bundle is the SHA-256 of the policy file in hex; every Decision carries it.
func (p *Policy) Bundle() string { return p.bundle }

// Decide answers one proposal at an instant.
func (p *Policy) Decide(r Request, now time.Time) pitwall.Decision {
	facts := r.facts(now)
	d := pitwall.Decision{Inputs: recorded(facts), Bundle: p.bundle, At: now,
		Result: pitwall.DecisionDeny, Rule: NoMatch, Reason: "no rule of " + p.name + " matches, and what nothing allows is denied"}
	var matched, broken *rule
	var trouble error
	for i := range p.rules {
		rule := &p.rules[i]
		yes, err := rule.matches(facts)
		switch {
		case err != nil && broken == nil:
			broken, trouble = rule, err
		case err == nil && yes && (matched == nil || strictness(rule.Decide) > strictness(matched.Decide)):
			matched = rule
		}
	}
	denied := matched != nil && matched.Decide == pitwall.DecisionDeny
	switch {
	case broken != nil && !denied:
		d.Rule = broken.Name
		d.Reason = fmt.Sprintf("the rule could not be evaluated (%v), and a missing fact denies", trouble)
	case matched != nil:
		d.Result, d.Rule, d.Reason = matched.Decide, matched.Name, matched.Reason
	}
	return d
}

func (r *rule) matches(facts map[string]any) (bool, error) {
	out, _, err := r.program.Eval(facts)
	if err != nil {
		return false, err
	}
	yes, ok := out.Value().(bool)
	if !ok {
		return false, fmt.Errorf("the answer is %v, not true or false", out.Value())
	}
	return yes, nil
}

// strictness orders answers: deny beats ask beats allow.
func strictness(d pitwall.DecisionResult) int {
	switch d {
	case pitwall.DecisionDeny:
		return 2
	case pitwall.DecisionAsk:
		return 1
	default:
		return 0
	}
}
