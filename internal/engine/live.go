package engine

import (
	"context"
	"slices"
	"time"

	"github.com/pitwall/pitwall"
)

// chartPoints bounds how many points a live chart has.
const chartPoints = 240

// chartSpan is how far a live chart reaches back at most. A plan may wait for
// days, and would read more spans at every tick.
const chartSpan = time.Hour

// refresh recomputes what the page shows live of a plan: its budget, and the
// headline chart from a while before the onset until now. The chart is drawn
// anew when a point's width has passed, for until then it would hardly differ.
func (e *Engine) refresh(ctx context.Context, p pitwall.Plan) error {
	now := e.c.Now()
	s := e.objective(p)
	budget := e.c.Ledger.Budget(s, now)
	e.update(p.ID, func(l *pitwall.Live) { l.Budget = &budget })
	from := later(p.Opened.Regression.Onset.At.Add(-e.c.Settings.Baseline/2), now.Add(-chartSpan))
	in := pitwall.Period{From: from, To: e.settled()}
	if !e.due(p.ID, now, max(2*e.c.Settings.Tick, in.Duration()/chartPoints)) {
		return nil
	}
	spans, err := e.headline(ctx, p, in, false)
	if err != nil {
		return err
	}
	changes, err := e.c.Changes.Changes(ctx, in)
	if err != nil {
		return err
	}
	limit := s.SLI.Threshold.Seconds()
	chart := pitwall.Chart{
		Title: "p99 of " + s.SLI.Operation, Unit: pitwall.UnitSeconds,
		Query:  "spans{service=\"" + string(s.SLI.Service) + "\", operation=\"" + s.SLI.Operation + "\", kind=server} | p99(duration)",
		Series: quantiles(spans, in, 0.99, 0.5),
		Marks:  marks(p, changes),
	}
	if limit > 0 {
		chart.Limit = &limit
	}
	if p.Baseline != nil {
		chart.Band = band(*p.Baseline, s.SLI)
	}
	e.update(p.ID, func(l *pitwall.Live) { l.Charts = []pitwall.Chart{chart} })
	return nil
}

// due says whether a plan's chart is older than a point's width, and takes it to
// be drawn now.
func (e *Engine) due(id pitwall.PlanID, now time.Time, width time.Duration) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if last, drawn := e.drawn[id]; drawn && now.Sub(last) < width {
		return false
	}
	e.drawn[id] = now
	return true
}

// quantiles draws one line per quantile of the server spans' durations, in
// seconds, over at most chartPoints buckets; an empty bucket is null.
func quantiles(b *pitwall.SpanBatch, in pitwall.Period, qs ...float64) []pitwall.ChartSeries {
	width := max(time.Second, (in.Duration() / chartPoints).Round(time.Second))
	buckets := make([][]int64, max(1, int(in.Duration()/width)))
	origin := in.From.UnixNano()
	for i := range b.Len() {
		if b.Kind[i] != pitwall.SpanServer {
			continue
		}
		k := int((b.Start[i] + b.Duration[i] - origin) / int64(width))
		if k >= 0 && k < len(buckets) {
			buckets[k] = append(buckets[k], b.Duration[i])
		}
	}
	names := map[float64]string{0.99: "p99", 0.5: "p50"}
	out := make([]pitwall.ChartSeries, len(qs))
	for j, q := range qs {
		out[j].Name = names[q]
		for k, values := range buckets {
			out[j].T = append(out[j].T, in.From.Add(time.Duration(k)*width).UnixMilli())
			if len(values) == 0 {
				out[j].V = append(out[j].V, nil)
				continue
			}
			slices.Sort(values)
			v := time.Duration(values[int(q*float64(len(values)-1))]).Seconds()
			out[j].V = append(out[j].V, &v)
		}
	}
	return out
}

// marks are the vertical lines: changes of the world, the onset, our own steps.
func marks(p pitwall.Plan, changes []pitwall.Change) []pitwall.ChartMark {
	var list []pitwall.ChartMark
	for _, c := range changes {
		list = append(list, pitwall.ChartMark{T: c.At.UnixMilli(), Kind: "change", Label: string(c.Kind) + " " + string(c.Service) + " " + string(c.Version)})
	}
	list = append(list, p.Opened.Regression.Onset.Mark())
	for _, run := range p.Steps {
		if run.Done != nil && run.Step.Service != "" {
			list = append(list, pitwall.ChartMark{T: run.Done.UnixMilli(), Kind: "plan", Label: run.Step.StepID})
		}
	}
	return list
}

// band is the baseline's p99 with its interval.
func band(b pitwall.Baseline, sli pitwall.SLI) *[2]float64 {
	for _, op := range b.Operations {
		if op.Service == sli.Service && op.Operation == sli.Operation && op.P99.Known() {
			return &[2]float64{op.P99.Low, op.P99.High}
		}
	}
	return nil
}
