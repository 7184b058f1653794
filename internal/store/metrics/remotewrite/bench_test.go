//go:build unix

package remotewrite

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"
	"time"

	"github.com/golang/snappy"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/prompb"
	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"

	"github.com/pitwall/pitwall/internal/store/metrics"
)

const perRequest = 2000 // what a Prometheus sends at a time

// bodies are requests of 2,000 series with 8 labels, one sample each, over and
// over with later times.
func bodies(b *testing.B, version, n int) [][]byte {
	out := make([][]byte, n)
	for i := range out {
		var v1 []prompb.TimeSeries
		var v2 []writev2.TimeSeries
		symbols := writev2.NewSymbolTable()
		for j := range perRequest {
			ls := labels.FromStrings("__name__", "http_server_request_duration_seconds_bucket", "cluster", "eu-1", "instance", fmt.Sprint("10.0.0.", j%50, ":8080"),
				"job", "checkout", "le", fmt.Sprint(j%20), "method", "GET", "route", fmt.Sprint("/route/", j/1000), "version", "v12")
			t := start.UnixMilli() + int64(i)*15_000
			if version == 1 {
				v1 = append(v1, prompb.TimeSeries{Labels: prompb.FromLabels(ls, nil), Samples: []prompb.Sample{{Timestamp: t, Value: float64(i * j)}}})
			} else {
				v2 = append(v2, writev2.TimeSeries{LabelsRefs: symbols.SymbolizeLabels(ls, nil), Samples: []writev2.Sample{{Timestamp: t, Value: float64(i * j)}}})
			}
		}
		var raw []byte
		var err error
		if version == 1 {
			raw, err = (&prompb.WriteRequest{Timeseries: v1}).Marshal()
		} else {
			raw, err = (&writev2.Request{Symbols: symbols.Symbols(), Timeseries: v2}).Marshal()
		}
		if err != nil {
			b.Fatal(err)
		}
		out[i] = snappy.Encode(nil, raw)
	}
	return out
}

// cpu is the process' user and system time.
func cpu() time.Duration {
	var r syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// BenchmarkReceive is the whole way over loopback into the store and its log,
// with the client and its bodies' sending in the same process.
func BenchmarkReceive(b *testing.B) {
	for version := 1; version <= 2; version++ {
		b.Run(fmt.Sprint("version", version), func(b *testing.B) {
			s, err := metrics.Open(b.TempDir(), metrics.Options{Now: clock})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			r, err := New(Config{Store: s.Appendable(), Now: func() time.Time { return start.Add(1000 * time.Hour) }})
			if err != nil {
				b.Fatal(err)
			}
			server := httptest.NewServer(r)
			defer server.Close()
			all := bodies(b, version, b.N)
			kind := map[int]string{1: typeV1, 2: typeV2}[version]
			b.ReportAllocs()
			before := cpu()
			b.ResetTimer()
			for _, body := range all {
				res, err := http.Post(server.URL, kind, bytes.NewReader(body))
				if err != nil {
					b.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
				if res.StatusCode != http.StatusNoContent {
					b.Fatal(res.Status)
				}
			}
			b.StopTimer()
			b.ReportMetric(float64(b.N*perRequest)/(cpu()-before).Seconds(), "samples/CPU-s")
			b.ReportMetric(float64(len(all[0]))/perRequest, "B/sample")
		})
	}
}
