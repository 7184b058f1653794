package slo

import (
	"math/bits"

	"github.com/pitwall/pitwall"
)

// ratioParts is into how many parts an error ratio of a slice is cut: sums of
// them are whole numbers, exact for 2^24 slices, and a mean is off by no more
// than half a part, 5e-13.
const ratioParts = 1 << 40

// verdicts are the slices of one SLO, kept as counts come. Slice j is the steps
// j·width … (j+1)·width-1. Two bits and, where ratios count, eight bytes a slice.
type verdicts struct {
	width  int64
	bound  limit    // that the error ratio of a good slice does not exceed
	n      int64    // slices the rings hold
	newest int64    // highest slice
	good   []uint64 // bit j mod 64 of word j/64 mod len
	bad    []uint64
	ratios []uint64
	stale  map[int64]struct{} // touched since they were judged
	last   int64              // the slice touched last
}

// touch notes that a step was counted in.
func (v *verdicts) touch(step int64) {
	if j := step / v.width; j != v.last {
		v.last = j
		v.stale[j] = struct{}{}
	}
}

// slices are the good, bad and empty slices that begin inside a period, up to
// its end, without their events; a slice that is still running counts with what
// it has, and one that corrections leave out whole does not count. The caller
// holds the lock.
func (l *Ledger) slices(name pitwall.SLOName, p pitwall.Period) (t sliceSum) {
	k := l.books[name]
	if k == nil || k.slo.Slices == nil {
		return t
	}
	if !l.refresh(k) {
		return sliceSum{blind: true}
	}
	width := l.sliceSteps(k)
	from, to := l.stepsOf(p)
	a, b := ceil(from, width), ceil(to, width)
	if a >= b {
		return t
	}
	t.good, t.bad, t.ratios = k.slices.count(a, b)
	t.empty = uint64(b-a) - t.good - t.bad - k.skipped(a, b, width)
	return t
}

// sliceSteps is the length of a slice in whole steps.
func (l *Ledger) sliceSteps(k *book) int64 { return int64(l.whole(k.slo.Slices.Length) / l.step) }

// skipped is how many of the slices a … b-1 corrections leave out whole.
func (k *book) skipped(a, b, width int64) (n uint64) {
	for _, c := range k.covered {
		n += uint64(max(0, min(b, c.to/width)-max(a, (c.from+width-1)/width)))
	}
	return n
}

// refresh brings the verdicts up to date; false: older steps cannot be read.
func (l *Ledger) refresh(k *book) bool {
	if k.slices == nil && !l.sliceAll(k) {
		return false
	}
	v := k.slices
	for j := range v.stale {
		t := l.counting(k, j*v.width, (j+1)*v.width)
		if t.blind {
			return false
		}
		v.set(j, t.Counts)
		delete(v.stale, j)
	}
	v.last = -1
	return true
}

// sliceAll judges every slice of the window anew.
func (l *Ledger) sliceAll(k *book) bool {
	s, width := &k.steps, l.sliceSteps(k)
	v := &verdicts{width: width, bound: limitOf(1, k.slo.Slices.Target), last: -1, newest: -1, n: (s.n*chunkSteps/width + 1 + 63) / 64 * 64, stale: map[int64]struct{}{}}
	v.good, v.bad = make([]uint64, v.n/64), make([]uint64, v.n/64)
	if k.slo.Budgeting == pitwall.RatioTimeslices {
		v.ratios = make([]uint64, v.n)
	}
	if s.any() {
		var counts pitwall.Counts
		slice, cov := int64(-1), 0
		from := (s.oldest()*chunkSteps + width - 1) / width * width
		ok := l.each(k, from, (s.newest+1)*chunkSteps, func(step int64, c pitwall.Counts) {
			if j := step / width; j != slice {
				v.set(slice, counts)
				slice, counts = j, pitwall.Counts{}
			}
			for cov < len(k.covered) && k.covered[cov].to <= step {
				cov++
			}
			if cov == len(k.covered) || step < k.covered[cov].from {
				counts = counts.Add(c)
			}
		})
		if !ok {
			return false
		}
		v.set(slice, counts)
	}
	k.slices = v
	return true
}

// set writes the verdict on a slice, whatever it was before.
func (v *verdicts) set(j int64, c pitwall.Counts) {
	if j < 0 || j <= v.newest-v.n {
		return
	}
	for next := max(v.newest+1, j-v.n+1); next <= j; next++ {
		v.clear(next)
	}
	v.newest = max(v.newest, j)
	v.clear(j)
	word, bit := j/64%(v.n/64), uint64(1)<<(j%64)
	switch {
	case c.Total() == 0:
		return
	case v.bound.exceeded(c):
		v.bad[word] |= bit
	default:
		v.good[word] |= bit
	}
	if v.ratios != nil {
		hi, lo := bits.Mul64(c.Bad, ratioParts)
		q, rest := bits.Div64(hi, lo, c.Total())
		if rest >= c.Total()-rest {
			q++
		}
		v.ratios[j%v.n] = q
	}
}

func (v *verdicts) clear(j int64) {
	word, bit := j/64%(v.n/64), uint64(1)<<(j%64)
	v.good[word] &^= bit
	v.bad[word] &^= bit
	if v.ratios != nil {
		v.ratios[j%v.n] = 0
	}
}

// count adds up the slices a … b-1.
func (v *verdicts) count(a, b int64) (good, bad uint64, ratioSum float64) {
	a, b = max(a, v.newest-v.n+1, 0), min(b, v.newest+1)
	for j := a; j < b; {
		end := min(b, (j/64+1)*64)
		mask := ^uint64(0) << (j % 64) & (^uint64(0) >> (63 - (end-1)%64))
		word := j / 64 % (v.n / 64)
		good += uint64(bits.OnesCount64(v.good[word] & mask))
		bad += uint64(bits.OnesCount64(v.bad[word] & mask))
		j = end
	}
	if v.ratios == nil {
		return good, bad, 0
	}
	var parts uint64
	for j := a; j < b; j++ {
		parts += v.ratios[j%v.n]
	}
	return good, bad, float64(parts) / ratioParts
}
