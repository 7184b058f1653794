package baseline

import (
	"math"
	"slices"

	"github.com/pitwall/pitwall/internal/stats"
)

// The places of the bases in tables.
const (
	onLevel = iota
	onDay
	onWeek
)

// fit is what is read from the learnt hours; nothing in it outlives them.
type fit struct {
	level float64
	n     int        // learnt hours in all
	all   [3]float64 // error of each basis over all hours; NaN: none
	// noisier is by what factor a day of the week errs more than the others.
	noisier [7]float64
	hours   [dayHours]group
	cells   [weekHours]group
}

// group is the learnt hours of one hour of the day or of the week.
type group struct {
	location float32    // median, recent weeks weigh more
	errors   [3]float32 // robust size of the errors of each basis; NaN: none
	forecast [3]uint8   // number of errors
	n        uint8
}

// forecasts are what each basis says of an hour before it is known.
type forecasts struct {
	value [3]float64
	known [3]bool
}

// forecast draws each richer basis towards the plainer one as far as it may owe
// its difference to noise.
func (p *Profile) forecast(hour int32) (f forecasts) {
	if p.fit.n == 0 {
		return f
	}
	noise := p.scores.noise()
	f.value[onLevel], f.known[onLevel] = p.fit.level, p.haveLevel()
	f.value[onDay], f.value[onWeek] = p.fit.level, p.fit.level
	if g := p.fit.hours[hour%dayHours]; g.n > 0 {
		f.value[onDay], f.known[onDay] = shrink(float64(g.location), p.fit.level, int(g.n), noise), f.known[onLevel]
		f.value[onWeek] = f.value[onDay]
	}
	if g := p.fit.cells[hour%weekHours]; g.n > 0 {
		f.value[onWeek], f.known[onWeek] = shrink(float64(g.location), f.value[onDay], int(g.n), noise), f.known[onDay]
	}
	return f
}

// shrink draws a median of n values towards a prior by the non-negative garrote
// (Breiman 1995): a difference within its standard error counts nothing, one of
// several standard errors nearly all. The variance of a median is pi/2 of that
// of a mean.
func shrink(location, prior float64, n int, noise float64) float64 {
	d := location - prior
	se2 := noise * noise * math.Pi / 2 / float64(n)
	if d*d <= se2 {
		return prior
	}
	return prior + d*(1-se2/(d*d))
}

// basis is the richest basis that is old enough, has seen this very hour, and
// has paid off out of sample.
func (p *Profile) basis(hour int32) Basis {
	if !p.haveLevel() {
		return BasisNone
	}
	span := int(p.last-p.first) + 1
	s := &p.scores
	if span >= weeklyHours && p.fit.cells[hour%weekHours].n >= twice && s.week.n >= compared &&
		s.week.error[onWeek] <= worth*min(s.week.error[onDay], s.week.error[onLevel]) {
		return BasisWeekly
	}
	if span >= dailyHours && p.fit.hours[hour%dayHours].n >= twice && s.day.n >= compared &&
		s.day.error[onDay] <= worth*s.day.error[onLevel] {
		return BasisDaily
	}
	return BasisLevel
}

func (p *Profile) haveLevel() bool {
	return p.fit.n >= levelHours && p.last-p.first+1 >= dayHours
}

// scores compare the bases by forecasts of hourly medians made in advance.
type scores struct {
	day  score // level against day, on hours that both forecast
	week score // all three
}

// score holds decayed sums of absolute errors.
type score struct {
	error [3]float64
	n     float64
}

// add judges the forecasts of one hour. An error counts at most six times the
// usual one of its basis, so that an incident does not decide.
func (s *scores) add(f forecasts, median, decay float64) {
	s.day.add(f, median, decay, onDay)
	s.week.add(f, median, decay, onWeek)
}

func (s *score) add(f forecasts, median, decay float64, richest int) {
	if !f.known[richest] {
		return
	}
	for b := range richest + 1 {
		e := math.Abs(median - f.value[b])
		if limit := 6 * s.error[b] / s.n; s.n >= compared && limit > 0 {
			e = min(e, limit)
		}
		s.error[b] = decay*s.error[b] + e
	}
	s.n = decay*s.n + 1
}

// noise is the standard deviation of an hourly median around the best basis that
// was tried; 0 before one was. The mean absolute error of normal noise is
// sqrt(2/pi) of it.
func (s *scores) noise() float64 {
	best := math.Inf(1)
	if s.week.n >= compared {
		best = slices.Min(s.week.error[:]) / s.week.n
	} else if s.day.n >= compared {
		best = slices.Min(s.day.error[:onWeek]) / s.day.n
	}
	if math.IsInf(best, 1) {
		return 0
	}
	return best * math.Sqrt(math.Pi/2)
}

func (s *scores) times(factor float64) {
	for b := range s.day.error {
		s.day.error[b] *= factor
		s.week.error[b] *= factor
	}
}

// scale is the standard deviation of a point around what a basis says. The errors
// of one hour of the week are few. What they are measured by are those of the same
// hour and its neighbours on all days, times what this day of the week is noisier
// than others; behind these stand those of all hours.
func (p *Profile) scale(b int, hour int32) float64 {
	squares, n := 0.0, 0.0
	for _, by := range [3]int32{dayHours - 1, 0, 1} {
		if g := &p.fit.hours[(hour+by)%dayHours]; g.forecast[b] > 0 {
			squares += float64(g.forecast[b]) * sq(float64(g.errors[b]))
			n += float64(g.forecast[b])
		}
	}
	pooled := pool(math.Sqrt(squares/n), n, p.fit.all[b], weeksKept)
	if b != onWeek {
		return finite(pooled)
	}
	cell := hour % weekHours
	c := p.fit.cells[cell]
	return finite(pool(float64(c.errors[b]), float64(c.forecast[b]), pooled*p.fit.noisier[cell/dayHours], dayHours))
}

// pool joins n errors of one's own with a prior worth that many.
func pool(own, n, prior, worth float64) float64 {
	switch {
	case n == 0 || math.IsNaN(own):
		return prior
	case math.IsNaN(prior):
		return own
	}
	return math.Sqrt((n*own*own + worth*prior*prior) / (n + worth))
}

func finite(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return v
}

// refit reads everything anew.
func (p *Profile) refit() {
	p.first, p.last = 0, 0
	for _, x := range p.slots {
		if x.hour == 0 {
			continue
		}
		p.last = max(p.last, x.hour)
		if p.first == 0 || x.hour < p.first {
			p.first = x.hour
		}
	}
	for c := range int32(weekHours) {
		p.fitCell(c)
	}
	for h := range int32(dayHours) {
		p.fitHour(h)
	}
	p.fitLevel()
}

func (p *Profile) fitCell(c int32) { p.fitGroup(&p.fit.cells[c], int(c), weekHours) }
func (p *Profile) fitHour(h int32) { p.fitGroup(&p.fit.hours[h], int(h), dayHours) }

// fitGroup fits every step-th slot from the first one on.
func (p *Profile) fitGroup(g *group, first, step int) {
	var values [slotCount / dayHours]weighted
	var errors [3][slotCount / dayHours]float64
	*g = group{}
	newest := int32(0)
	for i := first; i < slotCount; i += step {
		newest = max(newest, p.slots[i].hour)
	}
	for i := first; i < slotCount; i += step {
		x := &p.slots[i]
		if x.hour == 0 {
			continue
		}
		values[g.n] = weighted{float64(x.value), math.Exp2(-float64(newest-x.hour) / p.halfLife)}
		g.n++
		for b, e := range x.errors {
			if e >= 0 {
				errors[b][g.forecast[b]] = float64(e)
				g.forecast[b]++
			}
		}
	}
	g.location = float32(weightedMedian(values[:g.n]))
	for b := range errors {
		q := 0.9
		if b == onWeek {
			q = weekSpread(step)
		}
		g.errors[b] = float32(spread(errors[b][:g.forecast[b]], q))
	}
}

// fitLevel takes the level as the median of the hours of the week, each as
// much as another, and the errors of all hours of the day the same way.
func (p *Profile) fitLevel() {
	var values [weekHours]float64
	k := 0
	p.fit.n = 0
	for i := range p.fit.cells {
		if g := &p.fit.cells[i]; g.n > 0 {
			values[k] = float64(g.location)
			k++
			p.fit.n += int(g.n)
		}
	}
	slices.Sort(values[:k])
	p.fit.level = stats.Quantile(values[:k], 0.5)
	for b := range p.fit.all {
		k := 0
		for i := range p.fit.hours {
			if g := &p.fit.hours[i]; g.forecast[b] > 0 {
				values[k] = float64(g.errors[b])
				k++
			}
		}
		slices.Sort(values[:k])
		p.fit.all[b] = stats.Quantile(values[:k], 0.5)
	}
	p.fitNoise()
}
