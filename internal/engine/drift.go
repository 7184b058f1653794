package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/coverage"
)

const (
	// A release is looked at for a day, from when it has served a while.
	releaseFor, releaseSettled = 24 * time.Hour, 2 * time.Minute
	mostReleases               = 20
	// Of each side at least and at most this much is read.
	sideMin, sideMax = 15 * time.Minute, time.Hour
	sideParts        = 3
	sideTraces       = 300
	// look is how long a metric is watched to see whether it moves: three of the
	// SDKs' usual export intervals.
	look = 3 * time.Minute
	// mostSuspects bounds the metrics that are looked at closely.
	mostSuspects = 20
)

// release is when a service changed its version.
type release struct {
	coverage.Release
	at time.Time
}

// releases gives the last release of each service whose new version still runs,
// newest first.
func (s *survey) releases(changes []pitwall.Change) []release {
	s.mu.Lock()
	defer s.mu.Unlock()
	running := map[coverage.Release]bool{}
	for _, t := range s.in.Totals {
		running[coverage.Release{Service: t.Service, To: t.Version}] = true
	}
	latest := map[pitwall.ServiceName]release{}
	for _, c := range changes {
		age := s.in.At.Sub(c.At)
		if c.PreviousVersion == "" || c.Version == "" || c.Version == c.PreviousVersion || age > releaseFor || age < releaseSettled+s.in.Settle ||
			!running[coverage.Release{Service: c.Service, To: c.Version}] {
			continue
		}
		r := release{coverage.Release{Service: c.Service, From: c.PreviousVersion, To: c.Version}, c.At}
		was, known := latest[c.Service]
		same := known && was.Release == r.Release
		if !known || same && r.at.Before(was.at) || !same && r.at.After(was.at) { // one release is announced and seen: the first counts
			latest[c.Service] = r
		}
	}
	var list []release
	for _, r := range latest {
		list = append(list, r)
	}
	slices.SortFunc(list, func(x, y release) int { return y.at.Compare(x.at) })
	return list[:min(len(list), mostReleases)]
}

// drift holds the telemetry of a service after a release against that before.
func (s *survey) drift(ctx context.Context, r release) {
	end := s.in.At.Add(-s.in.Settle)
	length := min(max(end.Sub(r.at), sideMin), sideMax)
	before, ok := s.side(ctx, r.Service, r.From, pitwall.Period{From: r.at.Add(-length), To: r.at})
	if !ok {
		return
	}
	from := end.Add(-length)
	if from.Before(r.at) {
		from = r.at
	}
	p := pitwall.Period{From: from, To: end}
	after, ok := s.side(ctx, r.Service, r.To, p)
	if !ok {
		return
	}
	s.suspects(ctx, r, &before, after, pitwall.Period{From: r.at.Add(-length), To: r.at})
	found := coverage.Drift(r.Release, before, after)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.in.Drifts = append(s.in.Drifts, found...)
}

// side reads one version over one period; ok is false when traces cannot be read.
func (s *survey) side(ctx context.Context, name pitwall.ServiceName, v pitwall.Version, p pitwall.Period) (out coverage.Side, ok bool) {
	if s.c.Spans == nil {
		return out, false
	}
	a := source{"the trace store", pitwall.SignalTraces}
	out.Traces, ok = inTime(ctx, s, a, func(ctx context.Context) (*pitwall.SpanBatch, error) {
		return s.c.Spans.Spans(ctx, pitwall.SpanQuery{Period: p, Service: name, Version: v, WholeTraces: true, Limit: sideTraces})
	})
	if !ok {
		return out, false
	}
	if s.c.Operations == nil {
		out.Parts = [][]pitwall.OperationTotals{coverage.Totals(out.Traces)}
	}
	for i := range sideParts {
		if s.c.Operations == nil {
			break
		}
		part := pitwall.Period{From: p.From.Add(p.Duration() * time.Duration(i) / sideParts), To: p.From.Add(p.Duration() * time.Duration(i+1) / sideParts)}
		totals, ok := inTime(ctx, s, a, func(ctx context.Context) ([]pitwall.OperationTotals, error) {
			return s.c.Operations.Operations(ctx, pitwall.OperationQuery{Period: part, Service: name, Version: v})
		})
		if !ok {
			return out, false
		}
		out.Parts = append(out.Parts, totals)
	}
	out.Metrics, out.Looks = s.present(ctx, name, v, p)
	return out, true
}

// present counts at how many looks each metric of a version was there.
func (s *survey) present(ctx context.Context, name pitwall.ServiceName, v pitwall.Version, p pitwall.Period) (map[string]int, int) {
	series, ok := s.queryRange(ctx, fmt.Sprintf(`count by (__name__) ({service_name=%q,service_version=%q})`, string(name), string(v)), p)
	if !ok || len(series) == 0 {
		return nil, 0
	}
	found := map[string]int{}
	for _, one := range series {
		if metric := one.Labels["__name__"]; metric != "" {
			found[metric] = len(one.T)
		}
	}
	return found, looks(p)
}

func looks(p pitwall.Period) int { return int((p.Duration() + look - 1) / look) }

func (s *survey) queryRange(ctx context.Context, promql string, p pitwall.Period) ([]pitwall.Series, bool) {
	if s.c.Metrics == nil {
		return nil, false
	}
	return inTime(ctx, s, source{"the metrics store", pitwall.SignalMetrics}, func(ctx context.Context) ([]pitwall.Series, error) {
		return s.c.Metrics.QueryRange(ctx, promql, p, look)
	})
}

// suspects looks closely at the metrics that are not there any more: only one
// that moved at every look before is missed. A counter that stood still may be
// waiting for its first event.
func (s *survey) suspects(ctx context.Context, r release, before *coverage.Side, after coverage.Side, p pitwall.Period) {
	asked := 0
	for _, metric := range sortedKeys(before.Metrics) {
		if after.Metrics[metric] > 0 || after.Looks == 0 {
			continue
		}
		if asked++; asked > mostSuspects {
			delete(before.Metrics, metric)
			continue
		}
		q := fmt.Sprintf(`sum(changes({__name__=%q,service_name=%q,service_version=%q}[%ds])) > 0`, metric, string(r.Service), string(r.From), int(look.Seconds()))
		moved, ok := s.queryRange(ctx, q, p)
		before.Metrics[metric] = 0
		if ok && len(moved) == 1 {
			before.Metrics[metric] = len(moved[0].T)
		}
	}
}

func sortedKeys(m map[string]int) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
