package fold

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestCompareNull: blocks of the same distribution differ beyond noise in no
// more than one in a hundred comparisons (the level is 0.001), and a quarter
// more is seen in nearly all.
func TestCompareNull(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	draw := func(blocks int, level float64) Series {
		s := NewSeries(blocks)
		for b := range blocks {
			shared := math.Exp(0.05 * r.NormFloat64())
			for range 40 {
				s.Add(b, level*shared*math.Exp(0.3*r.NormFloat64()))
			}
		}
		return s
	}
	const runs = 2000
	null, seen := 0, 0
	for range runs {
		null += one(Compare(draw(16, 1), draw(8, 1)).Beyond)
		seen += one(Compare(draw(16, 1), draw(8, 1.25)).Up(1.1))
	}
	if null > runs/100 || seen < runs*95/100 {
		t.Errorf("of %d: %d null comparisons beyond noise, %d of the real ones seen", runs, null, seen)
	}
}

func TestTooFewBlocksProveNothing(t *testing.T) {
	a, b := Series{Num: []float64{1, 1}, Den: []float64{1, 1}}, Series{Num: []float64{9, 9}, Den: []float64{1, 1}}
	if Compare(a, b).Beyond {
		t.Error("two blocks a side proved a shift")
	}
	if s := Compare(NewSeries(4), NewSeries(4)); s.Known || s.Up(1) {
		t.Error("nothing observed counts as known")
	}
}

func one(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// TestLimit: what is said to be up to where a mean is normal is just what
// Compare judges by.
func TestLimit(t *testing.T) {
	base, head := NewSeries(16), NewSeries(16)
	for i := range 16 {
		base.Num[i], base.Den[i] = 100+float64(i%5), 1
		head.Num[i], head.Den[i] = 101+float64(i%7), 1
	}
	limit := Limit(base, head)
	after, _ := head.mean()
	at := func(mean float64) bool {
		risen := NewSeries(16)
		for i := range 16 {
			risen.Num[i], risen.Den[i] = head.Num[i]+mean-after, 1
		}
		return Compare(base, risen).Beyond
	}
	if !(limit > 102) || at(limit*0.999) || !at(limit*1.001) {
		t.Errorf("limit %v, judged just below %v and just above %v", limit, at(limit*0.999), at(limit*1.001))
	}
	if v := Limit(NewSeries(2), head); v == v {
		t.Errorf("limit of too few blocks %v", v)
	}
}
