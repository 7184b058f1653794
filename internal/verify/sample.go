package verify

import (
	"fmt"
	"slices"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/stats"
)

// block is the length of the stretches that intervals are resampled over:
// requests within one ran side by side and are not independent.
const block = 2 * time.Second

// sample is what one side saw of one operation.
type sample struct {
	seconds  []float64
	block    []int64
	failed   int64
	failures map[int64]float64 // by block
}

// samples holds one side by operation.
type samples map[operation]*sample

// gatherSignal reads the spans that a signal is about.
func gatherSignal(b *pitwall.SpanBatch, p pitwall.Period, s pitwall.OwnSignal) *sample {
	out := newSample()
	if b == nil {
		return out
	}
	mine := concerned(b, p, s)
	for i := range b.Len() {
		if mine(i) {
			out.add(b, i, p)
		}
	}
	return out
}

// gather reads the server spans that began in a period.
func gather(b *pitwall.SpanBatch, p pitwall.Period) samples {
	out := samples{}
	if b == nil {
		return out
	}
	type key struct{ service, operation uint32 }
	known := map[key]*sample{}
	for i := range b.Len() {
		if !inside(b, i, p) {
			continue
		}
		k := key{b.Service[i], b.Operation[i]}
		s := known[k]
		if s == nil {
			s = newSample()
			known[k] = s
			out[operation{pitwall.ServiceName(b.Strings[k.service]), b.Strings[k.operation]}] = s
		}
		s.add(b, i, p)
	}
	return out
}

func newSample() *sample { return &sample{failures: map[int64]float64{}} }

// add takes in one span.
func (s *sample) add(b *pitwall.SpanBatch, i int, p pitwall.Period) {
	at := blockOf(b.Start[i], p)
	s.seconds = append(s.seconds, float64(b.Duration[i])/1e9)
	s.block = append(s.block, at)
	if b.Failed[i] {
		s.failed++
		s.failures[at]++
	}
}

func inside(b *pitwall.SpanBatch, i int, p pitwall.Period) bool {
	return b.Kind[i] == pitwall.SpanServer && began(b, i, p)
}

func began(b *pitwall.SpanBatch, i int, p pitwall.Period) bool {
	return b.Start[i] >= p.From.UnixNano() && b.Start[i] < p.To.UnixNano()
}

func blockOf(start int64, p pitwall.Period) int64 { return (start - p.From.UnixNano()) / int64(block) }

// of gives an operation's sample, empty when there is none.
func (s samples) of(o operation) *sample {
	if found := s[o]; found != nil {
		return found
	}
	return &sample{}
}

func (s *sample) n() int64 { return int64(len(s.seconds)) }

func (s *sample) blocks() stats.Blocks { return stats.NewBlocks(s.seconds, s.block) }

func (s *sample) sorted() []float64 {
	out := slices.Clone(s.seconds)
	slices.Sort(out)
	return out
}

// quantile measures a quantile of latency; without requests it is no data.
func (s *sample) quantile(q float64) pitwall.Measure {
	return measure(s.sorted(), q, pitwall.UnitSeconds)
}

func measure(sorted []float64, q float64, unit pitwall.Unit) pitwall.Measure {
	m := pitwall.Measure{Unit: unit, N: int64(len(sorted))}
	if m.N > 0 {
		m.Value = stats.Quantile(sorted, q)
		m.Low, m.High, _ = stats.QuantileInterval(sorted, q, 0.95)
	}
	return m
}

func share(hits, n int64) pitwall.Measure {
	m := pitwall.Measure{Unit: pitwall.UnitRatio, N: n}
	if n > 0 {
		m.Value = float64(hits) / float64(n)
		m.Low, m.High = stats.Wilson(hits, n, 0.95)
	}
	return m
}

// dispersion says how much the failures of a sample cluster in time, at least 1.
func (s *sample) dispersion() float64 {
	last := int64(-1)
	for _, b := range s.block {
		last = max(last, b)
	}
	counts := make([]float64, last+1)
	for b, n := range s.failures {
		counts[b] = n
	}
	return stats.CountDispersion(counts)
}

// within counts the requests that did not fail and took at most the threshold;
// a threshold of 0 asks only that they did not fail.
func within(b *pitwall.SpanBatch, p pitwall.Period, o operation, threshold time.Duration) (good, n int64) {
	if b == nil {
		return 0, 0
	}
	for i := range b.Len() {
		if !inside(b, i, p) || b.Strings[b.Operation[i]] != o.name || b.Strings[b.Service[i]] != string(o.service) {
			continue
		}
		n++
		if !b.Failed[i] && (threshold <= 0 || time.Duration(b.Duration[i]) <= threshold) {
			good++
		}
	}
	return good, n
}

// words prints a measure the way a person says it.
func words(m pitwall.Measure) string {
	switch {
	case !m.Known():
		return "no data"
	case m.Unit == pitwall.UnitRatio:
		return pitwall.Ratio(m.Value).String()
	case m.Unit == pitwall.UnitBytes:
		return pitwall.Bytes(m.Value).String()
	case m.Unit == pitwall.UnitCount:
		return fmt.Sprintf("%.1f", m.Value)
	case m.Value < 1e-3:
		return fmt.Sprintf("%.0f µs", m.Value*1e6)
	case m.Value < 0.01:
		return fmt.Sprintf("%.1f ms", m.Value*1e3)
	case m.Value < 1:
		return fmt.Sprintf("%.0f ms", m.Value*1e3)
	}
	return fmt.Sprintf("%.2f s", m.Value)
}
