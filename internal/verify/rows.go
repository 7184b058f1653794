package verify

import (
	"fmt"
	"math"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/stats"
)

const (
	rounds  = 300  // of a bootstrap
	forP99  = 2000 // requests a side from which a neighbour's p99 is compared:
	forP95  = 400  // a p99 of fewer rests on a handful of them, so a lower
	forP90  = 50   // quantile tells more; with too few nothing is compared
	surely  = 0.99
	usually = 0.95
)

func (c *proof) row(name string, o operation) pitwall.Comparison {
	return pitwall.Comparison{
		Name: name, Service: o.service, Operation: o.name, Goal: "not-worse", P: 1, Verdict: pitwall.NoData,
		Query: fmt.Sprintf("server spans of %s %q from %s to %s against %s to %s", o.service, o.name,
			clock(c.in.BeforePeriod.From), clock(c.in.BeforePeriod.To), clock(c.in.AfterPeriod.From), clock(c.in.AfterPeriod.To)),
	}
}

func clock(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func (c *proof) headlineLatency() pitwall.Comparison {
	row := c.row("p99 "+c.headline.name, c.headline)
	floor := max(c.noise, math.Log1p(leastFloor))
	row.Limit = fmt.Sprintf("≤ baseline + %s (noise floor)", percent(floor))
	b, a := c.before.of(c.headline), c.after.of(c.headline)
	c.latency(&row, comparison{before: b, after: a, q: 0.99, floor: floor, bound: max(floor, math.Log1p(headlineMargin))})
	return row
}

func (c *proof) neighbourLatency(o operation) pitwall.Comparison {
	b, a := c.before.of(o), c.after.of(o)
	few := min(b.n(), a.n())
	q := 0.9
	switch {
	case few >= forP99:
		q = 0.99
	case few >= forP95:
		q = 0.95
	}
	row := c.row(fmt.Sprintf("neighbour p%.0f %s", 100*q, o), o)
	floor := math.Log1p(neighbourMargin)
	if noise, ok := stats.SplitNoise(c.in.Rand, b.blocks(), q, usually); ok {
		floor = max(floor, noise)
	}
	row.Limit = fmt.Sprintf("≤ baseline + %s", percent(floor))
	if few < forP90 {
		row.Control, row.Treatment = b.quantile(q), a.quantile(q)
		c.tooFew(&row, b.n(), a.n())
		return row
	}
	felt := max(leastMaterial, material*c.before.of(c.headline).quantile(0.99).Value)
	row.Limit += fmt.Sprintf(" or %s", time.Duration(felt*1e9).Round(100*time.Microsecond))
	c.latency(&row, comparison{before: b, after: a, q: q, floor: floor, felt: felt})
	return row
}

// tooFew words a neighbour without enough requests: one that is rare anyway
// blocks nothing, one whose traffic is gone does.
func (c *proof) tooFew(row *pitwall.Comparison, before, after int64) {
	expected := 0.0
	if length := c.in.BeforePeriod.Duration(); length > 0 {
		expected = float64(before) * float64(c.in.AfterPeriod.Duration()) / float64(length)
	}
	if expected >= forP90 {
		row.Why = fmt.Sprintf("%d requests where about %.0f were expected: its traffic is gone", after, expected)
		return
	}
	row.Pass = true
	row.Why = fmt.Sprintf("too few requests to judge (%d before, %d after); not held against the fix", before, after)
}

// comparison asks whether a latency quantile moved.
type comparison struct {
	before, after *sample
	q             float64
	floor         float64 // log ratio below which nothing counts
	felt          float64 // seconds below which nothing counts; 0: none
	bound         float64 // a value above the floor is the same only if its interval ends below this; 0: none
}

func (c *proof) latency(row *pitwall.Comparison, x comparison) {
	row.Control, row.Treatment = x.before.quantile(x.q), x.after.quantile(x.q)
	if !row.Control.Known() || !row.Treatment.Known() {
		row.Why = fmt.Sprintf("%d requests before and %d after", row.Control.N, row.Treatment.N)
		return
	}
	r, ok := stats.BootstrapRatio(c.in.Rand, stats.RatioRequest{
		Control: x.before.blocks(), Treatment: x.after.blocks(), Q: x.q, Confidence: usually, Rounds: rounds,
	})
	if !ok {
		r, ok = stats.QuantileRatio(x.before.sorted(), x.after.sorted(), x.q, usually)
	}
	if !ok {
		row.Verdict, row.Why = pitwall.Undecided, "a latency of zero has no ratio"
		return
	}
	r.Value = math.Log(row.Treatment.Value / row.Control.Value) // of the values shown, so that the row adds up
	r.Low, r.High = min(r.Low, r.Value), max(r.High, r.Value)
	row.Change, row.ChangeLow, row.ChangeHigh = r.Change()
	row.Verdict = verdict(r, x.floor)
	if x.bound > 0 && row.Verdict == pitwall.Same && r.Value > x.floor && r.High > x.bound {
		row.Verdict = pitwall.Undecided // an interval that is wide is no proof
	}
	if row.Verdict != pitwall.Same && x.felt > 0 && math.Abs(row.Control.Value*math.Expm1(nearer(r))) < x.felt {
		row.Verdict = pitwall.Same
	}
	row.Pass = row.Verdict == pitwall.Same || row.Verdict == pitwall.Better
	row.Why = fmt.Sprintf("%s → %s (%+.1f %%, 95 %% interval %+.1f to %+.1f %%)", words(row.Control), words(row.Treatment), 100*row.Change, 100*row.ChangeLow, 100*row.ChangeHigh)
	if row.Verdict == pitwall.Undecided {
		row.Why += ": more requests are needed to tell"
	}
}

// verdict holds a log ratio against a floor: a difference counts when its whole
// interval is beyond the floor, and does not when its value is not above it or
// its interval holds none at all.
func verdict(r stats.LogRatio, floor float64) pitwall.Word {
	switch {
	case r.Low > floor:
		return pitwall.Worse
	case r.High < -floor:
		return pitwall.Better
	case r.Value <= floor, r.Low <= 0:
		return pitwall.Same
	}
	return pitwall.Undecided
}

// nearer is the end of the interval that is nearer to no change.
func nearer(r stats.LogRatio) float64 {
	switch {
	case r.Low > 0:
		return r.Low
	case r.High < 0:
		return r.High
	}
	return 0
}

func (c *proof) headlineErrors() pitwall.Comparison {
	row := c.row("error ratio "+c.headline.name, c.headline)
	c.failures(&row, c.before.of(c.headline), c.after.of(c.headline))
	return row
}

func (c *proof) neighbourErrors(o operation) pitwall.Comparison {
	row := c.row("neighbour error ratio "+o.String(), o)
	b, a := c.before.of(o), c.after.of(o)
	c.failures(&row, b, a)
	if row.Verdict == pitwall.NoData {
		c.tooFew(&row, b.n(), a.n())
	}
	return row
}

func (c *proof) failures(row *pitwall.Comparison, b, a *sample) {
	felt := budgetShare * float64(1-c.in.SLO.Target)
	row.Limit = fmt.Sprintf("≤ baseline + %s", pitwall.Ratio(errorMargin))
	row.Control, row.Treatment = share(b.failed, b.n()), share(a.failed, a.n())
	if b.n() == 0 || a.n() == 0 {
		row.Why = fmt.Sprintf("%d requests before and %d after", b.n(), a.n())
		return
	}
	phi := max(b.dispersion(), a.dispersion())
	r := stats.ShareRatio(stats.Share{Hits: b.failed, Trials: b.n()}, stats.Share{Hits: a.failed, Trials: a.n()}, phi, surely)
	if b.failed+a.failed > 0 {
		row.Change, row.ChangeLow, row.ChangeHigh = r.Change()
	}
	row.Verdict = pitwall.Same
	switch margin := math.Log1p(errorMargin); {
	case r.Low > margin && row.Treatment.Value-row.Control.Value >= felt:
		row.Verdict = pitwall.Worse
	case r.High < -margin:
		row.Verdict = pitwall.Better
	}
	row.Pass = row.Verdict != pitwall.Worse
	row.Why = fmt.Sprintf("%d of %d failed before, %d of %d after", b.failed, b.n(), a.failed, a.n())
}

// objective asks whether the indicator is back inside its objective, or back at
// a baseline that missed it already.
func (c *proof) objective() pitwall.Comparison {
	row := c.row("objective "+string(c.in.SLO.Name), c.headline)
	row.Limit = fmt.Sprintf("≥ %s good", c.in.SLO.Target)
	threshold := c.in.SLO.SLI.Threshold
	if c.in.SLO.SLI.Kind == pitwall.SLIAvailability {
		threshold = 0
	}
	goodB, nB := within(c.in.Before, c.in.BeforePeriod, c.headline, threshold)
	goodA, nA := within(c.in.After, c.in.AfterPeriod, c.headline, threshold)
	row.Control, row.Treatment = share(goodB, nB), share(goodA, nA)
	if nA == 0 {
		row.Why = "no requests after the fix"
		return row
	}
	target := float64(c.in.SLO.Target)
	row.Why = fmt.Sprintf("%s good of %d requests", pitwall.Ratio(row.Treatment.Value), nA)
	if c.in.BudgetAfter.Known {
		row.Why += fmt.Sprintf("; %s of the budget is spent", c.in.BudgetAfter.Spent)
	}
	switch {
	case row.Treatment.Value >= target:
		row.Verdict, row.Pass = pitwall.Same, true
	case nB > 0 && row.Control.Value < target && back(goodB, nB, goodA, nA):
		row.Verdict, row.Pass = pitwall.Same, true
		row.Why += "; the baseline missed the objective already, and it is back there"
	case row.Treatment.High >= target:
		row.Verdict = pitwall.Undecided
		row.Why += "; more requests are needed to tell whether that is inside"
	default:
		row.Verdict = pitwall.Worse
	}
	return row
}

func back(goodB, nB, goodA, nA int64) bool {
	r := stats.ShareRatio(stats.Share{Hits: nB - goodB, Trials: nB}, stats.Share{Hits: nA - goodA, Trials: nA}, 1, usually)
	return r.Low <= math.Log1p(errorMargin)
}

// percent prints a log ratio as a relative change.
func percent(log float64) string { return fmt.Sprintf("%.1f %%", 100*math.Expm1(log)) }
