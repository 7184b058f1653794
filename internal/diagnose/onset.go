package diagnose

import (
	"math"
	"slices"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose/fold"
	"github.com/pitwall/pitwall/internal/stats"
)

const (
	// onsetBuckets is into how many stretches the whole time is cut to find the
	// onset: its place is then known to half a percent of the time looked at.
	onsetBuckets = 200
	// fewInBucket is how many requests a stretch holds on average, at least; a
	// mean of fewer is mostly luck.
	fewInBucket = 5
	// onsetGain is the log likelihood ratio that a step of the indicator must
	// reach. Pure noise rarely exceeds 8 (stats.Step).
	onsetGain = 8
)

// narrow chooses what is compared where the question leaves it open: the one
// operation of the service that moved, and of a window that begins with normal
// minutes the part after the onset.
func (x *inquiry) narrow() {
	h := x.q.headline()
	before := fold.Requests(x.answers[idSpans+baselineSide].Spans, h, x.q.Baseline)
	after := fold.Requests(x.answers[idSpans+windowSide].Spans, h, x.q.Window)
	if h.Name == "" {
		if name := loudest(before, after); name != "" {
			x.q.Regression.Service, x.q.Regression.Operation = h.Service, name
			other := func(r fold.Request) bool { return r.Operation != name }
			before, after = slices.DeleteFunc(before, other), slices.DeleteFunc(after, other)
		}
	}
	x.asked = slices.Concat(before, after)
	if !x.q.Regression.Onset.At.IsZero() || len(before) < fewRequests || len(after) < fewRequests {
		return
	}
	if onset, ok := x.findOnset(); ok {
		x.q.Regression.Onset = onset
		if rest := (pitwall.Period{From: onset.Latest, To: x.q.Window.To}); x.enough(rest) {
			x.q.Window = rest
		}
	}
}

// enough says whether a stretch still holds requests to compare.
func (x *inquiry) enough(p pitwall.Period) bool {
	n := 0
	for _, r := range x.asked {
		if p.Contains(time.Unix(0, r.Start)) {
			n++
		}
	}
	return n >= 2*fewRequests
}

// loudest is the operation that carries at least half of what all operations of
// the service added together, in seconds or, where more requests fail, in
// failures; "" when no single one does.
func loudest(before, after []fold.Request) string {
	type total struct{ n, seconds, failed float64 }
	sum := func(list []fold.Request) map[string]*total {
		by := map[string]*total{}
		for _, r := range list {
			if by[r.Operation] == nil {
				by[r.Operation] = &total{}
			}
			t := by[r.Operation]
			t.n, t.seconds = t.n+1, t.seconds+r.Seconds
			if r.Failed {
				t.failed++
			}
		}
		return by
	}
	was, is := sum(before), sum(after)
	names := make([]string, 0, len(is))
	for name := range is {
		names = append(names, name)
	}
	slices.Sort(names)
	pick := func(of func(total) float64) string {
		best, most, whole := "", 0.0, 0.0
		for _, name := range names {
			if was[name] == nil || was[name].n < fewRequests || is[name].n < fewRequests {
				continue
			}
			added := max(0, of(*is[name])-is[name].n*of(*was[name])/was[name].n)
			whole += added
			if added > most {
				best, most = name, added
			}
		}
		if most < causeShare*whole || most == 0 {
			return ""
		}
		return best
	}
	var failed0, failed1 float64
	for _, t := range was {
		failed0 += t.failed
	}
	for _, t := range is {
		failed1 += t.failed
	}
	n0, n1 := float64(len(before)), float64(len(after))
	if n0 > 0 && n1 > 0 && failed1/n1-failed0/n0 > failuresMatter {
		return pick(func(t total) float64 { return t.failed })
	}
	return pick(func(t total) float64 { return t.seconds })
}

// stretches are the headline requests, added up over stretches of time. Time
// that nobody recorded is not silence and is left out.
type stretches struct {
	at     []time.Time
	width  time.Duration
	count  []float64
	mean   []float64 // seconds
	failed []float64 // requests
	late   []float64 // requests that took longer than all but one in twenty of the baseline
}

// stretched cuts the whole time; ok is false where there are too few requests.
func (x *inquiry) stretched() (s stretches, ok bool) {
	whole := pitwall.Period{From: x.q.Baseline.From, To: x.q.Window.To}
	n := min(onsetBuckets, len(x.asked)/fewInBucket)
	if n < 8 {
		return s, false
	}
	line := x.lateLine()
	s.width = whole.Duration() / time.Duration(n)
	for i := range n {
		from := whole.From.Add(time.Duration(i) * s.width)
		b := x.bucket(pitwall.Period{From: from, To: from.Add(s.width)}, line)
		if b.n > 0 {
			s.at, s.count, s.mean = append(s.at, from), append(s.count, b.n), append(s.mean, b.seconds/b.n)
			s.failed, s.late = append(s.failed, b.failed), append(s.late, b.late)
		}
	}
	return s, len(s.count) >= 8
}

// lateLine is what one in twenty requests of the baseline took, in seconds.
func (x *inquiry) lateLine() float64 {
	var took []float64
	for _, r := range x.asked {
		if x.q.Baseline.Contains(time.Unix(0, r.Start)) {
			took = append(took, r.Seconds)
		}
	}
	if len(took) == 0 {
		return math.Inf(1)
	}
	slices.Sort(took)
	return stats.Quantile(took, 0.95)
}

// findOnset places the step of the indicator: of the mean duration or, where
// that comes and goes, of the share of late requests, or of the share of
// failures where that stands out more.
func (x *inquiry) findOnset() (pitwall.Onset, bool) {
	st, ok := x.stretched()
	if !ok {
		return pitwall.Onset{}, false
	}
	told := func(s stats.Step, ok bool) (stats.Step, bool) {
		return s, ok && s.Gain > onsetGain && !st.at[s.Index].Add(st.width).Before(x.q.Window.From)
	}
	slower, slow := told(stats.FindStep(logs(st.mean), 3)) // durations vary by factors
	if slow {
		slower = firstBurst(st.mean, slower, func(i int) bool { return st.at[i].Before(x.q.Window.From) })
	} else {
		slower, slow = told(shareStep(st.late, st.count, 3))
	}
	failing, fails := told(shareStep(st.failed, st.count, 3))
	best := slower
	switch x.q.Regression.Signal {
	case pitwall.SignalErrors, pitwall.SignalAvailability:
		slow = slow && !fails
	case pitwall.SignalLatency:
		fails = fails && !slow
	}
	switch {
	case !slow && !fails:
		return pitwall.Onset{}, false
	case !slow || fails && failing.Gain > slower.Gain:
		best = failing
	}
	o := pitwall.Onset{At: st.at[best.Index], Earliest: st.at[max(0, best.Earliest-1)], Latest: st.at[best.Latest]}
	o.Latest = later(o.Latest, x.q.Window.From)
	o.At = later(o.At, o.Earliest)
	return o, true
}

// firstBurst moves a step back to where the series first went beyond what it
// did in the baseline, when it did so again and again up to the step: trouble
// that comes and goes has no one place where its level changes.
func firstBurst(series []float64, s stats.Step, baseline func(i int) bool) stats.Step {
	n := 0
	for n < len(series) && baseline(n) {
		n++
	}
	if n < 8 {
		return s
	}
	normal := fold.Series{Num: series[:n], Den: make([]float64, n)}
	for i := range normal.Den {
		normal.Den[i] = 1
	}
	line, first, far := farOut(normal), -1, 0
	for i := n; i < s.Index; i++ {
		if series[i] > line {
			if first < 0 {
				first = i
			}
			far++
		}
	}
	const oftenEnough = 0.1 // of the stretches between
	if far >= 3 && float64(far) >= oftenEnough*float64(s.Index-first) {
		s.Index, s.Earliest, s.Latest = first, first, first
	}
	return s
}

// farOut is the level that values of one kind do not reach: beyond the highest
// by a tenth, and six deviations beyond the mean.
func farOut(normal fold.Series) float64 {
	v := normal.Blocks()
	return max(1.1*slices.Max(v), stats.Mean(v)+6*fold.Deviation(v))
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// bucket is the requests that began in one stretch.
type bucket struct{ n, seconds, failed, late float64 }

// bucket adds them up; late are those beyond line.
func (x *inquiry) bucket(p pitwall.Period, line float64) (b bucket) {
	first, _ := slices.BinarySearchFunc(x.asked, p.From.UnixNano(), func(r fold.Request, t int64) int {
		if r.Start < t {
			return -1
		}
		return 1
	})
	for _, r := range x.asked[first:] {
		if r.Start >= p.To.UnixNano() {
			break
		}
		b.n, b.seconds = b.n+1, b.seconds+r.Seconds
		if r.Failed {
			b.failed++
		}
		if r.Seconds > line {
			b.late++
		}
	}
	return b
}

// logs are the logarithms: durations vary by factors.
func logs(v []float64) []float64 {
	out := make([]float64, len(v))
	for i, d := range v {
		out[i] = math.Log(max(d, 1e-9))
	}
	return out
}
