package slo

import (
	"time"

	"github.com/pitwall/pitwall"
)

// instants is how many future instants are looked at for the end of a budget.
const instants = 100

// endsIn is when the rest of the budget ends at a pace; false: it never does.
//
// A calendar budget is that of the full period, and ends before the period does
// or not at all. In a rolling window bad events also leave, so what counts is
// the first t at which
//
//	bad(now−W+t … now) + pace of bad × t ≥ B × (events(now−W+t … now) + pace of events × t)
//
// The sums come from the ledger at up to 100 instants; between two of them both
// sides are taken to be straight lines. What lies before the first event is taken
// as clean traffic at the mean known.
func (j *judge) endsIn(p rate) (time.Duration, bool) {
	switch {
	case !j.sum.known() || p.allowed <= 0:
		return 0, false
	case j.s.Calendar == nil:
		return j.rollingEnd(p)
	case p.bad <= 0:
		return 0, false
	}
	d := time.Duration((j.allowance() - j.sum.bad) / p.bad * float64(time.Second))
	return max(0, d), d < j.whole.To.Sub(j.look.Now)
}

func (j *judge) rollingEnd(p rate) (time.Duration, bool) {
	if j.sum.bad <= 0 && p.bad <= 0 {
		return 0, false
	}
	window := j.whole.Duration()
	excess := func(t time.Duration, m measure) float64 {
		return m.bad + p.bad*t.Seconds() - m.allowed - j.unseen(t) - p.allowed*t.Seconds()
	}
	at, y := time.Duration(0), excess(0, j.sum)
	if y >= 0 {
		return 0, true
	}
	crossing := func(next time.Duration, z float64) time.Duration {
		return at + time.Duration(float64(next-at)*(y/(y-z)))
	}
	// Until the window has moved past the first event nothing leaves.
	if free := window - j.age; free > 0 {
		z := excess(free, j.sum)
		if z >= 0 {
			return crossing(free, z), true
		}
		at, y = free, z
	}
	for i := 0; ; i++ {
		next, ok := j.later(i)
		if !ok {
			return 0, false
		}
		z := excess(next.at, next.measure)
		if z >= 0 {
			return crossing(next.at, z), true
		}
		at, y = next.at, z
	}
}

// remainder is what of the window's present events is still in it some time
// ahead.
type remainder struct {
	at time.Duration
	measure
}

// later gives the i-th remainder; false: by then all have left. They are kept,
// for tiers ask at several paces.
func (j *judge) later(i int) (remainder, bool) {
	window := j.whole.Duration()
	for len(j.remainders) <= i {
		at := max(0, window-j.age)
		width := max((window-at)/instants, j.l.step)
		if n := len(j.remainders); n > 0 {
			at = j.remainders[n-1].at
		}
		if at >= window {
			return remainder{}, false
		}
		next := min(window, j.coarse(j.whole.From.Add(at+width), window).Sub(j.whole.From))
		j.remainders = append(j.remainders, remainder{next, j.read(pitwall.Period{From: j.whole.From.Add(next), To: j.look.Now})})
	}
	return j.remainders[i], true
}

// coarse moves an instant up to where a block of steps begins, if the window is
// made of many: there the ledger has its sums at hand.
func (j *judge) coarse(t time.Time, window time.Duration) time.Time {
	block := chunkSteps * j.l.step
	if window < 16*block {
		return t
	}
	from, _ := j.l.stepsOf(pitwall.Period{From: t, To: t})
	return time.Unix(j.l.unix(ceil(from, chunkSteps)*chunkSteps), 0)
}
