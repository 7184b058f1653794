package stats

import (
	"math"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"
)

// Wilson is the score interval (Wilson 1927) of a share of hits among n; it
// never leaves [0,1] and says something for 0 hits too. Without trials it is
// [0,1].
func Wilson(hits, n int64, confidence float64) (low, high float64) {
	if n <= 0 {
		return 0, 1
	}
	z := NormalQuantile(1 - (1-confidence)/2)
	total, p := float64(n), float64(hits)/float64(n)
	middle := (p + z*z/(2*total)) / (1 + z*z/total)
	half := z / (1 + z*z/total) * math.Sqrt(p*(1-p)/total+z*z/(4*total*total))
	low, high = max(0, middle-half), min(1, middle+half)
	if hits == 0 {
		low = 0
	}
	if hits == n {
		high = 1
	}
	return low, high
}

// BinomialTail is P(X >= k) of n independent trials of probability p, exact
// through the incomplete beta function.
func BinomialTail(k, n int64, p float64) float64 {
	switch {
	case k <= 0:
		return 1
	case k > n || p <= 0:
		return 0
	case p >= 1:
		return 1
	}
	return mathext.RegIncBeta(float64(k), float64(n-k+1), p)
}

// BinomialP is the two-sided p-value of k hits among n trials of probability
// p: twice the smaller tail, at most 1. It is 1 without trials.
func BinomialP(k, n int64, p float64) float64 {
	if n <= 0 {
		return 1
	}
	above := BinomialTail(k, n, p)
	below := 1 - BinomialTail(k+1, n, p)
	if below < 1e-9 { // cancellation: count the other outcome instead
		below = BinomialTail(n-k, n, 1-p)
	}
	return min(1, 2*min(above, below))
}

// Share is hits among trials.
type Share struct{ Hits, Trials int64 }

// LogRatio is a ratio on the logarithmic scale, where twice and half are
// equally far from none: the natural log of treatment/control with its
// interval.
type LogRatio struct{ Value, Low, High float64 }

// Change is the ratio as a relative change: 0.2 is 20 % more.
func (r LogRatio) Change() (value, low, high float64) {
	return math.Expm1(r.Value), math.Expm1(r.Low), math.Expm1(r.High)
}

// ShareRatio is the log ratio of two shares (Katz 1978, with half a hit added
// on both sides so that 0 hits stay finite). phi >= 1 widens it for hits that
// come in clusters.
func ShareRatio(control, treatment Share, phi, confidence float64) LogRatio {
	c, t := float64(control.Hits)+0.5, float64(treatment.Hits)+0.5
	nc, nt := float64(control.Trials)+1, float64(treatment.Trials)+1
	value := math.Log(t/nt) - math.Log(c/nc)
	variance := max(0, 1/t-1/nt) + max(0, 1/c-1/nc)
	half := NormalQuantile(1-(1-confidence)/2) * math.Sqrt(max(1, phi)*variance)
	return LogRatio{value, value - half, value + half}
}

// QuantileRatio is the log ratio of the q quantiles of two sorted samples. Its
// interval adds the order-statistic intervals of both in quadrature on the log
// scale; ok is false when a quantile is not positive.
func QuantileRatio(control, treatment []float64, q, confidence float64) (r LogRatio, ok bool) {
	c, t := Quantile(control, q), Quantile(treatment, q)
	cl, ch, _ := QuantileInterval(control, q, confidence)
	tl, th, _ := QuantileInterval(treatment, q, confidence)
	if !(cl > 0) || !(tl > 0) || !(c > 0) || !(t > 0) {
		return LogRatio{}, false
	}
	value := math.Log(t / c)
	low := math.Hypot(math.Log(t/tl), math.Log(ch/c))
	high := math.Hypot(math.Log(th/t), math.Log(c/cl))
	return LogRatio{value, value - low, value + high}, true
}

// CountDispersion is the variance of counts over their mean, at least 1: 1 for
// independent events, more when they cluster.
func CountDispersion(counts []float64) float64 {
	mean := Mean(counts)
	if len(counts) < 2 || !(mean > 0) {
		return 1
	}
	squares := 0.0
	for _, c := range counts {
		squares += (c - mean) * (c - mean)
	}
	return max(1, squares/float64(len(counts)-1)/mean)
}

// WelchResult is Welch's t test of two means with unequal variances.
type WelchResult struct {
	Diff float64 // mean of b minus mean of a
	T    float64
	DF   float64 // degrees of freedom by Satterthwaite
	P    float64 // two-sided; 1 when either side has fewer than two values
}

// Welch tests whether the means of a and b differ. Apply it to logarithms when
// the values are positive and effects are factors.
func Welch(a, b []float64) WelchResult {
	if len(a) < 2 || len(b) < 2 {
		return WelchResult{P: 1}
	}
	ma, va := meanVariance(a)
	mb, vb := meanVariance(b)
	sa, sb := va/float64(len(a)), vb/float64(len(b))
	r := WelchResult{Diff: mb - ma, P: 1}
	if sa+sb == 0 {
		if r.Diff != 0 {
			r.P = 0
		}
		return r
	}
	r.T = r.Diff / math.Sqrt(sa+sb)
	r.DF = (sa + sb) * (sa + sb) / (sa*sa/float64(len(a)-1) + sb*sb/float64(len(b)-1))
	r.P = 2 * distuv.StudentsT{Sigma: 1, Nu: r.DF}.CDF(-math.Abs(r.T))
	return r
}

func meanVariance(values []float64) (mean, variance float64) {
	mean = Mean(values)
	for _, v := range values {
		variance += (v - mean) * (v - mean)
	}
	return mean, variance / float64(len(values)-1)
}

// ChiSquareTail is P(X >= x) of the chi-square distribution.
func ChiSquareTail(x float64, df int) float64 {
	if df <= 0 || x <= 0 {
		return 1
	}
	return distuv.ChiSquared{K: float64(df)}.Survival(x)
}
