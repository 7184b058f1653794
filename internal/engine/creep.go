package engine

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/baseline"
)

const (
	creepEvery  = time.Hour           // trends of days change slowly
	creepAgain  = 5 * time.Minute     // after a look that failed
	creepOver   = 14 * 24 * time.Hour // of which a trend is made
	creepStep   = 30 * time.Minute
	weeksOver   = 63 * 24 * time.Hour // for week over week
	weeksStep   = time.Hour
	mostTrends  = 500 // series that are looked at of one metric
	creepWithin = 2 * time.Minute
)

// creeping is the look at metrics that should not creep; mu guards all of it.
type creeping struct {
	mu      sync.Mutex
	running bool
	at      time.Time // of the last look
	next    time.Time // look
	trends  []pitwall.Trend
	problem string
	traffic map[int64]map[pitwall.ServiceName]float64 // requests a second from a unix second on; used by the look alone
}

// creep looks for slow drifts once an hour, in the background.
func (e *Engine) creep(ctx context.Context, work *sync.WaitGroup) {
	c := &e.creeping
	if e.c.Monitor == nil || e.c.Metrics == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := e.c.Now()
	if c.running || now.Before(c.next) {
		return
	}
	c.running, c.next = true, now.Add(creepEvery)
	work.Add(1)
	go func() {
		defer work.Done()
		within, cancel := context.WithTimeout(ctx, creepWithin)
		defer cancel()
		var trends []pitwall.Trend
		err := e.spare("looking for slow drifts", "", func() (err error) {
			trends, err = e.trends(within, now)
			return err
		})
		c.mu.Lock()
		defer c.mu.Unlock()
		c.running, c.problem = false, ""
		if err != nil && ctx.Err() == nil {
			c.problem, c.next = "trends were not looked at: "+err.Error(), now.Add(creepAgain)
			e.log.Warn("Metrics not looked at for slow drifts", "err", err)
			return
		}
		if c.trends, c.at = trends, now; len(trends) == 0 { // at a start no metric may have come yet
			c.next = now.Add(creepAgain)
		}
	}()
}

// crept is what the last look said.
func (e *Engine) crept() ([]pitwall.Trend, time.Time, string) {
	c := &e.creeping
	c.mu.Lock()
	defer c.mu.Unlock()
	if e.c.Metrics == nil {
		return []pitwall.Trend{}, time.Time{}, "no metrics store is configured"
	}
	return append([]pitwall.Trend{}, c.trends...), c.at, c.problem
}

// trends looks at every metric that is known to leak and is there.
func (e *Engine) trends(ctx context.Context, now time.Time) ([]pitwall.Trend, error) {
	names, err := e.leaky(ctx, now)
	if err != nil {
		return nil, err
	}
	restarts, err := e.restarts(ctx, now)
	if err != nil {
		return nil, err
	}
	if err := e.readTraffic(ctx, now); err != nil {
		return nil, err
	}
	var all []pitwall.Trend
	for _, name := range names {
		leak, _ := leakOf(name)
		var found []pitwall.Trend
		if leak.Week {
			found, err = e.weekly(ctx, name, leak, now)
		} else {
			found, err = e.slow(ctx, name, leak, now, restarts)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	all = best(all)
	steady := func(t pitwall.Trend) bool { return t.Verdict != string(baseline.DriftFound) }
	slices.SortStableFunc(all, func(a, b pitwall.Trend) int {
		if x, y := steady(a), steady(b); x != y {
			if x {
				return 1
			}
			return -1
		}
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Metric, b.Metric))
	})
	return all, nil
}

// best keeps of several metrics that may tell of one leak of a service the first
// that can tell anything.
func best(all []pitwall.Trend) (out []pitwall.Trend) {
	told := map[string]int{}
	tells := func(t pitwall.Trend) bool {
		return t.Verdict == string(baseline.DriftFound) || t.Verdict == string(baseline.DriftSteady)
	}
	for _, t := range all {
		key := string(t.Service) + "/" + t.Kind
		at, again := told[key]
		switch {
		case !again:
			told[key] = len(out)
			out = append(out, t)
		case !tells(out[at]) && tells(t):
			out[at] = t
		}
	}
	return out
}

// leakOf also finds the histogram whose sum a metric is.
func leakOf(name string) (baseline.Leak, bool) {
	if l, ok := baseline.LeakOf(name); ok && !l.Week {
		return l, true
	}
	if whole, isSum := strings.CutSuffix(name, "_sum"); isSum {
		l, ok := baseline.LeakOf(whole)
		return l, ok && l.Week
	}
	return baseline.Leak{}, false
}

// leaky are the names of metrics in the store that are known to leak, the best to
// look at first.
func (e *Engine) leaky(ctx context.Context, now time.Time) ([]string, error) {
	var plain []string
	rank := map[string]int{}
	for i, l := range baseline.Leaks() {
		name := strings.ReplaceAll(l.Metric, ".", "_")
		plain = append(plain, name)
		rank[l.Metric] = i
	}
	found, err := e.c.Metrics.Query(ctx, fmt.Sprintf(`group by (__name__) ({__name__=~"(%s)(_[a-z]+)*"})`, strings.Join(plain, "|")), now)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, s := range found {
		if _, ok := leakOf(s.Labels["__name__"]); ok {
			names = append(names, s.Labels["__name__"])
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		x, _ := leakOf(a)
		y, _ := leakOf(b)
		return cmp.Or(cmp.Compare(rank[x.Metric], rank[y.Metric]), cmp.Compare(a, b))
	})
	return names, nil
}

// creepLabels tell services and instances apart, as OpenTelemetry and scrapes
// spell them.
const creepLabels = "service_name, job, instance, service_instance_id"

// slow looks at one metric for a trend, the worst instance of each service.
func (e *Engine) slow(ctx context.Context, name string, leak baseline.Leak, now time.Time, restarts map[pitwall.ServiceName][]time.Time) ([]pitwall.Trend, error) {
	worst := "max"
	if leak.Falling {
		worst = "min"
	}
	query := fmt.Sprintf("%s by (service_name, job) (sum by (%s) (%s%s))", worst, creepLabels, name, selects(leak.Select))
	series, err := e.c.Metrics.QueryRange(ctx, query, pitwall.Period{From: now.Add(-creepOver), To: now}, creepStep)
	if err != nil {
		return nil, err
	}
	limits, err := e.limits(ctx, leak, now)
	if err != nil {
		return nil, err
	}
	var out []pitwall.Trend
	for _, s := range series[:min(len(series), mostTrends)] {
		service := serviceIn(s.Labels)
		in := leak.Input()
		in.Series, in.Restarts, in.Limit = s, restarts[service], limits[service]
		if leak.PerRequest {
			in.Traffic = e.trafficOf(service)
		}
		d := baseline.FindDrift(in)
		out = append(out, pitwall.Trend{Service: service, Metric: name, Kind: string(leak.Kind), Verdict: string(d.Verdict), Reason: d.Reason,
			PerDay: float64(d.Relative), PerDayLow: share(d.SlopeLow, d.Level), PerDayHigh: share(d.SlopeHigh, d.Level), Level: number(d.Level), P: d.P, N: d.N,
			Limit: d.Limit, ExhaustsAt: d.ExhaustsAt, Earliest: d.Earliest, Latest: d.Latest, Query: query})
	}
	return out, nil
}

// weekly compares this week's mean size with the weeks before.
func (e *Engine) weekly(ctx context.Context, name string, leak baseline.Leak, now time.Time) ([]pitwall.Trend, error) {
	count := strings.TrimSuffix(name, "_sum") + "_count"
	query := fmt.Sprintf("sum by (service_name, job) (rate(%s[1h])) / sum by (service_name, job) (rate(%s[1h]))", name, count)
	series, err := e.c.Metrics.QueryRange(ctx, query, pitwall.Period{From: now.Add(-weeksOver), To: now}, weeksStep)
	if err != nil {
		return nil, err
	}
	var out []pitwall.Trend
	for _, s := range series[:min(len(series), mostTrends)] {
		w := baseline.WeekOverWeek(baseline.WeekInput{Series: s, Unit: pitwall.UnitBytes, Margin: 0.2})
		out = append(out, pitwall.Trend{Service: serviceIn(s.Labels), Metric: strings.TrimSuffix(name, "_sum"), Kind: string(leak.Kind), Verdict: weekVerdict(w),
			Reason: w.Reason, PerDay: number(w.Change.Value), PerDayLow: number(w.Change.Low), PerDayHigh: number(w.Change.High),
			Level: number(w.Now.Value), P: w.P, N: len(s.T), Query: query})
	}
	return out, nil
}

// weekVerdict is that of a trend: only growth is one.
func weekVerdict(w baseline.WeekChange) string {
	switch w.State {
	case baseline.CountMore:
		return string(baseline.DriftFound)
	case baseline.CountLess, baseline.CountSame:
		return string(baseline.DriftSteady)
	case baseline.CountNoData:
		return string(baseline.DriftNoData)
	}
	return string(baseline.DriftNotEnough)
}

// share is a part of a level; 0 without one.
func share(part, level float64) float64 {
	if level == 0 {
		return 0
	}
	return number(part / level)
}

// number is what JSON can carry.
func number(v float64) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	return v
}
