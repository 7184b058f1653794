package detect

import (
	"time"

	"github.com/pitwall/pitwall"
)

// silence describes an operation that gets no requests any more: the beginning
// is the last request that was seen, uncertain by the usual distance of two. With
// nothing seen at all nothing is claimed.
func silence(in Input) pitwall.Regression {
	sli := in.SLO.SLI
	r := pitwall.Regression{Service: sli.Service, Operation: sli.Operation, SLO: in.SLO.Name, Signal: pitwall.SignalTraffic,
		Onset:  pitwall.Onset{At: in.Period.From, Earliest: in.Period.From, Latest: in.Period.To},
		Before: pitwall.Measure{Unit: pitwall.UnitPerSecond}, After: pitwall.Measure{Unit: pitwall.UnitPerSecond}}
	list := headline(in.Spans, sli.Service, sli.Operation, in.Period)
	if len(list) == 0 {
		return r
	}
	first, last := time.Unix(0, list[0].start), time.Unix(0, list[len(list)-1].start)
	seen := last.Sub(first)
	gap := time.Second
	if len(list) > 1 {
		gap = max(gap, 3*seen/time.Duration(len(list)-1))
	}
	r.Onset = pitwall.Onset{At: last.UTC(), Earliest: last.UTC(), Latest: last.Add(gap).UTC()}
	if r.Onset.Latest.After(in.Period.To) {
		r.Onset.Latest = in.Period.To
	}
	if seen > 0 {
		r.Before.N, r.Before.Value = int64(len(list)), float64(len(list))/seen.Seconds()
	}
	r.After.N = 1 // one look at a stretch without requests
	return r
}
