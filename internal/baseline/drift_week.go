package baseline

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/stats"
)

// WeekInput is a positive quantity, such as the size of a response, whose last
// week is compared with the weeks before.
type WeekInput struct {
	Series pitwall.Series // points of up to nine weeks, any order; the last one ends the last week
	Unit   pitwall.Unit
	Alpha  float64       // chance of a change where there is none, both sides together; zero: 0.01
	Margin float64       // smallest relative change that counts: 0.5 is half as much again; zero: any
	Day    time.Duration // how long a day lasts where time is scaled; zero: 24 hours
}

// WeekChange is the last week against those before.
type WeekChange struct {
	State CountState `json:"state"`
	// Change is relative: 0.5 is half as much again; with its interval at
	// confidence 1-Alpha.
	Change pitwall.Measure `json:"change"`
	Before pitwall.Measure `json:"before"` // median of the hours that both have
	Now    pitwall.Measure `json:"now"`
	P      float64         `json:"p"`     // two-sided, of a change no larger than Margin
	Weeks  int             `json:"weeks"` // weeks before that were looked at
	Days   int             `json:"days"`  // days of the last week that could be compared
	Reason string          `json:"reason"`
}

const (
	weeksBefore   = 8
	weekDaysLeast = 4 // days of the last week
	weeksForNoise = 3 // weeks before, until they tell how much weeks differ by themselves
)

// WeekOverWeek compares like hours of the week, each with its median over the
// weeks before, so that a quiet Sunday is held against Sundays. What one week
// differs from another by itself is measured on its days and, from three weeks
// before on, on those weeks; the larger counts.
func WeekOverWeek(in WeekInput) WeekChange {
	if in.Day <= 0 {
		in.Day = 24 * time.Hour
	}
	if !(in.Alpha > 0 && in.Alpha < 1) {
		in.Alpha = 0.01
	}
	if !(in.Margin >= 0) || math.IsInf(in.Margin, 1) {
		in.Margin = 0
	}
	w := WeekChange{P: 1, Before: pitwall.Measure{Unit: in.Unit}, Now: pitwall.Measure{Unit: in.Unit}, Change: pitwall.Measure{Unit: pitwall.UnitRatio}}
	end, n := lastOf(in.Series)
	if n == 0 {
		w.State, w.Reason = CountNoData, "no points"
		return w
	}
	weeks := likeHours(in, end)
	return weeks.judge(w, in)
}

// likeWeeks holds the hours of the last week (0) and of those before; NaN: none.
type likeWeeks [weeksBefore + 1][weekHours]float64

func likeHours(in WeekInput, end int64) *likeWeeks {
	var w likeWeeks
	for i := range w {
		for h := range w[i] {
			w[i][h] = math.NaN()
		}
	}
	c := clock{end: end, slot: max(1, in.Day.Milliseconds()/dayHours)}
	for _, x := range c.hours(in.Series, false) {
		if week := x.slot / weekHours; week <= weeksBefore && x.value > 0 {
			w[week][x.slot%weekHours] = x.value
		}
	}
	return &w
}

func (x *likeWeeks) judge(w WeekChange, in WeekInput) WeekChange {
	usual := x.usual()
	var days [7][]float64
	var now, before []float64
	for h, v := range x[0] {
		if r := math.Log(v / usual[h]); usable(r) {
			days[h/dayHours] = append(days[h/dayHours], r)
			now, before = append(now, v), append(before, usual[h])
		}
	}
	var daily []float64
	for _, d := range days {
		if len(d) > 0 {
			daily = append(daily, stats.Median(d))
		}
	}
	earlier := x.earlier(usual)
	w.Weeks, w.Days = len(earlier), len(daily)
	w.Now.N, w.Before.N = int64(len(now)), int64(len(before))
	if len(now) > 0 {
		w.Now.Value, w.Before.Value = stats.Median(now), stats.Median(before)
	}
	if len(daily) < weekDaysLeast || len(earlier) == 0 {
		w.State = CountNotEnough
		w.Reason = fmt.Sprintf("%d days with like hours in %d earlier weeks; at least %d and 1 are needed", len(daily), len(earlier), weekDaysLeast)
		return w
	}
	level, se, df := stats.Mean(daily), 0.0, len(daily)-1
	se = math.Sqrt(variance(daily) / float64(len(daily)) * (1 + math.Pi/2/float64(len(earlier))))
	if k := len(earlier); k >= weeksForNoise {
		if s := math.Sqrt(variance(earlier) * (1 + math.Pi/2/float64(k))); s > se {
			se, df = s, k-1
		}
	}
	half := studentQuantile(1-in.Alpha/2, df) * se
	w.Change.Value, w.Change.Low, w.Change.High, w.Change.N = bounded(math.Expm1(level)), bounded(math.Expm1(level-half)), bounded(math.Expm1(level+half)), int64(len(now))
	t := trend{slope: math.Abs(level), se: se, df: df}
	w.P = min(1, 2*t.tail(math.Log1p(in.Margin)))
	w.State = CountSame
	if w.P <= in.Alpha && level != 0 {
		w.State = CountMore
		if level < 0 {
			w.State = CountLess
		}
	}
	w.Reason = fmt.Sprintf("%+.3g %% [%+.3g, %+.3g] against like hours of %d earlier weeks (p %.2g)",
		100*w.Change.Value, 100*w.Change.Low, 100*w.Change.High, w.Weeks, w.P)
	return w
}

// usual is the median of each hour of the week over the weeks before.
func (x *likeWeeks) usual() (usual [weekHours]float64) {
	for h := range usual {
		var values []float64
		for _, week := range x[1:] {
			if !math.IsNaN(week[h]) {
				values = append(values, week[h])
			}
		}
		usual[h] = stats.Median(values)
	}
	return usual
}

// earlier is how far each week before was from what is usual, as a log ratio.
func (x *likeWeeks) earlier(usual [weekHours]float64) (out []float64) {
	for _, week := range x[1:] {
		var ratios []float64
		for h, v := range week {
			if r := math.Log(v / usual[h]); usable(r) {
				ratios = append(ratios, r)
			}
		}
		if len(ratios) > 0 {
			out = append(out, stats.Median(ratios))
		}
	}
	return slices.Clip(out)
}

func variance(values []float64) float64 {
	mean, sum := stats.Mean(values), 0.0
	for _, v := range values {
		sum += sq(v - mean)
	}
	return sum / float64(max(1, len(values)-1))
}
