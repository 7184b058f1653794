package monitor

import (
	"math"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/baseline"
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
	id      pitwall.SeriesName
	profile *baseline.Profile // that it holds back from learning what was found; nil: none
	origin  time.Time
	rows    int
	points  [kept]point // by row modulo kept

	quantities *online.Detector // nil: it is a share
	shares     *online.CountDetector
	effect     float64   // smallest
	learnt     behind    // the baseline
	from       time.Time // what was before is not held against it
	over       time.Time // when the change before the one that rings had gone; zero: that was told

	ring     *ring
	young    bool
	growing  bool
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
	since  time.Time // when it came back
}

// newest is how many of the points after a ring speak for whether it lasts: more
// than confirming an effect of half a deviation takes.
const newest = 60

func newTrack(o Options, id pitwall.SeriesName, at time.Time) *track {
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
			if t.ring != nil {
				t.ring.alarm = earlier(t.ring.alarm, gap)
			}
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

// earlier moves the rows of an alarm, so that its times stay when the origin moves.
func earlier(a online.Alarm, rows int) online.Alarm {
	a.Index, a.Onset, a.Earliest, a.Latest = a.Index-rows, a.Onset-rows, a.Earliest-rows, a.Latest-rows
	return a
}

// nan32 is a missing value; read-only.
var nan32 = float32(math.NaN())

func (t *track) push(p point) {
	t.points[t.rows%kept] = p
	t.rows++
}

// quantity takes a minute of a quantity.
func (t *track) quantity(at time.Time, m measured) {
	t.catchUp(at)
	t.push(point{float32(m.value), float32(m.level), int32(min(m.requests, math.MaxInt32))})
	if at.Before(t.from) {
		m.level = math.NaN()
	}
	held := t.weighed(m)
	alarm, rang := t.quantities.Observe(held)
	if t.ring != nil && !rang {
		t.ring.retest.Observe(held)
		t.follow(m.level, t.quantities)
		return
	}
	if rang {
		t.overtaken()
		base, _ := t.quantities.Baseline()
		t.ring = &ring{alarm: alarm, retest: online.NewRetest(base, alarm.Up, t.effect)}
	}
}

// share takes a minute of a share.
func (t *track) share(at time.Time, hits, trials int64) {
	t.catchUp(at)
	t.push(point{float32(hits), nan32, int32(min(trials, math.MaxInt32))})
	if at.Before(t.from) {
		hits, trials = 0, 0
	}
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
		t.overtaken()
		base, _ := t.shares.Baseline()
		t.ring = &ring{alarm: alarm, counts: online.NewCountRetest(base, alarm.Up, t.effect)}
	}
}

// overtaken notes that the change that rang before was over when the next one
// rings: nobody was told yet.
func (t *track) overtaken() {
	if t.ring != nil && t.ring.back {
		t.over = t.ring.since
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
		t.ring.back, t.ring.since = true, t.at(row)
		if n := t.rows - row; n < len(t.ring.after) {
			t.ring.after = t.ring.after[len(t.ring.after)-n:]
		}
	}
}
