package promapi

import (
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
)

// This file writes JSON as Prometheus does: a time is seconds with up to three
// places, a value is a string (so that NaN and +Inf have a form), and nothing
// is built but the bytes that are sent.

func (w *answer) raw(s string) { w.buf = append(w.buf, s...) }

const hexDigits = "0123456789abcdef"

// str writes a JSON string. Bytes that are no UTF-8 become U+FFFD.
func (w *answer) str(s string) {
	b := append(w.buf, '"')
	from := 0 // what is before it has been written
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				b = append(append(b, s[from:i]...), `\ufffd`...)
				from = i + 1
			}
			i += size
			continue
		}
		b = append(b, s[from:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		from = i
	}
	w.buf = append(append(b, s[from:]...), '"')
}

func (w *answer) list(all []string) {
	w.raw("[")
	for i, s := range all {
		w.raw(opening(i, ""))
		w.str(s)
		w.full()
	}
	w.raw("]")
}

func (w *answer) labels(ls labels.Labels) {
	w.raw("{")
	first := true
	ls.Range(func(l labels.Label) {
		if !first {
			w.raw(",")
		}
		first = false
		w.str(l.Name)
		w.raw(":")
		w.str(l.Value)
	})
	w.raw("}")
}

// at writes Unix milliseconds as seconds.
func (w *answer) at(ms int64) {
	b := w.buf
	if ms < 0 {
		b = append(b, '-')
		ms = -ms
	}
	b = strconv.AppendInt(b, ms/1000, 10)
	if f := ms % 1000; f != 0 {
		b = append(b, '.', byte('0'+f/100), byte('0'+f/10%10), byte('0'+f%10))
	}
	w.buf = b
}

// number writes a value as a string, in the shortest form that reads back the
// same; exponents are for the very small and the very large only.
func (w *answer) number(v float64) {
	form := byte('f')
	if abs := math.Abs(v); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		form = 'e'
	}
	w.buf = append(strconv.AppendFloat(append(w.buf, '"'), v, form, -1, 64), '"')
}

func (w *answer) point(ms int64, v float64) {
	w.raw("[")
	w.at(ms)
	w.raw(",")
	w.number(v)
	w.raw("]")
}

func (w *answer) histogramPoint(ms int64, h *histogram.FloatHistogram) {
	w.raw("[")
	w.at(ms)
	w.raw(",")
	w.histogram(h)
	w.raw("]")
}

// Which ends of a bucket belong to it, in Prometheus' numbers.
const (
	leftOpen   = 0 // only the upper end
	rightOpen  = 1 // only the lower end
	openBoth   = 2
	closedBoth = 3
)

// histogram writes a native histogram; empty buckets are left out.
func (w *answer) histogram(h *histogram.FloatHistogram) {
	w.raw(`{"count":`)
	w.number(h.Count)
	w.raw(`,"sum":`)
	w.number(h.Sum)
	some := false
	for it := h.AllBucketIterator(); it.Next(); {
		b := it.At()
		if b.Count == 0 {
			continue
		}
		if some {
			w.raw(",")
		} else {
			w.raw(`,"buckets":[`)
		}
		some = true
		ends := openBoth
		switch {
		case b.LowerInclusive && b.UpperInclusive:
			ends = closedBoth
		case b.LowerInclusive:
			ends = rightOpen
		case b.UpperInclusive:
			ends = leftOpen
		}
		w.raw("[")
		w.buf = strconv.AppendInt(w.buf, int64(ends), 10)
		for _, v := range [...]float64{b.Lower, b.Upper, b.Count} {
			w.raw(",")
			w.number(v)
		}
		w.raw("]")
	}
	if some {
		w.raw("]")
	}
	w.raw("}")
}

func (w *answer) vector(v promql.Vector) {
	w.raw("[")
	for i, s := range v {
		w.raw(opening(i, ""))
		w.raw(`{"metric":`)
		w.labels(s.Metric)
		if s.H == nil {
			w.raw(`,"value":`)
			w.point(s.T, s.F)
		} else {
			w.raw(`,"histogram":`)
			w.histogramPoint(s.T, s.H)
		}
		w.raw("}")
		w.full()
	}
	w.raw("]")
}

func (w *answer) matrix(m promql.Matrix) {
	w.raw("[")
	for i, s := range m {
		if w.err != nil {
			return // nobody reads on
		}
		w.raw(opening(i, ""))
		w.oneSeries(s)
	}
	w.raw("]")
}

func (w *answer) oneSeries(s promql.Series) {
	w.raw(`{"metric":`)
	w.labels(s.Metric)
	for i, p := range s.Floats {
		w.raw(opening(i, `,"values":[`))
		w.point(p.T, p.F)
		w.full()
	}
	if len(s.Floats) > 0 {
		w.raw("]")
	}
	for i, p := range s.Histograms {
		w.raw(opening(i, `,"histograms":[`))
		w.histogramPoint(p.T, p.H)
		w.full()
	}
	if len(s.Histograms) > 0 {
		w.raw("]")
	}
	w.raw("}")
}

// opening is what comes before the i-th element of a list.
func opening(i int, first string) string {
	if i == 0 {
		return first
	}
	return ","
}
