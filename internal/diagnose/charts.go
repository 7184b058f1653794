package diagnose

import (
	"fmt"
	"slices"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose/fold"
)

// chartPoints bounds a chart; a record keeps them for ever.
const chartPoints = 300

// charts copies the curves behind the verdict: latency, rate and, when bodies
// grew, their size, from the beginning of the baseline until now.
func (x *inquiry) charts(found []*finding) []pitwall.Chart {
	h := x.q.headline()
	grid := newGrid(x.q.Baseline.From, x.q.Window.To)
	marks := x.marks()
	all := slices.Concat(x.base.Duration, x.head.Duration)
	latency := pitwall.Chart{
		Title: "Latency of " + h.String(), Unit: pitwall.UnitSeconds, Query: fmt.Sprintf("spans of %s, per %s", h, grid.step), Marks: marks,
		Series: []pitwall.ChartSeries{
			grid.series("p99", all, func(v []fold.Sample) float64 { return fold.Quantile(v, 0.99) }),
			grid.series("median", all, fold.Median),
		},
	}
	if limit := x.q.SLO.SLI.Threshold.Seconds(); limit > 0 {
		latency.Limit = &limit
	}
	list := []pitwall.Chart{latency, {
		Title: "Rate of " + h.String(), Unit: pitwall.UnitPerSecond, Query: promQL(idRate, h.Service), Marks: marks,
		Series: []pitwall.ChartSeries{grid.series("requests a second", all, func(v []fold.Sample) float64 { return float64(len(v)) / grid.step.Seconds() })},
	}}
	for _, f := range found {
		op, ok := x.g.OpID[fold.Operation{Service: f.signal.Service, Name: f.signal.Operation}]
		if f.class != pitwall.BottleneckPayload || !ok {
			continue
		}
		bodies := slices.Concat(x.base.Op(op).Resp, x.head.Op(op).Resp)
		if f.signal.Field == "request_bytes" {
			bodies = slices.Concat(x.base.Op(op).Req, x.head.Op(op).Req)
		}
		list = append(list, pitwall.Chart{
			Title: "Size: " + f.signal.Name, Unit: pitwall.UnitBytes, Query: fmt.Sprintf("spans of %s, per %s", x.g.Ops[op], grid.step), Marks: marks,
			Series: []pitwall.ChartSeries{grid.series("median", bodies, fold.Median)},
		})
		break
	}
	return list
}

func (x *inquiry) marks() []pitwall.ChartMark {
	var marks []pitwall.ChartMark
	list, _ := x.changes()
	for _, c := range list {
		marks = append(marks, pitwall.ChartMark{T: c.At.UnixMilli(), Label: title(c), Kind: "change"})
	}
	if onset := x.q.Regression.Onset; !onset.At.IsZero() {
		marks = append(marks, onset.Mark())
	}
	return marks
}

// grid is a row of buckets.
type grid struct {
	from time.Time
	step time.Duration
	n    int
}

// newGrid takes buckets of two seconds, or as long as chartPoints demand.
func newGrid(from, to time.Time) grid {
	whole := to.Sub(from)
	step := max(2*time.Second, (whole/chartPoints + time.Second - 1).Truncate(time.Second))
	return grid{from, step, min(chartPoints, int((whole+step-1)/step))}
}

// series folds samples into buckets; an empty bucket is a gap, not a zero.
func (g grid) series(name string, list []fold.Sample, value func([]fold.Sample) float64) pitwall.ChartSeries {
	buckets := make([][]fold.Sample, g.n)
	for _, s := range list {
		if at := int((s.T - g.from.UnixNano()) / int64(g.step)); at >= 0 && at < g.n && s.T >= g.from.UnixNano() {
			buckets[at] = append(buckets[at], s)
		}
	}
	out := pitwall.ChartSeries{Name: name}
	for i, b := range buckets {
		out.T = append(out.T, g.from.Add(time.Duration(i)*g.step).UnixMilli())
		if len(b) == 0 {
			out.V = append(out.V, nil)
			continue
		}
		v := value(b)
		out.V = append(out.V, &v)
	}
	return out
}
