package baseline

import (
	"fmt"
	"math"
	"time"

	"github.com/pitwall/pitwall"
)

// CountState is what a test of counts says.
type CountState string

// The states. Two of them are no verdict: with too few events nothing is known,
// and without requests on a side nothing was seen.
const (
	CountMore      CountState = "more"
	CountLess      CountState = "less"
	CountSame      CountState = "same-within-noise" // a change of Detect would have shown
	CountNotEnough CountState = "not-enough"
	CountNoData    CountState = "no-data"
)

// CountOptions shape a test of counts; the zero value is a fair default.
type CountOptions struct {
	// Alpha bounds the chance of any verdict when nothing changed, half of it for
	// each side; zero: 0.01. Intervals have confidence 1-Alpha, so that they and
	// the verdict never disagree.
	Alpha float64
	// Margin is the smallest relative change that counts: 0.2 takes 20 % more (or
	// its inverse less) for no change, however certain. Zero: every change counts.
	Margin float64
	// Detect is the factor that ought to have been noticed; below it one has to
	// wait. Zero: 2, and never less than Margin asks for.
	Detect float64
	// Negligible is the difference of shares, or of rates per second, that nobody
	// minds whatever its factor; zero: none is.
	Negligible float64
	// MinEvents is the fewest bad events that the worse side of a share needs
	// (the busier side of a rate needs as many events); zero: 3. One failure tells
	// nothing of how failures cluster.
	MinEvents uint64
	// Dispersion is variance over mean of counts, as stats.CountDispersion gives
	// it; events that come in clusters of it count as one. Below 1: 1.
	Dispersion float64
}

// RateCount is how many events were seen in how long.
type RateCount struct {
	Events uint64        `json:"events"`
	Over   time.Duration `json:"over"`
}

// CountVerdict is the answer, with the intervals that carry it.
type CountVerdict struct {
	State CountState `json:"state"`
	// Before and After are shares in [0,1], or rates per second, with exact
	// intervals (Clopper and Pearson 1934; Garwood 1936).
	Before pitwall.Measure `json:"before"`
	After  pitwall.Measure `json:"after"`
	// Ratio is After over Before with its exact interval; 1e300 stands for no upper
	// bound, when Before saw no event. Value is 0 with N 0 when neither did.
	Ratio pitwall.Measure `json:"ratio"`
	// Difference is After minus Before; its interval squares and adds those of the
	// two sides (Newcombe 1998, method 10, on exact limits).
	Difference pitwall.Measure `json:"difference"`
	// P is two-sided, of a change no larger than Margin.
	P float64 `json:"p"`
	// MoreBefore and MoreAfter are about how many more requests (of a rate: events)
	// each side needs until a change by Detect, or the larger one that is seen, is
	// found four times out of five. 0 in other states than not-enough.
	MoreBefore uint64 `json:"more_before,omitempty"`
	MoreAfter  uint64 `json:"more_after,omitempty"`
	Reason     string `json:"reason"` // one sentence with the numbers
}

// Needs are the events still wanted on both sides together.
func (v CountVerdict) Needs() uint64 { return v.MoreBefore + v.MoreAfter }

// unbounded stands for no upper bound where JSON has to carry it.
const unbounded = 1e300

func bounded(v float64) float64 { return max(-unbounded, min(unbounded, v)) }

func (o CountOptions) withDefaults() CountOptions {
	if !(o.Alpha > 0 && o.Alpha < 1) {
		o.Alpha = 0.01
	}
	if !(o.Margin >= 0) || math.IsInf(o.Margin, 1) {
		o.Margin = 0
	}
	if !(o.Detect > 1) || math.IsInf(o.Detect, 1) {
		o.Detect = 2
	}
	// A change has to stand out from the margin before it can be found.
	o.Detect = max(o.Detect, (1+o.Margin)*1.1)
	if !(o.Negligible >= 0) {
		o.Negligible = 0
	}
	if o.MinEvents == 0 {
		o.MinEvents = 3
	}
	if !(o.Dispersion >= 1) || math.IsInf(o.Dispersion, 1) {
		o.Dispersion = 1
	}
	return o
}

// TestShare asks whether the share of bad events moved, exactly, for traffic so
// low that nothing is normal about it. Given all bad events of both sides, those
// after are binomial with probability r·n2/(n1+r·n2) at a ratio r of Poisson rates
// (Przyborowski and Wilenski 1940). Bad events among requests vary less than
// Poisson ones, so the test is conservative for shares, the more the larger the
// share: never more false verdicts than Alpha.
func TestShare(before, after pitwall.Counts, o CountOptions) CountVerdict {
	o = o.withDefaults()
	b := side{before.Bad, float64(before.Total()), before.Total(), true}
	a := side{after.Bad, float64(after.Total()), after.Total(), true}
	v := CountVerdict{
		Before: shareMeasure(b, o), After: shareMeasure(a, o), P: 1,
		Ratio: pitwall.Measure{Unit: pitwall.UnitTimes}, Difference: pitwall.Measure{Unit: pitwall.UnitRatio},
	}
	if before.Total() == 0 || after.Total() == 0 {
		v.State, v.Reason = CountNoData, missing("requests", before.Total(), after.Total())
		return v
	}
	return judge(v, b, a, o, "bad requests")
}

// TestRate asks the same of events in time: requests, orders, messages. It is
// exact for independent events; traffic that comes in bursts needs Dispersion,
// and traffic with a daily course like hours on both sides.
func TestRate(before, after RateCount, o CountOptions) CountVerdict {
	o = o.withDefaults()
	b := side{before.Events, before.Over.Seconds(), before.Events, false}
	a := side{after.Events, after.Over.Seconds(), after.Events, false}
	v := CountVerdict{
		Before: rateMeasure(b, o), After: rateMeasure(a, o), P: 1,
		Ratio: pitwall.Measure{Unit: pitwall.UnitTimes}, Difference: pitwall.Measure{Unit: pitwall.UnitPerSecond},
	}
	if before.Over <= 0 || after.Over <= 0 {
		v.State = CountNoData
		v.Reason = fmt.Sprintf("watched for %s before and %s after: a rate needs time on both sides", max(0, before.Over), max(0, after.Over))
		return v
	}
	return judge(v, b, a, o, "events")
}

func missing(what string, before, after uint64) string {
	switch {
	case before == 0 && after == 0:
		return fmt.Sprintf("no %s on either side", what)
	case before == 0:
		return fmt.Sprintf("no %s before to compare %d with", what, after)
	}
	return fmt.Sprintf("no %s after to compare with %d", what, before)
}

// judge fills in the comparison; both sides have an exposure.
func judge(v CountVerdict, b, a side, o CountOptions, what string) CountVerdict {
	be, ae := b.effective(o), a.effective(o)
	v.Difference = difference(v.Before, v.After, v.Difference.Unit)
	v.Ratio = ratioMeasure(be, ae, o)
	more, less := tails(be, ae, o.Margin)
	v.P = min(1, 2*min(more, less))
	half := o.Alpha / 2
	switch {
	case more <= half && ae.events >= o.MinEvents && v.Difference.Low > o.Negligible:
		v.State = CountMore
	case less <= half && be.events >= o.MinEvents && v.Difference.High < -o.Negligible:
		v.State = CountLess
	case v.Ratio.Low > 1/o.Detect && v.Ratio.High < o.Detect,
		v.Difference.Low >= -o.Negligible && v.Difference.High <= o.Negligible:
		v.State = CountSame
	default:
		v.State = CountNotEnough
		v.MoreBefore, v.MoreAfter = wanted(be, ae, o)
	}
	v.Reason = v.words(b, a, o, what)
	return v
}

func (v CountVerdict) words(b, a side, o CountOptions, what string) string {
	seen := fmt.Sprintf("%d %s before, %d after", b.events, what, a.events)
	switch v.State {
	case CountSame:
		if o.Negligible > 0 && v.Difference.Low >= -o.Negligible && v.Difference.High <= o.Negligible {
			return fmt.Sprintf("%s: they differ by less than %.3g at most", seen, o.Negligible)
		}
		return fmt.Sprintf("%s: a change by a factor of %.3g would have shown (p %.2g)", seen, o.Detect, v.P)
	case CountNotEnough:
		if few := max(a.events, b.events); v.P <= o.Alpha && few < o.MinEvents {
			return fmt.Sprintf("%s: fewer than %d are no verdict; about %d more before and %d more after are needed", seen, o.MinEvents, v.MoreBefore, v.MoreAfter)
		}
		return fmt.Sprintf("%s: too few to tell a factor of %.3g from chance; about %d more before and %d more after are needed", seen, o.Detect, v.MoreBefore, v.MoreAfter)
	}
	high := fmt.Sprintf("%.3g", v.Ratio.High)
	if v.Ratio.High >= unbounded {
		high = "any"
	}
	return fmt.Sprintf("%s: %s by a factor between %.3g and %s (p %.2g)", seen, v.State, v.Ratio.Low, high, v.P)
}
