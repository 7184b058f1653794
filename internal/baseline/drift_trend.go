package baseline

import (
	"math"
	"slices"

	"github.com/pitwall/pitwall/internal/stats"
)

// trend is a slope per day with its standard error.
type trend struct {
	slope, se float64
	df        int // effective degrees of freedom, at least 1
	blocks    []block
	residuals []float64
}

const (
	fewestDF = 3 // without days of the week
	weekDF   = 5 // with them
	clipAt   = 3 // standard deviations at which a day is drawn in
)

// fitTrend fits one slope within groups: segments, split by days of the week
// once two weeks leave enough to go by. ok is false when nothing does.
func fitTrend(blocks []block, of func(block) float64) (trend, bool) {
	plain := newDesign(blocks, bySegment)
	if plain.days() < fewestDF || plain.sxx == 0 {
		return trend{}, false
	}
	t := plain.fit(of)
	rho := plain.correlation(t.residuals)
	week := newDesign(blocks, func(b block) int { return b.segment*7 + b.day()%7 })
	if week.days() < weekDF || week.sxx < plain.sxx/2 {
		return t.withLikeness(plain, rho), true
	}
	// The plain fit leaves more to tell the likeness of neighbours by, and errs on
	// the safe side, unless the days of the week do explain most of what it leaves.
	w := week.fit(of)
	if week.variance(w.residuals) < plain.variance(t.residuals)/2 {
		rho = week.correlation(w.residuals)
	}
	return w.withLikeness(week, rho), true
}

func bySegment(b block) int { return b.segment }

// likeness is the correlation of neighbours around a common slope.
func likeness(blocks []block) float64 {
	x := newDesign(blocks, bySegment)
	if x.days() < fewestDF || x.sxx == 0 {
		return 0
	}
	return x.correlation(x.fit(func(b block) float64 { return b.value }).residuals)
}

// design is days in groups that each have a level of their own.
type design struct {
	blocks []block
	group  []int
	mean   map[int]float64 // mean day of a group
	size   map[int]float64
	sxx    float64 // sum of squared distances to it
	df     int
}

func newDesign(blocks []block, group func(block) int) design {
	x := design{blocks: blocks, mean: map[int]float64{}, size: map[int]float64{}}
	for _, d := range blocks {
		g := group(d)
		x.group = append(x.group, g)
		x.mean[g] += d.at
		x.size[g]++
	}
	for g := range x.mean {
		x.mean[g] /= x.size[g]
	}
	for i, d := range blocks {
		x.sxx += sq(d.at - x.mean[x.group[i]])
	}
	x.df = len(blocks) - len(x.size) - 1
	return x
}

// fit starts with the median slope of all pairs within groups (Sen 1968) and goes
// on with least squares on values whose residuals are drawn in to three robust
// standard deviations (Huber 1981, by pseudo-values): an odd day has little say,
// and normal noise loses nothing.
func (x design) fit(of func(block) float64) trend {
	y := make([]float64, len(x.blocks))
	for i, d := range x.blocks {
		y[i] = of(d)
	}
	t := trend{slope: x.sen(y), blocks: x.blocks}
	t.residuals = x.residuals(y, t.slope, true)
	limit := clipAt * x.robust(t.residuals)
	pseudo := make([]float64, len(y))
	for range 10 {
		slope := 0.0
		for i, r := range t.residuals {
			r = max(-limit, min(limit, r))
			pseudo[i] = y[i] - t.residuals[i] + r
		}
		for i, d := range x.blocks {
			slope += (d.at - x.mean[x.group[i]]) * pseudo[i] / x.sxx
		}
		t.slope = slope
		centred := x.residuals(pseudo, slope, false)
		for i := range y { // the fit of the pseudo-values, the residual of the day
			t.residuals[i] = y[i] - (pseudo[i] - centred[i])
		}
	}
	for i, r := range t.residuals {
		t.residuals[i] = max(-limit, min(limit, r))
	}
	return t
}

// withLikeness adds the standard error. Likeness makes the slope vary
// (1+rho)/(1-rho) times as much, and what it is measured by worth
// (1-rho²)/(1+rho²) of its degrees of freedom (Bartlett 1935).
func (t trend) withLikeness(x design, rho float64) trend {
	t.df = max(1, int(float64(x.df)*(1-rho*rho)/(1+rho*rho)))
	t.se = math.Sqrt(x.variance(t.residuals) / x.sxx * (1 + rho) / (1 - rho))
	return t
}

// variance is that of the residuals by the degrees of freedom that are left.
func (x design) variance(residuals []float64) float64 {
	squares := 0.0
	for _, r := range residuals {
		squares += r * r
	}
	return squares / float64(x.df)
}

// days is the degrees of freedom if only whole days count.
func (x design) days() int {
	seen := map[[2]int]bool{}
	for _, b := range x.blocks {
		seen[[2]int{b.day(), b.segment}] = true
	}
	return len(seen) - len(x.size) - 1
}

func (x design) sen(y []float64) float64 {
	var slopes []float64
	for i := range y {
		for j := i + 1; j < len(y); j++ {
			if x.group[i] == x.group[j] && x.blocks[j].at != x.blocks[i].at {
				slopes = append(slopes, (y[j]-y[i])/(x.blocks[j].at-x.blocks[i].at))
			}
		}
	}
	return stats.Median(slopes)
}

// residuals are taken from the median or the mean of each group.
func (x design) residuals(y []float64, slope float64, robust bool) []float64 {
	groups := map[int][]float64{}
	out := make([]float64, len(y))
	for i, d := range x.blocks {
		out[i] = y[i] - slope*(d.at-x.mean[x.group[i]])
		groups[x.group[i]] = append(groups[x.group[i]], out[i])
	}
	level := map[int]float64{}
	for g, values := range groups {
		level[g] = stats.Mean(values)
		if robust {
			level[g] = stats.Median(values)
		}
	}
	for i := range out {
		out[i] -= level[x.group[i]]
	}
	return out
}

// robust is the standard deviation behind residuals by their MAD, made larger for
// the degrees of freedom that fitting took; +Inf when more than half fit exactly.
func (x design) robust(residuals []float64) float64 {
	size := make([]float64, len(residuals))
	for i, r := range residuals {
		size[i] = math.Abs(r)
	}
	if s := 1.4826 * stats.Median(size) * math.Sqrt(float64(len(size))/float64(x.df)); s > 0 {
		return s
	}
	return math.Inf(1)
}

// correlation is how much successive blocks resemble each other, as the rho of a
// first-order autoregression; never below 0. A bend is no likeness and is taken out
// first, lest a leak that accelerates be lost in it. Fitting makes residuals look
// less alike than the blocks are; the mean of what is found is rho less about
// (3+5 rho)/n (after Marriott and Pope 1954, with a line and a bend besides the
// mean), which is given back.
func (x design) correlation(residuals []float64) float64 {
	residuals = x.straighten(residuals)
	cross, square, pairs, step := 0.0, 0.0, 0, x.step()
	for i, r := range residuals {
		square += r * r
		if i > 0 && x.blocks[i].at-x.blocks[i-1].at <= step && x.blocks[i].segment == x.blocks[i-1].segment {
			cross += r * residuals[i-1]
			pairs++
		}
	}
	n := float64(len(residuals))
	if pairs < 3 || square == 0 {
		return 0
	}
	rho := cross / float64(pairs) / (square / n)
	rho = (rho + 3/n) / (1 - 5/max(7, n))
	return max(0, min(0.95, rho))
}

// straighten takes the bend out of residuals of a line.
func (x design) straighten(residuals []float64) []float64 {
	bend, line := make([]float64, len(residuals)), 0.0
	mean := map[int]float64{}
	for i, b := range x.blocks {
		g := x.group[i]
		bend[i] = sq(b.at - x.mean[g])
		mean[g] += bend[i] / x.size[g]
	}
	for i, b := range x.blocks {
		bend[i] -= mean[x.group[i]]
		line += bend[i] * (b.at - x.mean[x.group[i]]) / x.sxx
	}
	along, length := 0.0, 0.0
	for i, b := range x.blocks {
		bend[i] -= line * (b.at - x.mean[x.group[i]])
		along += bend[i] * residuals[i]
		length += sq(bend[i])
	}
	out := slices.Clone(residuals)
	for i := range out {
		if length > 0 {
			out[i] -= bend[i] * along / length
		}
	}
	return out
}

// step is the shortest distance between two blocks.
func (x design) step() float64 {
	step := math.Inf(1)
	for i := 1; i < len(x.blocks); i++ {
		if d := x.blocks[i].at - x.blocks[i-1].at; d > 0 {
			step = min(step, d)
		}
	}
	return step
}

// recent is the slope in the later half of each segment. What the days of the
// week have to say is taken from the whole.
func (t trend) recent() float64 {
	from, to := map[int]float64{}, map[int]float64{}
	for _, d := range t.blocks {
		if _, ok := from[d.segment]; !ok {
			from[d.segment] = d.at
		}
		to[d.segment] = d.at
	}
	var later []block
	var rest []float64
	for i, d := range t.blocks {
		if d.at >= (from[d.segment]+to[d.segment])/2 {
			later, rest = append(later, d), append(rest, t.residuals[i])
		}
	}
	x := newDesign(later, func(d block) int { return d.segment })
	if x.sxx == 0 {
		return t.slope
	}
	slope := t.slope
	for i, d := range later {
		slope += (d.at - x.mean[d.segment]) * rest[i] / x.sxx
	}
	return slope
}

// tail is the chance of so steep a rise if the true slope is least.
func (t trend) tail(least float64) float64 {
	if t.se == 0 {
		if t.slope > least {
			return 0
		}
		return 1
	}
	return studentTail((t.slope-least)/t.se, t.df)
}

// half is half the width of the 95 % interval.
func (t trend) half() float64 { return studentQuantile(0.975, t.df) * t.se }
