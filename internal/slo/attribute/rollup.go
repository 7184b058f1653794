package attribute

import (
	"fmt"
	"time"

	"github.com/pitwall/pitwall"
)

// FromOperations tells rollups of spans apart, by operation or version. Failures
// are counted exactly. Slow requests are read from a histogram: its buckets are
// up to 6.25 % wide, and it does not say which of the slow ones failed as well;
// so the bad events of each value have bounds, the shares' intervals span them,
// and the note says how wide they are. Within its bounds each value is settled
// so that all add up to the ledger.
func FromOperations(ops []pitwall.OperationTotals, s Scope, dimension string) (pitwall.Attribution, error) {
	if err := ofSpans(s.SLO); err != nil {
		return pitwall.Attribution{}, err
	}
	if dimension != Operation && dimension != Version {
		err := pitwall.Errorf(pitwall.Invalid, "attributing a budget", "rollups do not know %q", dimension)
		err.ID, err.Hint = string(s.SLO.Name), "rollups know operation and version; ask spans for attributes"
		return pitwall.Attribution{}, err
	}
	index := map[string]int{}
	var parts []part
	for _, o := range ops {
		if o.Kind != pitwall.SpanServer || o.Service != s.SLO.SLI.Service || s.SLO.SLI.Operation != "" && o.Operation != s.SLO.SLI.Operation {
			continue
		}
		value := named(o.Operation)
		if dimension == Version {
			value = named(string(o.Version))
		}
		i, known := index[value]
		if !known {
			i = len(parts)
			index[value] = i
			parts = append(parts, part{value: value})
		}
		low, high := bounds(o, s.SLO.SLI)
		p := &parts[i]
		p.low, p.high = p.low+low, p.high+high
		p.counts = p.counts.Add(pitwall.Counts{Good: uint64(max(0, o.Count)) - low, Bad: low})
	}
	settle(parts, s.ledger().Bad)
	return s.attribution(dimension, parts, width(parts)), nil
}

// bounds are the fewest and the most bad requests that totals can hold.
func bounds(o pitwall.OperationTotals, i pitwall.SLI) (low, high uint64) {
	count, failed := max(0, o.Count), min(max(0, o.Failed), max(0, o.Count))
	if i.Kind != pitwall.SLILatency {
		return uint64(failed), uint64(failed)
	}
	surely, maybe := slower(o.Latency, i.Threshold)
	surely, maybe = min(surely, count), min(maybe, count)
	return uint64(max(failed, surely)), uint64(min(count, failed+maybe))
}

// slower counts durations above a threshold: those whose whole bucket is, and
// those whose bucket may be in part.
func slower(h pitwall.Histogram, threshold time.Duration) (surely, maybe int64) {
	h.Buckets(func(bucket int, n int64) {
		low, high := pitwall.BucketBounds(bucket)
		if low > threshold {
			surely += n
		}
		if high-1 > threshold {
			maybe += n
		}
	})
	return surely, maybe
}

// width says how far the bounds of all parts lie apart.
func width(parts []part) string {
	var low, high uint64
	for _, p := range parts {
		low, high = low+p.low, high+p.high
	}
	if low == high {
		return ""
	}
	return fmt.Sprintf("from rollups: between %d and %d bad events, for a latency is known to within 6.25 %% and not whether a slow request failed too", low, high)
}
