package replay

import (
	"math"
	"time"

	"github.com/pitwall/pitwall"
)

// Known is the part of a period from which anything was counted: what was never
// seen is no quiet time.
func Known(p pitwall.Period, steps []pitwall.LedgerStep) pitwall.Period {
	first := p.To.Unix()
	for _, s := range steps {
		if s.Counts.Total() > 0 {
			first = min(first, s.Start)
		}
	}
	if at := time.Unix(first, 0); at.After(p.From) && at.Before(p.To) {
		p.From = at
	}
	return p
}

// Targets are those that a what-if holds against a history: budgets of a tenth to ten times its own.
func Targets(own pitwall.Ratio) (list []pitwall.Ratio) {
	for _, times := range []float64{10, 5, 2, 1, 0.5, 0.2, 0.1} {
		budget := math.Round((1-float64(own))*times*1e9) / 1e9
		if times == 1 {
			list = append(list, own)
		} else if budget < 1 && budget > 0 {
			list = append(list, pitwall.Ratio(math.Round((1-budget)*1e9)/1e9))
		}
	}
	return list
}
