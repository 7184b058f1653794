package changes

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/pitwall/pitwall/internal/stats/labelled"
)

func seeds() int {
	if k, err := strconv.Atoi(os.Getenv("K")); err == nil {
		return k
	}
	return 50
}

func ar(n int, rho float64, r *rand.Rand) []float64 {
	v := make([]float64, n)
	x := r.NormFloat64()
	for i := range v {
		v[i] = x
		x = rho*x + math.Sqrt(1-rho*rho)*r.NormFloat64()
	}
	return v
}

func TestZTrend(t *testing.T) {
	for _, rho := range []float64{0, .6} {
		for _, n := range []int{60, 200, 600, 2000} {
			k := seeds()
			if n == 2000 { k = k/2 }
			out := fmt.Sprintf("rho %.1f n %4d:", rho, n)
			for _, slope := range []float64{.2, .5, 1, 2, 3, 5, 10, 20} {
				c, steps := 0, 0
				for s := range uint64(k) {
					v := ar(n, rho, rand.New(rand.NewPCG(s, uint64(n)+77)))
					for i := range v {
						v[i] += 100 + slope*float64(i)/float64(n)
					}
					r := Find(v, Options{})
					if len(r.Changes) > 0 {
						c++
						if r.Changes[0].Kind == Step { steps++ }
					}
				}
				out += fmt.Sprintf(" %5.1f(%.0f)", 100*float64(c)/float64(k), 100*float64(steps)/float64(k))
			}
			t.Log(out)
		}
	}
}

func TestZCurve(t *testing.T) {
	f := map[string]func(x float64) float64{
		"exp": func(x float64) float64 { return math.Exp(3*x) / 20 },
		"logistic": func(x float64) float64 { return 1 / (1 + math.Exp(-10*(x-.5))) },
		"arc": func(x float64) float64 { return math.Sin(math.Pi * x) },
		"sqrt": func(x float64) float64 { return math.Sqrt(x) },
		"square": func(x float64) float64 { return x * x },
		"sine3": func(x float64) float64 { return math.Sin(6 * math.Pi * x) },
	}
	for _, name := range []string{"exp", "logistic", "arc", "sqrt", "square", "sine3"} {
		for _, n := range []int{60, 200, 600} {
			out := fmt.Sprintf("%-8s n %3d", name, n)
			for _, sd := range []float64{0, .002, .01, .05, .2} {
				for _, round := range []bool{true, false} {
					if sd > 0.01 && round { continue }
					steps, ramps, k := 0., 0., seeds()/5
					for s := range uint64(k) {
						v := ar(n, 0, rand.New(rand.NewPCG(s, uint64(n)+79)))
						for i := range v {
							v[i] = 100 + 100*(f[name](float64(i)/float64(n))+sd*v[i])
							if round { v[i] = math.Round(v[i]) }
						}
						for _, c := range Find(v, Options{}).Changes {
							if c.Kind == Step { steps++ } else { ramps++ }
						}
					}
					out += fmt.Sprintf(" | %g%s %.1f+%.1f", sd, map[bool]string{true: "r"}[round], steps/float64(k), ramps/float64(k))
				}
			}
			t.Log(out)
		}
	}
}

func TestZStep(t *testing.T) {
	for _, rho := range []float64{0, .3, .6} {
		for _, n := range []int{100, 200, 400} {
			out := fmt.Sprintf("rho %.1f n %d:", rho, n)
			for _, at := range []float64{.2, .5, .8} {
				for _, size := range []float64{3, 5} {
					one, more, near, kind, k := 0, 0, 0, 0, seeds()
					for s := range uint64(k) {
						v := ar(n, rho, rand.New(rand.NewPCG(s, uint64(n)+78)))
						p := int(at * float64(n))
						for i := range v {
							if v[i] += 100; i >= p { v[i] += size }
						}
						c := Find(v, Options{}).Changes
						if len(c) > 1 { more++ }
						if len(c) > 0 {
							one++
							if c[0].Kind == Step { kind++ }
							if max(c[0].Index-p, p-c[0].Index) <= 2 { near++ }
						}
					}
					out += fmt.Sprintf(" | %.0f@%.1f %3d%% >1 %4.1f%% near %3d step %3d", size, at, 100*one/k, 100*float64(more)/float64(k), 100*near/max(one,1), 100*kind/max(one,1))
				}
			}
			t.Log(out)
		}
	}
}

func TestZTiny(t *testing.T) {
	for _, n := range []int{8, 12, 16, 20, 25} {
		k := 4*seeds()
		out := fmt.Sprintf("n %d:", n)
		for _, rho := range []float64{0, .6, .9} {
			for _, slope := range []float64{0, 5, 20} {
			c := 0
			for s := range uint64(k) {
				v := ar(n, rho, rand.New(rand.NewPCG(s, uint64(n)+79)))
				for i := range v { v[i] += slope*float64(i)/float64(n) }
				if len(Find(v, Options{}).Changes) > 0 { c++ }
			}
			out += fmt.Sprintf(" rho %.1f/%.0f %.1f", rho, slope, 100*float64(c)/float64(k))
			}
		}
		for _, size := range []float64{5, 8, 12} {
			c := 0
			for s := range uint64(k) {
				v := ar(n, 0, rand.New(rand.NewPCG(s, uint64(n)+79)))
				for i := range v { if i >= n/2 { v[i] += size } }
				if len(Find(v, Options{}).Changes) > 0 { c++ }
			}
			out += fmt.Sprintf(" step%.0f %.0f", size, 100*float64(c)/float64(k))
		}
		t.Log(out)
	}
}

func TestZTCPD(t *testing.T) {
	published := labelled.Published(t)
	var f1, cov, d, dc, n float64
	for _, s := range labelled.Load(t, "tcpd") {
		if !s.Tuning() { continue }
		c := Find(s.Value, Options{}).Changes
		var x []int
		var kinds string
		for _, h := range c { x = append(x, h.Index); kinds += fmt.Sprintf(" %d%s", h.Index, string(h.Kind[0])) }
		got, peer := labelled.Segmentation(s.Annotations, x, len(s.Value)), published[s.Name]["binseg"]
		t.Logf("%-20s n %d F1 %.3f covering %.3f (binseg %.3f %.3f) %v", s.Name, len(s.Value), got.F1, got.Cover, peer.F1, peer.Cover, kinds)
		n++
		f1 += got.F1; cov += got.Cover; d += got.F1-peer.F1; dc += got.Cover-peer.Cover
	}
	t.Logf("tuning F1 %.3f cover %.3f diff %+.3f %+.3f", f1/n, cov/n, d/n, dc/n)
}
