package prof

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/pitwall/pitwall"
)

const diffOp = "comparing profiles"

// Options of Diff; the zero value is the recommended one.
type Options struct {
	// MinWindows is the fewest windows a side that are tested; 0 means 3. Eight
	// and more are good.
	MinWindows int
	// MinSamples is the fewest observations, over both sides, with which a
	// function is tested; 0 means 40.
	MinSamples float64
	// Limit bounds the functions returned; 0 means 60. Significant ones are
	// always among them.
	Limit int
}

func (o Options) withDefaults() Options {
	if o.MinWindows <= 0 {
		o.MinWindows = 3
	}
	if o.MinSamples <= 0 {
		o.MinSamples = 40
	}
	if o.Limit <= 0 {
		o.Limit = 60
	}
	return o
}

// Diff says what costs more (or less) per request in head than in base, by
// family and by function.
//
// Each window is a replicate. For a node with c observations in window w the
// rate is (c+½)·quantum/requests(w); Welch's test compares the logarithms of
// base's and head's rates, and Benjamini-Hochberg at 5 % over all nodes tested
// decides. Before and After are plain sums of cost over sums of requests. When
// windows lack request counts they are scaled to each other by median-of-ratios
// size factors instead; Unit then says seconds or bytes a window, and a change
// common to all functions cannot be seen.
//
// Frames come as a person should read them: first those named (Significant),
// strongest evidence first, then the others by the size of their change. A
// function is not named when its change is an echo of another's: see echoes.
//
// Too few windows are not an error: P is 1, nothing is named, and a warning
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
	d := pitwall.FlameDiff{Service: head[0].Service, Type: head[0].Type, Unit: c.unit()}
	families := c.rows(c.families)
	functions := c.rows(c.functions)
	if c.tested {
		decide(families)
		decide(functions)
		c.silenceEchoes(functions)
	}
	d.Families, d.Frames = deltas(families, len(families)), deltas(functions, o.Limit)
	d.Warnings = append(c.warnings, c.verdict(functions)...)
	return Comparison{FlameDiff: d, Sight: c.reach(functions)}, nil
}

// Comparison is what Diff found, and how far it could see.
type Comparison struct {
	pitwall.FlameDiff
	Sight Sight
}

// Sight is how far a comparison could see. "Nothing named" says that nothing
// changed only as far as this.
type Sight struct {
	Before, After int // windows compared on each side
	// More is about how many more windows a side would show a function of 5 % of
	// the profile that grows by 30 %; 0: these would have.
	More int
}

// comparison holds the windows of both sides as columns: base's first.
type comparison struct {
	o         Options
	kind      pitwall.ProfileType
	profiles  []*Profile
	base      int // how many windows are base's
	quantum   float64
	requests  bool      // true: weights are request counts
	weight    []float64 // per window
	total     []float64 // per window
	families  map[string][]float64
	functions map[string][]float64
	tested    bool
	warnings  []string
}

func compare(base, head []pitwall.ProfileWindow, o Options) (*comparison, error) {
	base, head, counted, warnings := countedOnly(base, head, o.MinWindows)
	all := slices.Concat(base, head)
	profiles, err := parseAll(all)
	if err != nil {
		return nil, err
	}
	c := &comparison{
		o: o, kind: all[0].Type, profiles: profiles, base: len(base), requests: counted, warnings: warnings,
		families: map[string][]float64{}, functions: map[string][]float64{},
	}
	for w, p := range profiles {
		f := fold(p)
		c.quantum += p.Quantum / float64(len(profiles))
		c.total = append(c.total, f.Total)
		c.weight = append(c.weight, float64(all[w].Requests))
		for name, v := range f.Families {
			column(c.families, string(name), len(all))[w] = v
		}
		for name, v := range f.Functions {
			column(c.functions, name, len(all))[w] = v.Cumulative
		}
	}
	if !counted {
		c.weight = c.sizes()
	}
	c.tested = min(len(base), len(head)) >= o.MinWindows
	if !c.tested {
		c.warnings = append(c.warnings, fmt.Sprintf("%d windows before and %d after are too few for a test (%d a side at least); nothing can be named", len(base), len(head), o.MinWindows))
	}
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

func column(m map[string][]float64, name string, windows int) []float64 {
	if m[name] == nil {
		m[name] = make([]float64, windows)
	}
	return m[name]
}

// sizes are size factors from the functions' observations.
func (c *comparison) sizes() []float64 {
	var counts [][]float64
	for _, name := range slices.Sorted(maps.Keys(c.functions)) {
		col := make([]float64, len(c.profiles))
		for w, v := range c.functions[name] {
			col[w] = v / c.quantum
		}
		counts = append(counts, col)
	}
	return sizeFactors(counts, len(c.profiles))
}

// unit is per request, or per window of average size without request counts.
func (c *comparison) unit() pitwall.Unit {
	switch {
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
	t, effect float64 // Welch's t, and the mean difference of logarithms
	rates     []float64
	tested    bool
}

func (r row) change() float64 { return r.After - r.Before }

// rows computes every node's two sides; those with enough observations get a p.
func (c *comparison) rows(columns map[string][]float64) []row {
	totalBefore, totalAfter := sum(c.total[:c.base]), sum(c.total[c.base:])
	weightBefore, weightAfter := sum(c.weight[:c.base]), sum(c.weight[c.base:])
	var out []row
	for _, name := range slices.Sorted(maps.Keys(columns)) {
		col := columns[name]
		before, after := sum(col[:c.base]), sum(col[c.base:])
		r := row{FrameDelta: pitwall.FrameDelta{
			Name: name, Before: before / weightBefore, After: after / weightAfter,
			ShareBefore: share(before, totalBefore), ShareAfter: share(after, totalAfter), P: 1,
		}}
		if c.tested && (before+after)/c.quantum >= c.o.MinSamples {
			r.tested = true
			r.rates = make([]float64, len(col))
			logs := make([]float64, len(col))
			for w, v := range col {
				r.rates[w] = (v + c.quantum/2) / c.weight[w]
				logs[w] = math.Log(r.rates[w])
			}
			r.P, r.t = welch(logs[:c.base], logs[c.base:])
			r.effect = mean(logs[c.base:]) - mean(logs[:c.base])
		}
		out = append(out, r)
	}
	return out
}

// decide marks discoveries as significant.
func decide(rows []row) {
	var ps []float64
	for _, r := range rows {
		if r.tested {
			ps = append(ps, r.P)
		}
	}
	limit := discoveries(ps, alpha)
	for i := range rows {
		rows[i].Significant = rows[i].tested && rows[i].P <= limit
	}
}

// deltas orders rows: named ones first by strength of evidence, the others by
// the size of their change.
func deltas(rows []row, limit int) []pitwall.FrameDelta {
	slices.SortStableFunc(rows, func(a, b row) int {
		switch {
		case a.Significant != b.Significant:
			return cmp.Compare(rank(b), rank(a))
		case a.Significant:
			return cmp.Compare(math.Abs(b.t), math.Abs(a.t))
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

func mean(vs []float64) float64 { return sum(vs) / float64(len(vs)) }
