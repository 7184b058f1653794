package metrics

import (
	"context"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	stale "github.com/prometheus/prometheus/model/value"

	"github.com/pitwall/pitwall"
)

func minutes(n int) time.Time { return start.Add(time.Duration(n) * time.Minute) }

func TestSamplesLeaveStaleMarkersOut(t *testing.T) {
	s := mustOpen(t, t.TempDir(), minutes(10))
	marked := pitwall.Series{Labels: map[string]string{"__name__": "x"}}
	for i, v := range []float64{1, 2, 0, 4} {
		marked.T, marked.V = append(marked.T, minutes(i).UnixMilli()), append(marked.V, v)
	}
	app := s.db.AppenderV2(t.Context())
	b := batch{app: app, newest: minutes(10).UnixMilli()}
	marked.V[2] = math.Float64frombits(stale.StaleNaN)
	b.add(marked)
	if err := s.commit(app); err != nil || b.accepted != 4 {
		t.Fatal(err, b.counted)
	}
	got, err := s.Samples(t.Context(), `x`, pitwall.Period{From: minutes(0), To: minutes(9)})
	want := []pitwall.Series{{Labels: marked.Labels, T: []int64{minutes(1).UnixMilli(), minutes(3).UnixMilli()}, V: []float64{2, 4}}}
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, d)
	}
}

func TestSamplesAreBounded(t *testing.T) {
	s, err := Open(t.TempDir(), Options{QuerySamples: 100, Queries: 1, QueryTimeout: 50 * time.Millisecond, Now: fixed(minutes(10))})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for n := range 3 {
		if err := s.AppendSeries(t.Context(), request(n, 50)); err != nil {
			t.Fatal(err)
		}
	}
	p := pitwall.Period{From: start.Add(-time.Second), To: minutes(1)}
	if _, err := s.Samples(t.Context(), `hits`, p); pitwall.KindOf(err) != pitwall.Invalid || !strings.Contains(err.Error(), "more than 100") || pitwall.HintOf(err) == "" {
		t.Errorf("150 samples: %v", err)
	}
	if got, err := s.Samples(t.Context(), `hits{i=~".|1."}`, p); err != nil || len(got) != 20 || len(got[0].T) != 3 {
		t.Errorf("60 samples: %d series, %v", len(got), err)
	}
	// The only place is taken.
	if _, err := s.slots.Insert(context.Background(), ""); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Samples(t.Context(), `hits{i="1"}`, p); pitwall.KindOf(err) != pitwall.Unavailable {
		t.Errorf("without a place: %v", err)
	}
	s.slots.Delete(0)
	if _, err := s.Samples(t.Context(), `hits{i="1"}`, p); err != nil {
		t.Error(err)
	}
}

func TestSamplesOfNativeHistogramsAreRefused(t *testing.T) {
	s := mustOpen(t, t.TempDir(), minutes(10))
	n := newSender("service.name", "checkout")
	n.expo("size", start.Add(-time.Minute), start, []float64{0.1, 1, 9, 9.5}, 5)
	if err := s.AppendOTLPMetrics(t.Context(), n.body(t)); err != nil {
		t.Fatal(err)
	}
	_, err := s.Samples(t.Context(), `{__name__=~"size.*"}`, pitwall.Period{From: start.Add(-time.Hour), To: minutes(1)})
	if pitwall.KindOf(err) != pitwall.Invalid || !strings.Contains(pitwall.HintOf(err), "histogram_count") {
		t.Errorf("%v (hint %q)", err, pitwall.HintOf(err))
	}
}

func TestSamplesOfAClosedStore(t *testing.T) {
	s := mustOpen(t, t.TempDir(), minutes(10))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Samples(t.Context(), `x`, pitwall.Period{From: start, To: minutes(1)}); pitwall.KindOf(err) != pitwall.Unavailable {
		t.Error(err)
	}
}
