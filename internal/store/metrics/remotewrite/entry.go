package remotewrite

import (
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/prompb"
	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"
)

// entry is a sample of either sort.
type entry struct {
	t      int64
	v      float64
	h      *histogram.Histogram
	fh     *histogram.FloatHistogram
	broken error // why a histogram cannot be
}

func readSample(f field) (e entry, err error) {
	if f.wire != wireBytes {
		return e, errForeign
	}
	e.t, e.v, err = sample(f.bytes)
	return e, err
}

// readHistogram leaves the reading to Prometheus' own code.
func (in *intake) readHistogram(f field) (e entry, err error) {
	switch {
	case f.wire != wireBytes:
		return e, errForeign
	case len(f.bytes) > maxHistogram:
		e.broken = errHistogram
		return e, nil
	}
	var h interface {
		Unmarshal([]byte) error
		GetTimestamp() int64
		IsFloatHistogram() bool
		ToIntHistogram() *histogram.Histogram
		ToFloatHistogram() *histogram.FloatHistogram
	} = &prompb.Histogram{}
	if in.version == 2 {
		h = &writev2.Histogram{}
	}
	if err := h.Unmarshal([]byte(f.bytes)); err != nil {
		return e, err
	}
	e.t = h.GetTimestamp()
	if h.IsFloatHistogram() {
		e.fh = h.ToFloatHistogram()
	} else {
		e.h = h.ToIntHistogram()
	}
	return e.coarsened(), nil
}

// coarsened brings a histogram to a resolution that the store keeps.
func (e entry) coarsened() entry {
	fine := func(schema int32) bool {
		return schema > histogram.ExponentialSchemaMax && histogram.IsExponentialSchemaReserved(schema)
	}
	switch {
	case e.h != nil && fine(e.h.Schema):
		e.broken = e.h.ReduceResolution(histogram.ExponentialSchemaMax)
	case e.fh != nil && fine(e.fh.Schema):
		e.broken = e.fh.ReduceResolution(histogram.ExponentialSchemaMax)
	}
	return e
}
