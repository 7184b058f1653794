package detect

import (
	"math"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/stats"
)

// counted describes an objective by its good and bad events, where no single
// request says what is good.
func counted(in Input) pitwall.Regression {
	sli := in.SLO.SLI
	r := pitwall.Regression{Service: sli.Service, Operation: sli.Operation, SLO: in.SLO.Name, Signal: pitwall.SignalEvents}
	r.Onset = onsetIn(pointsOf(in.Steps, in.Period), pitwall.Onset{At: in.Period.From, Earliest: in.Period.From, Latest: in.Period.To})
	r.Before = badShare(in.Steps, pitwall.Period{From: in.Period.From, To: r.Onset.Earliest})
	r.After = badShare(in.Steps, pitwall.Period{From: r.Onset.Latest, To: in.Period.To})
	return r
}

// pointsOf joins steps until each point holds enough events to say something.
func pointsOf(steps []pitwall.LedgerStep, p pitwall.Period) (points []point) {
	var sum pitwall.Counts
	var from time.Time
	for i, s := range steps {
		at := time.Unix(s.Start, 0).UTC()
		if at.Before(p.From) || !at.Before(p.To) {
			continue
		}
		if sum.Total() == 0 {
			from = at
		}
		sum = sum.Add(s.Counts)
		if sum.Total() < perBucket {
			continue
		}
		to := p.To
		if i+1 < len(steps) {
			to = time.Unix(steps[i+1].Start, 0).UTC()
		}
		points = append(points, point{from, to, math.Asin(math.Sqrt(float64(sum.Bad) / float64(sum.Total())))})
		sum = pitwall.Counts{}
	}
	return points
}

// badShare is the share of bad events of a period, with its interval.
func badShare(steps []pitwall.LedgerStep, p pitwall.Period) pitwall.Measure {
	var sum pitwall.Counts
	for _, s := range steps {
		if at := time.Unix(s.Start, 0); !at.Before(p.From) && at.Before(p.To) {
			sum = sum.Add(s.Counts)
		}
	}
	m := pitwall.Measure{Unit: pitwall.UnitRatio, N: int64(sum.Total())}
	if m.N > 0 {
		m.Value = float64(sum.Bad) / float64(sum.Total())
		m.Low, m.High = stats.Wilson(int64(sum.Bad), m.N, 0.95)
	}
	return m
}
