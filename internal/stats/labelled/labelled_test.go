package labelled

import (
	"math"
	"testing"
)

// TestCheckValues holds the scores against the values the definitions give.
func TestCheckValues(t *testing.T) {
	same := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 1e-5 {
			t.Errorf("%s: %g, want %g", what, got, want)
		}
	}
	a := map[string][]int{"1": {10, 20}, "2": {11, 20}, "3": {10}, "4": {0, 5}}
	b := map[string][]int{"1": {}, "2": {10}, "3": {50}}
	same("all found", Segmentation(a, []int{10, 20}, 45).F1, 1)
	same("one of two", Segmentation(b, []int{10}, 60).F1, 0.90909)
	same("nothing", Segmentation(b, nil, 60).F1, 0.8)
	same("covering", Segmentation(map[string][]int{"1": {10, 20}, "2": {10}, "3": {0, 5}}, []int{10, 20}, 45).Cover, 0.796296)
	c := map[string][]int{"1": {}, "2": {10}, "3": {40}}
	same("covering of one", Segmentation(c, []int{10}, 45).Cover, 0.795414)
	same("covering of none", Segmentation(c, nil, 45).Cover, 0.818930)
}

// TestZero reproduces the published score of reporting nothing.
func TestZero(t *testing.T) {
	published := Published(t)
	for _, s := range Load(t, "tcpd") {
		got, want := Segmentation(s.Annotations, nil, len(s.Value)), published[s.Name]["zero"]
		if math.Abs(got.F1-want.F1) > 1e-3 || math.Abs(got.Cover-want.Cover) > 1e-3 {
			t.Errorf("%s: %+v, published %+v", s.Name, got, want)
		}
	}
}

// TestEvents counts one merged event, one hit late by the slack, one miss.
func TestEvents(t *testing.T) {
	s := Series{Value: make([]float64, 100), Truth: Truth{Runs: [][2]int{{2, 3}, {20, 22}, {25, 26}, {60, 60}}, Gap: 3, Slack: 3, Warmup: 10, StepSeconds: 864}}
	tally, episodes := Events(s, []int{3, 29, 40, 41, 43, 80})
	if tally.Hit != 1 || tally.Truth != 2 || tally.False != 2 || episodes != 3 || math.Abs(tally.Days-0.9) > 1e-9 {
		t.Errorf("%+v %d", tally, episodes)
	}
	w := Series{Value: make([]float64, 100), Truth: Truth{Windows: [][2]int{{20, 30}, {50, 60}}, Gap: 2, Probation: 15}}
	if got := WindowsOf(w, []int{3, 22, 23, 40, 42, 45, 70}); got.Hit != 1 || got.False != 3 {
		t.Errorf("%+v", got)
	}
}

// TestTotals are the counts the data's own description gives.
func TestTotals(t *testing.T) {
	events, points := 0, 0
	for _, s := range Load(t, "microsoft") {
		tally, _ := Events(s, nil)
		events, points = events+tally.Truth, points+len(s.Value)
	}
	windows := 0
	for _, s := range Load(t, "nab") {
		windows += len(s.Windows)
	}
	if events != 153 || points != 164186 || windows != 89 {
		t.Errorf("%d events in %d points, %d windows", events, points, windows)
	}
	halves := map[string][2]int{}
	for _, set := range []string{"tcpd", "microsoft", "nab", "planted", "graded"} {
		h := halves[set]
		for _, s := range Load(t, set) {
			if s.Tuning() {
				h[0]++
			} else {
				h[1]++
			}
		}
		halves[set] = h
	}
	t.Log(halves)
}
