package spans

import (
	"testing"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/store/storetest"
)

// TestConformance runs the suite that every span store passes.
func TestConformance(t *testing.T) {
	t.Log("against: the embedded store")
	storetest.RunSpans(t, func(t *testing.T, load *pitwall.SpanBatch) storetest.Traces {
		now := storetest.TracesBegin().Add(3 * time.Minute)
		s := open(t, t.TempDir(), Options{Now: func() time.Time { return now }})
		add(t, s, load)
		return s
	})
}
