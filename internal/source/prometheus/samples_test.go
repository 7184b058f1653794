package prometheus

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/promql"
	"github.com/pitwall/pitwall/internal/source/remote"
	"github.com/pitwall/pitwall/internal/store/storetest"
)

// TestSamplesInPieces: a long period is asked for in pieces that meet.
func TestSamplesInPieces(t *testing.T) {
	var asked []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.FormValue("query")+" at "+r.FormValue("time"))
		var at float64
		_, _ = fmt.Sscan(r.FormValue("time"), &at)
		// Its beginning, its end, one after it, and one out of order.
		_, _ = fmt.Fprintf(w, `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"x"},"values":[[%f,"0"],[%f,"1"],[%f,"7"],[%f,"NaN"],[%f,"3"]]}]}}`,
			at-21600, at-100, at-200, at, at+1)
	}))
	defer s.Close()
	c, err := New(Config{Server: remote.Server{URL: s.URL}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Samples(t.Context(), ` x{a="b"} `, pitwall.Period{From: noon, To: noon.Add(7 * time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	six, seven := noon.Add(6*time.Hour).UnixMilli(), noon.Add(7*time.Hour).UnixMilli()
	want := []pitwall.Series{{Labels: map[string]string{"__name__": "x"}, T: []int64{six - 100_000, six, seven - 100_000, seven}, V: []float64{1, math.NaN(), 1, math.NaN()}}}
	if d := cmp.Diff(want, got, cmp.Comparer(func(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) })); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{fmt.Sprintf(`x{a="b"}[21600000ms] at %d`, six/1000), fmt.Sprintf(`x{a="b"}[3600000ms] at %d`, seven/1000)}, asked); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if _, err := c.Samples(t.Context(), `x`, pitwall.Period{From: noon, To: noon.Add(40 * 24 * time.Hour)}); pitwall.KindOf(err) != pitwall.Invalid {
		t.Errorf("40 days at once: %v", err)
	}
}

func TestSamplesOfWhatIsNone(t *testing.T) {
	f := func(status int, body string, want pitwall.Kind, words string) {
		t.Helper()
		_, err := answering(t, status, body).Samples(t.Context(), "up", pitwall.Period{From: noon, To: noon.Add(time.Hour)})
		if pitwall.KindOf(err) != want || !strings.Contains(err.Error(), words) {
			t.Errorf("%.60s: kind %q (%v), want %q with %q", body, pitwall.KindOf(err), err, want, words)
		}
	}
	f(200, `{"status":"success","data":{"resultType":"vector","result":[]}}`, pitwall.Unavailable, "lacks a result")
	f(200, `{"status":"success","data":{"resultType":"matrix","result":[null]}}`, pitwall.Unavailable, "")
	f(200, `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"histograms":[[1772366400,{"count":"1","sum":"2","buckets":[[0,"1","2","1"]]}]]}]}}`, pitwall.Invalid, "histograms")
	f(200, `<html>`, pitwall.Unavailable, "cannot be read")
	f(422, `{"status":"error","errorType":"execution","error":"too many samples"}`, pitwall.Invalid, "too many samples")
	f(503, ``, pitwall.Unavailable, "503")
}

func TestSamplesAreBounded(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[`+strings.Repeat(`[1,"1"],`, 300_000)+`[2,"1"]]}]}}`)
	}))
	defer s.Close()
	c, err := New(Config{Server: remote.Server{URL: s.URL, MaxBytes: 1 << 20}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Samples(t.Context(), "up", pitwall.Period{From: noon, To: noon.Add(time.Hour)}); pitwall.KindOf(err) != pitwall.Invalid || !strings.Contains(err.Error(), "larger than") {
		t.Error(err)
	}
}

// counts reads half an hour of the fixed series through a meter: 3 of 33
// requests fail every 15 s, and the errors are asked for their past.
func counts(t *testing.T, c *Client) {
	plan, err := promql.Compile(pitwall.SLIQuery{Bad: `shop_requests_total{code="500"}`, Total: `sum(rate(shop_requests_total[5m]))`}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	m := promql.NewMeter(plan, time.Minute, 10*time.Minute)
	var sum pitwall.Counts
	for from := time.Duration(0); from < 30*time.Minute; from += 10 * time.Minute {
		p := pitwall.Period{From: storetest.MetricsBegin().Add(from), To: storetest.MetricsBegin().Add(from + 10*time.Minute)}
		var answers [][]pitwall.Series
		for _, n := range m.Needs(p) {
			got, err := c.Samples(t.Context(), n.Selector, n.Period)
			if err != nil {
				t.Fatal(err)
			}
			answers = append(answers, got)
		}
		l := m.Look(p, answers)
		for _, q := range l.Earlier(30 * 24 * time.Hour) {
			past, err := c.Query(t.Context(), q, p.From)
			if err != nil {
				t.Fatal(err)
			}
			l.Recall(past)
		}
		for _, s := range l.Counts("o") {
			sum = sum.Add(s.Counts)
		}
		l.Keep()
	}
	if sum.Bad != 3*120 || sum.Total() != 33*120 {
		t.Errorf("%d bad of %d, want %d of %d", sum.Bad, sum.Total(), 3*120, 33*120)
	}
}

// FuzzSamples: whatever a server says, samples are sound or there is an error.
func FuzzSamples(f *testing.F) {
	f.Add([]byte(`{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":"b"},"values":[[1772366401,"2"],[1772366402,"NaN"]]}]}}`))
	f.Add([]byte(`{"status":"success","data":{"resultType":"matrix","result":[{"metric":null,"values":[[1e300,"-Inf"]]},null]}}`))
	f.Add([]byte(`{"status":"success","data":{"resultType":"matrix","result":[{"values":[[]],"histograms":[[1]]}]}}`))
	f.Add([]byte(`{"status":"success","data":null}`))
	var body []byte
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) }))
	f.Cleanup(s.Close)
	c, err := New(Config{Server: remote.Server{URL: s.URL}})
	if err != nil {
		f.Fatal(err)
	}
	p := pitwall.Period{From: noon, To: noon.Add(time.Hour)}
	f.Fuzz(func(t *testing.T, b []byte) {
		body = b
		got, err := c.Samples(t.Context(), "x", p)
		if err != nil && pitwall.KindOf(err) == pitwall.Internal {
			t.Errorf("not worded: %v", err)
		}
		for _, s := range got {
			last := p.From.UnixMilli()
			for _, at := range s.T {
				if at <= last || at > p.To.UnixMilli() {
					t.Fatalf("%d after %d", at, last)
				}
				last = at
			}
			if len(s.T) != len(s.V) || len(s.T) == 0 || s.Labels == nil {
				t.Errorf("%+v", s)
			}
		}
	})
}
