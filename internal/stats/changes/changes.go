package changes

import (
	"cmp"
	"slices"
)

const defaultAlpha = 0.01

// Options says how Find looks. The zero value is the default.
type Options struct {
	// Alpha is the probability with which a series without any change gets one,
	// over its whole length and over all looks while it grows. 0 is 0.01. Noise
	// whose neighbours correlate by 0.9 reaches about four times as much.
	Alpha float64
	// Season is the period in rows, gaps counted, where the caller knows it: nothing is
	// confirmed before two periods. 0 finds periods of 4 to 48 rows, and a week
	// of such days, once four have been seen; until then a strong season is taken
	// for changes, which stay.
	Season int
	// Seed is of the permutations behind Change.Local.
	Seed uint64
}

// Kind is the sort of a change.
type Kind string

// The kinds: to another level, to another slope, for a few points only, to
// another spread.
const (
	Step     Kind = "step"
	Ramp     Kind = "ramp"
	Spike    Kind = "spike"
	Variance Kind = "variance"
)

// Change is a place from which on the series behaves otherwise.
type Change struct {
	// Index is the first row of the new state; it lies in [Earliest, Latest]
	// with a probability of 95 %.
	Index, Earliest, Latest int
	Kind                    Kind
	// Before and After are the values next to the place, up to the neighbouring
	// changes: the levels of a Step; for a Ramp, After is where its line ends;
	// for Variance the standard deviations of the noise from point to point.
	Before, After           float64
	SlopeBefore, SlopeAfter float64 // per point; 0 for a level
	// Effect is After/Before-1 with its interval of 95 %; NaN when Before is 0 or
	// the two have opposite signs.
	Effect, EffectLow, EffectHigh float64
	// P is the probability that noise alone gives as much anywhere in the series
	// at any look; below Alpha for a Change. It is the calibrated likelihood: so
	// many looks need more than a permutation test can resolve.
	P float64
	// Local is the p of this place alone, by permuting blocks of the rows around
	// it: at least 0.01, the most that 99 permutations tell. It judges levels
	// only, so a Ramp may do badly. NaN for Variance and a Suspect.
	Local float64
	// ConfirmedAt is the number of rows after which it was known.
	ConfirmedAt int
}

// Suspect is a change that more points may confirm.
type Suspect struct {
	Change
	Needs int // points still needed, if they behave like the newest
}

// Reasons why a place that was looked at closely is not reported.
const (
	TooWeak   = "too-weak"   // the evidence, in nats, is below what all looks demand
	Outliers  = "outliers"   // by ranks alone, in nats, it is
	Spread    = "spread"     // it is, when the newer side's own spread counts
	SlowNoise = "slow-noise" // it is, when slow correlation of the noise counts
	Trend     = "trend"      // a straight line does as well: nats that a jump of it gains
	Smooth    = "smooth"     // the share of the step that happens at its place
	Small     = "small"      // the spread changes by less than a factor of Limit
)

// Rejected is a place that was looked at closely and not reported.
type Rejected struct {
	Index  int
	Reason string
	Value  float64 // what was measured
	Limit  float64 // what it had to reach
}

// Result is all that Find says about a series.
type Result struct {
	Changes  []Change
	Suspects []Suspect
	Rejected []Rejected
	Spikes   []int // rows far off their neighbours, alone or in runs of up to three
	Season   int   // period in rows that was removed, 0 for none
	Noise    Noise
}

// Noise is what the newest segment looks like apart from its level or line.
type Noise struct {
	SD  float64 // standard deviation, spikes cut off
	Rho float64 // correlation of neighbours, corrected for the fit
}

// Find finds the changes of one series, in the order of their rows. NaN is a
// missing point, and so is a value beyond 1e100. Fewer than eight points say
// nothing. Changes(values[:n]) are among Changes(values), at the same rows.
func Find(values []float64, o Options) Result {
	if !(o.Alpha > 0 && o.Alpha < 1) {
		o.Alpha = defaultAlpha
	}
	s := clean(values)
	r := Result{}
	for i, spike := range s.spike {
		if spike {
			r.Spikes = append(r.Spikes, s.row[i])
		}
	}
	if len(s.raw) < 2*shortest {
		return r
	}
	c := newScan(s, o.Alpha)
	c.period = max(o.Season, 0)
	c.run()
	c.suspects(&r)
	c.report(&r, &shuffle{o.Seed})
	c.spreads(&r)
	slices.SortFunc(r.Changes, func(a, b Change) int { return cmp.Compare(a.Index, b.Index) })
	return r
}
