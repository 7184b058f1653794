package prof

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/pitwall/pitwall"
)

const diffOp = "comparing profiles"

// Options of Diff; the zero value is the recommended one.
type Options struct {
	// MinWindows is the fewest windows a side that are tested; 0 means 3, and 2 is
	// the least. Eight and more are good.
	MinWindows int
	// MinSamples is the fewest observations, over both sides, with which a
	// function is tested; 0 means 40.
	MinSamples float64
	// Count compares how often (objects allocated, waits), not how much.
	Count bool
	// Part and Rise say which change matters: a function that is this part of the
	// profile and grows by so much. 0 means 0.05 and 0.3. They decide between
	// "same" and "inconclusive", never what is named.
	Part, Rise float64
	// Limit bounds the functions returned; 0 means 60. Significant ones are
	// always among them.
	Limit int
}

func (o Options) withDefaults() Options {
	if o.MinWindows <= 0 {
		o.MinWindows = 3
	}
	o.MinWindows = max(2, o.MinWindows)
	if o.MinSamples <= 0 {
		o.MinSamples = 40
	}
	if o.Part <= 0 || o.Part >= 1 {
		o.Part = 0.05
	}
	if o.Rise <= 0 {
		o.Rise = 0.3
	}
	if o.Limit <= 0 {
		o.Limit = 60
	}
	return o
}

// Diff says what costs more (or less) per request in head than in base, by
// family and by function.
//
// Each window is a replicate. A node's rate is its cost over the requests, sums
// over sums; Welch's test compares the logarithms of base's and head's rates.
// The variance of each comes from how far its windows lie from it, moderated by
// what all functions together say of it (see learn), which is worth many more
// windows where there are few. Benjamini-Hochberg at 5 % over all nodes tested
// decides; see judge.
//
// When windows lack request counts they are scaled to each other by
// median-of-ratios size factors instead; Unit then says seconds or bytes a
// window, and a change common to all functions cannot be seen. What is held at
// a moment (heap, goroutines) is compared as it is, not per request.
//
// Frames come as a person should read them: first those named (Significant),
// what grew before what shrank, in the order they were found, then the others by
// the size of their change. A function is not named when its change is an echo
// of another's (see echoes), or when its cost only moved (see shifts).
//
// Too few windows are not an error: P is 1, nothing is named, and the verdict
// says what is missing. No windows at all on a side are Inconclusive.
func Diff(base, head []pitwall.ProfileWindow, o Options) (Comparison, error) {
	if len(base) == 0 || len(head) == 0 {
		e := pitwall.Errorf(pitwall.Inconclusive, diffOp, "%d windows before and %d after", len(base), len(head))
		e.Hint = "profiles are scraped from /debug/pprof; check the pprof sources of the service"
		return Comparison{}, e
	}
	o = o.withDefaults()
	c, err := compare(base, head, o)
	if err != nil {
		return Comparison{}, err
	}
	c.whole = c.rows([]column{{"", c.total}})[0]
	families, functions := c.rows(c.byFamily()), c.rows(c.byFunction(nil))
	d := Comparison{FlameDiff: pitwall.FlameDiff{Service: head[0].Service, Type: head[0].Type, Unit: c.unit(), Tree: c.tree()}}
	if c.tested {
		c.judge(families, functions)
		d.Shifts = c.shifts(functions)
	}
	d.Whole, d.Sight = c.whole.FrameDelta, c.reach(functions)
	d.Families, d.Frames = deltas(families, len(families)), deltas(functions, o.Limit)
	d.Verdict = c.conclude(d, functions)
	d.Warnings = c.warnings
	for _, s := range d.Shifts {
		d.Warnings = append(d.Warnings, s.text())
	}
	if d.Verdict.Answer != Changed {
		d.Warnings = append(d.Warnings, d.Verdict.Text)
	}
	return d, nil
}

// Comparison is what Diff found, and how far it could see.
type Comparison struct {
	pitwall.FlameDiff
	Whole   pitwall.FrameDelta `json:"whole"` // the whole profile
	Shifts  []Shift            `json:"shifts,omitempty"`
	Sight   Sight              `json:"sight"`
	Verdict Verdict            `json:"verdict"`
}

// comparison is a sheet whose first windows are base's.
type comparison struct {
	*sheet
	o        Options
	kind     pitwall.ProfileType
	base     int       // how many windows are base's
	requests bool      // true: weights are request counts
	weight   []float64 // per window
	tested   bool
	prior    prior
	whole    row
	warnings []string
}

func compare(base, head []pitwall.ProfileWindow, o Options) (*comparison, error) {
	kind := base[0].Type
	c := &comparison{o: o, kind: kind}
	if !Momentary(kind) {
		base, head, c.requests, c.warnings = countedOnly(base, head, o.MinWindows)
	}
	all := slices.Concat(base, head)
	var err error
	if c.sheet, err = newSheet(all, o.Count); err != nil {
		return nil, err
	}
	c.base = len(base)
	for _, w := range all {
		c.weight = append(c.weight, float64(w.Requests))
	}
	switch {
	case Momentary(kind): // what is held at a moment is held, however many requests there were
		for w := range c.weight {
			c.weight[w] = 1
		}
		c.warnings = append(c.warnings, fmt.Sprintf("a %s profile is what is held at one moment: those of one process resemble each other, so p flatters", kind))
	case !c.requests:
		c.weight = c.sizes(c.byFunction(nil))
	}
	c.tested = min(len(base), len(head)) >= o.MinWindows && sum(c.total) > 0
	return c, nil
}

// countedOnly leaves windows without a request count out, as long as enough
// with one remain on both sides.
func countedOnly(base, head []pitwall.ProfileWindow, least int) (b, h []pitwall.ProfileWindow, counted bool, warnings []string) {
	unknown := func(w pitwall.ProfileWindow) bool { return w.Requests <= 0 }
	b = slices.DeleteFunc(slices.Clone(base), unknown)
	h = slices.DeleteFunc(slices.Clone(head), unknown)
	left := len(base) + len(head) - len(b) - len(h)
	switch {
	case left == 0:
		return b, h, true, nil
	case min(len(b), len(h)) >= least:
		return b, h, true, []string{fmt.Sprintf("%d windows without a request count are left out", left)}
	default:
		return base, head, false, []string{fmt.Sprintf("%d of %d windows have no request count: windows are scaled to each other by their typical function, so a change common to all functions cannot be seen", left, len(base)+len(head))}
	}
}

// unit is per request, or per window of average size without request counts.
func (c *comparison) unit() pitwall.Unit {
	switch {
	case c.o.Count:
		return pitwall.UnitCount
	case c.kind == pitwall.ProfileHeap:
		return pitwall.UnitBytes
	case c.kind == pitwall.ProfileGoroutine:
		return pitwall.UnitCount
	case c.kind == pitwall.ProfileAlloc && c.requests:
		return pitwall.UnitBytesPerReq
	case c.kind == pitwall.ProfileAlloc:
		return pitwall.UnitBytes
	case c.kind == pitwall.ProfileCPU && c.requests:
		return pitwall.UnitCPUPerReq
	default: // CPU a window, or waiting a request
		return pitwall.UnitSeconds
	}
}

// row is a node while it is being judged.
type row struct {
	pitwall.FrameDelta
	outcome               // per unit of work
	share         outcome // of the whole
	cost          []float64
	before, after half
	tested        bool
	order         int // in which it was named
}

func (r row) change() float64 { return r.After - r.Before }

// rows computes every node's two sides; those with enough observations are to
// be tested.
func (c *comparison) rows(columns []column) []row {
	totalBefore, totalAfter := c.sides(c.total)
	var out []row
	for _, col := range columns {
		r := row{cost: col.cost, outcome: outcome{p: 1}, FrameDelta: pitwall.FrameDelta{Name: col.name, P: 1}}
		r.Before, r.After = c.sides(col.cost)
		r.ShareBefore, r.ShareAfter = share(r.Before, totalBefore), share(r.After, totalAfter)
		if c.tested && sum(col.cost)/c.quantum >= c.o.MinSamples {
			r.tested = true
			r.before, r.after = c.halves(col.cost, c.weight)
		}
		out = append(out, r)
	}
	return out
}

// sides gives a column per unit of weight, before and after.
func (c *comparison) sides(cost []float64) (before, after float64) {
	return sum(cost[:c.base]) / sum(c.weight[:c.base]), sum(cost[c.base:]) / sum(c.weight[c.base:])
}

// deltas orders rows: named ones first by strength of evidence, the others by
// the size of their change.
func deltas(rows []row, limit int) []pitwall.FrameDelta {
	slices.SortStableFunc(rows, func(a, b row) int {
		switch {
		case a.Significant != b.Significant:
			return cmp.Compare(rank(b), rank(a))
		case a.Significant:
			return cmp.Or(-cmp.Compare(grown(a), grown(b)), cmp.Compare(a.order, b.order), cmp.Compare(math.Abs(b.t), math.Abs(a.t)))
		default:
			return cmp.Compare(math.Abs(b.change()), math.Abs(a.change()))
		}
	})
	out := make([]pitwall.FrameDelta, 0, min(limit, len(rows)))
	for _, r := range rows {
		if len(out) < limit || r.Significant {
			out = append(out, r.FrameDelta)
		}
	}
	return out
}

func grown(r row) int {
	if r.change() > 0 {
		return 1
	}
	return 0
}

func rank(r row) int {
	if r.Significant {
		return 1
	}
	return 0
}

func sum(vs []float64) float64 {
	total := 0.0
	for _, v := range vs {
		total += v
	}
	return total
}
