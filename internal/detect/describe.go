package detect

import (
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/stats"
)

// Input is a burning objective with the spans of its operation.
type Input struct {
	SLO   pitwall.SLO
	Burn  pitwall.Burn
	Spans *pitwall.SpanBatch
	// Steps are the counts of the objective in the period, where it is not
	// counted from spans.
	Steps  []pitwall.LedgerStep
	Period pitwall.Period // how far back to look, up to now
	Now    time.Time
}

// Describe says what moved, since when and by how much. Before ends at the
// earliest possible beginning and After starts at the latest, so neither holds
// requests of the other; an unclear beginning leaves them without data rather
// than with a guess.
func Describe(in Input) pitwall.Regression {
	if in.Burn.State.Tier.When == pitwall.WhenTrafficLost {
		return silence(in)
	}
	if len(in.Steps) > 0 {
		return counted(in)
	}
	sli := in.SLO.SLI
	r := pitwall.Regression{Service: sli.Service, Operation: sli.Operation, SLO: in.SLO.Name, Signal: signal(in)}
	r.Onset = FindOnset(OnsetInput{
		Spans: in.Spans, Service: sli.Service, Operation: sli.Operation, Signal: r.Signal, Period: in.Period,
	})
	r.Before = measure(in, r.Signal, pitwall.Period{From: in.Period.From, To: r.Onset.Earliest})
	r.After = measure(in, r.Signal, pitwall.Period{From: r.Onset.Latest, To: in.Period.To})
	return r
}

// signal says what to look at: failures for an availability objective, and for
// a latency objective too when most of its bad requests of late did fail.
func signal(in Input) pitwall.Signal {
	switch {
	case in.SLO.SLI.Kind == pitwall.SLIAvailability:
		return pitwall.SignalErrors
	case in.SLO.SLI.Kind != pitwall.SLILatency: // no request says what is good
		return pitwall.SignalEvents
	}
	recent := in.Period
	if long := in.Burn.State.Tier.Long; long > 0 && long < recent.Duration() {
		recent.From = recent.To.Add(-long)
	}
	bad, failures := 0, 0
	for _, r := range headline(in.Spans, in.SLO.SLI.Service, in.SLO.SLI.Operation, recent) {
		switch {
		case r.failed:
			failures++
			bad++
		case time.Duration(r.duration) > in.SLO.SLI.Threshold:
			bad++
		}
	}
	if 2*failures > bad {
		return pitwall.SignalErrors
	}
	return pitwall.SignalLatency
}

func measure(in Input, signal pitwall.Signal, p pitwall.Period) pitwall.Measure {
	list := headline(in.Spans, in.SLO.SLI.Service, in.SLO.SLI.Operation, p)
	m := pitwall.Measure{Unit: pitwall.UnitSeconds, N: int64(len(list))}
	if signal != pitwall.SignalLatency {
		m.Unit = pitwall.UnitRatio
	}
	if m.N == 0 {
		return m
	}
	if signal != pitwall.SignalLatency {
		m.Value = failedShare(list)
		m.Low, m.High = stats.Wilson(failed(list), m.N, 0.95)
		return m
	}
	took := durations(list)
	m.Value = stats.Quantile(took, 0.99)
	m.Low, m.High, _ = stats.QuantileInterval(took, 0.99, 0.95)
	return m
}
