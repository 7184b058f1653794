package engine

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/baseline"
)

// limits are the present limits of a metric, by service: the least of instances.
func (e *Engine) limits(ctx context.Context, leak baseline.Leak, now time.Time) (map[pitwall.ServiceName]*float64, error) {
	out := map[pitwall.ServiceName]*float64{}
	if leak.Limit == "" {
		return out, nil
	}
	plain := strings.ReplaceAll(leak.Limit, ".", "_")
	selected := strings.TrimSuffix(strings.TrimPrefix(selects(leak.Select), "{"), "}")
	found, err := e.c.Metrics.Query(ctx, fmt.Sprintf(`min by (service_name, job) (sum by (%s) ({__name__=~"%s(_bytes)?"%s}))`, creepLabels, plain, orComma(selected)), now)
	if err != nil {
		return nil, err
	}
	for _, s := range found {
		if len(s.V) > 0 && s.V[0] > 0 && !math.IsInf(s.V[0], 0) {
			out[serviceIn(s.Labels)] = &s.V[0]
		}
	}
	return out, nil
}

func orComma(s string) string {
	if s == "" {
		return ""
	}
	return "," + s
}

// selects is a leak's attribute as a PromQL matcher.
func selects(attribute string) string {
	name, value, ok := strings.Cut(attribute, "=")
	if !ok {
		return ""
	}
	return fmt.Sprintf("{%s=%q}", strings.ReplaceAll(name, ".", "_"), value)
}

func serviceIn(labels map[string]string) pitwall.ServiceName {
	name := cmp.Or(labels["service_name"], labels["job"])
	if at := strings.LastIndexByte(name, '/'); at >= 0 && labels["service_name"] == "" { // namespace/service, as OTLP's job is
		name = name[at+1:]
	}
	return pitwall.ServiceName(name)
}

// restarts are when services were changed, which starts their processes anew.
func (e *Engine) restarts(ctx context.Context, now time.Time) (map[pitwall.ServiceName][]time.Time, error) {
	out := map[pitwall.ServiceName][]time.Time{}
	if e.c.Changes == nil {
		return out, nil
	}
	list, err := e.c.Changes.Changes(ctx, pitwall.Period{From: now.Add(-creepOver), To: now})
	if err != nil {
		return nil, err
	}
	for _, c := range list {
		if c.Kind == pitwall.ChangeDeploy {
			out[c.Service] = append(out[c.Service], c.At)
		}
	}
	for _, name := range slices.Collect(maps.Keys(out)) {
		slices.SortFunc(out[name], time.Time.Compare)
	}
	return out, nil
}

// trafficStep is how finely requests are added up beside a trend.
const trafficStep = 6 * time.Hour

// readTraffic adds up what was asked of services, each stretch once.
func (e *Engine) readTraffic(ctx context.Context, now time.Time) error {
	c := &e.creeping
	if e.c.Operations == nil {
		return nil
	}
	if c.traffic == nil {
		c.traffic = map[int64]map[pitwall.ServiceName]float64{}
	}
	oldest := now.Add(-creepOver).Truncate(trafficStep)
	maps.DeleteFunc(c.traffic, func(at int64, _ map[pitwall.ServiceName]float64) bool { return at < oldest.Unix() })
	for at := oldest; !at.Add(trafficStep).After(now); at = at.Add(trafficStep) {
		if c.traffic[at.Unix()] != nil {
			continue
		}
		totals, err := e.c.Operations.Operations(ctx, pitwall.OperationQuery{Period: pitwall.Period{From: at, To: at.Add(trafficStep)}})
		if err != nil {
			return err
		}
		rate := map[pitwall.ServiceName]float64{}
		for _, o := range totals {
			if o.Kind == pitwall.SpanServer {
				rate[o.Service] += float64(o.Count) / trafficStep.Seconds()
			}
		}
		c.traffic[at.Unix()] = rate
	}
	return nil
}

// trafficOf is the traffic of a service as a series; nil where spans tell nothing.
func (e *Engine) trafficOf(service pitwall.ServiceName) *pitwall.Series {
	var s pitwall.Series
	for _, at := range slices.Sorted(maps.Keys(e.creeping.traffic)) {
		if rate := e.creeping.traffic[at][service]; rate > 0 {
			s.T = append(s.T, (at+int64(trafficStep.Seconds())/2)*1000)
			s.V = append(s.V, rate)
		}
	}
	if len(s.T) == 0 {
		return nil
	}
	return &s
}
