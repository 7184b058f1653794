package remotewrite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang/snappy"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/prompb"
	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/tsdbutil"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/store/metrics"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return start }

func open(t testing.TB) *metrics.Store {
	t.Helper()
	s, err := metrics.Open(t.TempDir(), metrics.Options{Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func receiver(t testing.TB, c Config) *Receiver {
	t.Helper()
	c.Now = clock
	r, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const (
	typeV1 = "application/x-protobuf"
	typeV2 = "application/x-protobuf;proto=io.prometheus.write.v2.Request"
)

func post(r http.Handler, kind string, body []byte) *httptest.ResponseRecorder {
	req := httptest.NewRequest(http.MethodPost, "/api/v1/write", bytes.NewReader(body))
	req.Header.Set("Content-Type", kind)
	req.Header.Set("Content-Encoding", "snappy")
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req)
	return w
}

func one(t *testing.T, s *metrics.Store, query string, at time.Time) float64 {
	t.Helper()
	got, err := s.Query(context.Background(), query, at)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 {
		t.Fatalf("%s gave %d series, want 1: %v", query, len(got), got)
	}
	return got[0].V[0]
}

// series makes version 1's form; pairs are label names and values.
func series(pairs []string, samples ...prompb.Sample) prompb.TimeSeries {
	return prompb.TimeSeries{Labels: prompb.FromLabels(labels.FromStrings(pairs...), nil), Samples: samples}
}

func sampleAt(after time.Duration, v float64) prompb.Sample {
	return prompb.Sample{Timestamp: start.Add(after).UnixMilli(), Value: v}
}

func packV1(t testing.TB, ts ...prompb.TimeSeries) []byte {
	t.Helper()
	req := prompb.WriteRequest{Timeseries: ts, Metadata: []prompb.MetricMetadata{{MetricFamilyName: "up", Help: "left out"}}}
	raw, err := req.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return snappy.Encode(nil, raw)
}

func packV2(t testing.TB, symbols writev2.SymbolsTable, ts ...writev2.TimeSeries) []byte {
	t.Helper()
	raw, err := (&writev2.Request{Symbols: symbols.Symbols(), Timeseries: ts}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return snappy.Encode(nil, raw)
}

func TestVersion1(t *testing.T) {
	s := open(t)
	r := receiver(t, Config{Store: s.Appendable()})
	if h := r.Health()[0]; h.Blind == "" || !h.Up {
		t.Errorf("health before anything: %+v", h)
	}
	h := tsdbutil.GenerateTestHistogram(3)
	native := series([]string{"__name__", "wait"})
	native.Histograms = []prompb.Histogram{prompb.FromIntHistogram(start.UnixMilli(), h),
		prompb.FromFloatHistogram(start.Add(time.Second).UnixMilli(), h.ToFloat(nil))}
	w := post(r, typeV1, packV1(t,
		series([]string{"__name__", "up", "job", "a"}, sampleAt(-3*time.Second, 1), sampleAt(-2*time.Second, 2)),
		series([]string{"__name__", "gone"}, sampleAt(-3*time.Second, 1),
			prompb.Sample{Timestamp: start.UnixMilli() - 1000, Value: math.Float64frombits(value.StaleNaN)}),
		native))
	if w.Code != http.StatusNoContent || w.Body.Len() != 0 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if got := one(t, s, `up{job="a"}`, start); got != 2 {
		t.Errorf("up = %v, want 2", got)
	}
	if got := one(t, s, "gone", start.Add(-2*time.Second)); got != 1 {
		t.Errorf("gone, while it was there = %v, want 1", got)
	}
	if got, err := s.Query(t.Context(), "gone", start); err != nil || len(got) != 0 {
		t.Errorf("after its stale marker: %v, %v", got, err)
	}
	if got := one(t, s, "histogram_count(wait)", start); got != float64(h.Count) {
		t.Errorf("count of the native histogram = %v, want %v", got, h.Count)
	}
	if got := one(t, s, "histogram_sum(wait)", start.Add(time.Second)); got != h.Sum {
		t.Errorf("sum of the float histogram = %v, want %v", got, h.Sum)
	}
	health := r.Health()[0]
	if health.Accepted != 6 || health.Blind != "" || !health.LastSeen.Equal(start) || health.Signal != pitwall.SignalMetrics {
		t.Errorf("health %+v", health)
	}
}

func TestVersion2(t *testing.T) {
	s := open(t)
	r := receiver(t, Config{Store: s.Appendable()})
	symbols := writev2.NewSymbolTable()
	refs := func(pairs ...string) []uint32 { return symbols.SymbolizeLabels(labels.FromStrings(pairs...), nil) }
	up, wait := refs("__name__", "up", "job", "a"), refs("__name__", "wait")
	w := post(r, typeV2, packV2(t, symbols,
		writev2.TimeSeries{LabelsRefs: up, Samples: []writev2.Sample{{Timestamp: start.UnixMilli() - 2000, Value: 1, StartTimestamp: 5}},
			Exemplars: []writev2.Exemplar{{LabelsRefs: up, Value: 1, Timestamp: start.UnixMilli()}},
			Metadata:  writev2.Metadata{Type: writev2.Metadata_METRIC_TYPE_GAUGE, HelpRef: 1}},
		writev2.TimeSeries{LabelsRefs: wait, Histograms: []writev2.Histogram{
			writev2.FromIntHistogram(0, start.UnixMilli(), tsdbutil.GenerateTestHistogram(3))}}))
	if w.Code != http.StatusNoContent {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	for what, want := range map[string]string{"Samples": "1", "Histograms": "1", "Exemplars": "0"} {
		if got := w.Header().Get("X-Prometheus-Remote-Write-" + what + "-Written"); got != want {
			t.Errorf("%s written: %q, want %q", what, got, want)
		}
	}
	if got := one(t, s, `up{job="a"}`, start); got != 1 {
		t.Errorf("up = %v, want 1", got)
	}
	if got := one(t, s, "histogram_count(wait)", start); got != float64(tsdbutil.GenerateTestHistogram(3).Count) {
		t.Errorf("count of the native histogram = %v", got)
	}
	// Some good, some bad: the good are stored and counted.
	w = post(r, typeV2, packV2(t, symbols,
		writev2.TimeSeries{LabelsRefs: up, Samples: []writev2.Sample{{Timestamp: start.UnixMilli() - 2000, Value: 7}, {Timestamp: start.UnixMilli(), Value: 3}}},
		writev2.TimeSeries{LabelsRefs: wait}))
	if w.Code != http.StatusBadRequest || w.Header().Get("X-Prometheus-Remote-Write-Samples-Written") != "1" ||
		!strings.Contains(w.Body.String(), "2 of 3 samples refused") || !strings.Contains(w.Body.String(), "duplicate sample") {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	if got := one(t, s, `up{job="a"}`, start); got != 3 {
		t.Errorf("up = %v, want 3", got)
	}
}

func TestBadSamplesAreNamedAndTheRestStored(t *testing.T) {
	s := open(t)
	r := receiver(t, Config{Store: s.Appendable()})
	if w := post(r, typeV1, packV1(t, series([]string{"__name__", "up"}, sampleAt(0, 1)))); w.Code != http.StatusNoContent {
		t.Fatal(w.Code, w.Body)
	}
	wrong := tsdbutil.GenerateTestHistogram(3)
	wrong.Count += 5
	impossible := series([]string{"__name__", "bad"})
	impossible.Histograms = []prompb.Histogram{prompb.FromIntHistogram(start.UnixMilli(), wrong)}
	fine := tsdbutil.GenerateTestHistogram(3)
	fine.Schema = 11
	coarsened := series([]string{"__name__", "fine"})
	coarsened.Histograms = []prompb.Histogram{prompb.FromIntHistogram(start.UnixMilli(), fine)}
	huge := series([]string{"__name__", "bad", "a", strings.Repeat("x", maxLabels)}, sampleAt(0, 1))
	twice := prompb.TimeSeries{Samples: []prompb.Sample{sampleAt(0, 1)}, Labels: []prompb.Label{
		{Name: "__name__", Value: "bad"}, {Name: "a", Value: "1"}, {Name: "a", Value: "2"}}}
	cases := map[string]prompb.TimeSeries{
		"too old":               series([]string{"__name__", "up"}, sampleAt(-5*time.Hour, 1)),
		"in the future":         series([]string{"__name__", "bad"}, sampleAt(time.Hour, 1)),
		"duplicate sample":      series([]string{"__name__", "up"}, sampleAt(0, 2)),
		"without a metric name": series([]string{"job", "a"}, sampleAt(0, 1)),
		"not valid UTF-8":       series([]string{"__name__", "bad", "a", "\xff"}, sampleAt(0, 1)),
		"a label given twice":   twice,
		"bytes of labels":       huge,
		"observations found":    impossible,
	}
	for want, bad := range cases {
		w := post(r, typeV1, packV1(t, bad, series([]string{"__name__", "good", "case", want}, sampleAt(0, 1)), coarsened))
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "1 of 3 samples refused") || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%q: %d %s", want, w.Code, w.Body)
		}
		if w.Body.Len() > 600 {
			t.Errorf("%q: an answer of %d bytes", want, w.Body.Len())
		}
	}
	if got := one(t, s, "count(good)", start); got != float64(len(cases)) {
		t.Errorf("%v good samples stored, want %d", got, len(cases))
	}
	if got := one(t, s, "histogram_count(fine)", start); got != float64(fine.Count) {
		t.Errorf("count of the coarsened histogram = %v, want %v", got, fine.Count)
	}
	// A late one inside the window is good, and so is the same one again.
	for range 2 {
		if w := post(r, typeV1, packV1(t, series([]string{"__name__", "up"}, sampleAt(-9*time.Minute, 9)))); w.Code != http.StatusNoContent {
			t.Errorf("nine minutes late: %d %s", w.Code, w.Body)
		}
	}
	if h := r.Health()[0]; h.Rejected != uint64(len(cases)) || !h.Up {
		t.Errorf("health %+v", h)
	}
}

func TestWhatIsNoRequest(t *testing.T) {
	s := open(t)
	r := receiver(t, Config{Store: s.Appendable(), MaxBody: 10_000, MaxDecoded: 100_000})
	good := packV1(t, series([]string{"__name__", "up"}, sampleAt(0, 1)))
	raw, err := snappy.Decode(nil, good)
	if err != nil {
		t.Fatal(err)
	}
	bomb := snappy.Encode(nil, make([]byte, 150_000))
	claim := append([]byte{0xff, 0xff, 0xff, 0xff, 0x0f}, good...) // says it is 4 GB
	for name, c := range map[string]struct {
		kind string
		body []byte
		want int
	}{
		"not snappy":          {typeV1, []byte("hello"), 400},
		"empty":               {typeV1, nil, 400},
		"cut":                 {typeV1, snappy.Encode(nil, raw[:len(raw)-30]), 400},
		"a version 1 as 2":    {typeV2, good, 204}, // its fields are unknown to version 2
		"too long":            {typeV1, make([]byte, 10_001), 413},
		"a bomb":              {typeV1, bomb, 413},
		"a bomb only claimed": {typeV1, claim, 413},
		"JSON":                {"application/json", good, 415},
		"another message":     {typeV1 + ";proto=io.prometheus.write.v3.Request", good, 415},
		"named version 1":     {typeV1 + ";proto=prometheus.WriteRequest", good, 204},
	} {
		if w := post(r, c.kind, c.body); w.Code != c.want {
			t.Errorf("%s: %d %s, want %d", name, w.Code, w.Body, c.want)
		}
	}
	w := httptest.NewRecorder()
	r.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "POST" {
		t.Errorf("GET: %d %v", w.Code, w.Header())
	}
	if n := len(bomb); n > 10_000 {
		t.Fatalf("the bomb is %d bytes, too many to test what it should", n)
	}
}

// TestEveryCut: a request cut anywhere is refused whole and never a panic.
func TestEveryCut(t *testing.T) {
	symbols := writev2.NewSymbolTable()
	up := symbols.SymbolizeLabels(labels.FromStrings("__name__", "cut", "job", "a"), nil)
	h := series([]string{"__name__", "cut", "a", "h"})
	h.Histograms = []prompb.Histogram{prompb.FromIntHistogram(start.UnixMilli(), tsdbutil.GenerateTestHistogram(1))}
	for kind, body := range map[string][]byte{
		typeV1: packV1(t, series([]string{"__name__", "cut", "a", "b"}, sampleAt(0, 1)), h),
		typeV2: packV2(t, symbols, writev2.TimeSeries{LabelsRefs: up, Samples: []writev2.Sample{{Value: 1, Timestamp: start.UnixMilli()}}}),
	} {
		raw, err := snappy.Decode(nil, body)
		if err != nil {
			t.Fatal(err)
		}
		s := open(t)
		r := receiver(t, Config{Store: s.Appendable()})
		whole := 0
		for n := range len(raw) {
			switch w := post(r, kind, snappy.Encode(nil, raw[:n])); w.Code {
			case http.StatusNoContent:
				whole++ // cut between two top-level fields
			case http.StatusBadRequest:
			default:
				t.Fatalf("%s cut at %d: %d %s", kind, n, w.Code, w.Body)
			}
		}
		if whole > len(symbols.Symbols())+4 {
			t.Errorf("%s: %d of %d cuts were taken for whole requests", kind, whole, len(raw))
		}
	}
}

// troubled is a store whose disk is full: it appends and cannot commit.
type troubled struct{ storage.AppendableV2 }

type troubledAppender struct{ storage.AppenderV2 }

func (a troubled) AppenderV2(ctx context.Context) storage.AppenderV2 {
	return troubledAppender{a.AppendableV2.AppenderV2(ctx)}
}

func (a troubledAppender) Commit() error {
	return errors.Join(errors.New("no space left on device"), a.Rollback())
}

func TestTroubleOfTheStoreIsToBeTriedAgain(t *testing.T) {
	s := open(t)
	body := packV1(t, series([]string{"__name__", "up"}, sampleAt(0, 1)))
	full := receiver(t, Config{Store: troubled{s.Appendable()}})
	w := post(full, typeV1, body)
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), "no space left") {
		t.Errorf("a full disk: %d %v %s", w.Code, w.Header(), w.Body)
	}
	if h := full.Health()[0]; h.Up || h.Accepted != 0 {
		t.Errorf("health %+v", h)
	}
	if got, err := s.Query(t.Context(), "up", start); err != nil || len(got) != 0 {
		t.Errorf("something was stored: %v, %v", got, err)
	}
	r := receiver(t, Config{Store: s.Appendable()})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if w := post(r, typeV1, body); w.Code != http.StatusServiceUnavailable {
		t.Errorf("a closed store: %d %s", w.Code, w.Body)
	}
}

func TestTooManyAtOnce(t *testing.T) {
	s := open(t)
	r := receiver(t, Config{Store: s.Appendable(), MaxInFlight: 1})
	reader, writer := io.Pipe()
	var slow sync.WaitGroup
	begun := make(chan struct{})
	slow.Go(func() {
		req := httptest.NewRequest(http.MethodPost, "/", readerFunc(func(p []byte) (int, error) {
			close(begun)
			return reader.Read(p)
		}))
		req.Header.Set("Content-Type", typeV1)
		r.ServeHTTP(httptest.NewRecorder(), req)
	})
	<-begun
	if w := post(r, typeV1, packV1(t)); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("a second request: %d %s", w.Code, w.Body)
	}
	_ = writer.CloseWithError(errors.New("hung up"))
	slow.Wait()
	if w := post(r, typeV1, packV1(t)); w.Code != http.StatusNoContent {
		t.Errorf("after the first is through: %d %s", w.Code, w.Body)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestLagIsTheMedian(t *testing.T) {
	s := open(t)
	r := receiver(t, Config{Store: s.Appendable()})
	for i := range 5 {
		post(r, typeV1, packV1(t, series([]string{"__name__", fmt.Sprint("m", i)}, sampleAt(-time.Duration(i)*time.Second, 1))))
	}
	if h := r.Health()[0]; h.Lag != 2 {
		t.Errorf("lag %v s, want 2", h.Lag)
	}
}

func FuzzReceive(f *testing.F) {
	symbols := writev2.NewSymbolTable()
	refs := symbols.SymbolizeLabels(labels.FromStrings("__name__", "up", "job", "a"), nil)
	h := series([]string{"__name__", "wait"})
	fine := tsdbutil.GenerateTestHistogram(1)
	fine.Schema = 12
	h.Histograms = []prompb.Histogram{prompb.FromIntHistogram(start.UnixMilli(), tsdbutil.GenerateTestHistogram(2)), prompb.FromIntHistogram(start.UnixMilli(), fine),
		prompb.FromFloatHistogram(start.UnixMilli()+1, (&histogram.FloatHistogram{Schema: 30, Count: 1, PositiveSpans: []histogram.Span{{Offset: 3, Length: 1}}, PositiveBuckets: []float64{1}}))}
	for v2, packed := range map[bool][]byte{
		false: packV1(f, series([]string{"__name__", "up", "a", "b"}, sampleAt(0, 1), sampleAt(1, 2)), h),
		true: packV2(f, symbols, writev2.TimeSeries{LabelsRefs: refs, Samples: []writev2.Sample{{Value: 1, Timestamp: start.UnixMilli()}}},
			writev2.TimeSeries{LabelsRefs: refs, Histograms: []writev2.Histogram{writev2.FromIntHistogram(0, start.UnixMilli(), fine)}}),
	} {
		raw, err := snappy.Decode(nil, packed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw, v2)
		f.Add(raw[:len(raw)/2], v2)
	}
	s := open(f)
	r := receiver(f, Config{Store: s.Appendable()})
	f.Fuzz(func(t *testing.T, raw []byte, v2 bool) {
		kind := typeV1
		if v2 {
			kind = typeV2
		}
		if w := post(r, kind, snappy.Encode(nil, raw)); w.Code != http.StatusNoContent && w.Code != http.StatusBadRequest {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}

// FuzzBody: what is no snappy block.
func FuzzBody(f *testing.F) {
	f.Add(packV1(f, series([]string{"__name__", "up"}, sampleAt(0, 1))))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0x0f, 0})
	s := open(f)
	r := receiver(f, Config{Store: s.Appendable(), MaxDecoded: 1 << 20})
	f.Fuzz(func(t *testing.T, body []byte) {
		if w := post(r, typeV1, body); w.Code != http.StatusNoContent && w.Code != http.StatusBadRequest && w.Code != http.StatusRequestEntityTooLarge {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}
