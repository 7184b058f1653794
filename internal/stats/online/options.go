package online

import "math"

// Direction says which changes ring.
type Direction int

// The directions. A detector of one direction is a little more sensitive.
const (
	Both Direction = iota
	Up
	Down
)

// Phase is what a detector is doing.
type Phase int

// A detector learns its baseline, watches, and rings until the level is back
// or a new baseline is set.
const (
	Learning Phase = iota
	Watching
	Ringing
)

// String is the phase in one word.
func (p Phase) String() string {
	switch p {
	case Watching:
		return "watching"
	case Ringing:
		return "ringing"
	}
	return "learning"
}

// Options are the promises a detector keeps.
type Options struct {
	// ARL is the mean number of points between false alarms when nothing
	// changes; 0 means 10,000, or 0.0001 alarms a point. Less than 100 counts
	// as 100.
	ARL float64 `json:"arl"`
	// MinEffect is the relative change, as a share of the level, that is not
	// worth an alarm however certain it is; 0 for none.
	MinEffect float64 `json:"min_effect"`
	// Warmup is how many points that are not missing make the baseline when
	// none is given; 0 means 100, fewer than 20 count as 20.
	Warmup    int       `json:"warmup"`
	Direction Direction `json:"direction"`
}

func (o Options) filled() Options {
	if o.ARL == 0 || math.IsNaN(o.ARL) {
		o.ARL = 10_000
	}
	o.ARL = min(max(o.ARL, 100), 1e12)
	if !(o.MinEffect > 0) {
		o.MinEffect = 0
	}
	o.MinEffect = min(o.MinEffect, 1e6)
	if o.Warmup == 0 {
		o.Warmup = 100
	}
	o.Warmup = min(max(o.Warmup, 20), 10_000)
	if o.Direction != Up && o.Direction != Down {
		o.Direction = Both
	}
	return o
}

// Alarm is a change that rang.
type Alarm struct {
	Index int `json:"index"` // row at which it rang; rows count from 0, missing ones too
	// Onset is the first row of the new level, the most likely one; the true
	// one lies in [Earliest, Latest] with about 95 %.
	Onset    int  `json:"onset"`
	Earliest int  `json:"earliest"`
	Latest   int  `json:"latest"`
	Up       bool `json:"up"`
	Points   int  `json:"points"` // points since the onset that are not missing; rows for counts
	// LogE is the evidence: noise alone looks like this about once in
	// exp(LogE) points. At the ring it is at least the logarithm of the ARL.
	LogE float64 `json:"log_e"`
	// P bounds the chance that a quiet series rings like this within the
	// points watched so far: the points over exp(LogE).
	P      float64 `json:"p"`
	Before float64 `json:"before"` // level of the baseline
	After  float64 `json:"after"`  // level since the onset
	// Effect is the change as a share of the level before, with its interval
	// of 95 %, cut at 1e9; all 0 when that level is 0 and there is no share. It
	// is what made the alarm ring, so small effects look larger than they are.
	Effect     float64 `json:"effect"`
	EffectLow  float64 `json:"effect_low"`
	EffectHigh float64 `json:"effect_high"`
}

// relative sets the effect from a change of level and its standard error.
func (a *Alarm) relative(shift, se float64) {
	a.After = a.Before + shift
	level := math.Abs(a.Before)
	if level <= 1e-150 {
		return
	}
	a.effect(shift/level, (shift-1.96*se)/level, (shift+1.96*se)/level)
}

func (a *Alarm) effect(value, low, high float64) {
	cut := func(x float64) float64 { return max(-1e9, min(1e9, x)) }
	a.Effect, a.EffectLow, a.EffectHigh = cut(value), cut(low), cut(high)
}

// around sets the interval of the onset. Where the change begins is known up
// to 11 points over the squared effect in standard deviations (the 95 %
// quantile of Yao 1987), which is 5.5 points over the gain a point brings.
func (a *Alarm) around(gain float64, floor int) {
	half := 1 + int(math.Ceil(min(1e9, 5.5*float64(a.Points)/gain)))
	a.Earliest = max(floor, min(a.Earliest, a.Onset-half))
	a.Latest = min(a.Index, max(a.Latest, a.Onset+half))
}

// chance is the bound P of an Alarm.
func chance(points, logE float64) float64 {
	return min(1, points*math.Exp(-logE))
}
