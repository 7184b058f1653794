package detect

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/pitwall/pitwall"
)

// look is one Screen.Look at work.
type look struct {
	s       *Screen
	in      Sight
	budgets map[pitwall.ServiceName]budget
	known   map[pitwall.SeriesName][]int  // numbers in s.Found
	nearby  map[pitwall.ServiceName][]int // the same by the services of their members
	waits   map[pitwall.SeriesName][]int  // numbers in s.Waiting
	seen    []bool                        // of s.Waiting: presented in this look
	ids     map[string]bool               // of findings
	graph   graph
	list    []*Candidate // what is asked about, in order
	settled []*Candidate // past every filter
	passing []*Candidate // of them: worse or neutral, and new
	helpful []*Candidate // better
	out     Screened
}

// Look screens the candidates of one look and gives the Screen for the next. It
// changes nothing it is given; the order of candidates, calls and splits plays
// no part. Ask about all services that are due in one look: what is asked apart
// is told apart.
func (s Screen) Look(in Sight) (Screened, Screen) {
	s = s.clone()
	s.forget(in.Now)
	in.Candidates = slices.Clone(in.Candidates)
	l := &look{s: &s, in: in}
	l.sound()
	l.in.Tests = l.tests()
	l.budgets = s.spend(l.in)
	l.index()
	for _, c := range l.list {
		l.ask(c)
	}
	l.vanished()
	l.place()
	l.report()
	slices.SortStableFunc(l.out.NotReported, func(a, b NotReported) int { return compareCandidates(&a.Candidate, &b.Candidate) })
	return l.out, s
}

// compareCandidates orders by series and onset, the stronger first; what else
// may tell two apart decides last, so that only equals are equal.
func compareCandidates(a, b *Candidate) int {
	if n := compareSeries(a.Series, b.Series); n != 0 {
		return n
	}
	n := cmp.Or(compareBool(a.Up, b.Up), a.Onset.At.Compare(b.Onset.At), cmp.Compare(b.LogE, a.LogE), cmp.Compare(a.P, b.P))
	if n != 0 || a == b {
		return n
	}
	return cmp.Compare(fmt.Sprintf("%+v", *a), fmt.Sprintf("%+v", *b))
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// sound orders the candidates and answers those that say nothing, or twice the
// same.
func (l *look) sound() {
	var sound []*Candidate
	for i := range l.in.Candidates {
		c, ok := l.in.Candidates[i].sound()
		if !ok {
			l.not(NotReported{Candidate: c, Reason: ReasonNoData, Why: "The effect, the evidence or the onset is no number, so nothing can be said."})
			continue
		}
		l.in.Candidates[i] = c
		sound = append(sound, &l.in.Candidates[i])
	}
	// The strongest of overlapping candidates of one series stays.
	slices.SortFunc(sound, func(a, b *Candidate) int {
		if n := compareSeries(a.Series, b.Series); n != 0 {
			return n
		}
		return cmp.Or(compareBool(a.Up, b.Up), cmp.Compare(b.LogE, a.LogE), cmp.Compare(a.P, b.P), compareCandidates(a, b))
	})
	first := 0 // of this series and side in what is kept
	for i, c := range sound {
		if i > 0 && (c.Series != sound[i-1].Series || c.Up != sound[i-1].Up) {
			first = len(l.list)
		}
		same := func(k *Candidate) bool { return overlap(widened(k.Onset, k.Step), widened(c.Onset, c.Step)) }
		if j := slices.IndexFunc(l.list[first:], same); j >= 0 {
			l.not(NotReported{Candidate: *c, Reason: ReasonDuplicate,
				Why: fmt.Sprintf("The same change of the series is in this look with its onset at %s.", clock(l.list[first+j].Onset.At))})
			continue
		}
		l.list = append(l.list, c)
	}
}

// tests counts at least the questions that gave a candidate.
func (l *look) tests() map[pitwall.ServiceName]int {
	least := map[pitwall.ServiceName]int{}
	for _, c := range l.list {
		least[c.Series.Service]++
	}
	for name, n := range l.in.Tests {
		least[name] = max(least[name], n)
	}
	return least
}

// index finds by series and service what earlier looks left.
func (l *look) index() {
	l.known, l.nearby, l.waits = map[pitwall.SeriesName][]int{}, map[pitwall.ServiceName][]int{}, map[pitwall.SeriesName][]int{}
	l.ids = map[string]bool{}
	for i, f := range l.s.Found {
		l.ids[f.ID] = true
		for _, m := range f.Members {
			l.known[m.Series] = append(l.known[m.Series], i)
			if list := l.nearby[m.Series.Service]; len(list) == 0 || list[len(list)-1] != i {
				l.nearby[m.Series.Service] = append(list, i)
			}
		}
	}
	for i, w := range l.s.Waiting {
		l.waits[w.Candidate.Series] = append(l.waits[w.Candidate.Series], i)
	}
	l.seen = make([]bool, len(l.s.Waiting))
	l.graph = graphOf(l.in.Calls)
}

func (l *look) not(n NotReported) { l.out.NotReported = append(l.out.NotReported, n) }

// ask puts one candidate through the filters, in the order of Reasons.
func (l *look) ask(one *Candidate) {
	c := *one
	w := l.waiting(c)
	if w >= 0 {
		l.seen[w] = true
		l.s.Waiting[w].Last = l.in.Now
	}
	if n, not := l.already(c); not {
		l.not(n)
		if w >= 0 { // it waits for nothing any more
			l.seen[w], l.s.Waiting[w].Settled = false, true
		}
		return
	}
	for _, f := range filters {
		if n, not := f(c, l.in, l.s); not {
			l.not(n)
			return
		}
	}
	if n, not := l.unsettled(c, w); not {
		l.not(n)
		return
	}
	if !c.single(l.s.Limits.Alpha) {
		l.not(l.insignificant(c, 1))
		return
	}
	l.settled = append(l.settled, one)
}

// place finds the place of what passed every filter: the end or the return of a
// finding, a part of one, or something new. Leads come before parts, so that a
// finding that is back takes its parts along.
func (l *look) place() {
	rest := l.settled
	for _, step := range [...]func(*Candidate) bool{l.ends, l.leadBack, l.partBack} {
		var left []*Candidate
		for _, c := range rest {
			if !step(c) {
				left = append(left, c)
			}
		}
		rest = left
	}
	for _, c := range rest {
		if c.Toward() == Better {
			l.helpful = append(l.helpful, c)
		} else if i := l.joins(c); i >= 0 {
			l.join(i, c)
		} else {
			l.passing = append(l.passing, c)
		}
	}
}

// insignificant says what level a candidate missed; findings is how many would
// have stood with it.
func (l *look) insignificant(c Candidate, findings int) NotReported {
	level := l.budgets[c.Series.Service].of(&c)
	n := NotReported{Candidate: c, Reason: ReasonNotSignificant, Limit: c.threshold(level, max(1, findings))}
	asked := l.in.Tests[c.Series.Service]
	if c.LogE != 0 {
		n.Value = c.LogE
		n.Why = fmt.Sprintf("The log e-value %.3g is below %.3g, the level for %d questions about %s in this epoch.", n.Value, n.Limit, asked, c.Series.Service)
		return n
	}
	n.Value = c.P
	n.Why = fmt.Sprintf("p = %.2g is above %.2g, the level for %d questions about %s in this epoch.", n.Value, n.Limit, asked, c.Series.Service)
	return n
}
