package monitor

import (
	"math"
	"strings"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/baseline"
	"github.com/pitwall/pitwall/internal/detect"
	"github.com/pitwall/pitwall/internal/stats"
)

// candidate is the change that rings, as the screen wants it.
func (t *track) candidate() (detect.Candidate, bool) {
	r := t.ring
	if r == nil {
		return detect.Candidate{}, false
	}
	a := r.alarm
	c := detect.Candidate{
		Series: t.id, Kind: pitwall.ShapeStep, Up: a.Up, Step: Step, At: t.at(a.Index), Anytime: true,
		Onset:  pitwall.Onset{At: t.at(a.Onset), Earliest: t.at(a.Earliest), Latest: t.at(a.Latest + 1)},
		Points: max(t.rows-a.Onset, a.Points), Needed: a.Points,
		Before: pitwall.Measure{Value: a.Before, Unit: t.id.Unit, N: int64(t.learntFrom())},
		Effect: a.Effect, EffectLow: a.EffectLow, EffectHigh: a.EffectHigh, Requests: t.requests(a.Onset),
	}
	if t.id.Signal == pitwall.SignalTraffic {
		c.Requests = 0 // few of them are no reason to doubt that there are few
	}
	c.After = t.since(a.Onset)
	if len(r.after) > 0 && a.Before != 0 {
		c.RecentN = len(r.after)
		c.Recent = (t.middle(r.after) - a.Before) / math.Abs(a.Before)
	}
	if more := c.After; len(r.after) >= 3 && more.Known() && a.Before != 0 && t.shares == nil {
		// The points that rang exaggerate: what came since says how much it is.
		half := (a.EffectHigh - a.EffectLow) / 2 * math.Sqrt(float64(a.Points)/float64(c.Points))
		c.Effect = (more.Value - a.Before) / math.Abs(a.Before)
		c.EffectLow, c.EffectHigh = c.Effect-half, c.Effect+half
	}
	if t.shares != nil && !told(t.exact(a.Onset)) {
		return detect.Candidate{}, false
	}
	if t.shares != nil && c.After.Known() {
		// Of next to nothing every share is a multiple: at least half an event is
		// taken for the level before.
		base := max(a.Before, 0.5/float64(max(1, c.Before.N)))
		c.Effect, c.EffectLow, c.EffectHigh = (c.After.Value-a.Before)/base, (c.After.Low-a.Before)/base, (c.After.High-a.Before)/base
		if len(r.after) > 0 {
			c.RecentN, c.Recent = len(r.after), (t.middle(r.after)-a.Before)/base
		}
	}
	c.LogE = t.evidence()
	if c.LogE == 0 {
		c.P = 1
	}
	return c, true
}

// unlucky is how seldom the exact test may take chance for a change of a share.
// A baseline with few failures is off by much now and then, and what comes later
// only makes that surer: at this level the baselines of 500 operations hold one
// such in twenty times.
const unlucky = 1e-4

// exact asks the exact test, which doubts the baseline too, whether the events
// since a row are another share.
func (t *track) exact(row int) baseline.CountVerdict {
	b, _ := t.shares.Baseline()
	var hits, trials uint64
	for i := max(row, t.rows-kept, 0); i < t.rows; i++ { // after a start there may be fewer
		p := t.points[i%kept]
		if p.requests > 0 {
			hits, trials = hits+uint64(p.value), trials+uint64(p.requests)
		}
	}
	return baseline.TestShare(pitwall.Counts{Bad: uint64(b.Hits), Good: uint64(b.Trials - b.Hits)}, pitwall.Counts{Bad: hits, Good: trials - min(hits, trials)},
		baseline.CountOptions{Alpha: unlucky, Margin: t.effect, Dispersion: b.Dispersion})
}

func told(v baseline.CountVerdict) bool {
	return v.State == baseline.CountMore || v.State == baseline.CountLess
}

// doubt is why failures that ring are no candidate yet: a few at low traffic.
func (t *track) doubt() (detect.NotReported, bool) {
	if t.ring == nil || t.shares == nil {
		return detect.NotReported{}, false
	}
	a := t.ring.alarm
	v := t.exact(a.Onset)
	return detect.NotReported{Reason: detect.ReasonTooFew, Why: upper(v.Reason) + ".", Value: v.P, Limit: unlucky,
		Candidate: detect.Candidate{Series: t.id, Up: a.Up, Effect: a.Effect, Before: v.Before, After: v.After, At: t.at(a.Index),
			Onset: pitwall.Onset{At: t.at(a.Onset), Earliest: t.at(a.Earliest), Latest: t.at(a.Latest + 1)}}}, !told(v)
}

// upper begins a sentence.
func upper(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

func (t *track) evidence() float64 {
	if t.shares != nil {
		return t.ring.counts.LogE()
	}
	return t.ring.retest.LogE()
}

func (t *track) learntFrom() int64 {
	if t.shares != nil {
		b, _ := t.shares.Baseline()
		return b.Trials
	}
	b, _ := t.quantities.Baseline()
	return int64(b.N)
}

// middle is the level of several points: the mean of shares, which are mostly
// zero where traffic is low, and the median of quantities.
func (t *track) middle(values []float64) float64 {
	if t.shares != nil {
		return stats.Mean(values)
	}
	return stats.Median(values)
}

// since is the level from a row on, as far as it is kept.
func (t *track) since(row int) pitwall.Measure {
	m := pitwall.Measure{Unit: t.id.Unit}
	var levels []float64
	var hits, trials float64
	for i := max(row, t.rows-kept, 0); i < t.rows; i++ { // after a start there may be fewer
		p := t.points[i%kept]
		if t.shares != nil {
			if p.requests > 0 {
				hits, trials = hits+float64(p.value), trials+float64(p.requests)
			}
		} else if !math.IsNaN(float64(p.level)) {
			levels = append(levels, float64(p.level))
		}
	}
	switch {
	case trials > 0:
		m.Value, m.N = hits/trials, int64(trials)
		m.Low, m.High = stats.Wilson(int64(hits), int64(trials), 0.95)
	case len(levels) > 0:
		m.Value, m.N = stats.Median(levels), int64(len(levels))
		_, m.Low, m.High = stats.MeanInterval(levels, 0.95)
	}
	return m
}

// requests adds up those of the rows from one on that are kept.
func (t *track) requests(row int) (n int64) {
	for i := max(row, t.rows-kept, 0); i < t.rows; i++ {
		n += int64(t.points[i%kept].requests)
	}
	return n
}
