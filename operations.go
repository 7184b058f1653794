package pitwall

import (
	"math"
	"math/bits"
	"time"
)

// OperationTotals is what the spans of one operation add up to over a period.
// Client spans are an operation for each peer they call.
type OperationTotals struct {
	Service   ServiceName `json:"service"`
	Version   Version     `json:"version,omitempty"`
	Operation string      `json:"operation"`
	Kind      SpanKind    `json:"kind"`
	Peer      string      `json:"peer,omitempty"`
	Count     int64       `json:"count"`
	Failed    int64       `json:"failed"`
	// Total is the sum of the durations; Self what was not spent in children;
	// Critical the part of their traces' time that waited for these spans. The
	// latter two are of the Closed spans, those whose trace is complete.
	Total    time.Duration `json:"total_ns"`
	Self     time.Duration `json:"self_ns"`
	Critical time.Duration `json:"critical_ns"`
	Closed   int64         `json:"closed"`
	Latency  Histogram     `json:"-"`
}

// Histogram counts durations in buckets of at most 6.25 % width: sixteen to
// each doubling, as in an HdrHistogram. The zero value is empty.
type Histogram struct {
	counts []int64 // of the buckets from first on
	first  int
	n      int64
}

// subBits is how many bits below the leading one choose the bucket.
const subBits = 4

// Bucket is the number of the bucket a duration falls into, from 0.
func Bucket(d time.Duration) int {
	v := uint64(max(0, d))
	if v < 1<<subBits {
		return int(v)
	}
	shift := bits.Len64(v) - subBits - 1
	return (shift+1)<<subBits + int(v>>shift&(1<<subBits-1))
}

// BucketBounds gives the durations of a bucket: low ≤ d < high.
func BucketBounds(bucket int) (low, high time.Duration) {
	if bucket < 1<<subBits {
		return time.Duration(bucket), time.Duration(bucket + 1)
	}
	shift := bucket>>subBits - 1
	v := uint64(1<<subBits | bucket&(1<<subBits-1))
	return time.Duration(v << shift), time.Duration(min((v+1)<<shift, math.MaxInt64))
}

// Add counts n durations of one bucket.
func (h *Histogram) Add(bucket int, n int64) {
	switch {
	case len(h.counts) == 0:
		h.first, h.counts = bucket, append(h.counts, 0)
	case bucket < h.first:
		more := make([]int64, h.first-bucket, h.first-bucket+len(h.counts))
		h.counts, h.first = append(more, h.counts...), bucket
	}
	for bucket >= h.first+len(h.counts) {
		h.counts = append(h.counts, 0)
	}
	h.counts[bucket-h.first] += n
	h.n += n
}

// Merge adds what another histogram counted.
func (h *Histogram) Merge(o Histogram) {
	for i, n := range o.counts {
		if n != 0 {
			h.Add(o.first+i, n)
		}
	}
}

// Count is how many durations were counted.
func (h Histogram) Count() int64 { return h.n }

// Buckets gives every bucket that is not empty, in order.
func (h Histogram) Buckets(each func(bucket int, n int64)) {
	for i, n := range h.counts {
		if n != 0 {
			each(h.first+i, n)
		}
	}
}

// Above is how many durations lie in buckets above that of d, so at least so
// many were longer.
func (h Histogram) Above(d time.Duration) (n int64) {
	at := Bucket(d)
	h.Buckets(func(bucket int, count int64) {
		if bucket > at {
			n += count
		}
	})
	return n
}

// Quantile estimates the q-th quantile, 0 to 1, within a bucket's width; ok is
// false when nothing was counted.
func (h Histogram) Quantile(q float64) (d time.Duration, ok bool) {
	if h.n == 0 {
		return 0, false
	}
	rank := min(max(q, 0), 1) * float64(h.n)
	seen := 0.0
	for i, n := range h.counts {
		if n == 0 {
			continue
		}
		low, high := BucketBounds(h.first + i)
		if seen+float64(n) >= rank {
			within := (rank - seen) / float64(n)
			return low + time.Duration(within*float64(high-low)), true
		}
		seen += float64(n)
	}
	_, high := BucketBounds(h.first + len(h.counts) - 1)
	return high, true
}
