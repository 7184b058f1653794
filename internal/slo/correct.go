package slo

import (
	"cmp"
	"slices"
	"time"

	"github.com/pitwall/pitwall"
)

// cover is a stretch of steps that corrections leave out.
type cover struct {
	from, to int64 // steps from … to-1
	sum      tally // of all of them
	known    bool  // sum is as it stands
}

// Correct takes the corrections there are, all of them at each call: what stood
// before and does not now counts again. A step is left out if it begins inside a
// correction; where several overlap it is left out once.
func (l *Ledger) Correct(list []pitwall.Correction) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, k := range l.order {
		var covers []cover
		for _, c := range list {
			if from, to := l.stepsOf(c.Period); from < to && c.Covers(k.slo) {
				covers = append(covers, cover{from: from, to: to})
			}
		}
		covers = union(covers)
		same := func(a, b cover) bool { return a.from == b.from && a.to == b.to }
		if !slices.EqualFunc(covers, k.covered, same) {
			k.covered, k.slices = covers, nil
		}
	}
}

// union merges stretches that overlap or touch, oldest first.
func union(list []cover) (out []cover) {
	slices.SortFunc(list, func(a, b cover) int { return cmp.Compare(a.from, b.from) })
	for _, c := range list {
		if last := len(out) - 1; last >= 0 && c.from <= out[last].to {
			out[last].to = max(out[last].to, c.to)
			continue
		}
		out = append(out, c)
	}
	return out
}

// uncover forgets the sum of the stretch that a newly counted step lies in.
func (k *book) uncover(step int64) {
	for i := range k.covered {
		if c := &k.covered[i]; c.from <= step && step < c.to {
			c.known = false
		}
	}
}

// counting sums steps from … to-1 without those that corrections leave out.
func (l *Ledger) counting(k *book, from, to int64) tally {
	t := l.sum(k, from, to)
	for i := range k.covered {
		c := &k.covered[i]
		if c.to <= from || c.from >= to {
			continue
		}
		out := l.leftOut(k, c, from, to)
		if out.blind || t.blind {
			return tally{blind: true}
		}
		t.sums = t.minus(out.sums)
	}
	return t
}

// leftOut sums the part of a correction that lies in steps from … to-1.
func (l *Ledger) leftOut(k *book, c *cover, from, to int64) tally {
	whole := from <= c.from && c.to <= to
	if whole && c.known && c.from >= k.steps.oldest()*chunkSteps {
		return c.sum
	}
	t := l.sum(k, max(from, c.from), min(to, c.to))
	if whole && !t.blind {
		c.sum, c.known = t, true
	}
	return t
}

// corrected is how much of a period corrections leave out of an objective; the
// caller holds the lock.
func (l *Ledger) corrected(name pitwall.SLOName, p pitwall.Period) (d time.Duration) {
	k := l.books[name]
	if k == nil {
		return 0
	}
	from, to := l.stepsOf(p)
	for _, c := range k.covered {
		d += time.Duration(max(0, min(to, c.to)-max(from, c.from))) * l.step
	}
	return d
}
