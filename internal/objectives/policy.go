package objectives

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/objectives/openslo"
	"github.com/pitwall/pitwall/internal/slo"
	"github.com/pitwall/pitwall/internal/strict"
	"gopkg.in/yaml.v3"
)

// KindBurnPolicy is Pitwall's own kind: a named set of tiers as code.
const KindBurnPolicy = "BurnPolicy"

// BurnPolicy is a set of tiers that objectives name as their preset.
type BurnPolicy struct {
	Name   string
	Tiers  []pitwall.BurnTier // worst first
	Source string             // file:line
}

// policyFile is a burn policy as people write it.
type policyFile struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
	Metadata   struct {
		Name        string            `yaml:"name"`
		DisplayName string            `yaml:"displayName,omitempty"`
		Labels      map[string]string `yaml:"labels,omitempty"`
		Annotations map[string]string `yaml:"annotations,omitempty"`
	} `yaml:"metadata"`
	Spec struct {
		Description string      `yaml:"description,omitempty"`
		Tiers       []yaml.Node `yaml:"tiers"`
	} `yaml:"spec"`
}

// tierFile is a tier as people write it. Pointers tell what is missing from zero.
type tierFile struct {
	Name        string   `yaml:"name"`
	When        string   `yaml:"when,omitempty"`
	Factor      *float64 `yaml:"factor,omitempty"`
	Percent     *float64 `yaml:"percent,omitempty"`
	Of          string   `yaml:"of,omitempty"`
	Within      string   `yaml:"within,omitempty"`
	Long        string   `yaml:"long,omitempty"`
	Short       string   `yaml:"short,omitempty"`
	For         string   `yaml:"for,omitempty"`
	Action      string   `yaml:"action"`
	OpenPlan    bool     `yaml:"openPlan,omitempty"`
	HaltDeploys string   `yaml:"haltDeploys,omitempty"`
	MinBad      uint64   `yaml:"minBad,omitempty"`
	MinEvents   uint64   `yaml:"minEvents,omitempty"`
	Alpha       float64  `yaml:"alpha,omitempty"`
}

// own reads an object of Pitwall's own kinds.
func (r *reader) own(doc strict.Doc, n *yaml.Node) {
	doc.Hint = "see docs/reference/objectives.md"
	fail := func(err error) { r.errs = append(r.errs, err) }
	if kind := topLevel(n, "kind"); kind != KindBurnPolicy {
		fail(doc.Wrong(n.Line, "known in "+ownVersion+": "+KindBurnPolicy, "unknown kind %q%s", kind, strict.Nearest(kind, []string{KindBurnPolicy})))
		return
	}
	var file policyFile
	if err := doc.Decode(n, &file); err != nil {
		fail(err)
		return
	}
	p := BurnPolicy{Name: file.Metadata.Name, Source: fmt.Sprintf("%s:%d", doc.File, n.Line)}
	switch first, twice := r.policies[p.Name]; {
	case p.Name == "" || openslo.Slug(p.Name) != p.Name:
		fail(doc.Wrong(n.Line, "lower-case letters, digits and dashes", "metadata.name %q is no name", p.Name))
		return
	case twice:
		fail(doc.Wrong(n.Line, "", "BurnPolicy %q is defined twice, first at %s", p.Name, first.Source))
		return
	case builtIn(p.Name):
		fail(doc.Wrong(n.Line, "choose another name", "%q is a preset that comes with Pitwall", p.Name))
		return
	case len(file.Spec.Tiers) == 0:
		fail(doc.Wrong(n.Line, "", "spec.tiers is empty"))
		return
	}
	names := map[string]bool{}
	for i := range file.Spec.Tiers {
		t, err := readTier(doc, &file.Spec.Tiers[i])
		if err == nil && names[t.Name] {
			err = doc.Wrong(file.Spec.Tiers[i].Line, "names are unique in a policy", "tier %q is defined twice", t.Name)
		}
		if err != nil {
			fail(err)
			continue
		}
		names[t.Name] = true
		p.Tiers = append(p.Tiers, t)
	}
	p.Tiers = worstFirst(p.Tiers)
	r.policies[p.Name] = p
	r.set.Presets = append(r.set.Presets, p)
}

func builtIn(name string) bool { return slices.Contains(slo.Presets(), name) }

// grammar says what the conditions need and what has no meaning for them.
func grammar() map[pitwall.ConditionKind]struct{ need, may string } {
	return map[pitwall.ConditionKind]struct{ need, may string }{
		pitwall.WhenBurn:        {"factor long", "short"},
		pitwall.WhenSpent:       {"percent", "of long"},
		pitwall.WhenExhaustion:  {"within long", "of factor"},
		pitwall.WhenRemaining:   {"percent", ""},
		pitwall.WhenProjected:   {"percent of", "within factor long"},
		pitwall.WhenTrafficLost: {"short", ""},
	}
}

func readTier(doc strict.Doc, n *yaml.Node) (pitwall.BurnTier, error) {
	var f tierFile
	if err := doc.Decode(n, &f); err != nil {
		return pitwall.BurnTier{}, err
	}
	t := pitwall.BurnTier{Name: f.Name, When: pitwall.ConditionKind(f.When), Of: pitwall.BudgetOf(f.Of), Action: pitwall.Action(f.Action),
		OpensPlan: f.OpenPlan, Halt: pitwall.Halt(f.HaltDeploys), MinBad: f.MinBad, MinEvents: f.MinEvents, Alpha: f.Alpha}
	if err := words(doc, n, &t); err != nil {
		return t, err
	}
	given := map[string]bool{"factor": f.Factor != nil, "percent": f.Percent != nil, "of": f.Of != "", "within": f.Within != "", "long": f.Long != "", "short": f.Short != ""}
	rules := grammar()[cond(t)]
	for _, name := range []string{"factor", "percent", "of", "within", "long", "short"} {
		needed, allowed := has(rules.need, name), has(rules.may, name)
		switch {
		case needed && !given[name]:
			return t, doc.Wrong(n.Line, "", "tier %q: %s is missing, a condition on %s needs it", t.Name, name, cond(t))
		case given[name] && !needed && !allowed:
			return t, doc.Wrong(n.Line, "leave it out", "tier %q: %s means nothing for a condition on %s", t.Name, name, cond(t))
		}
	}
	for _, d := range []struct {
		name, text string
		to         *time.Duration
	}{{"within", f.Within, &t.Within}, {"long", f.Long, &t.Long}, {"short", f.Short, &t.Short}, {"for", f.For, &t.For}} {
		if d.text == "" {
			continue
		}
		v, ok := readLength(d.text)
		if !ok {
			return t, doc.Wrong(n.Line, "such as 90s, 15m, 6h, 3d or 1d12h", "tier %q: %s %q is not a duration", t.Name, d.name, d.text)
		}
		*d.to = v
	}
	if cond(t) == pitwall.WhenBurn && t.Short == 0 {
		t.Short = t.Long / 12 // the workbook's relation
	}
	return t, numbers(doc, n, f, &t)
}

func cond(t pitwall.BurnTier) pitwall.ConditionKind { return cmp.Or(t.When, pitwall.WhenBurn) }

func has(list, word string) bool { return slices.Contains(strings.Fields(list), word) }

// words checks what is one of a few.
func words(doc strict.Doc, n *yaml.Node, t *pitwall.BurnTier) error {
	if t.Name == "" || openslo.Slug(t.Name) != t.Name {
		return doc.Wrong(n.Line, "lower-case letters, digits and dashes", "a tier has the name %q", t.Name)
	}
	for _, w := range []struct {
		field, word string
		known       []string
		need        bool
	}{
		{"when", string(t.When), []string{"burn", "spent", "exhaustion", "remaining", "projected", "traffic-lost"}, false},
		{"of", string(t.Of), []string{"window", "day", "period", "remaining"}, false},
		{"action", string(t.Action), []string{"page", "escalate", "ticket", "inform"}, true},
		{"haltDeploys", string(t.Halt), []string{"risky", "all"}, false},
	} {
		if w.word == "" && !w.need || slices.Contains(w.known, w.word) {
			continue
		}
		return doc.Wrong(n.Line, "one of "+strings.Join(w.known, ", "), "tier %q: %s %q is not known%s", t.Name, w.field, w.word, strict.Nearest(w.word, w.known))
	}
	return nil
}

func numbers(doc strict.Doc, n *yaml.Node, f tierFile, t *pitwall.BurnTier) error {
	for _, v := range []struct {
		name string
		from *float64
		to   *float64
		ok   func(float64) bool
	}{
		{"factor", f.Factor, &t.Factor, func(v float64) bool { return v > 0 && v <= 1e6 }},
		{"percent", f.Percent, &t.Percent, func(v float64) bool { return v >= 0 && v <= 1e6 }},
		{"alpha", &f.Alpha, &t.Alpha, func(v float64) bool { return v >= 0 && v < 1 }},
	} {
		if v.from == nil {
			continue
		}
		if math.IsNaN(*v.from) || !v.ok(*v.from) {
			return doc.Wrong(n.Line, "", "tier %q: %s %v is out of range", t.Name, v.name, *v.from)
		}
		*v.to = *v.from
	}
	switch {
	case cond(*t) == pitwall.WhenBurn && t.Short > t.Long:
		return doc.Wrong(n.Line, "short tells that it still burns; long/12 is usual", "tier %q: short %v is longer than long %v", t.Name, t.Short, t.Long)
	case cond(*t) == pitwall.WhenSpent && t.Of != pitwall.OfDay && t.Long == 0:
		return doc.Wrong(n.Line, "only of: day knows by itself since when", "tier %q: long is missing", t.Name)
	}
	return nil
}

// readLength reads a length such as 90s, 15m, 6h, 3d or 1d12h.
func readLength(s string) (time.Duration, bool) {
	units := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour}
	var sum time.Duration
	for s != "" {
		i := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' })
		if i <= 0 || i > 9 {
			return 0, false
		}
		unit, ok := units[s[i]]
		n, err := strconv.Atoi(s[:i])
		if !ok || err != nil || time.Duration(n) > longestWindow/unit {
			return 0, false
		}
		sum += time.Duration(n) * unit
		s = s[i+1:]
	}
	return sum, sum > 0 && sum <= longestWindow
}

// writeLength is the inverse of readLength.
func writeLength(d time.Duration) string {
	var b strings.Builder
	for _, u := range []struct {
		name string
		d    time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}} {
		if n := d / u.d; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, u.name)
			d -= n * u.d
		}
	}
	return b.String()
}
