package report

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

// charts are the live ones and, besides them, the ones in the record.
func (m maker) charts() []ChartView {
	out := []ChartView{}
	for i, c := range m.live.Charts {
		out = append(out, m.chart(fmt.Sprintf("live-%d", i+1), c))
	}
	if len(out) > 0 {
		return out
	}
	if d := m.p.Diagnosis; d != nil {
		for i, c := range d.Charts {
			out = append(out, m.chart(fmt.Sprintf("diagnosis-%d", i+1), c))
		}
	}
	return out
}

func (m maker) chartBlock(id string, c pitwall.Chart) Block {
	v := m.chart(id, c)
	return Block{Kind: "chart", Title: c.Title, Chart: &v}
}

// chart adds the plan's own moments as marks, and a summary in words for those
// who cannot see the lines.
func (m maker) chart(id string, c pitwall.Chart) ChartView {
	from, to := chartRange(c)
	marks := append([]pitwall.ChartMark{}, c.Marks...)
	for _, mark := range m.planMarks() {
		if mark.T >= from && mark.T <= to {
			marks = append(marks, mark)
		}
	}
	c.Marks = marks
	return chartView(id, c)
}

// chartView makes a chart safe for the wire: lists are never null, every time
// has a value or a gap, and what is not a number is a gap.
func chartView(id string, c pitwall.Chart) ChartView {
	series := make([]pitwall.ChartSeries, 0, len(c.Series))
	for _, s := range c.Series {
		n := pitwall.ChartSeries{Name: s.Name, T: append([]int64{}, s.T...), V: make([]*float64, len(s.T))}
		for i := range n.V {
			if i < len(s.V) && s.V[i] != nil && finite(*s.V[i]) {
				n.V[i] = s.V[i]
			}
		}
		series = append(series, n)
	}
	c.Series = series
	if c.Marks == nil {
		c.Marks = []pitwall.ChartMark{}
	}
	if c.Limit != nil && !finite(*c.Limit) {
		c.Limit = nil
	}
	if c.Band != nil && !(finite(c.Band[0]) && finite(c.Band[1])) {
		c.Band = nil
	}
	return ChartView{ID: id, Summary: chartSummary(c), Chart: c}
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

func (m maker) planMarks() []pitwall.ChartMark {
	var marks []pitwall.ChartMark
	for _, s := range []pitwall.State{pitwall.Opened, pitwall.Diagnosed, pitwall.Canarying, pitwall.RolledBack} {
		if t, ok := m.p.Reached[s]; ok {
			marks = append(marks, pitwall.ChartMark{T: t.UnixMilli(), Label: stateName(s), Kind: "plan"})
		}
	}
	if m.p.PromotedAt != nil {
		marks = append(marks, pitwall.ChartMark{T: m.p.PromotedAt.UnixMilli(), Label: "Promoted", Kind: "plan"})
	}
	return marks
}

func chartRange(c pitwall.Chart) (from, to int64) {
	for _, s := range c.Series {
		for _, t := range s.T {
			if from == 0 || t < from {
				from = t
			}
			to = max(to, t)
		}
	}
	return from, to
}

// chartSummary says per line where it starts, its greatest value, and where it ends.
func chartSummary(c pitwall.Chart) string {
	var parts []string
	for _, s := range c.Series {
		var first, last, most *float64
		gaps := 0
		for _, v := range s.V {
			if v == nil {
				gaps++
				continue
			}
			if first == nil {
				first = v
			}
			if most == nil || *v > *most {
				most = v
			}
			last = v
		}
		if first == nil {
			parts = append(parts, s.Name+": "+noData)
			continue
		}
		text := fmt.Sprintf("%s starts at %s, is %s at most, ends at %s", s.Name, Value(*first, c.Unit), Value(*most, c.Unit), Value(*last, c.Unit))
		if gaps > 0 {
			text += ", " + plural(gaps, "point", "points") + " without data"
		}
		parts = append(parts, text)
	}
	for _, mark := range c.Marks {
		if mark.From < mark.To {
			parts = append(parts, fmt.Sprintf("%s between %s and %s UTC", mark.Label, clock(time.UnixMilli(mark.From), time.UTC), clock(time.UnixMilli(mark.To), time.UTC)))
		}
	}
	if c.Limit != nil {
		parts = append(parts, "limit "+Value(*c.Limit, c.Unit))
	}
	if c.Band != nil {
		parts = append(parts, fmt.Sprintf("baseline between %s and %s", Value(c.Band[0], c.Unit), Value(c.Band[1], c.Unit)))
	}
	if len(parts) == 0 {
		return noData
	}
	return strings.Join(parts, "; ") + "."
}
