package route

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/strict"
	"gopkg.in/yaml.v3"
)

// Route sends what it matches to receivers.
type Route struct {
	Match    Match
	To       []string
	Continue bool     // later routes are asked too
	GroupBy  []string // service, slo, owner, label:x, or correlation alone; empty: one group of all
	Wait     time.Duration
	Interval time.Duration
	Repeat   time.Duration // 0: never
	Resolved bool
	After    time.Duration // an alarm must have fired so long
	OnCall   string        // the rotation that has duty
	Source   string        // file:line
}

// Inhibit silences alarms while a worse one fires.
type Inhibit struct {
	By       Words  `yaml:"by"`       // actions that silence
	Silences Words  `yaml:"silences"` // actions that are silenced
	Same     string `yaml:"same"`     // slo (the default) or service
}

// Defaults of a route.
const (
	defaultWait     = 30 * time.Second
	defaultInterval = 5 * time.Minute
	defaultRepeat   = 4 * time.Hour
)

// correlation groups alarms of services that call each other or share a plan.
const correlation = "correlation"

const hint = "see docs/reference/routing.md"

// most bounds each list of a routing file.
const most = 1000

type fileRoute struct {
	Match    Match  `yaml:"match"`
	To       Words  `yaml:"to"`
	Continue bool   `yaml:"continue"`
	GroupBy  *Words `yaml:"group_by"`
	Wait     *Span  `yaml:"wait"`
	Interval *Span  `yaml:"interval"`
	Repeat   *Span  `yaml:"repeat"`
	Resolved *bool  `yaml:"resolved"`
	After    Span   `yaml:"after"`
	OnCall   string `yaml:"on_call"`
}

// Parse reads a routing file. It is strict: every error names file and line.
func Parse(name string, data []byte) (*Routes, error) {
	p := parser{doc: strict.Doc{Op: "reading routing file", File: name, Hint: hint}}
	nodes, err := p.doc.Nodes(data)
	if err != nil {
		return nil, err
	}
	if len(nodes) != 1 || nodes[0].Kind != yaml.MappingNode {
		return nil, p.doc.Wrong(0, "", "expected one document with receivers and routes")
	}
	var file struct {
		Receivers []yaml.Node  `yaml:"receivers"`
		Routes    []yaml.Node  `yaml:"routes"`
		Rotations []yaml.Node  `yaml:"rotations"`
		Quiet     []yaml.Node  `yaml:"quiet"`
		Inhibit   *[]yaml.Node `yaml:"inhibit"`
	}
	if err := p.doc.Decode(nodes[0], &file); err != nil {
		return nil, err
	}
	if max(len(file.Receivers), len(file.Routes), len(file.Rotations), len(file.Quiet)) > most {
		return nil, p.doc.Wrong(0, "", "more than %d of one kind", most)
	}
	if err := each(file.Receivers, p.receiver); err != nil {
		return nil, err
	}
	if err := each(file.Rotations, p.rotation); err != nil {
		return nil, err
	}
	if err := each(file.Routes, p.route); err != nil {
		return nil, err
	}
	if err := p.endsInDefault(nodes[0]); err != nil {
		return nil, err
	}
	if err := each(file.Quiet, p.quiet); err != nil {
		return nil, err
	}
	if file.Inhibit == nil {
		p.out.Inhibit = defaultInhibit()
		return &p.out, nil
	}
	return &p.out, each(*file.Inhibit, p.inhibit)
}

func each(nodes []yaml.Node, read func(n *yaml.Node) error) error {
	for i := range nodes {
		if err := read(&nodes[i]); err != nil {
			return err
		}
	}
	return nil
}

// defaultInhibit lets a page silence what else an objective says.
func defaultInhibit() []Inhibit {
	return []Inhibit{{By: Words{string(pitwall.ActionPage)},
		Silences: Words{string(pitwall.ActionEscalate), string(pitwall.ActionTicket), string(pitwall.ActionInform)}, Same: "slo"}}
}

type parser struct {
	doc strict.Doc
	out Routes
}

// wrong words trouble with the value of a key, at its line.
func (p *parser) wrong(n *yaml.Node, key, format string, args ...any) error {
	return p.doc.Wrong(lineOf(n, key), "", format, args...)
}

func (p *parser) source(n *yaml.Node) string { return fmt.Sprintf("%s:%d", p.doc.File, n.Line) }

func (p *parser) decode(n *yaml.Node, what string, out any) error {
	if n.Kind == yaml.AliasNode {
		return p.doc.Wrong(n.Line, "write the value out", "anchors and aliases are not read here")
	}
	if n.Kind != yaml.MappingNode {
		return p.doc.Wrong(n.Line, "", "expected %s", what)
	}
	return p.doc.Decode(n, out)
}

func (p *parser) receiver(n *yaml.Node) error {
	var r Receiver
	if err := p.decode(n, "a receiver with a name", &r); err != nil {
		return err
	}
	if !plain(r.Name) {
		return p.wrong(n, "name", "a receiver's name is 1 to 100 letters, digits, hyphens, dots and underscores; got %q", r.Name)
	}
	if slices.Contains(names(p.out.Receivers), r.Name) {
		return p.wrong(n, "name", "receiver %q is defined twice", r.Name)
	}
	kinds, missing := r.kinds()
	switch {
	case len(kinds) != 1:
		return p.wrong(n, "name", "receiver %q must have one of alertmanager, pagerduty, slack, ticket, webhook and email; it has %d", r.Name, len(kinds))
	case missing != "":
		return p.wrong(n, kinds[0], "receiver %q: %s needs %s", r.Name, kinds[0], missing)
	}
	for _, u := range r.urls() {
		if fault := badURL(u); fault != "" {
			return p.wrong(n, kinds[0], "receiver %q: %s", r.Name, fault)
		}
	}
	p.out.Receivers = append(p.out.Receivers, r)
	return nil
}

// plain says whether a name can stand in logs, states and addresses as it is.
func plain(name string) bool {
	return name != "" && len(name) <= 100 && !strings.ContainsFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.')
	})
}

func names(list []Receiver) (all []string) {
	for _, r := range list {
		all = append(all, r.Name)
	}
	return all
}

func (p *parser) route(n *yaml.Node) error {
	var f fileRoute
	if err := p.decode(n, "a route with to", &f); err != nil {
		return err
	}
	r := Route{Match: f.Match, To: f.To, Continue: f.Continue, GroupBy: []string{"service"}, Resolved: f.Resolved == nil || *f.Resolved,
		Wait: or(f.Wait, defaultWait), Interval: or(f.Interval, defaultInterval), Repeat: or(f.Repeat, defaultRepeat),
		After: time.Duration(f.After), OnCall: f.OnCall, Source: p.source(n)}
	if f.GroupBy != nil {
		r.GroupBy = *f.GroupBy
	}
	if f.To == nil {
		return p.doc.Wrong(n.Line, "to: [] for a route that tells nobody", "a route needs to: names of receivers")
	}
	if fault := f.Match.fault(); fault != "" {
		return p.wrong(n, "match", "%s", fault)
	}
	for i, to := range r.To {
		if all := names(p.out.Receivers); !slices.Contains(all, to) {
			return p.wrong(n, "to", "no receiver is named %q%s", to, strict.Nearest(to, all))
		}
		if slices.Contains(r.To[:i], to) {
			return p.wrong(n, "to", "receiver %q is named twice", to)
		}
	}
	if fault := groupFault(r.GroupBy); fault != "" {
		return p.wrong(n, "group_by", "%s", fault)
	}
	if _, known := p.out.rotation(r.OnCall); r.OnCall != "" && !known {
		return p.wrong(n, "on_call", "no rotation is named %q%s", r.OnCall, strict.Nearest(r.OnCall, p.out.rotationNames()))
	}
	if r.Repeat > 0 && r.Repeat < r.Interval {
		return p.wrong(n, "repeat", "repeat %s is shorter than interval %s, so it cannot be kept", spanText(r.Repeat), spanText(r.Interval))
	}
	p.out.Routes = append(p.out.Routes, r)
	return nil
}

func or(s *Span, fallback time.Duration) time.Duration {
	if s == nil {
		return fallback
	}
	return time.Duration(*s)
}

func groupFault(by []string) string {
	known := []string{"service", "slo", "owner", correlation}
	for i, g := range by {
		switch label, isLabel := strings.CutPrefix(g, "label:"); {
		case slices.Contains(by[:i], g):
			return fmt.Sprintf("group_by names %q twice", g)
		case g == correlation && len(by) > 1:
			return "group_by: correlation stands alone"
		case isLabel && label != "", slices.Contains(known, g):
		default:
			return fmt.Sprintf("unknown group_by %q%s", g, strict.Nearest(g, append(known, "label:")))
		}
	}
	return ""
}

// endsInDefault asks for a last route that takes everything, so that what is
// told to nobody is told to nobody on purpose.
func (p *parser) endsInDefault(n *yaml.Node) error {
	last := len(p.out.Routes) - 1
	for i, r := range p.out.Routes {
		if r.Match.empty() && !r.Continue && i < last {
			return p.wrong(n, "routes", "the route at %s takes everything, so the one at %s is never asked", r.Source, p.out.Routes[i+1].Source)
		}
	}
	if last < 0 || !p.out.Routes[last].Match.empty() {
		return p.doc.Wrong(lineOf(n, "routes"), "end with {to: [receiver]} or {to: []}", "the last route must have no match, so that nothing falls through unseen")
	}
	return nil
}

func lineOf(n *yaml.Node, key string) int {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i].Line
		}
	}
	return n.Line
}

func (p *parser) inhibit(n *yaml.Node) error {
	var v Inhibit
	if err := p.decode(n, "an inhibition with by and silences", &v); err != nil {
		return err
	}
	if v.Same == "" {
		v.Same = "slo"
	}
	if len(v.By) == 0 || len(v.Silences) == 0 {
		return p.wrong(n, "by", "an inhibition needs by and silences: lists of actions")
	}
	if fault := actionFault(slices.Concat(v.By, v.Silences)); fault != "" {
		return p.wrong(n, "by", "%s", fault)
	}
	for _, by := range v.By {
		for _, s := range v.Silences {
			if pitwall.Action(by).Rank() >= pitwall.Action(s).Rank() {
				return p.wrong(n, "silences", "%s cannot silence %s: only a worse action silences", by, s)
			}
		}
	}
	if v.Same != "slo" && v.Same != "service" {
		return p.wrong(n, "same", "same is slo or service, not %q", v.Same)
	}
	p.out.Inhibit = append(p.out.Inhibit, v)
	return nil
}
