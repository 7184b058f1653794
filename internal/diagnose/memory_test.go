package diagnose

import (
	"testing"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose/fold"
)

// TestOutOfMemory: full and started again is one; growing without a start,
// starting without growth, and no known limit are not.
func TestOutOfMemory(t *testing.T) {
	from := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	q := Question{
		Baseline: pitwall.Period{From: from, To: from.Add(time.Minute)},
		Window:   pitwall.Period{From: from.Add(time.Minute), To: from.Add(2 * time.Minute)},
	}
	for name, c := range map[string]struct {
		most, limit float64
		starts      int
		class       pitwall.Bottleneck
	}{
		"leak":           {99, 100, 3, pitwall.BottleneckAllocation},
		"grows only":     {99, 100, 0, ""},
		"restarts only":  {55, 100, 4, ""},
		"one start":      {99, 100, 1, ""},
		"no limit known": {99, 0, 3, ""},
	} {
		series := func(metric string, value func(i int) float64) pitwall.Measured {
			m := pitwall.Measured{Service: "auth", Metric: metric, Stat: "value"}
			for i := range 24 {
				m.T, m.V = append(m.T, from.Add(time.Duration(5*i)*time.Second).UnixMilli()), append(m.V, value(i))
			}
			return m
		}
		list := []pitwall.Measured{
			series(metricMemory, func(i int) float64 {
				if i >= 12 && i%4 == 3 {
					return c.most
				}
				return 50
			}),
			series(metricRestarts, func(i int) float64 { return float64(min(c.starts, max(0, (i-12)/3))) }),
		}
		if c.limit > 0 {
			list = append(list, series(metricMemoryMax, func(int) float64 { return c.limit }))
		}
		x := &inquiry{q: q, g: fold.NewGraph(), typed: indexMeasured(Answer{Measured: list}), base: &fold.Side{}, head: &fold.Side{}}
		got := pitwall.Bottleneck("")
		if f := x.outOfMemory("auth"); f != nil {
			got = f.class
		}
		if got != c.class {
			t.Errorf("%s: %q, want %q", name, got, c.class)
		}
	}
}
