package baseline

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/stats"
)

// DriftVerdict says whether a series creeps.
type DriftVerdict string

// The drift verdicts.
const (
	DriftFound     DriftVerdict = "drift"
	DriftSteady    DriftVerdict = "steady"
	DriftNotEnough DriftVerdict = "not-enough"
	DriftNoData    DriftVerdict = "no-data"
)

// DriftWhy is the reason of a drift verdict as a word for machines.
type DriftWhy string

// The reasons.
const (
	WhyGrows      DriftWhy = "grows"       // it creeps, and still does in the recent half
	WhyNoise      DriftWhy = "noise"       // no slope beyond the smallest that counts
	WhySaturates  DriftWhy = "saturates"   // it grew, and the recent half does so no more: a warm-up
	WhyTraffic    DriftWhy = "traffic"     // it grew with the requests, not per request
	WhyFewDays    DriftWhy = "few-days"    // fewer days than a trend takes
	WhyNoPoints   DriftWhy = "no-points"   // nothing to look at
	WhyTeeth      DriftWhy = "teeth"       // it falls back by itself, too seldom yet to see whether ever less far
	WhyNoOverlaps DriftWhy = "no-overlaps" // too few days share a segment between restarts
)

// DriftInput is a series that should not creep.
type DriftInput struct {
	Kind   LeakKind
	Series pitwall.Series // any order; a NaN is a missing point; of unequal columns the rest is left out
	// Falling means that a fall is the trouble, as with free space.
	Falling bool
	// Teeth means that the series falls back by itself again and again, as a heap
	// does at every collection: its lower edge counts (of a falling one the upper).
	Teeth    bool
	Limit    *float64    // where it ends; nil: not known
	Restarts []time.Time // a restart resets it: slopes are taken between restarts only
	// Traffic is requests per second or the like. With it, growth is drift only if
	// the amount per request grows too. Nil: not known.
	Traffic *pitwall.Series
	// Profile takes out the season, where it has one; nil: the hour of the day is
	// taken out, and from 13 days on the day of the week.
	Profile *Profile
	Day     time.Duration // how long a day lasts where time is scaled; zero: 24 hours
	Alpha   float64       // chance of a drift where there is none; zero: 0.01
	// MinPerDay is the slope, as a share of the level, that counts for none;
	// zero: 0.001, some 3 % a month. Negative: every slope counts.
	MinPerDay float64
	looks     float64 // windows that are looked at
}

// Drift is a slow trend, or that there is none.
type Drift struct {
	Kind LeakKind `json:"kind"`
	// Slope is per day in the unit of the series, positive upwards, with its 95 %
	// interval; Relative is Slope as a share of Level a day, 0 at a level of 0.
	Slope     float64       `json:"slope"`
	SlopeLow  float64       `json:"slope_low"`
	SlopeHigh float64       `json:"slope_high"`
	Relative  pitwall.Ratio `json:"relative"`
	Level     float64       `json:"level"` // median of the days
	// P is one-sided: the chance of such a slope, in the direction of trouble, if
	// the true one does not count, for both looks together.
	P        float64  `json:"p"`
	N        int      `json:"n"`    // points
	Days     int      `json:"days"` // days with enough points; of teeth, days with a foot
	Segments int      `json:"segments"`
	Limit    *float64 `json:"limit,omitempty"`
	// ExhaustsAt is when the limit is reached at this pace, between Earliest and
	// Latest (95 %); a zero Latest: perhaps never. All zero without drift or limit.
	ExhaustsAt time.Time    `json:"exhausts_at,omitzero"`
	Earliest   time.Time    `json:"exhausts_earliest,omitzero"`
	Latest     time.Time    `json:"exhausts_latest,omitzero"`
	Verdict    DriftVerdict `json:"verdict"`
	Why        DriftWhy     `json:"why"`
	Reason     string       `json:"reason"` // one sentence with the numbers
}

const (
	driftDays      = 91 // the last quarter; what crept before is history
	driftFewest    = 5  // days
	twoLooks       = 14 // days whose later half is looked at too
	driftMinPerDay = 0.001
	stillGrowing   = 1.0 / 3 // of the whole slope that the recent half has to keep
)

// FindDrift looks for a slow trend, in all days and then in the later half of them,
// for a leak may have begun of late; each look gets half of Alpha. Quarters of days
// count, freed of the hour of the day, or whole days where that is all there is, or
// the lower edges of days. The slope is a least-squares one on blocks whose outliers
// are drawn in, within segments between restarts and, from two weeks on, only
// between like days of the week; its error is widened for the correlation of
// neighbours.
func FindDrift(in DriftInput) Drift {
	in = in.withDefaults()
	d := Drift{Kind: in.Kind, P: 1, Limit: in.Limit}
	blocks, n, last := blocksOf(in)
	d.N = n
	if n == 0 {
		d.Verdict, d.Why, d.Reason = DriftNoData, WhyNoPoints, "no points"
		return d
	}
	in.looks = 1
	if days, _ := count(blocks.days); days >= twoLooks {
		in.looks = 2
	}
	all := d.look(in, blocks.choose())
	if all.Verdict != DriftFound && in.looks == 2 {
		if recent := d.look(in, blocks.laterHalf().choose()); recent.Verdict == DriftFound {
			all = recent
		}
	}
	if all.Verdict == DriftFound {
		all.exhaust(in, last)
	}
	all.Reason += all.limitWords()
	return all
}

// look judges some of the blocks.
func (d Drift) look(in DriftInput, blocks []block) Drift {
	d.Days, d.Segments = count(blocks)
	if len(blocks) > 0 && blocks[0].tooth && len(blocks) < teethFewest {
		d.Verdict, d.Why = DriftNotEnough, WhyTeeth
		d.Reason = fmt.Sprintf("it falls back by itself and did so %d times; %d show whether the feet rise", len(blocks), teethFewest)
		return d
	}
	if d.Days < driftFewest {
		d.Verdict, d.Why = DriftNotEnough, WhyFewDays
		d.Reason = fmt.Sprintf("%d days with enough points; a trend takes %d", d.Days, driftFewest)
		return d
	}
	level := medianOf(blocks, func(x block) float64 { return x.value })
	t, ok := fitTrend(blocks, func(x block) float64 { return x.value })
	if !ok {
		d.Verdict, d.Why = DriftNotEnough, WhyNoOverlaps
		d.Reason = fmt.Sprintf("%d days in %d segments between restarts: too few share one", d.Days, d.Segments)
		return d
	}
	d.P = min(1, in.looks*t.tail(in.MinPerDay*math.Abs(level)))
	d.Level, d.Slope, d.SlopeLow, d.SlopeHigh = level, t.slope, t.slope-t.half(), t.slope+t.half()
	if in.Falling { // blocks were turned upside down
		d.Level, d.Slope, d.SlopeLow, d.SlopeHigh = -level, -t.slope, -t.slope-t.half(), -t.slope+t.half()
	}
	d.Relative = pitwall.Ratio(d.relative(d.Slope))
	d.decide(in, t, blocks)
	return d
}

func (in DriftInput) withDefaults() DriftInput {
	if in.Day <= 0 {
		in.Day = 24 * time.Hour
	}
	if !(in.Alpha > 0 && in.Alpha < 1) {
		in.Alpha = 0.01
	}
	switch {
	case in.MinPerDay == 0 || math.IsNaN(in.MinPerDay):
		in.MinPerDay = driftMinPerDay
	case in.MinPerDay < 0:
		in.MinPerDay = 0
	}
	if in.Limit != nil && (math.IsNaN(*in.Limit) || math.IsInf(*in.Limit, 0)) {
		in.Limit = nil
	}
	return in
}

func (d *Drift) decide(in DriftInput, t trend, blocks []block) {
	over := fmt.Sprintf("over %d days", d.Days)
	if blocks[0].tooth {
		over = fmt.Sprintf("at the feet of %d teeth", len(blocks))
	}
	change := fmt.Sprintf("%+.2g %% a day [%+.2g, %+.2g] %s", 100*d.relative(d.Slope), 100*d.relative(d.SlopeLow), 100*d.relative(d.SlopeHigh), over)
	d.Verdict = DriftSteady
	if d.P > in.Alpha {
		d.Why, d.Reason = WhyNoise, fmt.Sprintf("%s is no trend beyond %.2g %% a day (p %.2g)", change, 100*in.MinPerDay, d.P)
		return
	}
	if recent := t.recent(); recent < stillGrowing*t.slope {
		d.Why, d.Reason = WhySaturates, fmt.Sprintf("%s, but the recent half no longer: %+.2g %% a day", change, 100*d.relative(recent))
		return
	}
	if per, ok := perRequest(in, blocks); ok {
		if p := min(1, in.looks*per.tail(0)); p > in.Alpha {
			d.Why, d.Reason = WhyTraffic, fmt.Sprintf("%s went with the requests; per request there is no trend (p %.2g)", change, p)
			return
		}
		change += ", also per request"
	}
	d.Verdict, d.Why, d.Reason = DriftFound, WhyGrows, fmt.Sprintf("%s (p %.2g)", change, d.P)
}

func (d *Drift) relative(slope float64) float64 {
	if d.Level == 0 {
		return 0
	}
	return bounded(slope / math.Abs(d.Level))
}

// perRequest is the trend of the amount per request. Where something falls
// without requests there is no such amount.
func perRequest(in DriftInput, blocks []block) (trend, bool) {
	if in.Traffic == nil || in.Falling {
		return trend{}, false
	}
	with := slices.DeleteFunc(slices.Clone(blocks), func(x block) bool { return !(x.traffic > 0) })
	if n, _ := count(with); n < driftFewest {
		return trend{}, false
	}
	return fitTrend(with, func(x block) float64 { return x.value / x.traffic })
}

// exhaust says when the limit is reached by what the series rises to within a
// day: of saw-teeth the tips break first.
func (d *Drift) exhaust(in DriftInput, last time.Time) {
	if in.Limit == nil {
		return
	}
	var recent []float64
	for i := range min(len(in.Series.T), len(in.Series.V)) {
		v := in.Series.V[i]
		if usable(v) && last.Sub(time.UnixMilli(in.Series.T[i])) < in.Day {
			recent = append(recent, v)
		}
	}
	slices.Sort(recent)
	room := *in.Limit - stats.Quantile(recent, 0.95)
	slope, least, most := d.Slope, d.SlopeLow, d.SlopeHigh
	if in.Falling {
		room = stats.Quantile(recent, 0.05) - *in.Limit
		slope, least, most = -d.Slope, -d.SlopeHigh, -d.SlopeLow
	}
	after := func(slope float64) time.Time {
		if slope <= 0 {
			return time.Time{}
		}
		days := max(0, room/slope)
		if days > 36500 { // a century is never
			return time.Time{}
		}
		return last.Add(time.Duration(days * float64(in.Day))).UTC()
	}
	d.ExhaustsAt, d.Earliest, d.Latest = after(slope), after(most), after(least)
}

func (d *Drift) limitWords() string {
	if d.ExhaustsAt.IsZero() {
		return ""
	}
	latest := "open end"
	if !d.Latest.IsZero() {
		latest = d.Latest.Format(time.DateOnly)
	}
	return fmt.Sprintf("; the limit of %.4g is reached on %s [%s, %s]", *d.Limit, d.ExhaustsAt.Format(time.DateOnly), d.Earliest.Format(time.DateOnly), latest)
}
