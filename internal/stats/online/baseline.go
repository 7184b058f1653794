package online

import (
	"errors"
	"math"
	"slices"
)

// Baseline is what quiet looked like, frozen: nothing observed later moves it,
// so that a slow rise cannot become normal.
type Baseline struct {
	Level float64 `json:"level"` // mean of the quiet points, clipped at 3 deviations
	Scale float64 `json:"scale"` // standard deviation of a point given the one before, > 0
	Rho   float64 `json:"rho"`   // correlation of neighbours, rather too large, in [0, 0.98]
	// Skew and Kurt are the skewness and the excess kurtosis of the clipped
	// innovations, 0 for normal noise.
	Skew float64 `json:"skew"`
	Kurt float64 `json:"kurt"`
	N    int     `json:"n"` // quiet points behind it; the fewer, the more a change must show
}

const (
	// clip bounds what one point may say, in standard deviations: one brings
	// at most 4.5 nats and two at most 9, so at the run length of 10,000 an
	// alarm takes three. It touches 0.3 % of normal noise.
	clip = 3.0
	// clippedVariance is the variance of a standard normal variable clipped
	// there.
	clippedVariance = 0.9950
	// rhoLimit keeps 1-rho, by which whitening shrinks a step, away from 0.
	rhoLimit = 0.98
	// fewest is the least number of points a baseline is learned from.
	fewest = 8
	// flat is the relative noise a constant series is taken to have.
	flat = 1e-6
)

// Learn takes a baseline from quiet points in order of time; NaN, an
// infinity or a size above 1e150 is a missing point. It refuses fewer than 8 points.
func Learn(values []float64) (Baseline, error) {
	kept := present(values, make([]float64, 0, len(values)))
	if len(kept) < fewest {
		return Baseline{}, errors.New("a baseline needs at least 8 points")
	}
	return learn(values, kept), nil
}

// missing also holds for sizes whose squares a float cannot hold.
func missing(v float64) bool { return !(math.Abs(v) <= 1e150) }

func present(values, into []float64) []float64 {
	into = into[:0]
	for _, v := range values {
		if !missing(v) {
			into = append(into, v)
		}
	}
	return into
}

// learn takes the baseline of values; scratch holds those not missing and is
// overwritten.
func learn(values, scratch []float64) Baseline {
	b := Baseline{N: len(scratch)}
	level, spread := centre(scratch)
	least := max(flat*math.Abs(level), 1e-300)
	b.Level, spread = level, max(spread, least)
	b.Rho = safeRho(lag(values, level, spread), b.N)
	b.Scale = spread * math.Sqrt(1-b.Rho*b.Rho)
	innovations, last := scratch[:0], math.NaN()
	for _, v := range values {
		if missing(v) {
			last = math.NaN()
			continue
		}
		var e float64
		first := math.IsNaN(last)
		if e, _, last = b.whiten(v, last); !first {
			innovations = append(innovations, e)
		}
	}
	if len(innovations) >= fewest {
		middle, scale := centre(innovations)
		b.Scale = max(scale, least)
		b.Skew, b.Kurt = shape(innovations, middle, b.Scale)
	}
	return b
}

// whiten takes what a point brings that the one before did not announce:
// the innovation, the same clipped and in deviations, and the deviation from
// the level that the point hands on. An outlier hands on no more than the clip
// leaves of it, so that it neither rings nor hides what follows. last is what
// the point before handed on, NaN after a gap.
func (b Baseline) whiten(v, last float64) (innovation, z, next float64) {
	innovation, scale, next := b.standard(v, last, 0)
	return innovation, bound(innovation / scale), next
}

// standard is whiten with the deviation that an innovation has, not clipped. A
// change of level up to free is no outlier and is handed on whole.
func (b Baseline) standard(v, last, free float64) (innovation, scale, next float64) {
	scale = b.Scale
	if math.IsNaN(last) {
		last, scale = 0, b.marginal()
	}
	innovation = v - b.Level - b.Rho*last
	limit := clip*scale + free
	return innovation, scale, b.Rho*last + max(-limit, min(limit, innovation))
}

// marginal is the standard deviation of a point on its own.
func (b Baseline) marginal() float64 { return b.Scale / math.Sqrt(1-b.Rho*b.Rho) }

// valid says what is wrong with a baseline, if anything.
func (b Baseline) valid() error {
	switch {
	case missing(b.Level) || missing(b.Skew) || missing(b.Kurt):
		return errors.New("the level or the shape of the baseline is not a number")
	case missing(b.Scale) || b.Scale <= 0:
		return errors.New("the scale of the baseline must be above 0")
	case !(b.Rho >= 0 && b.Rho <= rhoLimit):
		return errors.New("the correlation of the baseline must lie in [0, 0.98]")
	case b.N < 1:
		return errors.New("the baseline must say how many points are behind it")
	}
	return nil
}

// centre is the mean and the standard deviation of values, which it sorts,
// clipped at three deviations: Huber's location and scale, begun at the median
// and the median deviation. Clipped residuals then have mean 0 however skewed
// the noise, and on normal noise hardly anything is lost.
func centre(values []float64) (level, spread float64) {
	slices.Sort(values)
	level, spread = median(values), 0
	n := float64(len(values))
	if spread = 1.4826 * medianDeviation(values, level); spread == 0 {
		// More than half are equal: the mean deviation knows the others.
		for _, v := range values {
			spread += math.Abs(v-level) / n
		}
	}
	for range 5 {
		if !(spread > 0) || math.IsInf(spread, 0) {
			return level, min(max(spread, 0), math.MaxFloat64)
		}
		sum, squares := 0.0, 0.0
		for _, v := range values {
			z := bound((v - level) / spread)
			sum, squares = sum+z, squares+z*z
		}
		level += spread * sum / n
		spread *= math.Sqrt(max(0, squares-sum*sum/n) / (n - 1) / clippedVariance)
	}
	return level, spread
}

func median(sorted []float64) float64 {
	n := len(sorted)
	return sorted[(n-1)/2]/2 + sorted[n/2]/2
}

// medianDeviation is the median of |v-level| of sorted values, which pairs from
// both ends visit in descending order.
func medianDeviation(sorted []float64, level float64) float64 {
	low, high := 0, len(sorted)-1
	deviation := 0.0
	for range len(sorted)/2 + 1 {
		left, right := level-sorted[low], sorted[high]-level
		if left > right {
			deviation, low = left, low+1
		} else {
			deviation, high = right, high-1
		}
	}
	return deviation
}

func bound(z float64) float64 { return max(-clip, min(clip, z)) }

// lag is the correlation of neighbours after clipping.
func lag(values []float64, level, spread float64) float64 {
	product, squares, last := 0.0, 0.0, 0.0
	for _, v := range values {
		if missing(v) {
			last = 0
			continue
		}
		z := bound((v - level) / spread)
		product, squares, last = product+z*last, squares+z*z, z
	}
	if squares == 0 {
		return 0
	}
	return product / squares
}

// safeRho corrects the correlation of neighbours of n points for its bias of
// (1+3 rho)/n (Kendall 1954) and adds up to one standard error: too small a
// value makes false alarms, too large a one costs time. What is less than two
// standard errors from none gets less of it, by the square, so that white
// noise, by far the most common, hardly pays.
func safeRho(r float64, n int) float64 {
	m := float64(n)
	rho := min(rhoLimit, r+(1+3*r)/m)
	if !(rho > 0) {
		return 0
	}
	se := math.Sqrt((1 - rho*rho) / m)
	far := min(1, rho/se/2)
	return min(rhoLimit, rho+se*far*far)
}

// shape is the skewness and the excess kurtosis of clipped values.
func shape(values []float64, middle, scale float64) (skew, kurt float64) {
	var m2, m3, m4 float64
	for _, v := range values {
		z := bound((v - middle) / scale)
		m2, m3, m4 = m2+z*z, m3+z*z*z, m4+z*z*z*z
	}
	n := float64(len(values))
	if m2 == 0 {
		return 0, 0
	}
	m2, m3, m4 = m2/n, m3/n, m4/n
	return m3 / math.Pow(m2, 1.5), m4/(m2*m2) - 3
}
