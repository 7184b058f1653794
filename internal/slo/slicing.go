package slo

import (
	"time"

	"github.com/pitwall/pitwall"
)

// sliceSum is what the slices of a period were.
type sliceSum struct {
	good, bad, empty uint64
	ratios           float64 // the error ratios of those that had events, added up
	seen             uint64
	counts           pitwall.Counts
	blind            bool // older steps could not be read; the numbers are none
}

// readSlices is a reading of slices of time: bad ones among all, or with
// RatioTimeslices the mean of their error ratios. A slice without events is what
// the objective says of it. Before the first event there are no slices, unless
// empty ones are good.
func (g *gauge) readSlices(p pitwall.Period) measure {
	t := g.sumSlices(p)
	rule := g.sliceRule()
	switch rule.Empty {
	case pitwall.EmptyGood:
		t.good += t.empty
	case pitwall.EmptyBad:
		t.bad += t.empty
		t.ratios += float64(t.empty)
	}
	n := t.good + t.bad
	c := pitwall.Counts{Good: t.good, Bad: t.bad}
	r := measure{counts: t.counts, slices: &c, seen: t.seen, blind: t.blind, trials: c, null: g.share, exact: &g.s.Target,
		bad: float64(t.bad), allowed: g.share * float64(n)}
	if g.s.Budgeting == pitwall.RatioTimeslices && g.s.SLI.Composite == nil {
		r.bad, r.exact = t.ratios, nil
		if n > 0 {
			r.trials = trialsOf(t.ratios/float64(n), float64(n))
		}
	}
	return r
}

// sliceRule is how slices are cut and judged; a composite without a rule of its
// own cuts minutes.
func (g *gauge) sliceRule() pitwall.Slices {
	rule := pitwall.Slices{Length: time.Minute, Target: g.s.Target, Empty: pitwall.EmptyExcluded}
	if g.s.Slices != nil && g.s.Slices.Length > 0 {
		rule = *g.s.Slices
	}
	rule.Length = g.l.whole(rule.Length)
	return rule
}

// sumSlices judges the slices that begin in a period. Those of an objective as
// the ledger keeps it are at hand; for a composite, or a what-if with other
// slices, they are cut anew.
func (g *gauge) sumSlices(p pitwall.Period) sliceSum {
	rule := g.sliceRule()
	cut := cutter{parts: []*gauge{g}, rule: rule, width: int64(rule.Length / g.l.step)}
	if g.s.SLI.Composite != nil {
		cut.parts = nil
		for i := range g.members {
			cut.parts = append(cut.parts, &g.members[i].gauge)
		}
	}
	from, to := g.l.stepsOf(p)
	first, end := ceil(from, cut.width), ceil(to, cut.width)
	if born, ok := cut.born(); !ok {
		return sliceSum{}
	} else if rule.Empty != pitwall.EmptyGood {
		first = max(first, born/cut.width)
	}
	if first >= end {
		return sliceSum{}
	}
	if k := g.l.books[g.s.Name]; k != nil && g.kept(k) {
		t := g.l.slices(g.s.Name, g.l.stretch(first*cut.width, end*cut.width))
		events := g.l.tally(g.s.Name, p)
		t.seen, t.counts, t.blind = events.seen, events.Counts, t.blind || events.blind
		return t
	}
	cut.sum(first, end)
	cut.out.empty -= min(cut.out.empty, cut.skipped(first, end))
	return cut.out
}

// kept says whether the ledger keeps these very slices.
func (g *gauge) kept(k *book) bool {
	own := k.slo.Slices
	return g.s.SLI.Composite == nil && own != nil && own.Length == g.s.Slices.Length && own.Target == g.s.Slices.Target && k.slo.Budgeting == g.s.Budgeting
}

// cutter judges slices by halving: a stretch in which nothing was bad and every
// step was seen, or nothing was seen at all, needs no closer look.
type cutter struct {
	parts []*gauge
	rule  pitwall.Slices
	width int64 // steps of a slice
	out   sliceSum
}

// born is the first step of any part.
func (c *cutter) born() (step int64, ok bool) {
	for _, g := range c.parts {
		if k := g.l.books[g.s.Name]; k != nil && k.born >= 0 && (!ok || k.born < step) {
			step, ok = k.born, true
		}
	}
	return step, ok
}

// skipped is how many slices corrections leave out of some part.
func (c *cutter) skipped(first, end int64) (n uint64) {
	for _, g := range c.parts {
		if k := g.l.books[g.s.Name]; k != nil {
			n = max(n, k.skipped(first, end, c.width))
		}
	}
	return n
}

// sum judges the slices first … end-1.
func (c *cutter) sum(first, end int64) {
	n := uint64(end - first)
	tallies := make([]tally, len(c.parts))
	var all tally
	whole := false
	for i, g := range c.parts {
		t := g.l.tally(g.s.Name, g.l.stretch(first*c.width, end*c.width))
		tallies[i] = t
		all.Good, all.Bad, all.seen = all.Good+t.Good, all.Bad+t.Bad, max(all.seen, t.seen)
		all.blind = all.blind || t.blind
		whole = whole || t.seen == n*uint64(c.width)
	}
	switch {
	case all.blind:
		c.out.blind = true
		return
	case all.Total() == 0:
		c.out.empty += n
		return
	case all.Bad == 0 && whole && (c.rule.Empty != pitwall.EmptyBad || len(c.parts) == 1):
		c.out.good += n
	case n == 1:
		c.judge(tallies, all)
	default:
		middle := first + int64(n)/2
		if n > 2*chunkSteps { // where blocks of steps begin, sums are at hand
			middle = middle / chunkSteps * chunkSteps
		}
		c.sum(first, middle)
		c.sum(middle, end)
		return
	}
	c.out.seen += all.seen
	c.out.counts = c.out.counts.Add(all.Counts)
}

// judge says what one slice was. A ratio of exactly the target is good.
func (c *cutter) judge(tallies []tally, all tally) {
	bad := false
	for i, t := range tallies {
		target := c.rule.Target
		if own := c.parts[i].s.Slices; own != nil {
			target = own.Target
		}
		bad = bad || limitOf(1, target).exceeded(t.Counts) || t.Total() == 0 && c.rule.Empty == pitwall.EmptyBad
	}
	if bad {
		c.out.bad++
	} else {
		c.out.good++
	}
	if e, ok := all.ErrorRatio(); ok {
		c.out.ratios += float64(e)
	}
}

// stretch is the period of the steps from … to-1.
func (l *Ledger) stretch(from, to int64) pitwall.Period {
	return pitwall.Period{From: time.Unix(l.unix(from), 0).UTC(), To: time.Unix(l.unix(to), 0).UTC()}
}

// slicesIn is how many slices begin in a period.
func (g *gauge) slicesIn(p pitwall.Period) float64 {
	from, to := g.l.stepsOf(p)
	width := int64(g.sliceRule().Length / g.l.step)
	return float64(max(0, ceil(to, width)-ceil(from, width)))
}
