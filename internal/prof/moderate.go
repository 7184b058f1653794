package prof

import (
	"math"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// half is one side of a node's test: the logarithm of its rate, cost over weight.
type half struct {
	n, mean float64
	// variance is that of one window's rate, relative to the rate; the variance of
	// mean is an n-th of it.
	variance float64
	// counting is what it would be if nothing but chance in sampling made windows
	// differ: (1-share)/count, with the mean count of a window.
	counting float64
}

// halfOf estimates a rate as the ratio of sums, and its variance from how far
// the windows lie from it (Cochran 1977, Sampling Techniques, section 6.3):
//
//	n/(n-1) · Σ (cost - rate·weight)² / (Σ weight)²
//
// Half an observation is added, so that nothing has a logarithm too. Logarithms
// window by window, rather than of the sums, would throw away much of what
// windows with a handful of observations say.
func halfOf(cost, weight []float64, quantum, share float64) half {
	n, all := float64(len(cost)), sum(weight)
	total := sum(cost) + quantum/2
	rate := total / all
	squares := 0.0
	for w, v := range cost {
		squares += (v - rate*weight[w]) * (v - rate*weight[w])
	}
	return half{n: n, mean: math.Log(rate), variance: n * n / (n - 1) * squares / (total * total), counting: math.Max(0, 1-share) * n * quantum / total}
}

// prior is what all nodes together say of the variance of one: about
// scale·(counting + common), known as well as df more windows would tell.
type prior struct {
	scale, common, df float64
}

// normalDF is where Student's t is as good as normal; a prior is never worth more.
const normalDF = 50

// learn fits a prior by the moments of the logarithms of variances over what is
// expected (Smyth 2004, Linear models and empirical Bayes methods, section 6.2):
// with d degrees of freedom each, their mean is ln scale + ψ(d/2) − ln(d/2) −
// ψ(df/2) + ln(df/2), their variance ψ'(d/2) + ψ'(df/2). common is by how much
// windows of one side vary together.
func learn(halves []half, common float64) prior {
	var zs []float64
	noise, bias := 0.0, 0.0
	for _, h := range halves {
		if expected := h.counting + common; h.n > 1 && h.variance > 0 && expected > 0 {
			d := (h.n - 1) / 2
			zs = append(zs, math.Log(h.variance/expected)-mathext.Digamma(d)+math.Log(d))
			noise += trigamma(d)
		}
	}
	if len(zs) < 3 {
		return prior{scale: 1, common: common}
	}
	mean, variance := stat.MeanVariance(zs, nil)
	df := float64(normalDF)
	if extra := variance - noise/float64(len(zs)); extra > 0 {
		df = math.Min(df, 2*inverseTrigamma(extra))
	}
	bias = math.Log(df/2) - mathext.Digamma(df/2)
	return prior{scale: math.Max(1, math.Exp(mean-bias)), common: common, df: df}
}

// moderated is a side's variance with the prior's weight, and its degrees of freedom.
func (p prior) moderated(h half) (variance, df float64) {
	df = h.n - 1 + p.df
	return ((h.n-1)*h.variance + p.df*p.scale*(h.counting+p.common)) / df, df
}

// test is Welch's test of two sides whose variances are moderated, with
// Satterthwaite's degrees of freedom. Without a prior it is Welch's test as it
// stands in the books.
func (p prior) test(a, b half) (out outcome) {
	va, da := p.moderated(a)
	vb, db := p.moderated(b)
	sa, sb := va/a.n, vb/b.n
	out = outcome{p: 1, effect: b.mean - a.mean, error: math.Sqrt(sa + sb)}
	if !(sa+sb > 0) || math.IsInf(sa+sb, 0) || da <= 0 || db <= 0 {
		return out
	}
	out.t = out.effect / out.error
	out.df = (sa + sb) * (sa + sb) / (sa*sa/da + sb*sb/db)
	out.p = 2 * distuv.StudentsT{Mu: 0, Sigma: 1, Nu: out.df}.Survival(math.Abs(out.t))
	return out
}

// outcome is what a test found: a difference of mean logarithms with its
// standard error.
type outcome struct {
	p, t, effect, error, df float64
}

// trigamma is the second derivative of the logarithm of the gamma function.
func trigamma(x float64) float64 { return mathext.Zeta(2, x) }

// inverseTrigamma finds where trigamma has a value, by Newton's method on its
// reciprocal, which is nearly straight (Smyth 2004, appendix).
func inverseTrigamma(y float64) float64 {
	x := 0.5 + 1/y
	for range 50 {
		tri := trigamma(x)
		step := tri * (1 - tri/y) / (-2 * mathext.Zeta(3, x)) // ψ'' = −2ζ(3, x)
		x += step
		if math.Abs(step) < 1e-9*x {
			break
		}
	}
	return x
}
