package coverage

import (
	"cmp"
	"math"
	"slices"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/stats"
)

const (
	// falseFindings is the share of findings that may be wrong (Benjamini and
	// Hochberg 1995), over all that was tested for one release.
	falseFindings = 0.01
	// enough is how many were to be expected, or how many requests are needed on
	// each side, before anything is said to be gone.
	enough = 30
	// carried is the share of spans that had an attribute for it to be missed,
	// goneBelow the share below which it is gone.
	carried   = 0.5
	goneBelow = 0.05
	// lostPoints is by how much the share of joined calls must have fallen.
	lostPoints = 0.1
)

// The kinds of drift.
const (
	OperationGone = "operation-gone"
	ContextLost   = "context-lost"
	AttributeGone = "attribute-gone"
	MetricGone    = "metric-gone"
	FewerSpans    = "fewer-spans"
	MoreSpans     = "more-spans"
)

// Release is a service that went from one version to another.
type Release struct {
	Service  pitwall.ServiceName
	From, To pitwall.Version
}

// Side is the telemetry of one version of the service over a period: of From
// before the release, of To after it.
type Side struct {
	// Parts are the totals of the service in consecutive parts of the period, of
	// that version alone. What is not in every part comes and goes, and is not
	// missed.
	Parts [][]pitwall.OperationTotals
	// Traces is a sample of whole traces that have spans of the version; nil: none.
	Traces *pitwall.SpanBatch
	// Metrics says at how many of Looks looks each metric of the version moved. A
	// counter appears with its first event, so one that stands still is no proof.
	Metrics map[string]int
	Looks   int
}

// tested is one thing that was tested, found or not.
type tested struct {
	pitwall.Drift
	p   float64 // of seeing this much less (or another number) by chance
	big bool    // large enough to matter
}

// Drift finds what a release took away from a service's telemetry, the worst
// first. Two samples of the same thing give a finding in at most one of a
// hundred releases.
func Drift(r Release, before, after Side) []pitwall.Drift {
	c := comparison{Release: r, before: read(r.Service, r.From, before), after: read(r.Service, r.To, after)}
	if c.after.requests < enough {
		return nil // traffic that stopped is not drift
	}
	var all []tested
	all = append(all, c.operations()...)
	all = append(all, c.context()...)
	all = append(all, c.attributes()...)
	all = append(all, c.metrics()...)
	all = append(all, c.spans()...)
	var found []pitwall.Drift
	for _, t := range sound(all) {
		d := t.Drift
		d.Service, d.From, d.To = r.Service, r.From, r.To
		d.Means = c.means(d)
		found = append(found, d)
	}
	order := []string{OperationGone, ContextLost, AttributeGone, MetricGone, FewerSpans, MoreSpans}
	slices.SortFunc(found, func(x, y pitwall.Drift) int {
		return cmp.Or(cmp.Compare(slices.Index(order, x.Kind), slices.Index(order, y.Kind)), cmp.Compare(y.Before, x.Before), cmp.Compare(x.What, y.What))
	})
	return found
}

// sound keeps what is large and, among all that was tested, no chance.
func sound(all []tested) []tested {
	slices.SortFunc(all, func(x, y tested) int { return cmp.Compare(x.p, y.p) })
	last := 0
	for i, t := range all {
		if t.p <= falseFindings*float64(i+1)/float64(len(all)) {
			last = i + 1
		}
	}
	return slices.DeleteFunc(all[:last], func(t tested) bool { return !t.big })
}

// fell is the chance of at most k2 of k1+k2 events on the second side, were the
// rate the same on both: the exact test of two Poisson rates (Przyborowski and
// Wilenski 1940). For shares it is conservative.
func fell(k1, n1, k2, n2 float64) float64 {
	events := int64(math.Round(k1 + k2))
	first := min(events, int64(math.Round(k1)))
	return stats.BinomialTail(first, events, n1/(n1+n2))
}

// comparison is both sides of a release, read.
type comparison struct {
	Release
	before, after side
}

// side is a Side with what it adds up to.
type side struct {
	Side
	requests float64 // server and consumer spans
	counts   map[place]float64
	steady   map[place]bool // in every part
	sample   *sample        // nil: no traces
}

// place is one operation of the service, on one side of the wire.
type place struct {
	name string
	kind pitwall.SpanKind
	peer string
}

func (p place) words() string {
	switch {
	case p.kind == pitwall.SpanClient && p.peer != "":
		return p.name + " → " + p.peer
	case p.kind == pitwall.SpanClient:
		return p.name + " (outgoing)"
	}
	return p.name
}

func serves(k pitwall.SpanKind) bool { return k == pitwall.SpanServer || k == pitwall.SpanConsumer }

func read(s pitwall.ServiceName, v pitwall.Version, in Side) side {
	out := side{Side: in, counts: map[place]float64{}, steady: map[place]bool{}}
	seen := map[place]int{}
	for _, part := range in.Parts {
		here := map[place]bool{}
		for _, t := range part {
			if t.Service != s || t.Version != v {
				continue
			}
			p := place{t.Operation, t.Kind, t.Peer}
			out.counts[p] += float64(t.Count)
			here[p] = here[p] || t.Count > 0
			if serves(t.Kind) {
				out.requests += float64(t.Count)
			}
		}
		for p := range here {
			seen[p]++
		}
	}
	for p, n := range seen {
		out.steady[p] = n == len(in.Parts)
	}
	if in.Traces != nil && in.Traces.Len() > 0 {
		out.sample = newSample(s, v, in.Traces)
	}
	return out
}

// operations finds those whose spans stopped coming. Spans come in bunches, such
// as one for each item of a list; what counts as one event is a bunch, as the
// sample shows it.
func (c comparison) operations() (all []tested) {
	for p, k1 := range c.before.counts {
		bunch := 1.0
		if c.before.sample != nil {
			bunch = c.before.sample.bunch(p)
		}
		k1, k2 := k1/bunch, c.after.counts[p]/bunch
		n1, n2 := c.before.requests, c.after.requests
		if n1 == 0 || !c.before.steady[p] || k1/n1*n2 < enough {
			continue
		}
		all = append(all, tested{
			Drift: pitwall.Drift{Kind: OperationGone, What: p.words(), Before: k1 * bunch / n1, After: k2 * bunch / n2, N: int64(n2)},
			p:     fell(k1, n1, k2, n2), big: k2/n2 <= 0.01*k1/n1,
		})
	}
	return all
}

// metrics finds those that moved at every look before and were never seen to
// move after, while others of the service did.
func (c comparison) metrics() (all []tested) {
	if len(c.after.Metrics) == 0 || c.after.Looks == 0 || c.before.Looks == 0 {
		return nil
	}
	for name, k1 := range c.before.Metrics {
		if k1 < c.before.Looks {
			continue
		}
		k2 := c.after.Metrics[name]
		all = append(all, tested{
			Drift: pitwall.Drift{Kind: MetricGone, What: name, Before: 1, After: float64(k2) / float64(c.after.Looks), N: int64(c.after.requests)},
			p:     fell(float64(k1), float64(c.before.Looks), float64(k2), float64(c.after.Looks)), big: k2 == 0,
		})
	}
	return all
}
