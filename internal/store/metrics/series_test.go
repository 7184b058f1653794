package metrics

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"

	"github.com/pitwall/pitwall"
)

func TestAppendSeries(t *testing.T) {
	s := mustOpen(t, t.TempDir(), start)
	ms := start.UnixMilli()
	good := pitwall.Series{Labels: map[string]string{"__name__": "probe_seconds", "journey": "checkout"},
		T: []int64{ms - 2000, ms - 1000, ms}, V: []float64{1, 2, 3}}
	if err := s.AppendSeries(context.Background(), []pitwall.Series{good}); err != nil {
		t.Fatal(err)
	}
	other := good
	other.V = []float64{1, 2, 4}
	if err := s.AppendSeries(context.Background(), []pitwall.Series{good, other}); err != nil {
		t.Errorf("samples that are there already: %v", err)
	}
	if got := one(t, s, "sum_over_time(probe_seconds[5s])", start); got != 6 {
		t.Errorf("sum = %v, want 6: nothing changed", got)
	}
	if h := s.Health()[0]; h.Duplicates != 1 || h.Rejected != 0 {
		t.Errorf("health %+v, want one contradicting sample among the duplicates", h)
	}
	for want, bad := range map[string]pitwall.Series{
		"__name__":      {Labels: map[string]string{"a": "b"}, T: []int64{ms}, V: []float64{1}},
		"2 times for 1": {Labels: good.Labels, T: []int64{ms, ms}, V: []float64{1}},
		"UTF-8":         {Labels: map[string]string{"__name__": "x", "a": "\xff"}, T: []int64{ms}, V: []float64{1}},
		"in the future": {Labels: good.Labels, T: []int64{ms + time.Hour.Milliseconds()}, V: []float64{1}},
		"too old":       {Labels: good.Labels, T: []int64{ms - 24*time.Hour.Milliseconds()}, V: []float64{1}},
	} {
		fine := pitwall.Series{Labels: map[string]string{"__name__": "fine", "case": want}, T: []int64{ms}, V: []float64{1}}
		err := s.AppendSeries(context.Background(), []pitwall.Series{bad, fine})
		if pitwall.KindOf(err) != pitwall.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
	if got := one(t, s, "count(fine)", start); got != 5 {
		t.Errorf("%v of the good series beside the bad ones stored, want 5", got)
	}
}

func TestCardinality(t *testing.T) {
	s := mustOpen(t, t.TempDir(), start)
	if c, err := s.Cardinality(context.Background(), 3); err != nil || c.Series != 0 || !c.From.IsZero() {
		t.Errorf("of nothing: %+v, %v", c, err)
	}
	if err := s.AppendSeries(context.Background(), append(request(0, 7), pitwall.Series{
		Labels: map[string]string{"__name__": "up"}, T: []int64{start.UnixMilli()}, V: []float64{1}})); err != nil {
		t.Fatal(err)
	}
	got, err := s.Cardinality(context.Background(), 2)
	want := Cardinality{Series: 8, From: start, To: start,
		Metrics: []Share{{"hits", 7}, {"up", 1}}, Labels: []Share{{"i", 7}, {"__name__", 2}}}
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, d)
	}
}

func TestSeriesAreBounded(t *testing.T) {
	dir := t.TempDir()
	for round := range 2 { // what was stored once stays across a restart
		s, err := Open(dir, Options{Series: 10 - 5*round, Now: fixed(start)})
		if err != nil {
			t.Fatal(err)
		}
		err = s.AppendSeries(t.Context(), request(round, 12))
		if pitwall.KindOf(err) != pitwall.Invalid || !strings.Contains(err.Error(), "10 samples stored, but 2 refused") || !strings.Contains(err.Error(), "series at a time") {
			t.Errorf("round %d: %v, want two of twelve refused", round, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestQueriesAreBounded(t *testing.T) {
	s, err := Open(t.TempDir(), Options{QuerySamples: 100, Queries: 1, QueryTimeout: 200 * time.Millisecond, Now: fixed(start)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.AppendSeries(t.Context(), request(0, 101)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Query(t.Context(), "hits", start); pitwall.KindOf(err) != pitwall.Invalid || !strings.Contains(err.Error(), "too many samples") {
		t.Errorf("a query over the bound: %v", err)
	}
	// One query is under way and does not end.
	begun, release := make(chan struct{}), make(chan struct{})
	stuck := storage.QueryableFunc(func(int64, int64) (storage.Querier, error) {
		close(begun)
		<-release
		return storage.NoopQuerier(), nil
	})
	q, err := s.engine.NewInstantQuery(t.Context(), stuck, nil, "hits", start)
	if err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	work.Go(func() { q.Exec(context.Background()) })
	<-begun
	if _, err := s.Query(t.Context(), "vector(1)", start); pitwall.KindOf(err) != pitwall.Unavailable {
		t.Errorf("a second query at once: %v", err)
	}
	close(release)
	work.Wait()
	if got := one(t, s, "vector(1)", start); got != 1 {
		t.Errorf("after the first has ended: %v", got)
	}
}

// TestMendingWhileInUse: whoever appends or asks while the database is opened
// again waits, and nothing acknowledged is lost.
func TestMendingWhileInUse(t *testing.T) {
	s := mustOpen(t, t.TempDir(), start.Add(time.Hour))
	var work sync.WaitGroup
	var acknowledged atomic.Int64
	for worker := range 4 {
		work.Go(func() {
			for i := range 60 {
				if worker == 0 && i%20 == 10 {
					s.fault.broken.Store(true)
				}
				one := pitwall.Series{Labels: map[string]string{"__name__": "x", "w": strconv.Itoa(worker)},
					T: []int64{start.UnixMilli() + int64(i)}, V: []float64{1}}
				if err := s.AppendSeries(context.Background(), []pitwall.Series{one}); err == nil {
					acknowledged.Add(1)
				} else if pitwall.KindOf(err) != pitwall.Unavailable {
					t.Error(err)
				}
				if _, err := s.Query(context.Background(), "sum(x)", start.Add(time.Hour)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	work.Wait()
	if s.opened == 0 {
		t.Error("the database was never opened again")
	}
	if got := one(t, s, "sum(count_over_time(x[2h]))", start.Add(time.Hour)); got != float64(acknowledged.Load()) || got < 150 {
		t.Errorf("%v samples found, %d acknowledged", got, acknowledged.Load())
	}
}

// TestAppendableForgetsOldReferences: after the database was opened again a
// number may be another series'.
func TestAppendableForgetsOldReferences(t *testing.T) {
	s := mustOpen(t, t.TempDir(), start)
	put := func(ref storage.SeriesRef, name string, t0 int64) storage.SeriesRef {
		t.Helper()
		app := s.Appendable().AppenderV2(t.Context())
		got, err := app.Append(ref, labels.FromStrings("__name__", name), 0, start.UnixMilli()+t0, 1, nil, nil, storage.AppendV2Options{})
		if err := errors.Join(err, app.Commit()); err != nil {
			t.Fatal(err)
		}
		return got
	}
	ref := put(0, "a", 0)
	if again := put(ref, "not looked at", 1); again != ref {
		t.Errorf("reference %d became %d", ref, again)
	}
	s.fault.broken.Store(true)
	if fresh := put(ref, "b", 2); fresh == ref {
		t.Error("an old reference was believed")
	}
	for name, want := range map[string]float64{"a": 2, "b": 1} {
		if got := one(t, s, "count_over_time("+name+"[1m])", start.Add(time.Second)); got != want {
			t.Errorf("%s has %v samples, want %v", name, got, want)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	app := s.Appendable().AppenderV2(t.Context())
	if _, err := app.Append(0, labels.FromStrings("__name__", "a"), 0, 0, 1, nil, nil, storage.AppendV2Options{}); pitwall.KindOf(err) != pitwall.Unavailable {
		t.Errorf("appending to a closed store: %v", err)
	}
}
