package replay

import (
	"slices"
	"time"

	"github.com/pitwall/pitwall"
)

// history is the steps of one objective as running sums, so that any window is
// two subtractions. What corrections leave out is not in it.
type history struct {
	step  int64    // seconds
	first int64    // number of the first step
	good  []uint64 // of the steps before
	bad   []uint64
}

func newHistory(steps []pitwall.LedgerStep, s pitwall.SLO, step time.Duration, corrections []pitwall.Correction) history {
	h := history{step: int64(step / time.Second)}
	if len(steps) == 0 {
		h.good, h.bad = []uint64{0}, []uint64{0}
		return h
	}
	h.first = steps[0].Start / h.step
	n := steps[len(steps)-1].Start/h.step - h.first + 1
	h.good, h.bad = make([]uint64, n+1), make([]uint64, n+1)
	var standing []pitwall.Period
	for _, c := range corrections {
		if c.Covers(s) {
			standing = append(standing, c.Period)
		}
	}
	for _, st := range steps {
		if at := time.Unix(st.Start, 0); slices.ContainsFunc(standing, func(p pitwall.Period) bool { return p.Contains(at) }) {
			continue
		}
		i := st.Start/h.step - h.first + 1
		h.good[i] += st.Counts.Good
		h.bad[i] += st.Counts.Bad
	}
	for i := range n {
		h.good[i+1] += h.good[i]
		h.bad[i+1] += h.bad[i]
	}
	return h
}

// sum adds up the steps from … to-1, by number.
func (h *history) sum(from, to int64) pitwall.Counts {
	last := int64(len(h.good) - 1)
	a, b := min(max(from-h.first, 0), last), min(max(to-h.first, 0), last)
	if a >= b {
		return pitwall.Counts{}
	}
	return pitwall.Counts{Good: h.good[b] - h.good[a], Bad: h.bad[b] - h.bad[a]}
}
