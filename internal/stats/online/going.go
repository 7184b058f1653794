package online

import (
	"math"

	"github.com/pitwall/pitwall/internal/stats"
)

// going follows a change that rang and says when the level went back: a CUSUM
// of the old level against the new one.
type going struct {
	up          bool
	shift       float64 // of a point, in whitened deviations beyond the smallest effect
	sum         float64
	began, back int // rows; back is -1 until the level went back
}

// goneBack is the evidence, in nats, at which the level counts as back: while
// it is not, that takes at least 1,000 points on average.
const goneBack = 6.9

func (g *going) step(up, down float64, row int) bool {
	z := down
	if g.up {
		z = up
	}
	if g.sum <= 0 {
		g.sum, g.began = 0, row
	}
	g.sum += g.shift * (g.shift/2 - z)
	if g.sum < goneBack {
		return false
	}
	g.back = g.began
	return true
}

// countGoing is going for shares: the frozen share against the new one.
type countGoing struct {
	after       float64   // share of the alarm
	bet         stats.Bet // on the frozen share
	limit       float64
	sum         float64
	began, back int
}

func newCountGoing(after float64, d *CountDetector) countGoing {
	off := func(p float64) float64 { return max(tiny, min(1-tiny, p)) }
	old, now := off(float64(d.base.Hits)/float64(d.base.Trials)), off(after)
	phi := d.base.Dispersion
	return countGoing{
		after: after, limit: d.limit, back: -1,
		bet: stats.Bet{Hit: math.Log(old/now) / phi, Miss: (math.Log1p(-old) - math.Log1p(-now)) / phi},
	}
}

func (g *countGoing) step(hits, trials int64, row int) bool {
	if g.sum <= 0 {
		g.sum, g.began = 0, row
	}
	g.sum += max(-g.limit, min(g.limit, g.bet.On(float64(hits), float64(trials-hits))))
	if g.sum < goneBack {
		return false
	}
	g.back = g.began
	return true
}
