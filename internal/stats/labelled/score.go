package labelled

import (
	"math"
	"slices"
)

// Score is how well a segmentation agrees with its annotators, each in [0,1].
type Score struct {
	F1    float64 `json:"f1"`
	Cover float64 `json:"cover"`
}

// margin is how far from a true change a found one may lie, in rows.
const margin = 5

// Segmentation scores changes against those of several annotators, as
// TCPDBench defines F1 (margin 5) and covering (van den Burg & Williams 2020).
func Segmentation(annotations map[string][]int, found []int, n int) Score {
	x := withZero(found)
	var union []int
	recall, cover := 0.0, 0.0
	for _, a := range annotations {
		t := withZero(a)
		union = append(union, t...)
		recall += float64(hits(t, x)) / float64(len(t))
		cover += covering(t, x, n)
	}
	k := float64(len(annotations))
	recall, cover = recall/k, cover/k
	precision := float64(hits(withZero(union), x)) / float64(len(x))
	f1 := 0.0
	if precision+recall > 0 {
		f1 = 2 * precision * recall / (precision + recall)
	}
	return Score{F1: f1, Cover: cover}
}

func withZero(rows []int) []int {
	all := append([]int{0}, rows...)
	slices.Sort(all)
	return slices.Compact(all)
}

// hits counts the true rows that have a found row of their own nearby.
func hits(truth, found []int) int {
	used, n := make([]bool, len(found)), 0
	for _, t := range truth {
		best := -1
		for i, x := range found {
			d := abs(x - t)
			if !used[i] && d <= margin && (best < 0 || d < abs(found[best]-t)) {
				best = i
			}
		}
		if best >= 0 {
			used[best] = true
			n++
		}
	}
	return n
}

func covering(truth, found []int, n int) float64 {
	sum := 0.0
	for i, from := range truth {
		to, best := end(truth, i, n), 0.0
		for j, f := range found {
			g := end(found, j, n)
			both := min(to, g) - max(from, f)
			if both > 0 {
				best = math.Max(best, float64(both)/float64(max(to, g)-min(from, f)))
			}
		}
		sum += best * float64(to-from)
	}
	return sum / float64(n)
}

func end(cuts []int, i, n int) int {
	if i+1 < len(cuts) {
		return cuts[i+1]
	}
	return n
}

func abs(x int) int { return max(x, -x) }

// Tally adds up what a detector hit and what it raised for nothing.
type Tally struct {
	Hit, Truth, False int
	Days              float64 // series-days looked at
}

// Add joins two tallies.
func (t Tally) Add(o Tally) Tally {
	return Tally{t.Hit + o.Hit, t.Truth + o.Truth, t.False + o.False, t.Days + o.Days}
}

// Recall is the share of the truth that was hit.
func (t Tally) Recall() float64 { return float64(t.Hit) / float64(max(t.Truth, 1)) }

// FalsePerDay is false episodes a series-day.
func (t Tally) FalsePerDay() float64 { return float64(t.False) / math.Max(t.Days, 1e-9) }

// Events scores alarms on labelled runs: precision is 1 - false/episodes.
func Events(s Series, alarms []int) (t Tally, episodes int) {
	events, raised := merge(s.Runs, s.Gap, s.Warmup), episode(alarms, s.Gap, s.Warmup)
	for _, e := range events {
		if slices.ContainsFunc(raised, func(a [2]int) bool { return near(a, e, s.Slack) }) {
			t.Hit++
		}
	}
	for _, a := range raised {
		if !slices.ContainsFunc(events, func(e [2]int) bool { return near(a, e, s.Slack) }) {
			t.False++
		}
	}
	t.Truth, t.Days = len(events), float64(len(s.Value)-s.Warmup)*s.StepSeconds/86400
	return t, len(raised)
}

// EventF1 is the harmonic mean of the recall and the precision of a pooled tally.
func EventF1(t Tally, episodes int) float64 {
	return harmonic(t.Recall(), 1-float64(t.False)/float64(max(episodes, 1)))
}

// WindowsOf scores alarms on windows: one is hit by any alarm inside.
func WindowsOf(s Series, alarms []int) (t Tally) {
	var outside []int
	hit := make([]bool, len(s.Windows))
	for _, a := range alarms {
		if a < s.Probation {
			continue
		}
		in := false
		for i, w := range s.Windows {
			if a >= w[0] && a <= w[1] {
				hit[i], in = true, true
			}
		}
		if !in {
			outside = append(outside, a)
		}
	}
	for _, h := range hit {
		if h {
			t.Hit++
		}
	}
	t.False, t.Truth = len(episode(outside, s.Gap-1, 0)), len(s.Windows) // "apart", where runs have so many rows between them
	t.Days = float64(len(s.Value)-s.Probation) * s.StepSeconds / 86400
	return t
}

// WindowF1 is the harmonic mean of recall and hit/(hit+false).
func WindowF1(t Tally) float64 {
	return harmonic(t.Recall(), float64(t.Hit)/float64(max(t.Hit+t.False, 1)))
}

func harmonic(a, b float64) float64 {
	if a+b <= 0 {
		return 0
	}
	return 2 * a * b / (a + b)
}

func near(a, e [2]int, slack int) bool { return a[0] <= e[1]+slack && a[1] >= e[0]-slack }

func merge(runs [][2]int, gap, warmup int) (out [][2]int) {
	for _, r := range runs {
		if r[1] < warmup {
			continue
		}
		if n := len(out); n > 0 && r[0]-out[n-1][1]-1 <= gap {
			out[n-1][1] = max(out[n-1][1], r[1])
			continue
		}
		out = append(out, r)
	}
	return out
}

func episode(alarms []int, gap, warmup int) [][2]int {
	rows := slices.Clone(alarms)
	slices.Sort(rows)
	var runs [][2]int
	for _, a := range rows {
		if a >= warmup {
			runs = append(runs, [2]int{a, a})
		}
	}
	return merge(runs, gap, warmup)
}
