package monitor

import (
	"math"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/baseline"
	"github.com/pitwall/pitwall/internal/detect"
	"github.com/pitwall/pitwall/internal/stats"
	"github.com/pitwall/pitwall/internal/stats/online"
)

// kept is how many minutes of a series stay in memory, for charts and effects.
const kept = 360

// relearnAfter is how many looks a better level must last before it is learnt.
const relearnAfter = 120

// point is one minute as it is kept: the value as measured and without the
// swing of the hour, and the requests; for shares the value is the hits.
type point struct {
	value, level float32
	requests     int32
}

// track is one series with its detector. Row 0 is the minute of origin.
type track struct {
	id      detect.SeriesID
	profile *baseline.Profile // that it holds back from learning what was found; nil: none
	origin  time.Time
	rows    int
	points  [kept]point // by row modulo kept

	quantities *online.Detector // nil: it is a share
	shares     *online.CountDetector
	effect     float64 // smallest

	ring     *ring
	young    bool
	held     bool
	improved int // looks that found it better
}

// ring is a change that rang and what came after it.
type ring struct {
	alarm  online.Alarm
	retest online.Retest
	counts online.CountRetest
	after  []float64 // newest levels after the ring
	back   bool      // the old level is there again
}

// newest is how many of the points after a ring speak for whether it lasts: more
// than confirming an effect of half a deviation takes.
const newest = 60

func newTrack(o Options, id detect.SeriesID, at time.Time) *track {
	t := &track{id: id, origin: at, effect: o.MinEffect}
	how := online.Options{ARL: epoch.Minutes(), MinEffect: o.MinEffect}
	if id.Unit == pitwall.UnitRatio {
		t.shares = online.NewCounts(how)
	} else {
		t.quantities = online.New(how)
	}
	return t
}

// at is the beginning of a row's minute.
func (t *track) at(row int) time.Time { return t.origin.Add(time.Duration(row) * Step) }

// catchUp fills the rows before an instant that nobody reported.
func (t *track) catchUp(at time.Time) {
	for missing := 0; t.at(t.rows).Before(at); missing++ {
		if missing >= 2*kept { // long silent: rows need not be filled one by one
			gap := int(at.Sub(t.at(t.rows)) / Step)
			t.origin = t.origin.Add(time.Duration(gap) * Step)
			return
		}
		t.push(point{value: nan32, level: nan32})
		if t.shares != nil {
			t.shares.ObserveCount(0, 0)
		} else {
			t.quantities.Observe(math.NaN())
		}
	}
}

// nan32 is a missing value. Read-only.
var nan32 = float32(math.NaN())

func (t *track) push(p point) {
	t.points[t.rows%kept] = p
	t.rows++
}

// quantity takes a minute of a quantity: as measured, and its level without the
// swing of the hour.
func (t *track) quantity(at time.Time, value, level float64, requests int64) {
	t.catchUp(at)
	t.push(point{float32(value), float32(level), int32(min(requests, math.MaxInt32))})
	alarm, rang := t.quantities.Observe(level)
	if t.ring != nil && !rang {
		t.ring.retest.Observe(level)
		t.follow(level, t.quantities)
		return
	}
	if rang {
		base, _ := t.quantities.Baseline()
		t.ring = &ring{alarm: alarm, retest: online.NewRetest(base, alarm.Up, t.effect)}
	}
}

// share takes a minute of a share.
func (t *track) share(at time.Time, hits, trials int64) {
	t.catchUp(at)
	t.push(point{float32(hits), nan32, int32(min(trials, math.MaxInt32))})
	alarm, rang := t.shares.ObserveCount(hits, trials)
	if t.ring != nil && !rang {
		t.ring.counts.ObserveCount(hits, trials)
		level := math.NaN()
		if trials > 0 {
			level = float64(hits) / float64(trials)
		}
		t.follow(level, t.shares)
		return
	}
	if rang {
		base, _ := t.shares.Baseline()
		t.ring = &ring{alarm: alarm, counts: online.NewCountRetest(base, alarm.Up, t.effect)}
	}
}

// rung is a detector that rang.
type rung interface {
	Phase() online.Phase
	Returned() (row int, ok bool)
}

// follow notes a point after the ring; once the level is back, only those since
// then speak.
func (t *track) follow(level float64, d rung) {
	if !math.IsNaN(level) {
		if len(t.ring.after) == newest {
			t.ring.after = append(t.ring.after[:0], t.ring.after[1:]...)
		}
		t.ring.after = append(t.ring.after, level)
	}
	if row, ok := d.Returned(); ok && !t.ring.back && d.Phase() == online.Watching {
		t.ring.back = true
		if n := t.rows - row; n < len(t.ring.after) {
			t.ring.after = t.ring.after[len(t.ring.after)-n:]
		}
	}
}

// candidate is the change that rings, as the screen wants it.
func (t *track) candidate() (detect.Candidate, bool) {
	r := t.ring
	if r == nil {
		return detect.Candidate{}, false
	}
	a := r.alarm
	c := detect.Candidate{
		Series: t.id, Kind: detect.KindStep, Up: a.Up, Step: Step, At: t.at(a.Index), Anytime: true,
		Onset:  pitwall.Onset{At: t.at(a.Onset), Earliest: t.at(a.Earliest), Latest: t.at(a.Latest + 1)},
		Points: max(t.rows-a.Onset, a.Points), Needed: a.Points,
		Before: pitwall.Measure{Value: a.Before, Unit: t.id.Unit, N: int64(t.learntFrom())},
		Effect: a.Effect, EffectLow: a.EffectLow, EffectHigh: a.EffectHigh, Requests: t.requests(a.Onset),
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
	if t.shares != nil && !t.enough(a.Onset) {
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

// enough asks the exact test whether the events since a row can tell anything: a
// few failures at low traffic ring, and are no candidate yet.
func (t *track) enough(row int) bool {
	b, _ := t.shares.Baseline()
	var hits, trials uint64
	for i := max(row, t.rows-kept); i < t.rows; i++ {
		p := t.points[i%kept]
		if p.requests > 0 {
			hits, trials = hits+uint64(p.value), trials+uint64(p.requests)
		}
	}
	v := baseline.TestShare(pitwall.Counts{Bad: uint64(b.Hits), Good: uint64(b.Trials - b.Hits)}, pitwall.Counts{Bad: hits, Good: trials - min(hits, trials)},
		baseline.CountOptions{Margin: t.effect, Dispersion: b.Dispersion})
	return v.State != baseline.CountNotEnough && v.State != baseline.CountNoData
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
	for i := max(row, t.rows-kept); i < t.rows; i++ {
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

const (
	// youth is how long a series is young: what its day is like is known after
	// three days, and is judged on the next morning.
	youth = 84 * time.Hour
	// refreshed is after how many minutes a young series takes the last ones for
	// normal, and refreshFrom how many of them.
	refreshed, refreshFrom = 15, 120
)

// age lets a young series go with its day, which nobody knows yet: only what
// changes within an hour or two rings. Afterwards what is normal is frozen.
func (t *track) age(age time.Duration) {
	if !t.young && age >= youth {
		return
	}
	if t.young = age < youth; !t.young {
		t.relearn()
		return
	}
	if t.rows%refreshed != 0 || t.ring != nil || t.quantities == nil || t.quantities.Phase() != online.Watching {
		return
	}
	var levels []float64
	for i := max(0, t.rows-refreshFrom); i < t.rows; i++ {
		levels = append(levels, float64(t.points[i%kept].level))
	}
	if b, err := online.Learn(levels); err == nil && b.N >= refreshFrom/2 {
		_ = t.quantities.Rebaseline(b) // what was learnt is a baseline
	}
}

// hold keeps the profile from learning what was found.
func (t *track) hold(since time.Time) {
	if t.young {
		return // its profile has to see whole days first
	}
	if t.profile != nil && !t.held {
		t.profile.Hold(since)
	}
	t.held = true
}

// letGo ends what is over: a level that is back, once that was told, and a
// better one that has lasted.
func (t *track) letGo() {
	switch {
	case t.ring == nil:
	case t.ring.back:
		c, _ := t.candidate()
		if c.RecentN >= min(newest, c.Confirm()) { // enough points for the screen to say that it is gone
			t.release(pitwall.Period{})
			t.ring = nil
		}
	case t.improved >= relearnAfter:
		t.hold(t.at(t.ring.alarm.Earliest)) // or the profile has learnt some of it by itself
		t.release(pitwall.Period{From: t.at(t.ring.alarm.Latest + 1), To: t.at(t.rows)})
		t.relearn()
	}
}

// release lets the profile learn again; keep is the stretch that shows the new
// level, zero: the old one stands.
func (t *track) release(keep pitwall.Period) {
	if t.held && t.profile != nil {
		t.profile.Rebaseline(t.at(t.rows), keep)
	}
	t.held = false
}

// relearn takes the next points for the baseline.
func (t *track) relearn() {
	t.ring, t.improved = nil, 0
	if t.shares != nil {
		t.shares.Relearn()
		return
	}
	t.quantities.Relearn()
}
