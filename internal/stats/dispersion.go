package stats

// dispersion estimates, per edge, how much more the split of events between
// two arms varies from interval to interval than independent requests would:
// the long-run variance of X-Kw over its hypergeometric variance.
type dispersion struct {
	residual, variance [][]float64 // by edge, then interval
}

// minIntervals is the fewest intervals from which a dispersion is estimated.
const minIntervals = 8

func newDispersion(edges int) *dispersion {
	return &dispersion{residual: make([][]float64, edges), variance: make([][]float64, edges)}
}

func (d *dispersion) observe(counts []Count, control, treatment int) {
	n := float64(control + treatment)
	if control <= 0 || treatment <= 0 {
		return
	}
	w := float64(treatment) / n
	for j, c := range counts {
		k := float64(c.Total)
		d.residual[j] = append(d.residual[j], float64(c.Treatment)-k*w)
		d.variance[j] = append(d.variance[j], k*w*(1-w)*(n-k)/max(1, n-1))
	}
}

// phi gives the dispersion of every edge, at least floor (which is at least 1). A constant effect is
// taken out first (residuals regressed on their variance), so that a real
// difference between the arms is not taken for noise.
func (d *dispersion) phi(floor float64) []float64 {
	out := make([]float64, len(d.residual))
	for j := range out {
		out[j] = max(floor, longRun(d.residual[j], d.variance[j]))
	}
	return out
}

// longRun is the Bartlett-weighted long-run variance (Newey and West 1987) of
// the residuals over the sum of their variances, at least 1.
func longRun(residual, variance []float64) float64 {
	n := len(residual)
	if n < minIntervals {
		return 1
	}
	effect, total := 0.0, 0.0
	for i := range residual {
		effect += residual[i]
		total += variance[i]
	}
	if total <= 0 {
		return 1
	}
	effect /= total
	e := make([]float64, n)
	for i := range e {
		e[i] = residual[i] - effect*variance[i]
	}
	lags := max(2, n/6)
	sum := 0.0
	for lag := 0; lag <= lags; lag++ {
		product := 0.0
		for i := lag; i < n; i++ {
			product += e[i] * e[i-lag]
		}
		weight := 2 * (1 - float64(lag)/float64(lags+1))
		if lag == 0 {
			weight = 1
		}
		sum += weight * product
	}
	return max(1, sum/total*float64(n)/float64(n-1))
}
