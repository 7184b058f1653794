package detect

import (
	"math"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/stats/anomaly"
	"github.com/pitwall/pitwall/internal/stats/changes"
	"github.com/pitwall/pitwall/internal/stats/online"
)

// ScanInput is one series to look at as a whole.
type ScanInput struct {
	Values []float64 // NaN where one is missing
	Step   float64   // usual seconds between two points; 0: unknown
	// Alpha bounds the probability of any change in a series that has none; 0: 0.01.
	Alpha float64
	Seed  uint64
	// Online asks also what would have rung as the points came, at 0.0001 false
	// alarms a point, after the first 100.
	Online bool
}

// Scan looks for changes and anomalies in one series. The same values give the
// same findings, and more values never take a change back.
func Scan(in ScanInput) pitwall.SeriesFindings {
	r := changes.Find(in.Values, changes.Options{Alpha: in.Alpha, Seed: in.Seed, Season: day(in.Step)})
	out := pitwall.SeriesFindings{Changes: []pitwall.ChangePoint{}, Suspects: []pitwall.Suspect{}, Anomalies: []pitwall.Anomaly{},
		Unreported: []pitwall.Unreported{}, Season: r.Season, Learning: anomaly.Warmup(anomaly.Options{Step: in.Step})}
	for _, v := range in.Values {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			out.Known++
		}
	}
	for _, c := range r.Changes {
		out.Changes = append(out.Changes, changePoint(c))
	}
	for _, s := range r.Suspects {
		out.Suspects = append(out.Suspects, pitwall.Suspect{ChangePoint: changePoint(s.Change), Needs: s.Needs})
	}
	for _, x := range r.Rejected {
		out.Unreported = append(out.Unreported, pitwall.Unreported{Index: x.Index, Reason: x.Reason, Value: number(x.Value), Limit: number(x.Limit)})
	}
	for _, a := range anomaly.Find(in.Values, anomaly.Options{Step: in.Step}) {
		out.Anomalies = append(out.Anomalies, pitwall.Anomaly{Start: a.Start, End: a.End, Peak: a.Peak, Score: number(a.Score), Up: a.Up, Frozen: a.Frozen, Over: a.Over,
			Expected: number(a.Expected), Low: number(a.Low), High: number(a.High)})
	}
	if in.Online {
		out.Alarms = rang(in.Values)
	}
	return out
}

// rang shows a detector the points one after the other.
func rang(values []float64) []pitwall.PointAlarm {
	list := []pitwall.PointAlarm{}
	d := online.New(online.Options{})
	for _, v := range values {
		if a, yes := d.Observe(v); yes {
			list = append(list, pitwall.PointAlarm{Index: a.Index, Onset: a.Onset, Up: a.Up, Interval: [2]int{a.Earliest, a.Latest},
				Before: number(a.Before), After: number(a.After), P: number(a.P)})
		}
	}
	return list
}

// day is how many points of a series make a day, where it is likely to have one:
// from five minutes to six hours apart. Finer series are mostly looked at for less
// than a day, and waiting for two would say nothing of them.
func day(step float64) int {
	if step < 300 || step > 6*3600 {
		return 0
	}
	points := math.Round(86400 / step)
	if math.Abs(points*step-86400) > 864 {
		return 0
	}
	return int(points)
}

func changePoint(c changes.Change) pitwall.ChangePoint {
	p := pitwall.ChangePoint{Index: c.Index, Kind: pitwall.Shape(c.Kind), Interval: [2]int{c.Earliest, c.Latest},
		Before: number(c.Before), After: number(c.After), P: c.P, Confirmed: c.ConfirmedAt}
	if finite(c.Effect) {
		p.Effect = &c.Effect
	}
	if finite(c.EffectLow) && finite(c.EffectHigh) {
		p.EffectInterval = &[2]float64{c.EffectLow, c.EffectHigh}
	}
	return p
}

// number is a value JSON can carry: the greatest there is instead of more.
func number(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return max(-math.MaxFloat64, min(math.MaxFloat64, v))
}
