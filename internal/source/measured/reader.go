package measured

import (
	"context"
	"math"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

// The labels that tell services apart: OpenTelemetry's, and what Prometheus'
// own scrapes have instead.
const byService = "service_name, job"

// points is how many steps baseline and window are read in, together: some
// thirty a side and more is what the tests of a diagnosis want; more only costs.
const points = 80

// A range shorter than ten seconds holds no two samples of anybody; twice a
// minute's scrape is the longest that is usual.
const (
	leastRange = 10 * time.Second
	wideRange  = 150 * time.Second
)

// Reader reads typed series from a store. Make one with New.
type Reader struct{ store pitwall.MetricReader }

var _ pitwall.MeasuredReader = (*Reader)(nil)

// New makes a reader of a store.
func New(store pitwall.MetricReader) *Reader { return &Reader{store} }

// Measured gives every typed metric that the store has, by service. What is
// exported too seldom for a short range is asked again with a wide one.
func (r *Reader) Measured(ctx context.Context, p pitwall.Period) ([]pitwall.Measured, error) {
	step := max(2*time.Second, (p.Duration() / points).Round(time.Second))
	ranges := []time.Duration{max(leastRange, 2*step)}
	if ranges[0] < wideRange {
		ranges = append(ranges, wideRange)
	}
	var list []pitwall.Measured
	for _, m := range known() {
		got, err := r.first(ctx, m, asking{p, step, ranges})
		if err != nil {
			return nil, err
		}
		list = append(list, got...)
	}
	return list, nil
}

// asking is how a metric is asked for.
type asking struct {
	period pitwall.Period
	step   time.Duration
	ranges []time.Duration
}

// first gives what the first query with an answer says.
func (r *Reader) first(ctx context.Context, m typed, how asking) ([]pitwall.Measured, error) {
	for _, q := range m.queries {
		for _, window := range how.ranges {
			text := strings.NewReplacer("$by", byService, "$r", window.String()).Replace(q)
			series, err := r.store.QueryRange(ctx, text, how.period, how.step)
			if err != nil {
				return nil, err
			}
			if list := measured(m, series); len(list) > 0 {
				return list, nil
			}
			if !strings.Contains(q, "$r") {
				break // another range changes nothing
			}
		}
	}
	return nil, nil
}

func measured(m typed, series []pitwall.Series) []pitwall.Measured {
	var list []pitwall.Measured
	for _, s := range series {
		out := pitwall.Measured{Service: service(s.Labels), Metric: m.metric, Stat: m.stat}
		for i, v := range s.V {
			if !math.IsNaN(v) && !math.IsInf(v, 0) {
				out.T, out.V = append(out.T, s.T[i]), append(out.V, v)
			}
		}
		if out.Service != "" && len(out.T) > 0 {
			list = append(list, out)
		}
	}
	return list
}

// service names a series: "shop/checkout" as a job is checkout.
func service(labels map[string]string) pitwall.ServiceName {
	if s := labels["service_name"]; s != "" {
		return pitwall.ServiceName(s)
	}
	job := labels["job"]
	return pitwall.ServiceName(job[strings.LastIndexByte(job, '/')+1:])
}
