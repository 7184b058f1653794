package monitor

import (
	"math"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/stats/online"
)

const (
	// youth is how long a series is young: what its day is like is known after
	// three days, and is judged on the next morning.
	youth = 84 * time.Hour
	// growing is how long nothing is known of its week, for which two are needed:
	// until then a weekend looks like a change.
	growing = (15*24 + 12) * time.Hour
	// A series that knows not its day takes every 15 minutes the last 120 for
	// normal, one that knows not its week every 120.
	refreshed, refreshFrom = 15, 120
)

// age lets a series go with a day, and then a week, that nobody knows yet: only
// what changes within an hour or two rings. Afterwards what is normal is frozen.
func (t *track) age(age time.Duration) {
	young, grows := age < youth, age < growing
	if t.young && !young || t.growing && !grows {
		if t.ring != nil {
			return // what stands must not become normal: it grows up when that is over
		}
		t.young, t.growing = young, grows
		t.relearn() // the baseline has in it what is now known of the day or the week
		return
	}
	if t.young, t.growing = young, grows; !grows {
		return
	}
	every := refreshFrom
	if t.young {
		every = refreshed
	}
	if t.rows%every != 0 || t.ring != nil || t.quantities == nil || t.quantities.Phase() != online.Watching {
		return
	}
	var levels []float64
	var learnt behind
	for i := max(0, t.rows-refreshFrom); i < t.rows; i++ {
		p := t.points[i%kept]
		levels = append(levels, float64(p.level))
		learnt.add(float64(p.level), float64(p.requests))
	}
	if b, err := online.Learn(levels); err == nil && b.N >= refreshFrom/2 {
		t.learnt = learnt
		_ = t.quantities.Rebaseline(b) // what was learnt is a baseline
	}
}

// hold keeps the profile from learning what was found.
func (t *track) hold(since time.Time) {
	if t.growing {
		return // its profile has to see whole weeks first
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
		c, ok := t.candidate()
		if !ok || c.RecentN >= min(newest, c.Confirm()) { // enough points for the screen to say that it is gone
			t.release(pitwall.Period{})
			t.ring = nil
		}
	case t.improved >= relearnAfter && (t.young || !t.growing): // or it may be a weekend
		t.hold(t.at(t.ring.alarm.Earliest)) // or the profile has learnt some of it by itself
		t.release(pitwall.Period{From: t.at(t.ring.alarm.Latest + 1), To: t.at(t.rows)})
		t.relearn()
	}
}

// quiet says that the series was watched for a while and nothing rings.
func (t *track) quiet() bool {
	if t.ring != nil || t.learning() {
		return false
	}
	known := 0
	for i := max(0, t.rows-kept); i < t.rows; i++ {
		if p := t.points[i%kept]; t.shares != nil && p.requests > 0 || !math.IsNaN(float64(p.level)) {
			known++
		}
	}
	return known >= newest
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
	t.ring, t.improved, t.learnt, t.from = nil, 0, behind{}, t.at(t.rows)
	if t.shares != nil {
		t.shares.Relearn()
		return
	}
	t.quantities.Relearn()
}
