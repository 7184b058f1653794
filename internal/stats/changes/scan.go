package changes

import "math"

// scan reads a series forward, one segment after the other.
type scan struct {
	alpha     float64
	period    int // given by the caller
	s         *series
	season    cycle
	p         sums
	ages      []int
	logs      []float64 // ln of ages
	from      int       // first point of the present segment
	confirmed int       // points seen at the last confirmation
	first     int       // points seen when the pending split was first over; 0 for none
	age       int       // points it had then on its right
	again     int       // points seen before a doubtful split is weighed again
	levels    bool      // levels only, by the first yardstick
	out       []found
	rejected  []Rejected
}

// found is a confirmed split, its places counted in points.
type found struct {
	at, earliest, latest int
	sloped               [2]bool // whether a line was seen before and after
	p, step              float64 // step from level to level when it was confirmed
	seen                 int
}

func newScan(s *series, alpha float64) *scan {
	c := &scan{alpha: alpha, s: s, p: newSums(len(s.raw))}
	last := 0
	for x := float64(shortest); x < float64(len(s.raw)); x *= math.Pow(2, 0.25) {
		if int(x) > last {
			last = int(x)
			c.ages, c.logs = append(c.ages, last), append(c.logs, math.Log(x))
		}
	}
	return c
}

// run looks after every point. After a confirmation it reads on from the change,
// so that what followed while it was pending is not lost.
func (c *scan) run() {
	c.start(0)
	for t := 2; t <= len(c.s.raw); t++ {
		if d := math.Abs(c.s.raw[t-1] - c.s.raw[t-2]); d > 0 && (d < c.p.unit || c.p.unit == 0) {
			c.p.unit = d
		}
		if done := t - reach; done > 0 && c.season.update(c.s.rows[:c.s.row[done-1]+1], c.period, c.s.row[c.from]) {
			c.reset()
		}
		c.fill(t - reach)
		if t-c.from < 2*shortest {
			continue
		}
		open := c.peek(t)
		at, ok := c.look(t)
		c.p.drop(open)
		if ok {
			c.start(at)
			t = at + 1
		}
	}
}

func (c *scan) start(at int) {
	c.from, c.first, c.again = at, 0, 0
	c.p.levels = c.levels
	c.reset()
}

// reset empties the sums; fill takes in the values before a point.
func (c *scan) reset() {
	at := c.from
	c.p.reset(middle(c.s.raw[at:min(at+2*reach+1, len(c.s.raw))], reach) - c.season.at(c.s.row[at]))
}

func (c *scan) fill(to int) {
	for i := c.from + len(c.p.y); i < to; i++ {
		c.p.add(c.s.value[i] - c.season.at(c.s.row[i]))
	}
}

// peek takes in the newest values before t as well, up to three, and says how
// many: too new to be told from spikes by what follows, they are held against a
// line through the seven newest, by medians of values and of differences.
func (c *scan) peek(t int) int {
	var y, d [2*reach + 1]float64
	k := min(len(y), t)
	for i := range k {
		y[i] = c.s.raw[t-k+i] - c.season.at(c.s.row[t-k+i])
		if i > 0 {
			d[i-1] = y[i] - y[i-1]
		}
	}
	mid, slope := middle(y[:k], k/2), 0.0
	limit := c.s.limit[max(0, t-1-reach)]
	open := t - c.from - len(c.p.y)
	for _, v := range y[k-open : k] {
		if math.Abs(v-mid) > limit { // a steep line may do so too
			slope = middle(d[:k-1], k/2)
		}
	}
	for i := k - open; i < k; i++ {
		c.p.add(pull(y[i], mid+slope*(float64(i)-float64(k-1)/2), limit))
	}
	return open
}

// looks are the thresholds of one look. Alpha is shared out over the doublings o
// of the points seen, so that a series may grow without end: each yardstick gives
// a doubling a share that falls with o. Within one, the first yardstick shares
// it among the places that pieces of an age have room for, the second among the
// changes so far and, in stretches of a segment, the stretches that fit in.
type looks struct{ first, places, second float64 }

// Nats that make up for what the shares do not count, set so that simulated
// series without a change, of 100 to 2,000 points, keep their promise: the first
// yardstick's ages and places overlap, the second's looks are much alike.
const (
	overlap = 2.0
	alike   = -0.1
)

func (c *scan) looks(seen int) looks {
	o := math.Log2(float64(seen) / shortest)
	base := -math.Log(c.alpha)
	l := looks{first: base + math.Log(1+o) + overlap, places: math.Log(float64(seen))}
	l.second = base + alike + math.Log(math.Max(o*o, 1)*float64(1+len(c.out)))
	if c.levels {
		l.second = math.Inf(1)
	}
	return l
}

// look weighs the splits of the present segment and confirms the best if it
// stands and its place is known: within four points, or after half as many more
// points as it had when first seen.
func (c *scan) look(t int) (at int, ok bool) {
	seen := max(t, c.confirmed)
	if c.period > 1 && c.season.period() == 0 {
		return 0, false // what changes may be the season that the caller knows of
	}
	if t < c.again {
		return 0, false
	}
	best, w, need, ok := c.seek(t, seen, 0)
	if !ok {
		return 0, false
	}
	best = c.refine(best, w, need)
	n := len(c.p.y)
	if c.first == 0 {
		c.first, c.age = t, n-best.right.from
	}
	if t < c.first+1 {
		return 0, false
	}
	early, late := c.p.place(best, w)
	if late-early > 4 && t < c.first+c.age/2 {
		return 0, false
	}
	if no, ok := c.p.doubt(best, 0); ok {
		c.reject(best, no)
		c.again = t + (n-best.right.from)/8
		return 0, false
	}
	c.confirmed = seen
	at = c.from + best.right.from
	k := float64(best.right.from)
	c.out = append(c.out, found{
		at: at, earliest: c.from + early, latest: c.from + late, seen: seen, sloped: best.sloped(),
		p:    c.chance(best),
		step: best.right.value(k) - best.left.value(k-1),
	})
	return at, true
}

// seek finds the split that goes furthest beyond what is needed, among geometric
// ages: the newest m points against all before them in the segment, and against
// one to three times as many.
func (c *scan) seek(t, seen int, over float64) (best split, in window, need bar, ok bool) {
	n, l := len(c.p.y), c.looks(seen)
	whole := c.p.window(0, n, fewestWhole)
	for i, m := range c.ages {
		if m > n-shortest {
			break
		}
		if stride := m / 8; stride > 1 && t%stride != 0 {
			continue
		}
		q := bar{l.first + l.places - c.logs[i], l.second}
		if !c.p.hopeless(whole, n-m, q.one+over, least(float64(n), q.two+over)) {
			if s, good := c.p.weigh(whole, n-m, q, over); good {
				best, in, need, ok, over = s, whole, q, true, s.over()
			}
		}
		for f := 2; f <= 4 && m >= fewestPart && !c.levels; f++ {
			if f*m >= n {
				break
			}
			if c.p.hopelessPart(n-f*m, n-m, n, least(float64(f*m), l.second+over)) {
				continue
			}
			w := c.p.window(n-f*m, n, fewestPart)
			q := bar{math.Inf(1), l.second + math.Log1p(float64(seen)/float64(f*m))}
			if s, good := c.p.weigh(w, n-m, q, over); good {
				best, in, need, ok, over = s, w, q, true, s.over()
			}
		}
	}
	return best, in, need, ok
}

// refine moves a split to the best place near it.
func (c *scan) refine(best split, w window, need bar) split {
	n := w.level.to
	for k := max(w.level.from+shortest, n-2*(n-best.right.from)); k <= n-shortest; k++ {
		if s, good := c.p.weigh(w, k, need, best.over()); good {
			best = s
		}
	}
	return best
}

// chance is the p value of a split; what no float holds is 1e-300.
func (c *scan) chance(s split) float64 {
	return math.Min(math.Max(c.alpha*math.Exp(-s.over()), 1e-300), 1)
}

// reject lists why a split is not reported, in place of the same reason just before.
func (c *scan) reject(s split, no Rejected) {
	no.Index = c.s.row[c.from+s.right.from]
	if k := len(c.rejected); k > 0 && c.rejected[k-1].Reason == no.Reason && max(c.rejected[k-1].Index-no.Index, no.Index-c.rejected[k-1].Index) <= 5 {
		c.rejected = c.rejected[:k-1]
	}
	c.rejected = append(c.rejected, no)
}
