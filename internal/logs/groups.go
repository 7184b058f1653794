package logs

import (
	"cmp"
	"slices"
	"time"

	"github.com/pitwall/pitwall"
)

// key is what a pattern is compared by. Severities of one range are one.
type key struct {
	service  pitwall.ServiceName
	severity pitwall.LogSeverity // of 4: error, warning and so on
	template string
}

// group is the counts of one key in both periods.
type group struct {
	key
	ids           []string
	severity      pitwall.LogSeverity
	example       string
	before, after int64
	phi           float64
	first, last   time.Time

	p, weighted float64
	tested      bool
}

// groups adds up the patterns of both periods by service, severity and
// template, in a fixed order.
func (c Comparison) groups() []group {
	of := map[key]*group{}
	add := func(p pitwall.LogPattern, before, after int64) {
		if p.Count <= 0 {
			return
		}
		g := group{
			key: key{p.Service, (p.Severity + 3) / 4, p.Template}, ids: []string{p.ID}, severity: p.Severity, example: p.Example,
			before: before, after: after, phi: max(1, c.Phi[p.ID]), first: p.First, last: p.Last,
		}
		if old := of[g.key]; old != nil {
			old.add(g)
			return
		}
		of[g.key] = &g
	}
	for _, p := range c.After { // first, so that examples show the present
		add(p, 0, p.Count)
	}
	for _, p := range c.Before {
		add(p, p.Count, 0)
	}
	return sorted(of)
}

func sorted(of map[key]*group) []group {
	groups := make([]group, 0, len(of))
	for _, g := range of {
		slices.Sort(g.ids)
		g.ids = slices.Compact(g.ids)
		groups = append(groups, *g)
	}
	slices.SortFunc(groups, func(x, y group) int {
		return cmp.Or(cmp.Compare(x.service, y.service), cmp.Compare(x.key.severity, y.key.severity), cmp.Compare(x.template, y.template))
	})
	return groups
}

// add takes another group's counts.
func (g *group) add(o group) {
	g.ids = append(g.ids, o.ids...)
	g.severity, g.phi = max(g.severity, o.severity), max(g.phi, o.phi)
	g.example = cmp.Or(g.example, o.example)
	g.before, g.after = g.before+o.before, g.after+o.after
	if g.first.IsZero() || !o.first.IsZero() && o.first.Before(g.first) {
		g.first = o.first
	}
	if o.last.After(g.last) {
		g.last = o.last
	}
}

// mergeRare counts patterns together that are alike but for one word and each
// too rare to be compared: names that look like words, one line for each user.
// Patterns with counts of their own stay alone, so that a new one does not hide
// among old ones.
func mergeRare(groups []group) []group {
	type family struct {
		service  pitwall.ServiceName
		severity pitwall.LogSeverity
	}
	rare := map[family][]string{}
	for _, g := range groups {
		if !g.tested {
			f := family{g.service, g.key.severity}
			rare[f] = append(rare[f], g.template)
		}
	}
	wider := map[family]map[string]string{}
	for f, templates := range rare {
		wider[f] = Generalise(templates)
	}
	of := map[key]*group{}
	for i := range groups {
		g := groups[i]
		if w := wider[family{g.service, g.key.severity}][g.template]; !g.tested && w != "" {
			g.template = w
		}
		if old := of[g.key]; old != nil {
			old.add(g)
			continue
		}
		of[g.key] = &g
	}
	return sorted(of)
}
