package anomaly

import "math"

const (
	blocksADay = 4
	// week of levels, kept as so many samples.
	weekSamples = 336
	// fewestLevels is how many samples make a level.
	fewestLevels = 12
	// dozen points are the recent past of a jump, but no more than a block.
	dozen, dozenLeast = 12, 5
	// The long view takes the mean of so many hours, but no less than so many
	// points; the sums behind a mean are at most meanParts.
	longHours, longLeast, meanParts = 4, 6, 48
	// quiet hours end an anomaly; within them it goes on while the score is
	// above lingering.
	quiet, lingering = 3, 0.5
	// longest is how many hours of an anomaly are reported. After that the new
	// state is known; another anomaly then takes quiet hours first, or a jump.
	longest = 6
	// fading hours after an anomaly, another must be worse than what is left of
	// it: one trouble that rings on is one message.
	fading = 24
	// largest magnitude taken for a value; beyond it sums would overflow.
	largest = 1e150
	// defaultDays and defaultStep stand for what is not given.
	defaultDays, defaultStep = 30, 3600
)

// Options say what is known about a series, and how often a false anomaly is
// tolerable. The zero value is usable.
type Options struct {
	// Step is the time between points in seconds; 0 = unknown, taken as an
	// hour. Points further apart than six hours count as six hours apart.
	Step float64
	// Days is in how many days a quiet series may bring about one false
	// anomaly; 0 = 30.
	Days float64

	gain float64 // on all scores, for tests of sensitivity; 0 = 1
}

func (o Options) normal() Options {
	if !(o.Step > 0) || math.IsInf(o.Step, 0) {
		o.Step = defaultStep
	}
	if !(o.Days > 0) || math.IsInf(o.Days, 0) {
		o.Days = defaultDays
	}
	if o.gain == 0 {
		o.gain = 1
	}
	return o
}

// Verdict is what is known after one point.
type Verdict struct {
	// Ready is false while the past is too short to judge (see Warmup) and for
	// a missing point: then nothing else is said.
	Ready bool
	// Anomalous says that this row belongs to an anomaly; Start is the row in
	// which that began, never a later one, and 0 where there is none.
	Anomalous bool
	Start     int
	// Score is the distance from Expected over the limit: above 1 begins an
	// anomaly, unless a worse one is less than a day old. At most 1000.
	Score float64
	Up    bool // above what was expected
	// Frozen says that the series stopped moving: more than a dozen equal
	// points where a repeated value is rare. Score is then the length over 12.
	Frozen bool
	// Expected is what the view with the highest score expected; it would have
	// said nothing inside [Low, High]. The limits hold for the mean of the last
	// Over points: 1 in the view of jumps, 3 for levels, those of four hours in
	// the long view.
	Expected, Low, High float64
	Over                int
}

// Detector watches one series. It is made by New, holds about 31 KiB whatever
// the step and the length, and is not safe for concurrent use.
type Detector struct {
	hour, block, stride int // in rows
	p, gain             float64

	week    window
	recent  window
	three   mean
	hours   mean // of four hours, say
	season  season
	stuck   stuck
	jump    *view
	long    *view    // hours against the week
	level   [2]*view // against the week, against the profile
	portion [2]*view // the same as ratios

	row, inBlock int
	on           bool
	start, last  int     // rows of the present or last anomaly; last is where it still showed
	peak         float64 // its highest score, 0 before the first
	jumped       int     // last row that showed as a jump, at any time
}

// New starts a detector that has seen nothing.
func New(o Options) *Detector {
	o = o.normal()
	hours := 3600 / o.Step // points in an hour
	d := &Detector{
		hour:   rows(hours),
		block:  rows(24 / blocksADay * hours),
		p:      1 / (o.Days * blocksADay),
		gain:   o.gain,
		three:  newMean(3),
		hours:  newMean(max(rows(longHours*hours), longLeast)),
		season: newSeason(o.Step),
		jump:   newView(fewest),
		long:   newView(fewestLong),
	}
	week := max(rows(7*24*hours), 2*fewestLevels)
	d.stride = max(1, week/weekSamples)
	d.stuck.memory = week
	d.week = newWindow(min(week/d.stride, weekSamples))
	d.recent = newWindow(max(dozenLeast, min(dozen, d.block)))
	for i := range d.level {
		d.level[i], d.portion[i] = newView(fewest), newView(fewest)
	}
	return d
}

// rows rounds a number of rows that may be very large or below 1.
func rows(n float64) int { return int(math.Min(math.Max(n+0.5, 1), 1<<40)) }

// Warmup is the number of rows after which the detector may find something.
func Warmup(o Options) int {
	d := New(o)
	return d.block*fewest + fewestLevels*d.stride
}

// Observe takes the next point and says what it means. NaN is a missing point;
// infinite values, and those beyond 1e150, count as missing too. It costs the
// same whatever came before and allocates nothing.
func (d *Detector) Observe(v float64) Verdict {
	row := d.row
	d.row++
	week := math.NaN()
	if len(d.week.sorted) >= fewestLevels {
		week = d.week.median()
	}
	var level, jump, best reading
	ready := false
	if math.IsNaN(v) || math.Abs(v) > largest {
		d.season.see(math.NaN(), week)
	} else {
		d.three.push(v)
		d.hours.push(v)
		still := d.stuck.see(v)
		if !math.IsNaN(week) {
			level, jump = d.readLevel(v, week), d.readJump(v, week)
			best = further(further(level, jump), d.readLong(week))
			if still > best.score {
				best = reading{score: still, expected: v, low: v, high: v, over: 1, frozen: true}
			}
			ready = !math.IsInf(d.jump.up.limit, 1)
		}
		if row%d.stride == 0 {
			d.week.push(v)
		}
		d.recent.push(v)
		d.season.see(v, week)
	}
	d.closeBlock()
	out := Verdict{Ready: ready}
	if ready {
		out.Score, out.Up, out.Frozen = best.score*d.gain, best.up, best.frozen
		out.Expected, out.Low, out.High, out.Over = best.expected, best.low, best.high, best.over
	}
	fresh := jump.score*d.gain > 1 && level.score*d.gain > lingering && row-d.jumped > quiet*d.hour
	if jump.score*d.gain > lingering {
		d.jumped = row
	}
	if out.Anomalous = d.follow(row, out.Score, fresh); out.Anomalous {
		out.Start = d.start
	}
	return out
}

// readLevel compares with the level of the week and with the profile of the
// day; the one that predicts better is heard, both learn.
func (d *Detector) readLevel(v, week float64) (best reading) {
	references := [2]float64{week, d.season.profile}
	chosen := 0
	if d.season.trusted() {
		chosen = 1
	}
	now, over := d.three.value()
	for i, reference := range references {
		if math.IsNaN(reference) {
			continue
		}
		r := d.level[i].difference(now, reference)
		if reference > 0 && v >= 0 {
			r = further(r, d.portion[i].quotient(v, reference))
		}
		if i == chosen {
			best = r
		}
	}
	best.over = over
	return best
}

// readJump compares with the median of the last dozen points. A jump back to
// where the series belongs is not seen as one.
func (d *Detector) readJump(v, week float64) reading {
	recent := d.recent.median()
	if (v > recent) != (v > week) {
		v = recent
	}
	r := d.jump.difference(v, recent)
	r.over = 1
	return r
}

// readLong compares the mean of hours with the level of the week. It sees what
// no point shows: spikes of the usual height that come more often, a level
// within the noise that stays.
func (d *Detector) readLong(week float64) reading {
	now, over := d.hours.value()
	r := d.long.difference(now, week)
	r.over = over
	return r
}

func further(a, b reading) reading {
	if b.score > a.score {
		return b
	}
	return a
}

func (d *Detector) closeBlock() {
	if d.inBlock++; d.inBlock < d.block {
		return
	}
	d.inBlock = 0
	d.jump.close(d.p)
	d.long.close(d.p)
	for i := range d.level {
		d.level[i].close(d.p)
		d.portion[i].close(d.p)
	}
}

// follow keeps track of where the present anomaly begins and ends, and says
// whether the row belongs to it. An anomaly that lasts is a new state, and the
// week takes days to learn it; meanwhile a fresh jump begins another anomaly,
// unless it leads back to the old level.
func (d *Detector) follow(row int, score float64, fresh bool) bool {
	fresh = fresh && d.on && row-d.start > longest*d.hour
	if fresh || row-d.last > quiet*d.hour {
		d.on = false
	}
	if !d.on && score > 1 && (fresh || score > d.needed(row)) {
		d.on, d.start, d.peak = true, row, 0
	}
	if !d.on || score <= lingering {
		return false
	}
	d.last, d.peak = row, math.Max(d.peak, score)
	return row-d.start <= longest*d.hour
}

// needed is the score that begins an anomaly: the peak of the last one when
// that last showed, which falls to 1 within a day on a logarithmic scale.
func (d *Detector) needed(row int) float64 {
	left := 1 - float64(row-d.last)/float64(fading*d.hour)
	if d.peak == 0 || left <= 0 {
		return 1
	}
	return math.Pow(d.peak, left)
}
