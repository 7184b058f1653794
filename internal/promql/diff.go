package promql

import (
	"fmt"
	"slices"
	"strings"
)

// Diff says how two files of rules differ in what they mean: which rules one has
// and the other has not, by group, name, expression (see Equal), labels,
// annotations and times. The order of groups and rules does not count. Nothing
// is the answer for files that do the same.
func Diff(want, got []Rules) []string {
	left, right := flat(want), flat(got)
	var list []string
	for _, w := range left {
		i := slices.IndexFunc(right, w.same)
		if i < 0 {
			list = append(list, "- "+w.String())
			continue
		}
		right = slices.Delete(right, i, i+1)
	}
	for _, g := range right {
		list = append(list, "+ "+g.String())
	}
	return list
}

// placed is a rule with its group.
type placed struct {
	Rule
	group    string
	interval string
	expr     Expr
	parsed   bool
}

func flat(files []Rules) []placed {
	var list []placed
	for _, f := range files {
		for _, g := range f.Groups {
			for _, r := range g.Rules {
				e, err := Parse(r.Expr)
				list = append(list, placed{r, g.Name, Duration(g.Interval), e, err == nil})
			}
		}
	}
	return list
}

func (p placed) same(q placed) bool {
	if p.group != q.group || p.interval != q.interval || p.Record != q.Record || p.Alert != q.Alert || p.For != q.For ||
		!slices.Equal(p.Labels, q.Labels) || !slices.Equal(p.Annotations, q.Annotations) || p.parsed != q.parsed {
		return false
	}
	if !p.parsed {
		return strings.TrimSpace(p.Expr) == strings.TrimSpace(q.Expr)
	}
	return Equal(p.expr, q.expr)
}

func (p placed) String() string {
	text := p.Expr
	if p.parsed {
		text = p.expr.String()
	}
	return fmt.Sprintf("%s (every %s): %s%s = %s for %s labels %v annotations %v", p.group, p.interval, p.Record, p.Alert, text, Duration(p.For), p.Labels, p.Annotations)
}
