package metrics

import (
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// maxWidth is how many buckets the totals keep on either side of zero: the
// senders' own default.
const maxWidth = 160

// expo is an exponential histogram: bucket i of scale s holds the numbers above
// 2^(i/2^s) and not above 2^((i+1)/2^s).
type expo struct {
	scale              int32
	zeros              uint64
	positive, negative dense
}

// dense are buckets without gaps, the first one being bucket offset.
type dense struct {
	offset int32
	counts []uint64
}

// denseOf leaves out the empty buckets at both ends.
func denseOf(b pmetric.ExponentialHistogramDataPointBuckets) dense {
	d := dense{b.Offset(), b.BucketCounts().AsRaw()}
	for len(d.counts) > 0 && d.counts[0] == 0 {
		d.offset, d.counts = d.offset+1, d.counts[1:]
	}
	for len(d.counts) > 0 && d.counts[len(d.counts)-1] == 0 {
		d.counts = d.counts[:len(d.counts)-1]
	}
	return d
}

func (d dense) show(b pmetric.ExponentialHistogramDataPointBuckets) {
	b.SetOffset(d.offset)
	b.BucketCounts().FromRaw(d.counts)
}

// add adds o, at the finest scale that both and maxWidth allow. Numbers that a
// float64 can be need at most 132 buckets at the coarsest scale, minScale, so
// there always is one.
func (e *expo) add(o expo) {
	scale := min(e.scale, o.scale, maxScale)
	for ; scale > minScale; scale-- {
		if width(e.positive.at(e.scale-scale), o.positive.at(o.scale-scale)) <= maxWidth &&
			width(e.negative.at(e.scale-scale), o.negative.at(o.scale-scale)) <= maxWidth {
			break
		}
	}
	e.positive = e.positive.coarser(e.scale - scale).plus(o.positive.coarser(o.scale - scale))
	e.negative = e.negative.coarser(e.scale - scale).plus(o.negative.coarser(o.scale - scale))
	e.scale = scale
	e.zeros += o.zeros
}

// span is the range of buckets from lo to before hi; empty when they are equal.
type span struct{ lo, hi int32 }

// at is where the buckets would lie on a scale coarser by steps.
func (d dense) at(steps int32) span {
	if len(d.counts) == 0 {
		return span{}
	}
	return span{d.offset >> steps, (d.offset+int32(len(d.counts))-1)>>steps + 1}
}

func (s span) union(o span) span {
	switch {
	case s.lo == s.hi:
		return o
	case o.lo == o.hi:
		return s
	default:
		return span{min(s.lo, o.lo), max(s.hi, o.hi)}
	}
}

func width(a, b span) int32 {
	u := a.union(b)
	return u.hi - u.lo
}

// coarser merges 2^steps neighbours into one.
func (d dense) coarser(steps int32) dense {
	if steps == 0 || len(d.counts) == 0 {
		return d
	}
	to := d.at(steps)
	out := dense{to.lo, make([]uint64, to.hi-to.lo)}
	for i, n := range d.counts {
		out.counts[(d.offset+int32(i))>>steps-to.lo] += n
	}
	return out
}

// plus adds two on the same scale; d is used up.
func (d dense) plus(o dense) dense {
	if len(d.counts) == 0 {
		return o
	}
	if u := d.at(0).union(o.at(0)); u != d.at(0) {
		wider := make([]uint64, u.hi-u.lo)
		copy(wider[d.offset-u.lo:], d.counts)
		d = dense{u.lo, wider}
	}
	for i, n := range o.counts {
		d.counts[o.offset+int32(i)-d.offset] += n
	}
	return d
}
