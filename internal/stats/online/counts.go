package online

import (
	"errors"
	"math"

	"github.com/pitwall/pitwall/internal/stats"
)

// CountBaseline is the share of hits that quiet had, frozen.
type CountBaseline struct {
	Hits   int64 `json:"hits"`
	Trials int64 `json:"trials"`
	// Dispersion is how much more hits vary from point to point than
	// independent trials would: 1 or more; below 1 counts as 1.
	Dispersion float64 `json:"dispersion"`
}

func (b CountBaseline) valid() error {
	if b.Trials < 1 || b.Hits < 0 || b.Hits > b.Trials {
		return errors.New("a baseline of counts needs trials and at most as many hits")
	}
	if missing(b.Dispersion) {
		return errors.New("the dispersion of the baseline is not a number")
	}
	return nil
}

// baselineConfidence is the confidence of the interval of the frozen share whose
// ends are the null: one standard error on each side. Measured over baselines of
// 100 points, false alarms then come less than half as often as promised.
const baselineConfidence = 0.683

// CountDetector watches shares of hits among trials, errors among requests
// say, at any traffic: a point of three requests counts as three.
//
// For every start it holds the product of the exact factors of Bets (the
// canary's), averages over alternatives and directions, and sums over starts:
// R becomes (R+1) times the factor of the point (Shiryaev 1963, Roberts 1966).
// While the share is inside the null the mean of R at any stopping time is at
// most that time, so an alarm at R >= ARL comes no sooner than after ARL points
// on average: a theorem (Shin, Ramdas and Rinaldo 2024), not an approximation.
// The null is the interval of the frozen share, widened by the smallest effect.
type CountDetector struct {
	opt    Options
	base   CountBaseline
	phase  Phase
	row    int
	armed  int
	points int // watched points with trials
	bets   [2][stats.Alternatives]stats.Bet
	share  [2]float64 // ends of the null, for more and for less
	limit  float64    // most a point may bring, in nats
	sum    [2][stats.Alternatives]float64
	starts [2]hull
	ring   countGoing

	warm   int     // points learned from
	square float64 // sum of hits²/trials, for the dispersion
}

// NewCounts makes a detector of shares that learns its baseline from its first
// points with trials; call Rebaseline to give it one.
func NewCounts(o Options) *CountDetector {
	d := &CountDetector{opt: o.filled(), ring: countGoing{back: -1}}
	d.Relearn()
	return d
}

// Relearn forgets the baseline and learns a new one from the next points.
func (d *CountDetector) Relearn() {
	d.base, d.phase, d.warm, d.square = CountBaseline{}, Learning, 0, 0
}

// Rebaseline watches against a frozen share from now on and drops the evidence
// so far. It refuses a baseline without trials.
func (d *CountDetector) Rebaseline(b CountBaseline) error {
	if err := b.valid(); err != nil {
		return err
	}
	b.Dispersion = max(1, b.Dispersion)
	d.base = b
	d.derive()
	d.arm()
	return nil
}

// tiny keeps shares off 0 and 1, where odds end.
const tiny = 1e-9

func (d *CountDetector) derive() {
	low, high := stats.Wilson(d.base.Hits, d.base.Trials, baselineConfidence)
	effect := d.opt.MinEffect
	d.share[0] = max(tiny, min(1-tiny, high*(1+effect)))
	d.share[1] = max(tiny, min(1-tiny, low*(1-min(1, effect))))
	for side, p := range d.share {
		d.bets[side] = stats.Bets(p/(1-p), side == 0)
	}
	// Three points must be enough for an alarm and two must not, however many
	// trials one has: a burst inside one point is one thing that happened.
	d.limit = (math.Log(d.opt.ARL) + math.Log(2*stats.Alternatives)) / 3
}

func (d *CountDetector) arm() {
	d.phase, d.armed, d.points = Watching, d.row, 0
	d.sum = [2][stats.Alternatives]float64{}
	for side := range d.starts {
		d.starts[side].reset(d.row)
	}
}

// ObserveCount takes the hits and trials of the next point; one without trials
// is missing. It returns an alarm and true at the point at which it rings.
func (d *CountDetector) ObserveCount(hits, trials int64) (Alarm, bool) {
	row := d.row
	d.row++
	if trials <= 0 {
		if d.phase == Watching {
			d.starts[0].skip(d.row)
			d.starts[1].skip(d.row)
		}
		return Alarm{}, false
	}
	hits = max(0, min(trials, hits))
	switch d.phase {
	case Learning:
		d.learn(hits, trials)
		return Alarm{}, false
	case Ringing:
		if d.ring.step(hits, trials, row) {
			d.arm()
		}
		return Alarm{}, false
	}
	d.points++
	for side := range d.sum {
		if !d.watches(side) {
			continue
		}
		for i, bet := range d.bets[side] {
			brings := bet.On(float64(hits), float64(trials-hits)) / d.base.Dispersion
			d.sum[side][i] = (d.sum[side][i] + 1) * math.Exp(min(d.limit, brings))
		}
		above := float64(hits) - float64(trials)*d.share[side]
		d.starts[side].add(float64(trials), above*float64(1-2*side))
	}
	if d.r() >= d.opt.ARL {
		return d.alarm(row), true
	}
	for side := range d.starts {
		d.starts[side].push(d.row)
	}
	return Alarm{}, false
}

func (d *CountDetector) watches(side int) bool {
	return d.opt.Direction == Both || (d.opt.Direction == Up) == (side == 0)
}

// r is the sum over starts, averaged over alternatives and the directions
// watched.
func (d *CountDetector) r() float64 {
	switch d.opt.Direction {
	case Up:
		return total(d.sum[0]) / stats.Alternatives
	case Down:
		return total(d.sum[1]) / stats.Alternatives
	}
	return (total(d.sum[0]) + total(d.sum[1])) / (2 * stats.Alternatives)
}

func total(sums [stats.Alternatives]float64) float64 {
	t := 0.0
	for _, x := range sums {
		t += x
	}
	return t
}

func (d *CountDetector) alarm(row int) Alarm {
	side := 0
	if !d.watches(0) || d.watches(1) && total(d.sum[1]) > total(d.sum[0]) {
		side = 1
	}
	var gains [hullSize]float64
	at := 0
	for i := range d.starts[side].n {
		if gains[i] = d.gain(side, i); gains[i] > gains[at] {
			at = i
		}
	}
	best := gains[at]
	h := &d.starts[side]
	c := h.corner[at]
	trials := h.x - c.X
	hits := d.hits(side, at)
	frozen := stats.Share{Hits: d.base.Hits, Trials: d.base.Trials}
	now := stats.Share{Hits: int64(math.Round(hits)), Trials: int64(math.Round(trials))}
	a := Alarm{
		Index: row, Onset: c.Row, Earliest: c.Row, Latest: c.Row, Up: side == 0,
		Points: row - c.Row + 1, LogE: math.Log(d.r()),
		Before: float64(d.base.Hits) / float64(d.base.Trials), After: hits / trials,
	}
	a.P = chance(float64(d.points), a.LogE)
	for i := range h.n {
		if gains[i] >= best-locationBound {
			a.Earliest = min(a.Earliest, h.corner[i].Row)
			a.Latest = max(a.Latest, h.corner[i].Row)
		}
	}
	a.around(max(best, 1), d.armed)
	a.effect(stats.ShareRatio(frozen, now, d.base.Dispersion, 0.95).Change())
	d.phase = Ringing
	d.ring = newCountGoing(a.After, d)
	return a
}

// hits are those since a corner.
func (d *CountDetector) hits(side, i int) float64 {
	h := &d.starts[side]
	trials := h.x - h.corner[i].X
	above := (h.y - h.corner[i].Y) * float64(1-2*side)
	return max(0, min(trials, above+trials*d.share[side]))
}

// gain is the log likelihood ratio of the share since a corner against the
// null, 0 when it lies inside.
func (d *CountDetector) gain(side, i int) float64 {
	h := &d.starts[side]
	trials := h.x - h.corner[i].X
	if !(h.y > h.corner[i].Y) || trials <= 0 {
		return 0
	}
	q, p := d.hits(side, i)/trials, d.share[side]
	sum := 0.0
	if q > 0 {
		sum += q * math.Log(q/p)
	}
	if q < 1 {
		sum += (1 - q) * math.Log((1-q)/(1-p))
	}
	return trials * sum / d.base.Dispersion
}

// learn takes one point of the warm-up. The dispersion is Pearson's statistic
// over its degrees of freedom, hits²/trials summed being all it needs.
func (d *CountDetector) learn(hits, trials int64) {
	d.base.Hits += hits
	d.base.Trials += trials
	d.square += float64(hits) * float64(hits) / float64(trials)
	if d.warm++; d.warm < d.opt.Warmup {
		return
	}
	b := d.base
	p := float64(b.Hits) / float64(b.Trials)
	b.Dispersion = 1
	if p > 0 && p < 1 {
		b.Dispersion = max(1, (d.square-p*float64(b.Hits))/(p*(1-p))/float64(d.warm-1))
	}
	if d.Rebaseline(b) != nil {
		d.Relearn()
	}
}

// Phase is what the detector is doing.
func (d *CountDetector) Phase() Phase { return d.phase }

// Baseline is the frozen share; ok is false while it learns.
func (d *CountDetector) Baseline() (b CountBaseline, ok bool) { return d.base, d.phase != Learning }

// Evidence is how much speaks for a change and how much an alarm needs, in the
// unit of Alarm.LogE.
func (d *CountDetector) Evidence() (logE, need float64) {
	return math.Log(max(1, d.r())), math.Log(d.opt.ARL)
}

// Returned is the row at which the share of the last alarm went back to the
// baseline, by which the detector re-armed itself; ok is false when it has not.
func (d *CountDetector) Returned() (row int, ok bool) { return d.ring.back, d.ring.back >= 0 }
