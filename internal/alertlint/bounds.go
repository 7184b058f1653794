package alertlint

import (
	"math"
	"slices"
	"strings"

	"github.com/pitwall/pitwall/internal/promql"
)

// bounds are the least and the greatest value an expression can have.
type bounds struct{ low, high float64 }

func unbounded() bounds { return bounds{math.Inf(-1), math.Inf(1)} }
func countable() bounds { return bounds{0, math.Inf(1)} }

// deepest is how far recorded metrics are followed.
const deepest = 8

// of bounds an expression. What is not known may have any value, so that
// "cannot fire" is only said where it is certain.
func (c *corpus) of(n promql.Node) bounds {
	if v, ok := n.Constant(); ok {
		return bounds{v, v}
	}
	switch n.Kind {
	case promql.NodeSelector:
		return c.ofMetric(n)
	case promql.NodeUnary:
		b := c.of(n.Args[0])
		return bounds{-b.high, -b.low}
	case promql.NodeAggregate:
		return c.ofAggregate(n)
	case promql.NodeCall:
		return c.ofCall(n)
	case promql.NodeBinary:
		return c.ofBinary(n)
	}
	return unbounded()
}

// ofMetric follows a recorded metric, and believes names that say "ratio".
func (c *corpus) ofMetric(n promql.Node) bounds {
	if made := c.records[n.Metric]; n.Metric != "" && len(made) > 0 {
		return c.ofRecord(n.Metric, made)
	}
	switch {
	case n.Metric == "up" || n.Metric == "probe_success":
		return bounds{0, 1}
	case ratioByName(n.Metric):
		return bounds{0, 1}
	case counterByName(n.Metric):
		return countable()
	}
	return unbounded()
}

// ofRecord bounds a recorded metric once. One made of itself, or of too long a
// chain of others, may have any value.
func (c *corpus) ofRecord(metric string, made []promql.Node) bounds {
	if b, done := c.ranges[metric]; done {
		return b
	}
	c.ranges[metric] = unbounded()
	if c.depth >= deepest {
		return unbounded()
	}
	c.depth++
	defer func() { c.depth-- }()
	all := bounds{math.Inf(1), math.Inf(-1)}
	for _, m := range made {
		b := c.of(m)
		all = bounds{min(all.low, b.low), max(all.high, b.high)}
	}
	c.ranges[metric] = all
	return all
}

func (c *corpus) ofAggregate(n promql.Node) bounds {
	b := c.of(n.Args[0])
	switch n.Op {
	case "avg", "min", "max", "topk", "bottomk", "quantile", "limitk", "limit_ratio":
		return b
	case "sum":
		if b.low >= 0 {
			return countable()
		}
	case "count", "count_values":
		return bounds{1, math.Inf(1)}
	case "stddev", "stdvar":
		return countable()
	case "group":
		return bounds{1, 1}
	}
	return unbounded()
}

func (c *corpus) ofCall(n promql.Node) bounds {
	switch n.Op {
	case "absent", "absent_over_time", "present_over_time":
		return bounds{1, 1}
	case "rate", "irate", "increase", "changes", "resets", "histogram_count", "abs", "sqrt", "stddev_over_time", "stdvar_over_time", "mad_over_time":
		return countable()
	case "count_over_time":
		return bounds{1, math.Inf(1)}
	case "histogram_fraction":
		return bounds{0, 1}
	case "sgn":
		return bounds{-1, 1}
	case "avg_over_time", "min_over_time", "max_over_time", "last_over_time", "first_over_time", "sort", "sort_desc", "label_replace", "label_join":
		return c.of(n.Args[0])
	case "quantile_over_time":
		return c.of(n.Args[1])
	case "sum_over_time":
		if c.of(n.Args[0]).low >= 0 {
			return countable()
		}
	case "clamp_max":
		if v, ok := n.Args[1].Constant(); ok {
			b := c.of(n.Args[0])
			return bounds{min(b.low, v), min(b.high, v)}
		}
	case "clamp_min":
		if v, ok := n.Args[1].Constant(); ok {
			b := c.of(n.Args[0])
			return bounds{max(b.low, v), max(b.high, v)}
		}
	}
	return unbounded()
}

func (c *corpus) ofBinary(n promql.Node) bounds {
	l, r := n.Args[0], n.Args[1]
	switch n.Op {
	case "and", "unless":
		return c.of(l)
	case "or":
		a, b := c.of(l), c.of(r)
		return bounds{min(a.low, b.low), max(a.high, b.high)}
	case "+":
		a, b := c.of(l), c.of(r)
		return bounds{a.low + b.low, a.high + b.high}.sound()
	case "-":
		a, b := c.of(l), c.of(r)
		return bounds{a.low - b.high, a.high - b.low}.sound()
	case "*":
		return c.of(l).times(c.of(r))
	case "/":
		if part(l, r) {
			return bounds{0, 1}
		}
		if v, ok := r.Constant(); ok && v != 0 {
			return c.of(l).times(bounds{1 / v, 1 / v})
		}
		if c.of(l).low >= 0 && c.of(r).low >= 0 {
			return countable()
		}
	}
	if n.Comparison() {
		if n.Bool {
			return bounds{0, 1}
		}
		return c.of(l)
	}
	return unbounded()
}

// sound gives up on bounds that are no numbers, such as ∞ − ∞.
func (b bounds) sound() bounds {
	if math.IsNaN(b.low) {
		b.low = math.Inf(-1)
	}
	if math.IsNaN(b.high) {
		b.high = math.Inf(1)
	}
	return b
}

func (b bounds) times(o bounds) bounds {
	corners := []float64{b.low * o.low, b.low * o.high, b.high * o.low, b.high * o.high}
	for i, v := range corners {
		if math.IsNaN(v) { // 0 × ∞: a side that is 0 gives 0
			corners[i] = 0
		}
	}
	return bounds{slices.Min(corners), slices.Max(corners)}
}

// part says whether a counts some of what b counts, so that a/b is at most 1: the
// same functions of the same metric, a with at least b's conditions. A histogram
// bucket is a part of its count.
func part(a, b promql.Node) bool {
	if a.Kind != b.Kind || a.Op != b.Op || a.Window != b.Window {
		return false
	}
	switch a.Kind {
	case promql.NodeSelector:
		return partMetric(a, b) && !slices.ContainsFunc(b.Matchers, func(m promql.Matcher) bool { return !slices.Contains(a.Matchers, m) })
	case promql.NodeCall:
		return len(a.Args) == 1 && len(b.Args) == 1 && slices.Contains([]string{"rate", "irate", "increase", "histogram_count"}, a.Op) && part(a.Args[0], b.Args[0])
	case promql.NodeAggregate:
		return (a.Op == "sum" || a.Op == "count") && a.Without == b.Without && sameLabels(a, b) && part(a.Args[0], b.Args[0])
	}
	return false
}

// sameLabels compares groupings; a bucket is grouped by le as well.
func sameLabels(a, b promql.Node) bool {
	names := func(n promql.Node) []string {
		list := slices.DeleteFunc(slices.Clone(n.Labels), func(s string) bool { return s == "le" })
		slices.Sort(list)
		return list
	}
	return slices.Equal(names(a), names(b))
}

func partMetric(a, b promql.Node) bool {
	if a.Metric == "" {
		return false
	}
	if a.Metric == b.Metric {
		return true
	}
	base, bucket := strings.CutSuffix(a.Metric, "_bucket")
	le := slices.ContainsFunc(a.Matchers, func(m promql.Matcher) bool { return m.Name == "le" && m.Op == "=" })
	return bucket && le && b.Metric == base+"_count"
}

// ratioByName says whether a recorded metric's name promises a ratio, as Sloth
// and Pyrra name theirs.
func ratioByName(metric string) bool {
	_, op, recorded := strings.Cut(metric, ":")
	return recorded && (strings.Contains(op, "error:ratio") || strings.Contains(op, "errors:ratio") || strings.HasPrefix(op, "burnrate"))
}

func counterByName(metric string) bool {
	for _, end := range []string{"_total", "_count", "_bucket"} {
		if strings.HasSuffix(metric, end) {
			return true
		}
	}
	return false
}
