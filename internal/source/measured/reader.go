package measured

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

// The labels that tell services apart: OpenTelemetry's, and what Prometheus'
// own scrapes have instead.
const byJob = "service_name, job"

// points is how many steps baseline and window are read in, together: some
// thirty a side and more is what the tests of a diagnosis want; more only costs.
const points = 80

// A range shorter than ten seconds holds no two samples of anybody; twice a
// minute's scrape is the longest that is usual.
const (
	leastRange = 10 * time.Second
	wideRange  = 150 * time.Second
)

// pace is the time over which samples are counted, to see how often they come.
const pace = 5 * time.Minute

// Reader reads typed series from a store. Make one with New.
type Reader struct{ store pitwall.MetricReader }

var _ pitwall.MeasuredReader = (*Reader)(nil)

// New makes a reader of a store.
func New(store pitwall.MetricReader) *Reader { return &Reader{store} }

// Measured gives every typed metric that the store has: one series for each
// service, metric and statistic, by metric as the table lists them, then by
// service. What a service exports too seldom for a short range is read with a
// wide one.
func (r *Reader) Measured(ctx context.Context, p pitwall.Period) ([]pitwall.Measured, error) {
	step := max(2*time.Second, (p.Duration() / points).Round(time.Second))
	l := &look{store: r.store, period: p, step: step, window: max(leastRange, 2*step), answers: map[string]answer{}, paces: map[string]paces{}}
	var list []pitwall.Measured
	for _, m := range known() {
		got, err := l.metric(ctx, m)
		if err != nil {
			return nil, err
		}
		for _, s := range slices.Sorted(maps.Keys(got)) {
			list = append(list, pitwall.Measured{Service: s, Metric: m.metric, Stat: m.stat, T: got[s].t, V: got[s].v})
		}
	}
	return list, nil
}

// look is one reading of everything. What it has asked already it does not ask
// again: one count of requests is read for a rate, a share and a mean.
type look struct {
	store   pitwall.MetricReader
	period  pitwall.Period
	step    time.Duration
	window  time.Duration // the short range
	answers map[string]answer
	paces   map[string]paces
}

// answer is what the store says of each service.
type answer map[pitwall.ServiceName]line

// metric reads each service by the first way that gives anything for it: in one
// house some services run on Go, and others do not.
func (l *look) metric(ctx context.Context, m typed) (answer, error) {
	found := answer{}
	for _, w := range m.ways {
		got, err := l.way(ctx, w, found)
		if err != nil {
			return nil, err
		}
		for s, one := range got {
			if _, ok := found[s]; !ok && len(one.t) > 0 {
				found[s] = one
			}
		}
	}
	return found, nil
}

// way reads one way, each service with the range that fits it. Nothing is asked
// over a range for those that are done.
func (l *look) way(ctx context.Context, w way, done answer) (answer, error) {
	if w.counter == "" {
		return l.divided(ctx, w, l.window)
	}
	exporting, err := l.exporting(ctx, w.counter)
	if err != nil {
		return nil, err
	}
	found := answer{}
	for _, window := range []time.Duration{l.window, max(l.window, wideRange)} {
		some := paces{}
		for s, one := range exporting {
			_, asked := found[s]
			_, known := done[s]
			if !asked && !known && (one.interval <= window || window >= wideRange) {
				some[s] = one
			}
		}
		if len(some) == 0 {
			continue
		}
		got, err := l.over(ctx, w, window, some)
		if err != nil {
			return nil, err
		}
		for s := range some {
			found[s] = got[s]
		}
	}
	return found, nil
}

// over asks for some services. Buckets are most of what a store holds, so they
// are asked for service by service: a query bounds the samples it holds, however
// many services there are, and the few of one service stay in the processor's
// cache.
func (l *look) over(ctx context.Context, w way, window time.Duration, some paces) (answer, error) {
	if w.q == "" {
		return l.divided(ctx, w, window)
	}
	found := answer{}
	for _, s := range slices.Sorted(maps.Keys(some)) {
		series, err := l.store.QueryRange(ctx, quantileOf(w, window, some[s].jobs), l.period, l.step)
		if err != nil {
			return nil, err
		}
		for _, x := range series {
			found[s] = lineOf(x)
		}
	}
	return found, nil
}

// quantileOf is the query for a quantile of all that some jobs observed.
func quantileOf(w way, window time.Duration, jobs []job) string {
	rates := make([]string, len(jobs))
	for i, j := range jobs {
		rates[i] = "rate(" + strings.TrimSuffix(w.counter, "_count") + "_bucket{service_name=" + strconv.Quote(j.service) +
			",job=" + strconv.Quote(j.job) + "}[" + window.String() + "])"
	}
	return "histogram_quantile(" + w.q + ", sum by (le) (" + strings.Join(rates, " or ") + "))"
}

// divided asks for part and whole, over all services.
func (l *look) divided(ctx context.Context, w way, window time.Duration) (answer, error) {
	part, err := l.ask(ctx, w.part, window, w.peak)
	if err != nil || w.whole == "" {
		return part, err
	}
	whole, err := l.ask(ctx, w.whole, window, false)
	if err != nil {
		return nil, err
	}
	found := answer{}
	for s, all := range whole {
		found[s] = quotient(part[s], all, w.zero)
	}
	return found, nil
}

// ask asks one query, once, and makes one line of all jobs of a service.
func (l *look) ask(ctx context.Context, query string, window time.Duration, peak bool) (answer, error) {
	text := strings.ReplaceAll(query, "$r", window.String())
	if known, ok := l.answers[text]; ok {
		return known, nil
	}
	series, err := l.store.QueryRange(ctx, text, l.period, l.step)
	if err != nil {
		return nil, err
	}
	found := answer{}
	for _, x := range series {
		if s := jobOf(x.Labels).name(); s != "" {
			found[s] = merged(found[s], lineOf(x), peak)
		}
	}
	l.answers[text] = found
	return found, nil
}
