package baseline

import (
	"math"
	"slices"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/stats"
)

// Basis says what an expectation rests on.
type Basis string

// The bases, from nothing to the hour of the week. A richer one is used only
// when there is enough of it and when it forecast better than the plainer one.
const (
	BasisNone   Basis = "none"   // less than a day was learnt: nothing is expected
	BasisLevel  Basis = "level"  // one level for all hours
	BasisDaily  Basis = "daily"  // the hour of the day, from three days on
	BasisWeekly Basis = "weekly" // the hour of the week, from two weeks on
)

// ProfileOptions shape a profile. The zero value is a profile in UTC that
// forgets half in four weeks.
type ProfileOptions struct {
	// Zone is where the days of the series begin; nil: UTC. Hours are those of the
	// clock on the wall. The hour that a change to summer time skips learns nothing
	// on that day; the hour that comes twice in autumn is learnt once, from both.
	Zone *time.Location
	// HalfLife is after what time a week counts half; zero: four weeks.
	HalfLife time.Duration
}

// Expected is what a profile expects at an instant, in the unit of the series.
type Expected struct {
	Value float64 `json:"value"`
	// Scale is the standard deviation of a single point around Value, as robust
	// errors of forecasts made before the point was known. 0: it never moved.
	Scale float64 `json:"scale"`
	// Low and High are three scales away: normal noise leaves them once in 370.
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
	N     int     `json:"n"` // learnt hours that Value rests on
	Basis Basis   `json:"basis"`
}

const (
	dayHours  = 24
	weekHours = 7 * dayHours
	weeksKept = 8 // a ninth would weigh a fifth at the default half-life
	slotCount = weeksKept * weekHours

	levelHours  = 8               // learnt hours that make a level, spread over a day at least
	dailyHours  = 3 * dayHours    // span before the hour of the day is believed
	weeklyHours = 2 * weekHours   // span before the hour of the week is
	twice       = 2               // times an hour was seen before it speaks for itself
	compared    = 24              // forecasts compared before one basis replaces another
	worth       = 0.9             // share of the plainer basis' error that a richer one may leave
	band        = 3               // scales between Value and Low or High
	sampled     = 64              // points of an hour that its median is taken from
	surprise    = 1e6             // residual of a point that left a series which never moved
	precision   = 1e-6            // relative; values are kept as 32-bit numbers
	excludeMax  = 64              // marked stretches that are remembered
	hourZero    = weekHours * 1e6 // keeps hour numbers positive for every year of a calendar
)

// Profile is what is normal for one series in each hour of the week. It keeps
// one median and one error of each basis for every hour of the last eight weeks,
// about 32 KiB however many points there are. While it is younger than two weeks
// it knows no weekend, and the first ones stand out. Without a hold it follows a new
// level in about half the weeks it has seen. It is not safe for concurrent use.
type Profile struct {
	zone     *time.Location
	halfLife float64 // hours

	slots       [slotCount]learnt // slot = hour number modulo eight weeks
	first, last int32             // hour numbers of the learnt hours; 0: none
	scores      scores
	fit         fit
	open        openHour
	holding     bool
	since       int32 // first hour number that is held back
	held        [weekHours]heldHour
	excluded    []pitwall.Period
}

// learnt is one hour: its median, and by how much one point of it, picked at
// random, missed what each basis had forecast for it; negative: no forecast.
type learnt struct {
	hour   int32 // 0: nothing here
	value  float32
	errors [3]float32 // by level, day, week
}

type heldHour struct {
	hour  int32
	value float32
}

// openHour collects the points of the hour that is not over yet.
type openHour struct {
	hour     int32
	from, to int64 // unix seconds in which points belong to hour
	n        uint64
	values   [sampled]float64
}

// NewProfile is a profile that knows nothing yet.
func NewProfile(o ProfileOptions) *Profile {
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.HalfLife <= 0 {
		o.HalfLife = 4 * 7 * 24 * time.Hour
	}
	p := &Profile{zone: o.Zone, halfLife: o.HalfLife.Hours(), open: openHour{from: math.MinInt64, to: math.MinInt64}}
	p.refit()
	return p
}

// Observe takes one point. Points come in the order of time: one from before the
// present hour, one in a marked stretch and one that is no finite number (or
// beyond 1e38) are passed over. The hour is learnt when the next one begins.
func (p *Profile) Observe(at time.Time, v float64) {
	if !(math.Abs(v) <= 1e38) {
		return
	}
	sec := at.Unix()
	if sec < p.open.from || sec >= p.open.to && !p.turn(at) {
		return
	}
	for _, x := range p.excluded {
		if x.Contains(at) {
			return
		}
	}
	p.open.add(v)
}

// turn opens the hour of at and learns the one that is over, if it is over: where
// the clock is set back, the same hour goes on.
func (p *Profile) turn(at time.Time) bool {
	hour, ok := p.hourNumber(at)
	if !ok {
		return false
	}
	if hour != p.open.hour {
		p.close()
		p.open.hour, p.open.n = hour, 0
	}
	local := at.In(p.zone)
	p.open.from = at.Unix() - int64(local.Minute()*60+local.Second())
	p.open.to = p.open.from + 3600
	return true
}

// hourNumber counts the hours of the clock on the wall; a number modulo 168 is
// an hour of the week. ok is false outside the years 1 to 9999.
func (p *Profile) hourNumber(at time.Time) (int32, bool) {
	sec := at.Unix()
	if sec < -62135596800 || sec > 253402300799 {
		return 0, false
	}
	_, offset := at.In(p.zone).Zone()
	sec += int64(offset)
	hour := sec / 3600
	if sec%3600 < 0 {
		hour--
	}
	return int32(hour + hourZero), true
}

// add keeps a uniform sample of the hour's points (reservoir sampling, Vitter's
// algorithm R), so that nothing periodic within the hour is missed or doubled.
func (o *openHour) add(v float64) {
	o.n++
	if o.n <= sampled {
		o.values[o.n-1] = v
		return
	}
	if j := scramble(uint64(o.hour)<<32^o.n) % o.n; j < sampled {
		o.values[j] = v
	}
}

// scramble is the output function of SplitMix64: chance without a state.
func scramble(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// close learns the open hour, or holds it back.
func (p *Profile) close() {
	n := min(p.open.n, sampled)
	if n == 0 {
		return
	}
	values := p.open.values[:n]
	one := values[scramble(uint64(p.open.hour))%n]
	slices.Sort(values)
	median := stats.Quantile(values, 0.5)
	p.open.n = 0
	if p.holding && p.open.hour >= p.since {
		p.held[p.open.hour%weekHours] = heldHour{p.open.hour, float32(median)}
		return
	}
	p.learn(p.open.hour, median, one)
}

// learn enters an hour: first what was forecast for it, then the hour itself.
func (p *Profile) learn(hour int32, median, one float64) {
	f := p.forecast(hour)
	x := learnt{hour: hour, value: float32(median)}
	for b := range f.known {
		x.errors[b] = -1
		if f.known[b] {
			x.errors[b] = float32(math.Abs(one - f.value[b]))
		}
	}
	p.scores.add(f, median, math.Exp2(-1/p.halfLife))
	p.slots[hour%slotCount] = x
	p.last = max(p.last, hour)
	if p.first == 0 {
		p.first = hour
	}
	p.fitCell(hour % weekHours)
	p.fitHour(hour % dayHours)
	p.fitLevel()
}

// Expected is what is normal at an instant. It reads tables, nothing more.
func (p *Profile) Expected(at time.Time) Expected {
	hour, ok := p.hourNumber(at)
	if !ok {
		return Expected{Basis: BasisNone}
	}
	return p.expected(hour)
}

func (p *Profile) expected(hour int32) Expected {
	basis := p.basis(hour)
	if basis == BasisNone {
		return Expected{Basis: BasisNone}
	}
	f := p.forecast(hour)
	b, n := onLevel, p.fit.n
	switch basis {
	case BasisDaily:
		b, n = onDay, int(p.fit.hours[hour%dayHours].n)
	case BasisWeekly:
		b, n = onWeek, int(p.fit.cells[hour%weekHours].n)
	}
	e := Expected{Value: f.value[b], N: n, Basis: basis}
	e.Scale = max(p.scale(b, hour), precision*math.Abs(e.Value))
	e.Low, e.High = e.Value-band*e.Scale, e.Value+band*e.Scale
	return e
}

// Residual is how many scales v lies above what is expected; negative: below. A
// point that leaves a series which never moved is 1e6 scales away. ok is false
// while nothing is expected, and for what is no finite number.
func (p *Profile) Residual(at time.Time, v float64) (z float64, ok bool) {
	e := p.Expected(at)
	if e.Basis == BasisNone || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, false
	}
	d := v - e.Value
	if d == 0 {
		return 0, true
	}
	if e.Scale == 0 {
		return math.Copysign(surprise, d), true
	}
	return max(-surprise, min(surprise, d/e.Scale)), true
}

// Level is the middle of all hours, whatever the basis; ok is false before
// there is one.
func (p *Profile) Level() (level float64, ok bool) {
	return p.fit.level, p.haveLevel()
}
