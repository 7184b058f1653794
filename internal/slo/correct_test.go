package slo

import (
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

func TestCorrections(t *testing.T) {
	a, b := checkoutSLO("a", time.Hour), checkoutSLO("b", time.Hour)
	b.Service = "shop"
	l := NewLedger([]pitwall.SLO{a, b}, time.Minute)
	begin := time.Unix(t0.Unix()/60*60, 0)
	at := func(m float64) time.Time { return begin.Add(time.Duration(m * float64(time.Minute))) }
	for i := range 10 {
		l.Feed(batch(span(at(float64(i)), 0, false)))
	}
	all := period(at(0), at(10))
	f := func(name pitwall.SLOName, good uint64, out time.Duration, list ...pitwall.Correction) {
		t.Helper()
		l.Correct(list)
		if got := l.Sum(name, all); got.Good != good {
			t.Errorf("%s counts %+v, want %d", name, got, good)
		}
		if got := l.corrected(name, all); got != out {
			t.Errorf("%s of %s is left out, want %s", got, name, out)
		}
	}
	c := func(from, to float64) pitwall.Correction { return pitwall.Correction{Period: period(at(from), at(to))} }
	f("a", 10, 0)
	f("a", 7, 3*time.Minute, c(2, 5))
	f("a", 8, 2*time.Minute, c(2.5, 5)) // the step at 2 begins before it
	f("a", 7, 3*time.Minute, c(2, 4.5)) // the step at 4 begins in it
	f("a", 5, 5*time.Minute, c(2, 5), c(4, 6), c(8, 9), c(3, 4))
	f("a", 9, time.Minute, c(-100, 1))
	f("a", 8, 2*time.Minute, c(8, 1000))
	f("a", 10, 0, c(5, 2))
	f("a", 0, 10*time.Minute, pitwall.Correction{Period: period(time.Time{}, time.Unix(1<<40, 0))})
	of := c(2, 5)
	of.Service = "shop"
	f("a", 10, 0, of)
	f("b", 7, 3*time.Minute, of)
	of.Service, of.SLO = "", "a"
	f("a", 7, 3*time.Minute, of)
	f("b", 10, 0, of)
	l.Feed(batch(span(at(3), 0, true))) // late, into a correction whose sum is known
	f("a", 7, 3*time.Minute, of)
	of.Revoked = &pitwall.Revoked{By: "ada"}
	f("a", 10, 0, of)
	if got := l.Sum("a", all); got.Bad != 1 {
		t.Errorf("revoked, and %+v counts", got)
	}
}
