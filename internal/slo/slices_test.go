package slo

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

// checkSlices recomputes the verdicts of a period from the truth.
func (w *story) checkSlices(what string, p pitwall.Period) {
	s := w.slos[2]
	width := int64(s.Slices.Length / w.step)
	from, to := w.l.stepsOf(p)
	covered := w.covered()
	var want sliceSum
	for j := (from + width - 1) / width; j*width < to; j++ {
		whole := true
		for step := j * width; step < (j+1)*width; step++ {
			whole = whole && slices.ContainsFunc(covered, func(c cover) bool { return c.from <= step && step < c.to })
		}
		if whole {
			continue
		}
		switch c, _ := w.truth["sliced"].sum(j*width, (j+1)*width, covered); {
		case c.Total() == 0:
			want.empty++
		case c.Good*10 >= c.Total()*8:
			want.good++
			want.ratios += float64(c.Bad) / float64(c.Total())
		default:
			want.bad++
			want.ratios += float64(c.Bad) / float64(c.Total())
		}
	}
	if s.Budgeting == pitwall.Timeslices {
		want.ratios = 0
	}
	got := w.l.slices("sliced", p)
	if math.Abs(got.ratios-want.ratios) > 1e-9 {
		w.t.Fatalf("%s: ratios of slices add up to %v, want %v", what, got.ratios, want.ratios)
	}
	got.ratios = want.ratios
	if got != want {
		w.t.Fatalf("%s: slices of %d steps in [%d,%d): %+v, want %+v", what, width, from, to, got, want)
	}
}

func slicedSLO(name string, length time.Duration, target pitwall.Ratio) pitwall.SLO {
	s := checkoutSLO(name, time.Hour)
	s.Tiers, s.Budgeting, s.Slices = nil, pitwall.Timeslices, &pitwall.Slices{Length: length, Target: target}
	return s
}

func TestSliceVerdicts(t *testing.T) {
	l := NewLedger([]pitwall.SLO{slicedSLO("s", 10*time.Second, 0.9)}, time.Second)
	begin := time.Unix(t0.Unix()/10*10, 0)
	at := func(s int) time.Time { return begin.Add(time.Duration(s) * time.Second) }
	f := func(from, to int, want sliceSum) {
		t.Helper()
		if got := l.slices("s", period(at(from), at(to))); got != want {
			t.Errorf("[%d,%d): %+v, want %+v", from, to, got, want)
		}
	}
	f(0, 60, sliceSum{empty: 6}) // nothing was ever seen
	var rows []pitwall.SpanRow
	for i := range 10 {
		rows = append(rows, span(at(i), 0, i == 0)) // 9 of 10: exactly the target is good
	}
	l.Feed(batch(append(rows, span(at(25), 0, true))...))
	f(0, 60, sliceSum{good: 1, bad: 1, empty: 4})
	l.Feed(batch(span(at(3), 0, true))) // late: 9 of 11
	f(0, 60, sliceSum{bad: 2, empty: 4})
	f(1, 60, sliceSum{bad: 1, empty: 4}) // a slice counts where it begins
	l.Correct([]pitwall.Correction{{Period: period(at(20), at(35))}})
	f(0, 60, sliceSum{bad: 1, empty: 4}) // one is left out whole, one is half empty
	l.Correct([]pitwall.Correction{{Period: period(at(3), at(4))}})
	f(0, 60, sliceSum{good: 0, bad: 2, empty: 4}) // 8 of 9 are left
	l.Correct([]pitwall.Correction{{Period: period(at(0), at(4))}, {Period: period(at(2), at(5)), Revoked: &pitwall.Revoked{}}})
	f(0, 60, sliceSum{good: 1, bad: 1, empty: 4})
	f(60, 60, sliceSum{})
	if got := l.slices("x", period(at(0), at(60))); got != (sliceSum{}) {
		t.Errorf("an unknown SLO: %+v", got)
	}
}

func TestRatioOfSlices(t *testing.T) {
	s := slicedSLO("s", 10*time.Second, 0.9)
	s.Budgeting = pitwall.RatioTimeslices
	l := NewLedger([]pitwall.SLO{s}, time.Second)
	if err := l.Load([]pitwall.LedgerStep{{SLO: "s", Start: 1000, Counts: pitwall.Counts{Good: 2, Bad: 1}},
		{SLO: "s", Start: 1010, Counts: pitwall.Counts{Good: math.MaxUint64 / 4, Bad: math.MaxUint64 / 4}}, {SLO: "s", Start: 1020, Counts: pitwall.Counts{Bad: 7}}}); err != nil {
		t.Fatal(err)
	}
	got := l.slices("s", period(time.Unix(1000, 0), time.Unix(1030, 0)))
	if math.Abs(got.ratios-(1.0/3+0.5+1)) > 1e-11 || got.bad != 3 {
		t.Errorf("%+v, want a third, a half and a whole", got)
	}
}
