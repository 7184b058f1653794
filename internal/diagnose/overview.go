package diagnose

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose/fold"
	"github.com/pitwall/pitwall/internal/stats"
)

// headline asks whether the indicator differs from its baseline at all.
// Everything else is only worth telling when it does.
func headline(x *inquiry) result {
	h := x.q.headline()
	r := result{evidence: []pitwall.Evidence{
		fact(checkHeadline, h.Service, "mean latency of "+h.String()+" "+moved(x.latency, duration), x.latency, pitwall.UnitSeconds),
		fact(checkHeadline, h.Service, fmt.Sprintf("p99 of %s %s → %s", h, duration(fold.Quantile(x.base.Duration, 0.99)),
			duration(fold.Quantile(x.head.Duration, 0.99))), x.latency, pitwall.UnitSeconds),
		fact(checkHeadline, h.Service, fmt.Sprintf("share slower than the objective or failed: %s → %s", percent(x.bad.Before), percent(x.bad.After)),
			x.bad, pitwall.UnitRatio),
	}}
	p99 := &r.evidence[1]
	p99.Before.Value, p99.After.Value = fold.Quantile(x.base.Duration, 0.99), fold.Quantile(x.head.Duration, 0.99)
	if !x.moved() {
		r.outcome = pitwall.OutcomeClear
		r.reason = "it differs by less than its own normal variation: " + r.evidence[0].Claim
		return r
	}
	r.outcome, r.reason = pitwall.OutcomeHit, r.evidence[0].Claim
	if x.errors {
		r.reason = fmt.Sprintf("requests fail: %s → %s (n=%s → %s)", percent(x.failed.Before), percent(x.failed.After), count(x.failed.N0), count(x.failed.N1))
	}
	return r
}

func fact(check string, s pitwall.ServiceName, claim string, sh fold.Shift, u pitwall.Unit) pitwall.Evidence {
	e := pitwall.Evidence{Check: check, Service: s, Claim: claim}
	e.Before, e.After = sh.Measures(u)
	return e
}

// metrics asks for rate, errors and duration of the service and of everything
// it calls. It names the severity; it accuses nobody.
func metrics(x *inquiry) result {
	h := x.q.headline()
	rate := x.rate()
	r := result{outcome: pitwall.OutcomeClear}
	e := fact(checkMetrics, h.Service, "rate of "+h.String()+" "+perSecond(rate), rate, pitwall.UnitPerSecond)
	e.Query = promQL(idRate, h.Service)
	r.evidence = append(r.evidence, e, fact(checkMetrics, h.Service, fmt.Sprintf("failed share %s → %s",
		percent(x.failed.Before), percent(x.failed.After)), x.failed, pitwall.UnitRatio))
	for op, o := range x.g.Ops {
		if s := fold.Compare(x.base.Op(op).Total, x.head.Op(op).Total); o != h && s.Known {
			r.evidence = append(r.evidence, fact(checkMetrics, o.Service, fmt.Sprintf("duration of %s %s", o, moved(s, duration)), s, pitwall.UnitSeconds))
			if s.Up(timeGrew) {
				r.outcome = pitwall.OutcomeHit
			}
		}
	}
	for _, m := range []struct {
		id, name string
		unit     pitwall.Unit
		word     func(float64) string
	}{
		{idRate, "requests a second by metrics, all routes", pitwall.UnitPerSecond, plain},
		{idErrors, "error ratio by metrics, all routes", pitwall.UnitRatio, percent},
		{idAlloc, "allocated per request", pitwall.UnitBytesPerReq, size},
	} {
		s, missing := x.metric(m.id)
		if missing != "" {
			r.notes = append(r.notes, fmt.Sprintf("%s: %s", m.name, missing))
			continue
		}
		e := fact(checkMetrics, h.Service, fmt.Sprintf("%s %s", m.name, arrow(s, m.word)), s, m.unit)
		e.Query = promQL(m.id, h.Service)
		r.evidence = append(r.evidence, e)
	}
	r.reason = fmt.Sprintf("rate %s, failures %s", flat(rate, surge), flat(x.failed, 1.5))
	if r.outcome == pitwall.OutcomeHit {
		r.reason += "; calls beneath got slower"
	}
	if len(r.notes) > 0 {
		r.reason += "; not measured: " + r.notes[0]
	}
	return r
}

func flat(s fold.Shift, factor float64) string {
	switch {
	case s.Up(factor):
		return "up"
	case s.Down(factor):
		return "down"
	}
	return "flat"
}

// metric compares the means of one PromQL answer; means, because a counter that
// is read less often than the range is long comes as bursts between zeros.
func (x *inquiry) metric(id string) (s fold.Shift, missing string) {
	var values [2][]float64
	for i, suffix := range []string{baselineSide, windowSide} {
		a, ok := x.answers[id+suffix]
		if !ok || a.Missing != "" {
			return s, cmp.Or(a.Missing, "it was not asked for")
		}
		for _, line := range a.Series {
			values[i] = append(values[i], line.V...)
		}
		values[i] = slices.DeleteFunc(values[i], func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) })
		if len(values[i]) == 0 {
			return s, "no samples"
		}
	}
	return fold.Shift{
		Before: stats.Mean(values[0]), After: stats.Mean(values[1]),
		N0: int64(len(values[0])), N1: int64(len(values[1])), Noise: fold.MinNoise, Known: true,
	}, ""
}

// localise asks where the additional time is spent and says how much is left
// unexplained.
func localise(x *inquiry) result {
	if x.errors {
		return clear("failures are accounted for, not seconds; see where they begin")
	}
	r := result{outcome: pitwall.OutcomeClear, reason: "no place on the path takes longer beyond noise"}
	for _, p := range x.places {
		if !p.shift.Beyond || p.delta() < 0.05*x.increase() || len(r.evidence) == 6 {
			continue
		}
		r.evidence = append(r.evidence, fact(checkLocalise, x.where(p).Service, fmt.Sprintf("%s added %s per request (%s, %s of the increase)",
			x.name(p), duration(p.delta()), arrow(p.shift, duration), percent(p.delta()/x.increase())), p.shift, pitwall.UnitSeconds))
	}
	if len(r.evidence) > 0 && x.increase() > 0 {
		r.outcome = pitwall.OutcomeHit
		r.reason = fmt.Sprintf("%s; %s of %s is unexplained", r.evidence[0].Claim, duration(max(0, x.lost)), duration(x.increase()))
	}
	return r
}
