package metrics

import (
	"testing"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/store/storetest"
)

// TestConformance runs the suite that every metrics store passes.
func TestConformance(t *testing.T) {
	t.Log("against: the embedded store")
	open := func(t *testing.T, load []pitwall.Series) *Store {
		s := mustOpen(t, t.TempDir(), storetest.MetricsBegin().Add(time.Hour))
		if err := s.AppendSeries(t.Context(), load); err != nil {
			t.Fatal(err)
		}
		return s
	}
	storetest.RunMetrics(t, func(t *testing.T, load []pitwall.Series) pitwall.MetricReader { return open(t, load) })
	t.Run("Samples", func(t *testing.T) {
		storetest.RunSamples(t, func(t *testing.T, load []pitwall.Series) pitwall.SampleReader { return open(t, load) })
	})
}
