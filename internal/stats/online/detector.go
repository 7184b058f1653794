package online

import "math"

// recentSize is how many points the size of a short change is taken from.
const recentSize = 16

// Detector watches one series of numbers. Make it with New; it is not safe for
// use by several goroutines at once.
type Detector struct {
	opt   Options
	base  Baseline
	phase Phase
	row   int     // next row
	last  float64 // what the point before hands on, NaN after a gap

	need     float64 // squared z at which it rings
	small    float64 // change of level that is not worth an alarm
	skew     [2]float64
	kurt     float64
	armed    int // row from which it watches
	up, down hull
	best     float64 // squared z of the last point

	recent [recentSize]float64 // newest points above the level, a ring
	seen   int

	ring   going
	warm   []float64 // points to learn from, gaps as single NaNs
	warmed int
	spare  []float64 // room to sort them
}

// New makes a detector that learns its baseline from its first points; call
// Rebaseline to give it one.
func New(o Options) *Detector {
	d := &Detector{opt: o.filled(), last: math.NaN(), ring: going{back: -1}}
	d.Relearn()
	return d
}

// Relearn forgets the baseline and learns a new one from the next points, for
// a level that has been accepted but has no history yet.
func (d *Detector) Relearn() {
	d.phase, d.warmed, d.best = Learning, 0, 0
	d.warm = make([]float64, 0, 2*d.opt.Warmup)
	d.spare = make([]float64, 0, d.opt.Warmup)
}

// Rebaseline watches against a baseline from now on: one that was learned from
// history, or the new level after an accepted change. Evidence so far is
// dropped. It refuses a baseline without a scale or without points.
func (d *Detector) Rebaseline(b Baseline) error {
	if err := b.valid(); err != nil {
		return err
	}
	d.base, d.warm, d.spare, d.warmed, d.last = b, nil, nil, 0, math.NaN()
	d.seen = 0
	d.derive()
	d.arm()
	return nil
}

// derive sets what follows from options and baseline. One standard error of
// the skewness and the kurtosis of clipped normal noise (of m points
// sqrt(4.5/m) and sqrt(13/m), simulated) is chance and not held against it.
func (d *Detector) derive() {
	m := float64(d.base.N)
	d.need = 2 * gainFor(math.Log(d.opt.ARL), d.opt.Direction)
	d.small = d.opt.MinEffect * math.Abs(d.base.Level)
	chance := math.Sqrt(4.5 / m)
	d.skew = [2]float64{max(0, d.base.Skew-chance) / 3, max(0, -d.base.Skew-chance) / 3}
	d.kurt = max(0, d.base.Kurt-math.Sqrt(13/m)) / 12
}

func (d *Detector) arm() {
	d.phase, d.armed, d.best = Watching, d.row, 0
	d.up.reset(d.row)
	d.down.reset(d.row)
}

// Observe takes the next point, NaN when it is missing. It returns an alarm
// and true at the point at which the detector rings, once per change.
func (d *Detector) Observe(v float64) (Alarm, bool) {
	row := d.row
	d.row++
	if d.phase == Learning {
		d.learn(v)
		return Alarm{}, false
	}
	if missing(v) {
		d.last = math.NaN()
		if d.phase == Watching {
			d.up.skip(d.row)
			d.down.skip(d.row)
		}
		return Alarm{}, false
	}
	up, down := d.excess(v)
	d.recent[d.seen%recentSize] = v - d.base.Level
	d.seen++
	if d.phase == Ringing {
		if d.ring.step(up, down, row) {
			d.arm()
		}
		return Alarm{}, false
	}
	rise, from := d.side(&d.up, up, 0)
	fall, since := d.side(&d.down, down, 1)
	if d.opt.Direction == Down || d.opt.Direction == Both && fall > rise {
		d.best = fall
		if fall >= d.need {
			return d.alarm(row, &d.down, since), true
		}
	} else if d.best = rise; rise >= d.need {
		return d.alarm(row, &d.up, from), true
	}
	d.up.push(d.row)
	d.down.push(d.row)
	return Alarm{}, false
}

// excess is by how much a point rises or falls beyond the smallest effect, in
// deviations. The clip comes last, so that the smallest effect may be larger.
func (d *Detector) excess(v float64) (up, down float64) {
	innovation, scale, next := d.base.standard(v, d.last, d.small)
	margin := d.small
	if !math.IsNaN(d.last) {
		margin *= 1 - d.base.Rho
	}
	d.last = next
	return bound((innovation - margin) / scale), bound((-innovation - margin) / scale)
}

// side adds a point to one direction and returns the largest squared z over
// all starts and the corner it belongs to. A start older than ten baselines
// adds less than a tenth and is dropped.
func (d *Detector) side(h *hull, z float64, which int) (best float64, at int) {
	h.add(1, z)
	h.forget(10 * float64(d.base.N))
	for i := range h.n {
		if s := d.squared(h, i, which); s > best {
			best, at = s, i
		}
	}
	return best, at
}

// squared is the squared z value of a change since a corner. The mean of n
// whitened points less the level of m points has the variance 1/n+1/m, so
// their sum has n+n²/m. Skewed and heavy noise reaches far more easily than
// normal noise: the exponent x²/2 of its large deviations is less by
// skew·x³/6 + kurt·x⁴/24 (the fourth-order cumulants), here as a divisor, so
// that it keeps growing with x.
func (d *Detector) squared(h *hull, i, which int) float64 {
	n, s := h.x-h.corner[i].X, h.y-h.corner[i].Y
	if !(s > 0) {
		return 0
	}
	x := s / n
	return s * x / (1 + n/float64(d.base.N)) / (1 + x*(d.skew[which]+x*d.kurt))
}

func (d *Detector) alarm(row int, h *hull, at int) Alarm {
	which := 0
	if h == &d.down {
		which = 1
	}
	best := d.squared(h, at, which)
	c := h.corner[at]
	a := Alarm{
		Index: row, Onset: c.Row, Earliest: c.Row, Latest: c.Row, Up: which == 0,
		Points: int(h.x - c.X), LogE: runLength(best/2, d.opt.Direction), Before: d.base.Level,
	}
	a.P = chance(h.x, a.LogE)
	for i := range h.n {
		if d.squared(h, i, which) >= best-2*locationBound {
			a.Earliest = min(a.Earliest, h.corner[i].Row)
			a.Latest = max(a.Latest, h.corner[i].Row)
		}
	}
	a.around(best/2, d.armed)
	shift, se := d.size(h.y-c.Y, float64(a.Points))
	if which == 1 {
		shift = -shift
	}
	a.relative(shift, se)
	d.phase = Ringing
	d.ring = going{
		up: which == 0, back: -1,
		shift: min(clip, max(0.1, (math.Abs(shift)-d.small)*(1-d.base.Rho)/d.base.Scale)),
	}
	return a
}

// locationBound is how much log likelihood a start may lose against the best
// one and still be possible: exp(-3) is one twentieth.
const locationBound = 3

// size is the change of level over the last n points and its standard error:
// the median of a few points, because clipped ones cannot say how large, or
// the whitened mean of many. The first point of a step is not whitened away.
func (d *Detector) size(sum, n float64) (shift, se float64) {
	rho, m := d.base.Rho, float64(d.base.N)
	deviation := min(d.base.Scale/(1-rho)/math.Sqrt(n), d.base.marginal())
	level := d.base.Scale / (1 - rho) / math.Sqrt(m)
	if int(n) > recentSize {
		shift = d.small + sum*d.base.Scale/(1+(n-1)*(1-rho))
		return shift, math.Hypot(deviation, level)
	}
	var last [recentSize]float64
	few := last[:0]
	for i := d.seen - int(n); i < d.seen; i++ {
		few = append(few, d.recent[((i%recentSize)+recentSize)%recentSize])
	}
	return math.Abs(sortedMedian(few)), math.Hypot(deviation*math.Sqrt(math.Pi/2), level)
}

// learn takes one point of the warm-up.
func (d *Detector) learn(v float64) {
	if missing(v) {
		if n := len(d.warm); n > 0 && !math.IsNaN(d.warm[n-1]) {
			d.warm = append(d.warm, math.NaN())
		}
		return
	}
	d.warm = append(d.warm, v)
	if d.warmed++; d.warmed < d.opt.Warmup {
		return
	}
	b := learn(d.warm, present(d.warm, d.spare))
	if b.valid() != nil { // values beyond what a float can subtract
		d.Relearn()
		return
	}
	d.base, d.warm, d.spare, d.warmed = b, nil, nil, 0
	_, _, d.last = b.whiten(v, math.NaN())
	d.derive()
	d.arm()
}

// Phase is what the detector is doing.
func (d *Detector) Phase() Phase { return d.phase }

// Baseline is what it holds the series against; ok is false while it learns.
func (d *Detector) Baseline() (b Baseline, ok bool) { return d.base, d.phase != Learning }

// Evidence is how much speaks for a change at the last point and how much an
// alarm needs, in the unit of Alarm.LogE.
func (d *Detector) Evidence() (logE, need float64) {
	return runLength(d.best/2, d.opt.Direction), math.Log(d.opt.ARL)
}

// Returned is the row at which the level of the last alarm went back to the
// baseline, by which the detector re-armed itself; ok is false when it has not.
func (d *Detector) Returned() (row int, ok bool) {
	return d.ring.back, d.ring.back >= 0
}
