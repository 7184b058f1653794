package detect

import (
	"fmt"
	"math"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/stats"
)

const (
	fewestToConfirm = 3    // points: one outlier and its neighbour confirm nothing
	halfway         = 0.5  // an effect is explained, or gone, when more than half of it is
	mostRelative    = 1e9  // effects and numbers of points are cut there, so that they stay numbers in JSON
	wrongSide       = 0.05 // chance that the mean of the confirming points lies on the wrong side of halfway
)

// sound gives a candidate numbers that can be compared and stored, and says
// whether anything is known at all.
func (c Candidate) sound() (Candidate, bool) {
	if !finite(c.Effect) {
		c.Effect, c.EffectLow, c.EffectHigh = differenceOver(c.Before.Value, c.After.Value), 0, 0
	}
	if !finite(c.EffectLow) || !finite(c.EffectHigh) || c.EffectLow > c.EffectHigh {
		c.EffectLow, c.EffectHigh = 0, 0
	}
	for _, v := range [...]*float64{&c.Effect, &c.EffectLow, &c.EffectHigh, &c.Recent, &c.Season, &c.Load, (*float64)(&c.Telemetry.Before), (*float64)(&c.Telemetry.After)} {
		*v = cut(*v)
	}
	for _, m := range [...]*pitwall.Measure{&c.Before, &c.After} {
		if !finite(m.Value) {
			*m = pitwall.Measure{Unit: m.Unit}
		}
		if !finite(m.Low) || !finite(m.High) {
			m.Low, m.High = 0, 0
		}
	}
	known := !c.Onset.At.IsZero() && c.Effect != 0 && (c.LogE != 0 || c.P > 0 && c.P <= 1) && !math.IsNaN(c.LogE)
	c.LogE = min(max(zeroNaN(c.LogE), -math.MaxFloat64), math.MaxFloat64)
	c.P = min(max(zeroNaN(c.P), 0), 1)
	if c.Onset.Earliest.IsZero() || c.Onset.Earliest.After(c.Onset.At) {
		c.Onset.Earliest = c.Onset.At
	}
	if c.Onset.Latest.Before(c.Onset.At) {
		c.Onset.Latest = c.Onset.At
	}
	c.Up = c.Effect > 0
	c.Step, c.Points, c.RecentN = max(0, c.Step), max(0, min(c.Points, mostRelative)), max(0, c.RecentN)
	if c.Needed <= 0 || c.Needed > c.Points {
		c.Needed = c.Points
	}
	return c, known
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

func zeroNaN(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return v
}

func cut(v float64) float64 { return min(max(zeroNaN(v), -mostRelative), mostRelative) }

// differenceOver is a relative change that has an answer where the old level is
// zero or the levels differ in sign.
func differenceOver(before, after float64) float64 {
	larger := max(math.Abs(before), math.Abs(after))
	if !finite(larger) || larger == 0 {
		return 0
	}
	return (after - before) / larger
}

// Confirm is how many points after those that showed a change must hold before
// it counts. It comes from the evidence: as many as it takes for their mean to
// tell the whole effect from none by which half it is nearer to, wrong one time
// in twenty either way. With one point's noise s and an effect d that is
// (2 z s/d)², z = 1.64, at least three. The noise is that of the detector's
// interval, 2·1.96·s/√n wide over the n points it needed; without an interval
// the evidence stands in for the effect in units of its error.
func (c Candidate) Confirm() int {
	n := float64(max(1, c.Needed))
	if c.Needed == 0 {
		n = float64(max(1, c.Points))
	}
	inErrors := 0.0 // the effect in standard errors over n points
	switch {
	case c.EffectHigh > c.EffectLow:
		inErrors = math.Abs(c.Effect) / ((c.EffectHigh - c.EffectLow) / (2 * stats.NormalQuantile(0.975)))
	case c.LogE > 0:
		inErrors = math.Sqrt(2 * c.LogE)
	case c.P > 0 && c.P < 1:
		inErrors = -stats.NormalQuantile(max(c.P, math.SmallestNonzeroFloat64) / 2)
	}
	// Where the effect is lost in its noise, ten times the points it has are
	// asked for: it would not pass the level anyway.
	most := max(fewestToConfirm, min(10*n, mostRelative))
	if !(inErrors > 0) {
		return int(most)
	}
	half := 2 * stats.NormalQuantile(1-wrongSide) / inErrors
	return int(min(max(fewestToConfirm, math.Ceil(n*half*half)), most))
}

// left is the share of the effect that the newest points still show; ok is
// false when too few of them speak: fewer than k, or than three once twice k
// points have come after those that showed it. A caller that keeps few points
// then gets an answer that is wrong more often rather than none.
func (c Candidate) left(k, after int) (share float64, ok bool) {
	if after >= 2*k {
		k = min(k, max(fewestToConfirm, c.RecentN))
	}
	if c.RecentN < k || c.Effect == 0 {
		return 1, false
	}
	return c.Recent / c.Effect, true
}

// explained says whether something that alone would bring a relative effect of
// part explains a change: it makes up half of it, and what is left is within
// the uncertainty.
func (c Candidate) explained(part float64) bool {
	if part == 0 || part*c.Effect <= 0 || part/c.Effect < halfway {
		return false
	}
	return math.Abs(part) >= c.least()
}

// least is the end of the effect's interval that is nearer to zero, without a
// sign; the effect itself without an interval.
func (c Candidate) least() float64 {
	if c.EffectLow == 0 && c.EffectHigh == 0 {
		return math.Abs(c.Effect)
	}
	if c.EffectLow <= 0 && c.EffectHigh >= 0 {
		return 0
	}
	return min(math.Abs(c.EffectLow), math.Abs(c.EffectHigh))
}

// filter is one question about a candidate alone: why it is not reported, if
// it is not.
type filter func(Candidate, Sight, *Screen) (NotReported, bool)

// filters is read-only, in the order of Reasons.
var filters = []filter{dataGap, outlier, tooFew, tooSmall, planned, season, costShift}

func dataGap(c Candidate, _ Sight, _ *Screen) (NotReported, bool) {
	t := c.Telemetry
	if !t.Restart.IsZero() && within(t.Restart, c.Onset, c.Step) {
		return NotReported{Candidate: c, Reason: ReasonDataGap,
			Why: fmt.Sprintf("What reports the series began anew at %s, inside the onset.", clock(t.Restart))}, true
	}
	points, series := lost(float64(t.Before), float64(t.After)), lost(float64(t.SeriesBefore), float64(t.SeriesAfter))
	missing := max(points, series)
	// What adds up falls by the share that is missing; what does not, such as
	// a quantile, is still of the same requests while most of them report.
	limit := halfway
	if adds(c.Series.Unit) {
		if c.Up {
			return NotReported{}, false
		}
		limit = max(halfway*math.Abs(c.Effect), 1e-9)
	}
	if missing < limit || missing == 0 {
		return NotReported{}, false
	}
	what := fmt.Sprintf("%s of the points", pitwall.Ratio(missing))
	if series > points {
		what = fmt.Sprintf("%d of %d instances", t.SeriesBefore-t.SeriesAfter, t.SeriesBefore)
	}
	return NotReported{Candidate: c, Reason: ReasonDataGap, Value: missing, Limit: limit,
		Why: fmt.Sprintf("Since the onset %s are missing; from %s missing the telemetry explains a change of %s.", what, pitwall.Ratio(limit), percent(c.Effect))}, true
}

// lost is the share that is gone; 0 when unknown or when there is more.
func lost(before, after float64) float64 {
	if before <= 0 || after >= before {
		return 0
	}
	return 1 - max(0, after)/before
}

// adds says whether values of this unit are sums over whoever reports.
func adds(u pitwall.Unit) bool { return u == pitwall.UnitPerSecond || u == pitwall.UnitCount }

func outlier(c Candidate, _ Sight, _ *Screen) (NotReported, bool) {
	if c.Kind != pitwall.ShapeSpike {
		return NotReported{}, false
	}
	return NotReported{Candidate: c, Reason: ReasonOutlier, Value: float64(c.Points), Limit: fewestToConfirm,
		Why: fmt.Sprintf("Single points stood out by %s and the level before and after is the same.", percent(c.Effect))}, true
}

func tooFew(c Candidate, _ Sight, s *Screen) (NotReported, bool) {
	if c.Requests == 0 || c.Requests >= s.Limits.Requests {
		return NotReported{}, false
	}
	return NotReported{Candidate: c, Reason: ReasonTooFew, Value: float64(c.Requests), Limit: float64(s.Limits.Requests),
		Why: fmt.Sprintf("%d requests are behind the new level, %d are needed.", c.Requests, s.Limits.Requests)}, true
}

func tooSmall(c Candidate, _ Sight, s *Screen) (NotReported, bool) {
	size, limit := math.Abs(c.Effect), s.Limits.Effect
	if c.Series.Unit == pitwall.UnitRatio && c.Before.Known() && c.After.Known() {
		// Twice of next to nothing is next to nothing: shares differ by how
		// many more requests they touch.
		if moved := math.Abs(c.After.Value - c.Before.Value); moved < s.Limits.Share {
			return NotReported{Candidate: c, Reason: ReasonTooSmall, Value: moved, Limit: s.Limits.Share,
				Why: fmt.Sprintf("The share moved by %s of all, less than %s.", pitwall.Ratio(moved), pitwall.Ratio(s.Limits.Share))}, true
		}
	}
	if size >= limit {
		return NotReported{}, false
	}
	return NotReported{Candidate: c, Reason: ReasonTooSmall, Value: size, Limit: limit,
		Why: fmt.Sprintf("It moved by %s, less than %s.", percent(c.Effect), pitwall.Ratio(limit))}, true
}

func planned(c Candidate, in Sight, s *Screen) (NotReported, bool) {
	for _, a := range s.Accepted {
		if a.covers(c, in.Now) {
			return NotReported{Candidate: c, Reason: ReasonPlanned, Why: fmt.Sprintf("The new level was accepted at %s: %s.", clock(a.At), a.Why)}, true
		}
	}
	for _, p := range in.Planned {
		if p.Service != "" && p.Service != c.Series.Service || c.Onset.Latest.Before(p.Period.From) || !c.Onset.Earliest.Before(p.Period.To) {
			continue
		}
		// What stays as long as it takes to confirm it is no longer the window's.
		over := p.Period.To.Add(time.Duration(c.Confirm()) * c.Step)
		if !p.Meant && !in.Now.Before(over) {
			continue
		}
		why := fmt.Sprintf("It began in the planned window %q and is excused until %s.", p.Why, clock(over))
		if p.Meant {
			why = fmt.Sprintf("It began in the planned window %q, whose new level is meant to stay.", p.Why)
		}
		return NotReported{Candidate: c, Reason: ReasonPlanned, Why: why}, true
	}
	return NotReported{}, false
}

func season(c Candidate, _ Sight, _ *Screen) (NotReported, bool) {
	if !c.explained(c.Season) {
		return NotReported{}, false
	}
	return NotReported{Candidate: c, Reason: ReasonSeason, Value: c.least(), Limit: math.Abs(c.Season),
		Why: fmt.Sprintf("It moved by %s, and %s is usual at this hour of the week.", percent(c.Effect), percent(c.Season))}, true
}

// costShift holds when the whole may have stayed as it was and surely did not
// take over the part's whole rise. The whole is the sum of its parts and its
// error the root of the sum of theirs squared: parts are counted apart. A whole
// too noisy to tell hides nothing: the part is reported.
func costShift(c Candidate, in Sight, _ *Screen) (NotReported, bool) {
	split, ok := in.Splits[c.Split]
	rise := c.After.Value - c.Before.Value
	if !ok || c.Split == "" || len(split.Parts) < 2 || !c.Up || rise <= 0 || !c.Before.Known() || !c.After.Known() {
		return NotReported{}, false
	}
	sum, squares := 0.0, 0.0
	for _, p := range split.Parts {
		if !finite(p.Before.Value) || !finite(p.After.Value) {
			return NotReported{}, false
		}
		sum += p.After.Value - p.Before.Value
		squares += squareOf(half(p.Before)) + squareOf(half(p.After))
	}
	error95 := math.Sqrt(squares)
	most := sum + error95
	if !finite(most) || most >= rise || sum-error95 > 0 {
		return NotReported{}, false
	}
	return NotReported{Candidate: c, Reason: ReasonCostShift, Value: most, Limit: rise,
		Why: fmt.Sprintf("It rose by %.3g, but %s moved by %.3g ± %.3g: the work moved between its %d parts.", rise, split.Whole, sum, error95, len(split.Parts))}, true
}

func half(m pitwall.Measure) float64 { return (m.High - m.Low) / 2 }

func squareOf(v float64) float64 { return v * v }

// within says whether an instant lies in an onset, widened by a step: the value
// of a point stands for the whole step.
func within(t time.Time, o pitwall.Onset, step time.Duration) bool {
	return !t.Before(o.Earliest.Add(-step)) && !t.After(o.Latest.Add(step))
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") }

// percent is a relative effect in words: "+12.0 %".
func percent(v float64) string {
	if v > 0 {
		return "+" + pitwall.Ratio(v).String()
	}
	return pitwall.Ratio(v).String()
}
