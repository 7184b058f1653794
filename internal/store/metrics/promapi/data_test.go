package promapi

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"os"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
)

const (
	every   = 15 * time.Second // between two samples of a series
	lasting = 80 * time.Minute // of the data in the head
)

// start is when the data in the head begin. Queries ask on whole seconds and
// samples have odd milliseconds, so that no sample lies on the edge of a range,
// where Prometheus 2 and 3 differ; the one exchange about that is listed.
var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) // read-only

// line is one series of the data set: its value at the i-th sample, or its
// histogram. Without a value there is none at i.
type line struct {
	labels labels.Labels
	value  func(i int) (float64, bool)
	native func(i int) *histogram.Histogram
}

// shop is a data set like that of a small web shop, in the order in which the
// series are created. It is the same at every run.
func shop() []line {
	lines := requests()
	lines = append(lines, latencies()...)
	lines = append(lines, machines()...)
	lines = append(lines, oddities()...)
	return append(lines, natives()...)
}

func always(f func(i int) float64) func(int) (float64, bool) {
	return func(i int) (float64, bool) { return f(i), true }
}

// requests are counters, one of which starts again in the middle.
func requests() (lines []line) {
	n := 0
	for _, service := range []string{"checkout", "cart", "inventory"} {
		for _, method := range []string{"GET", "POST"} {
			for _, code := range []string{"200", "404", "500"} {
				for _, instance := range []string{"10.0.0.1:8080", "10.0.0.2:8080"} {
					n++
					rate, reset := float64(n*7%13+1), n == 3
					lines = append(lines, line{
						labels: labels.FromStrings("__name__", "http_requests_total", "service", service, "method", method, "code", code, "instance", instance, "job", "shop/"+service),
						value: always(func(i int) float64 {
							if reset && i >= 160 {
								i -= 160
							}
							return float64(i)*rate + math.Floor(5*math.Sin(float64(i)/7)+5)
						}),
					})
				}
			}
		}
	}
	return lines
}

// latencies are classic histograms.
func latencies() (lines []line) {
	bounds := []string{"0.005", "0.01", "0.025", "0.1", "0.25", "0.5", "1.5", "2.5", "+Inf"}
	for s, service := range []string{"checkout", "cart", "inventory"} {
		for b, le := range bounds {
			lines = append(lines, line{
				labels: labels.FromStrings("__name__", "http_request_duration_seconds_bucket", "service", service, "le", le, "job", "shop/"+service),
				value:  always(func(i int) float64 { return float64(i * (b + 1) * (b + 2 + s)) }),
			})
		}
		lines = append(lines,
			line{labels: labels.FromStrings("__name__", "http_request_duration_seconds_sum", "service", service, "job", "shop/"+service),
				value: always(func(i int) float64 { return float64(i) * 12.5 * float64(s+1) })},
			line{labels: labels.FromStrings("__name__", "http_request_duration_seconds_count", "service", service, "job", "shop/"+service),
				value: always(func(i int) float64 { return float64(i * len(bounds) * (len(bounds) + 1 + s)) })})
	}
	return lines
}

// machines are gauges, and one target that goes away with a stale marker.
func machines() (lines []line) {
	for n, instance := range []string{"10.0.0.1:8080", "10.0.0.2:8080", "10.0.0.3:8080"} {
		lines = append(lines,
			line{labels: labels.FromStrings("__name__", "process_resident_memory_bytes", "instance", instance, "job", "node"),
				value: always(func(i int) float64 { return 1e8 + 3e6*math.Sin(float64(i)/20+float64(n)) + float64(i*1000) })},
			line{labels: labels.FromStrings("__name__", "node_cpu_temperature", "instance", instance, "job", "node"),
				value: always(func(i int) float64 { return 40 + 10*math.Cos(float64(i*(n+1))/30) })},
			line{labels: labels.FromStrings("__name__", "up", "instance", instance, "job", "node"),
				value: func(i int) (float64, bool) {
					switch {
					case n != 2 || i < 170:
						return 1, true
					case i == 170:
						return math.Float64frombits(value.StaleNaN), true
					}
					return 0, false
				}})
	}
	return append(lines,
		line{labels: labels.FromStrings("__name__", "build_info", "version", "v41", "service", "checkout"), value: always(func(int) float64 { return 1 })},
		line{labels: labels.FromStrings("__name__", "build_info", "version", "v40", "service", "cart"), value: always(func(int) float64 { return 1 })})
}

// oddities are values and label values that are hard to write down.
func oddities() (lines []line) {
	for n, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), 1e-9, 1e25, -0.25, 123456789.125, 1e20} {
		lines = append(lines, line{
			labels: labels.FromStrings("__name__", "odd_value", "n", fmt.Sprint(n)),
			value:  always(func(int) float64 { return v }),
		})
	}
	for n, path := range []string{`/a "b" \c`, "line\nbreak\ttab", "smörgåsbord/日本", "<script>&amp;", "\u2028\x01"} {
		lines = append(lines, line{
			labels: labels.FromStrings("__name__", "odd_label", "path", path),
			value:  always(func(int) float64 { return float64(n) }),
		})
	}
	return lines
}

// natives are native histograms.
func natives() (lines []line) {
	for s, service := range []string{"checkout", "cart"} {
		lines = append(lines, line{
			labels: labels.FromStrings("__name__", "rpc_duration_seconds", "service", service),
			native: func(i int) *histogram.Histogram {
				n := int64(i * (s + 1))
				return &histogram.Histogram{
					Schema: 1, ZeroThreshold: 0.001, ZeroCount: uint64(n), Count: uint64(7*n + 8), Sum: 0.75 * float64(n),
					PositiveSpans:   []histogram.Span{{Offset: -2, Length: 2}, {Offset: 1, Length: 2}},
					PositiveBuckets: []int64{n + 1, 0, 1, -1},
					NegativeSpans:   []histogram.Span{{Offset: 0, Length: 2}},
					NegativeBuckets: []int64{n + 1, 1},
				}
			},
		})
	}
	return lines
}

// at is when the i-th sample of the n-th series was taken.
func at(n, i int) int64 {
	return start.UnixMilli() + int64(i)*every.Milliseconds() + 3217 + int64(n*137%1700)
}

// fill writes the data set into an empty directory: a block of an earlier hour
// and a head that has only its write-ahead log.
func fill(t testing.TB, dir string) {
	t.Helper()
	var old []storage.Series
	for _, service := range []string{"cart", "checkout"} {
		var samples []chunks.Sample
		for ms := start.Add(-6 * time.Hour).UnixMilli(); ms < start.Add(-5*time.Hour).UnixMilli(); ms += 60_000 {
			samples = append(samples, oldSample{ms + 217, float64(len(samples))})
		}
		old = append(old, storage.NewListSeries(labels.FromStrings("__name__", "old_total", "service", service), samples))
	}
	if _, err := tsdb.CreateBlock(old, dir, 0, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	db := openDB(t, dir)
	app := db.Appender(context.Background())
	for n, l := range shop() {
		for i := range int(lasting / every) {
			if err := l.append(app, n, i); err != nil {
				t.Fatalf("%v: %v", l.labels, err)
			}
		}
	}
	if err := app.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(dir + "/lock"); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
}

func (l line) append(app storage.Appender, n, i int) error {
	if l.native != nil {
		_, err := app.AppendHistogram(0, l.labels, at(n, i), l.native(i), nil)
		return err
	}
	v, ok := l.value(i)
	if !ok {
		return nil
	}
	_, err := app.Append(0, l.labels, at(n, i), v)
	return err
}

func openDB(t testing.TB, dir string) *tsdb.DB {
	t.Helper()
	o := tsdb.DefaultOptions()
	o.RetentionDuration = (15 * 24 * time.Hour).Milliseconds()
	db, err := tsdb.Open(dir, nil, nil, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// oldSample implements chunks.Sample for a plain value.
type oldSample struct {
	t int64
	v float64
}

func (s oldSample) T() int64                      { return s.t }
func (s oldSample) ST() int64                     { return 0 }
func (s oldSample) F() float64                    { return s.v }
func (s oldSample) H() *histogram.Histogram       { return nil }
func (s oldSample) FH() *histogram.FloatHistogram { return nil }
func (s oldSample) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (s oldSample) Copy() chunks.Sample           { return s }
