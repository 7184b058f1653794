package detect

import (
	"math"
	"slices"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/stats"
)

// OnsetInput asks when something began to move.
type OnsetInput struct {
	Spans     *pitwall.SpanBatch
	Service   pitwall.ServiceName
	Operation string
	Signal    pitwall.Signal // latency, or else failures
	Period    pitwall.Period
	// Bucket is the length of one point of the series; zero chooses one that
	// holds about thirty requests, from one second up.
	Bucket time.Duration
}

const (
	clearGain   = 8   // log likelihood ratio that pure noise rarely exceeds
	shortestRun = 2   // buckets on either side of a change
	perBucket   = 30  // requests wanted in a bucket
	fewest      = 5   // a bucket with fewer requests says nothing
	mostBuckets = 240 // more would only cost time
)

// FindOnset searches the period for the step up that led to the present level.
// The true beginning lies in [Earliest, Latest]. When no step stands out from
// the noise, Earliest is where the data begin and Latest where they end.
func FindOnset(in OnsetInput) pitwall.Onset {
	unclear := pitwall.Onset{At: in.Period.From, Earliest: in.Period.From, Latest: in.Period.To}
	list := headline(in.Spans, in.Service, in.Operation, in.Period)
	list = settled(list, in.Period)
	if len(list) == 0 {
		return unclear
	}
	return onsetIn(series(in, list), unclear)
}

// onsetIn is the onset in a series of points, oldest first; unclear is what is
// known without them.
func onsetIn(points []point, unclear pitwall.Onset) pitwall.Onset {
	if len(points) == 0 {
		return unclear
	}
	unclear.Earliest = points[0].from
	unclear.At = unclear.Earliest
	step, first, ok := lastRise(points)
	if !ok {
		return unclear
	}
	unclear.At = points[first+step.Index].from
	if step.Gain < clearGain {
		return unclear
	}
	// The change may lie inside the bucket before the first changed one.
	return pitwall.Onset{
		At:       points[first+step.Index].from,
		Earliest: points[first+max(0, step.Earliest-1)].from,
		Latest:   points[first+step.Latest].to,
	}
}

// lastRise finds the rise to the present level. If the series fell clearly
// before, as after an earlier incident, only what came after the fall counts.
func lastRise(points []point) (step stats.Step, first int, ok bool) {
	values, negated := make([]float64, len(points)), make([]float64, len(points))
	for i, p := range points {
		values[i], negated[i] = p.value, -p.value
	}
	if fall, fell := stats.FindStep(negated, shortestRun); fell && fall.Gain >= clearGain {
		if step, ok = stats.FindStep(values[fall.Index:], shortestRun); ok && step.Gain >= clearGain {
			return step, fall.Index, true
		}
	}
	step, ok = stats.FindStep(values, shortestRun)
	return step, 0, ok
}

// request is one server span of the headline operation.
type request struct {
	start, duration int64 // unix nanoseconds, nanoseconds
	failed          bool
}

// headline lists the requests of an operation that began in the period, in order.
func headline(b *pitwall.SpanBatch, s pitwall.ServiceName, operation string, p pitwall.Period) []request {
	if b == nil {
		return nil
	}
	var list []request
	from, to := p.From.UnixNano(), p.To.UnixNano()
	for i := range b.Len() {
		if b.Kind[i] == pitwall.SpanServer && b.Start[i] >= from && b.Start[i] < to &&
			b.Strings[b.Operation[i]] == operation && b.Strings[b.Service[i]] == string(s) {
			list = append(list, request{b.Start[i], b.Duration[i], b.Failed[i]})
		}
	}
	slices.SortFunc(list, func(x, y request) int { return int(min(1, max(-1, x.start-y.start))) })
	return list
}

// settled drops the newest requests, of which the slow ones have not ended yet
// and would be missing: as much of the end as the slow requests of late took,
// at most a quarter of the period.
func settled(list []request, p pitwall.Period) []request {
	if len(list) == 0 {
		return nil
	}
	var late []float64
	for _, r := range list[len(list)*3/4:] {
		late = append(late, float64(r.duration))
	}
	slices.Sort(late)
	cut := min(int64(stats.Quantile(late, 0.99)), int64(p.Duration()/4))
	end := p.To.UnixNano() - cut
	return slices.DeleteFunc(list, func(r request) bool { return r.start >= end })
}

// point is one bucket of the series that says something.
type point struct {
	from, to time.Time
	value    float64
}

// series is the log p90 of latency, or the arcsine root of the share of
// failures, per bucket: scales on which noise is even.
func series(in OnsetInput, list []request) []point {
	bucket := in.Bucket
	if bucket <= 0 {
		bucket = bucketLength(list)
	}
	origin := list[0].start
	var out []point
	for from := 0; from < len(list); {
		number := (list[from].start - origin) / int64(bucket)
		to := from
		for to < len(list) && (list[to].start-origin)/int64(bucket) == number {
			to++
		}
		if to-from >= fewest {
			start := time.Unix(0, origin+number*int64(bucket)).UTC()
			out = append(out, point{start, start.Add(bucket), value(in.Signal, list[from:to])})
		}
		from = to
	}
	return out
}

func bucketLength(list []request) time.Duration {
	span := float64(list[len(list)-1].start - list[0].start)
	wanted := max(span/mostBuckets, perBucket*span/float64(len(list)), float64(time.Second))
	return time.Duration(wanted).Round(100 * time.Millisecond)
}

func value(signal pitwall.Signal, list []request) float64 {
	if signal != pitwall.SignalLatency {
		return math.Asin(math.Sqrt(failedShare(list)))
	}
	took := durations(list)
	return math.Log(max(1e-9, stats.Quantile(took, 0.9)))
}

// durations are in seconds, ascending.
func durations(list []request) []float64 {
	out := make([]float64, len(list))
	for i, r := range list {
		out[i] = float64(r.duration) / 1e9
	}
	slices.Sort(out)
	return out
}

func failed(list []request) (n int64) {
	for _, r := range list {
		if r.failed {
			n++
		}
	}
	return n
}

func failedShare(list []request) float64 { return float64(failed(list)) / float64(len(list)) }
