package promapi

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"unicode/utf8"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
)

func TestNumbersAndTimes(t *testing.T) {
	for v, want := range map[float64]string{
		0: `"0"`, 1: `"1"`, -0.25: `"-0.25"`, 0.1: `"0.1"`, 1e-6: `"0.000001"`, 9.9e-7: `"9.9e-07"`, 1e20: `"100000000000000000000"`,
		1e21: `"1e+21"`, math.Inf(1): `"+Inf"`, math.Inf(-1): `"-Inf"`, math.MaxFloat64: `"1.7976931348623157e+308"`, 1.0 / 3: `"0.3333333333333333"`,
	} {
		w := &answer{}
		w.number(v)
		if string(w.buf) != want {
			t.Errorf("%v is written %s, want %s", v, w.buf, want)
		}
	}
	w := &answer{} // neither can be the key of a map
	w.number(math.NaN())
	w.number(math.Copysign(0, -1))
	if string(w.buf) != `"NaN""-0"` {
		t.Errorf("NaN and minus zero are written %s", w.buf)
	}
	for ms, want := range map[int64]string{0: "0", 1: "0.001", 20: "0.020", 300: "0.300", 1000: "1", 1435781451781: "1435781451.781", -1: "-0.001", -1500: "-1.500"} {
		w := &answer{}
		w.at(ms)
		if string(w.buf) != want {
			t.Errorf("%d ms are written %s, want %s", ms, w.buf, want)
		}
	}
}

func FuzzString(f *testing.F) {
	for _, s := range []string{"", "plain", `a "b" \c`, "line\nbreak\ttab\r", "smörgåsbord/日本", "\xff\xfe", "a\x00\x1f\x7f", "\u2028<script>&", "é\xc3", "\xed\xa0\x80"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		w := &answer{}
		w.str(s)
		var got, want string
		if err := json.Unmarshal(w.buf, &got); err != nil {
			t.Fatalf("%q is written %s: %v", s, w.buf, err)
		}
		ref, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(ref, &want); err != nil {
			t.Fatal(err)
		}
		if got != want || !utf8.Valid(w.buf) {
			t.Errorf("%q reads back as %q, want %q", s, got, want)
		}
	})
}

// wave is a matrix of series with points each second.
func wave(series, points int) promql.Matrix {
	rng := rand.New(rand.NewSource(1))
	m := make(promql.Matrix, series)
	for i := range m {
		m[i].Metric = labels.FromStrings("__name__", "http_requests_total", "instance", fmt.Sprintf("10.0.0.%d:8080", i), "job", "shop/checkout", "method", "GET", "code", "200")
		for p := range points {
			m[i].Floats = append(m[i].Floats, promql.FPoint{T: start.UnixMilli() + int64(p)*15_000 + 217, F: rng.ExpFloat64() * 1000})
		}
	}
	return m
}

// dull is a matrix as a program without an encoder of its own would hold it.
type dull struct {
	Status string `json:"status"`
	Data   struct {
		ResultType string       `json:"resultType"`
		Result     []dullSeries `json:"result"`
	} `json:"data"`
}

type dullSeries struct {
	Metric map[string]string `json:"metric"`
	Values [][2]any          `json:"values"`
}

func dullOf(m promql.Matrix) (d dull) {
	d.Status, d.Data.ResultType = "success", "matrix"
	for _, s := range m {
		out := dullSeries{Metric: s.Metric.Map()}
		for _, p := range s.Floats {
			out.Values = append(out.Values, [2]any{float64(p.T) / 1000, strconv.FormatFloat(p.F, 'f', -1, 64)})
		}
		d.Data.Result = append(d.Data.Result, out)
	}
	return d
}

func TestMatrixReadsAsFromEncodingJSON(t *testing.T) {
	m := wave(50, 1000)
	rec := httptest.NewRecorder()
	writeMatrix(t, &API{}, rec, m)
	var got, want any
	ref, err := json.Marshal(dullOf(m))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(ref, &want); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if why := unlike("", want, got); why != "" {
		t.Error(why)
	}
}

func writeMatrix(t testing.TB, a *API, w http.ResponseWriter, m promql.Matrix) {
	ans := a.newAnswer(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if bad := ans.result(m, nil, notes{}); bad != nil {
		t.Fatal(bad.err)
	}
	ans.end()
	if ans.err != nil {
		t.Fatal(ans.err)
	}
}

// nowhere is a client that reads everything at once.
type nowhere struct {
	h http.Header
	n int64
}

func (n *nowhere) Header() http.Header         { return n.h }
func (n *nowhere) WriteHeader(int)             {}
func (n *nowhere) Write(p []byte) (int, error) { n.n += int64(len(p)); return len(p), nil }

// BenchmarkEncode writes a panel's answer, 50 series of 1,000 points.
func BenchmarkEncode(b *testing.B) {
	m := wave(50, 1000)
	b.Run("ours", func(b *testing.B) {
		b.ReportAllocs()
		var n int64
		for b.Loop() {
			w := &nowhere{h: http.Header{}}
			writeMatrix(b, &API{}, w, m)
			n = w.n
		}
		b.SetBytes(n)
	})
	b.Run("encoding-json", func(b *testing.B) {
		b.ReportAllocs()
		w := &nowhere{}
		for b.Loop() {
			w.n = 0
			if err := json.NewEncoder(io.Writer(w)).Encode(dullOf(m)); err != nil {
				b.Fatal(err)
			}
		}
		b.SetBytes(w.n)
	})
}

// BenchmarkPanel answers a whole panel over HTTP's handler: parse, evaluate over
// the shop, encode.
func BenchmarkPanel(b *testing.B) {
	dir := b.TempDir()
	fill(b, dir)
	a := mustNew(b, ourConfig(b, dir))
	target := "/api/v1/query_range?query=sum+by+(service)+(rate(http_requests_total[5m]))&start=" + unix(from()) + "&end=" + unix(until()) + "&step=15"
	b.ReportAllocs()
	for b.Loop() {
		w := &nowhere{h: http.Header{}}
		a.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
		if w.n < 10_000 {
			b.Fatalf("only %d bytes", w.n)
		}
	}
}
