package record

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// period is a stretch of time; to is exclusive.
type period struct{ from, to time.Time }

func (p period) holds(ns int64) bool { return ns >= p.from.UnixNano() && ns < p.to.UnixNano() }

// The rule that plays the alerting system. It is a plain burn-rate stand-in:
// three bad steps in a row against the first half minute of the run. The
// figures are those of a careful team's alert, not of any story: five-second
// steps hold some 150 requests at 30 per second, so that a mean is known to a
// few percent; 25 % above normal, and four robust standard deviations, is what
// a person would call slow; 2 % failed, where fewer than 0.5 % failed before,
// spends a 99.9 % objective's month in a day and a half.
const (
	step      = 5 * time.Second
	reference = 6 // steps that are taken as normal
	inARow    = 3
	slower    = 1.25
	sigmas    = 4
	failing   = 0.02
	failMost  = 0.005 // share of failed requests that is still normal
	minFailed = 2     // in a step; one failed request is no alarm
	margin    = step  // between the baseline's end and the onset
)

// request is one call of the questioned operation, as the service answered it.
type request struct {
	start, end int64 // unix nanoseconds
	failed     bool
}

// asked are the server spans of one operation of one service, by start.
// operation "" means all of them.
func asked(all []span, service, operation string) []request {
	var out []request
	for _, s := range all {
		if s.kind == serverKind && s.service == service && (operation == "" || s.name == operation) {
			out = append(out, request{s.start, s.end, s.failed})
		}
	}
	return out
}

// tick is one step of the indicator.
type tick struct {
	from   time.Time
	n      int
	failed int
	mean   float64 // seconds, over all requests
	p95    float64
}

func (t tick) errors() float64 {
	if t.n == 0 {
		return 0
	}
	return float64(t.failed) / float64(t.n)
}

// ticks cuts a period into whole steps by the requests' starts.
func ticks(rs []request, p period) []tick {
	n := int(p.to.Sub(p.from) / step)
	if n <= 0 {
		return nil
	}
	out := make([]tick, n)
	took := make([][]float64, n)
	for i := range out {
		out[i].from = p.from.Add(time.Duration(i) * step)
	}
	for _, r := range rs {
		i := int(time.Duration(r.start-p.from.UnixNano()) / step)
		if r.start < p.from.UnixNano() || i >= n {
			continue
		}
		out[i].n++
		if r.failed {
			out[i].failed++
		}
		took[i] = append(took[i], float64(r.end-r.start)/1e9)
	}
	for i, v := range took {
		slices.Sort(v)
		out[i].mean, out[i].p95 = mean(v), rank(v, .95)
	}
	return out
}

// alarm is what the rule said, if it said anything.
type alarm struct {
	fired     bool
	sli       string // latency or errors
	at        time.Time
	onset     time.Time // end of the last step before it that was normal
	threshold float64
	observed  float64 // mean of the steps that fired
	normal    float64
}

// indicator is one way to read a step: its value and when that is bad.
type indicator struct {
	sli   string
	value func(tick) float64
	bad   func(v float64, t tick) bool
	calm  func(v float64) bool
	limit float64
	usual float64
}

// watch runs the rule over the steps. Ticks without requests are neither bad
// nor normal: they end a row of bad ones.
func watch(ts []tick) alarm {
	if len(ts) < reference+inARow {
		return alarm{}
	}
	var first alarm
	for _, in := range []indicator{slow(ts[:reference]), errors5xx(ts[:reference])} {
		if a := in.watch(ts); a.fired && (!first.fired || a.at.Before(first.at)) {
			first = a
		}
	}
	return first
}

// slow judges the mean latency. A tail that nobody else shares moves the mean
// of 150 requests as well once it is worth an alarm.
func slow(ref []tick) indicator {
	var v []float64
	for _, t := range ref {
		if t.n > 0 {
			v = append(v, t.mean)
		}
	}
	usual, spread := robust(v)
	limit := max(slower*usual, usual+sigmas*spread)
	return indicator{
		sli: "latency", usual: usual, limit: limit, value: func(t tick) float64 { return t.mean },
		bad:  func(v float64, t tick) bool { return t.n > 0 && usual > 0 && v > limit },
		calm: func(v float64) bool { return v <= (usual+limit)/2 },
	}
}

func errors5xx(ref []tick) indicator {
	n, failed := 0, 0
	for _, t := range ref {
		n, failed = n+t.n, failed+t.failed
	}
	usual := tick{n: n, failed: failed}.errors()
	return indicator{
		sli: "errors", usual: usual, limit: failing, value: tick.errors,
		bad:  func(v float64, t tick) bool { return usual < failMost && v >= failing && t.failed >= minFailed },
		calm: func(v float64) bool { return v < failMost },
	}
}

// watch finds the first row of bad steps, then goes back to where it began.
func (in indicator) watch(ts []tick) alarm {
	row := 0
	for i := reference; i < len(ts); i++ {
		if !in.bad(in.value(ts[i]), ts[i]) {
			row = 0
			continue
		}
		if row++; row < inARow {
			continue
		}
		began, sum := i-inARow+1, 0.0
		for _, t := range ts[began : i+1] {
			sum += in.value(t) / inARow
		}
		for began > reference && ts[began-1].n > 0 && !in.calm(in.value(ts[began-1])) {
			began--
		}
		// The last requests of a step are known once they have been answered.
		told := ts[i].from.Add(step + time.Duration(ts[i].p95*float64(time.Second)))
		return alarm{fired: true, sli: in.sli, at: told.Truncate(time.Second).Add(time.Second), onset: ts[began].from,
			threshold: in.limit, observed: sum, normal: in.usual}
	}
	return alarm{}
}

// periods are the two stretches of time a case compares.
type periods struct{ baseline, window period }

// quietShare is how much of a run without an alarm is called the baseline.
const quietShare = 0.55

// split chooses the periods of a run: the baseline ends a step before the
// onset, and the window holds the rest. A run without an alarm is split as if
// somebody had asked near its end.
func split(p period, a alarm) periods {
	cut := a.onset.Add(-margin)
	if !a.fired {
		whole := int(float64(p.to.Sub(p.from)) * quietShare / float64(step))
		cut = p.from.Add(time.Duration(whole) * step)
	}
	if least := p.from.Add(reference * step); cut.Before(least) {
		cut = least
	}
	return periods{period{p.from, cut}, period{cut, p.to}}
}

// words says the alarm as a person would read it.
func (a alarm) words(service, operation string) string {
	what := service
	if operation != "" {
		what = operation + " of " + service
	}
	switch {
	case !a.fired:
		return what + " is asked about; no alert fired"
	case a.sli == "errors":
		return fmt.Sprintf("%s fails: %.1f %% of requests in %d s, normally %.1f %%", what, 100*a.observed, inARow*int(step.Seconds()), 100*a.normal)
	}
	return fmt.Sprintf("%s is slow: %.0f ms on average over %d s, normally %.0f ms", what, 1e3*a.observed, inARow*int(step.Seconds()), 1e3*a.normal)
}

// robust gives the median and 1.4826 times the median absolute deviation, at
// least 2 % of the median: six steps alone can look calmer than they are.
func robust(v []float64) (mid, spread float64) {
	if len(v) == 0 {
		return 0, 0
	}
	s := slices.Sorted(slices.Values(v))
	mid = median(s)
	for i, x := range s {
		s[i] = math.Abs(x - mid)
	}
	slices.Sort(s)
	return mid, max(1.4826*median(s), 0.02*mid)
}

func median(sorted []float64) float64 {
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

func mean(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}

// rank is the nearest-rank quantile of sorted values, 0 without any.
func rank(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[max(0, int(math.Ceil(q*float64(len(sorted))))-1)]
}
