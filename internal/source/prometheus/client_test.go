package prometheus

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/source/remote"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// answering gives a client of a server that always answers the same.
func answering(t *testing.T, status int, body string) *Client {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	c, err := New(Config{Server: remote.Server{URL: s.URL, Timeout: 30 * time.Second}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestEveryTroubleHasAKindAndAHint(t *testing.T) {
	f := func(status int, body string, want pitwall.Kind, words string) {
		t.Helper()
		c := answering(t, status, body)
		_, err := c.Query(t.Context(), "up", noon)
		if pitwall.KindOf(err) != want || !strings.Contains(err.Error(), words) || !strings.Contains(err.Error(), "up") {
			t.Errorf("%d %.60s: kind %q (%v), want %q with %q", status, body, pitwall.KindOf(err), err, want, words)
		}
		_, err = c.QueryRange(t.Context(), "up", pitwall.Period{From: noon, To: noon.Add(time.Hour)}, time.Minute)
		if pitwall.KindOf(err) != want {
			t.Errorf("%d over a period: %v", status, err)
		}
		up := want == pitwall.Invalid || status == 422 // it answered
		if h := c.Health()[0]; h.Up != up {
			t.Errorf("%d %.60s: health %+v", status, body, h)
		}
	}
	f(400, `{"status":"error","errorType":"bad_data","error":"1:5: parse error: unclosed"}`, pitwall.Invalid, "parse error")
	f(422, `{"status":"error","errorType":"execution","error":"too many samples"}`, pitwall.Invalid, "too many samples")
	f(503, `{"status":"error","errorType":"timeout","error":"query timed out"}`, pitwall.Unavailable, "query timed out")
	f(422, `{"status":"error","errorType":"timeout","error":"query timed out"}`, pitwall.Unavailable, "query timed out")
	f(500, `overloaded`, pitwall.Unavailable, "overloaded")
	f(401, ``, pitwall.Denied, "401")
	f(403, `no org id`, pitwall.Denied, "no org id")
	f(404, `404 page not found`, pitwall.Invalid, "404")
	f(200, `<html>Grafana</html>`, pitwall.Unavailable, "cannot be read")
	f(200, `{"status":"success","data":{}}`, pitwall.Unavailable, "")
	f(200, `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[["x","y"]]}]}}`, pitwall.Unavailable, "cannot be read")
	f(200, `{"status":"success","data":{"resultType":"string","result":[1,"a"]}}`, pitwall.Invalid, "string")
}

func TestHistogramsAreNoNumbers(t *testing.T) {
	c := answering(t, 200, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"histogram":[1772366400,{"count":"1","sum":"2","buckets":[[0,"1","2","1"]]}]}]}}`)
	_, err := c.Query(t.Context(), "h", noon)
	if pitwall.KindOf(err) != pitwall.Invalid || !strings.Contains(pitwall.HintOf(err), "histogram_quantile") {
		t.Errorf("%v (hint %q)", err, pitwall.HintOf(err))
	}
}

func TestWarningsAreKeptUntilAnAnswerHasNone(t *testing.T) {
	warn := true
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":"b"},"value":[1772366400.5,"NaN"]},{"metric":{"a":"c"},"value":[1772366400.5,"2"]}]}`
		if warn {
			body += `,"warnings":["store 3 did not answer"]`
		}
		_, _ = io.WriteString(w, body+"}")
	}))
	defer s.Close()
	c, err := New(Config{Server: remote.Server{URL: s.URL}})
	if err != nil {
		t.Fatal(err)
	}
	ask := func() {
		t.Helper()
		got, err := c.Query(t.Context(), "up", noon)
		if err != nil {
			t.Fatal(err)
		}
		want := []pitwall.Series{{Labels: map[string]string{"a": "c"}, T: []int64{1772366400500}, V: []float64{2}}}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	}
	ask()
	if h := c.Health()[0]; !h.Up || !strings.Contains(h.Message, "store 3 did not answer") {
		t.Errorf("health %+v", h)
	}
	warn = false
	ask()
	if h := c.Health()[0]; strings.Contains(h.Message, "store 3") {
		t.Errorf("health %+v", h)
	}
}

// TestServersThatWantGET: some gateways let nobody POST.
func TestServersThatWantGET(t *testing.T) {
	for _, status := range []int{http.StatusMethodNotAllowed, http.StatusNotImplemented, http.StatusForbidden} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodGet {
				w.WriteHeader(status)
				return
			}
			_, _ = io.WriteString(w, `{"status":"success","data":{"resultType":"scalar","result":[1772366400,"`+r.FormValue("query")+`"]}}`)
		}))
		c, err := New(Config{Server: remote.Server{URL: s.URL}})
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.Query(t.Context(), "7", noon)
		if err != nil || len(got) != 1 || got[0].V[0] != 7 {
			t.Errorf("%d: %v, %v", status, got, err)
		}
		s.Close()
	}
}

func TestAProbeOfAServerWithoutBuildinfo(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/query") {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, `{"status":"success","data":{"resultType":"vector","result":[]}}`)
	}))
	defer s.Close()
	c, err := New(Config{Server: remote.Server{URL: s.URL}})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Probe(t.Context()); err != nil || !c.Health()[0].Up {
		t.Errorf("%v, %+v", err, c.Health())
	}
	s.Close()
	if err := c.Probe(t.Context()); pitwall.KindOf(err) != pitwall.Unavailable || c.Health()[0].Up {
		t.Errorf("%v, %+v", err, c.Health())
	}
}

func TestAHangingServerCostsItsTimeout(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}))
	defer s.Close()
	c, err := New(Config{Server: remote.Server{URL: s.URL, Timeout: 200 * time.Millisecond}})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	_, err = c.Query(t.Context(), "up", noon)
	if pitwall.KindOf(err) != pitwall.Unavailable || time.Since(began) > 20*time.Second {
		t.Errorf("%v after %v", err, time.Since(began))
	}
}

// FuzzAnswer: whatever a server says, there are sound series or an error.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":"b"},"values":[[1,"2"],[2,"NaN"]]}]}}`))
	f.Add([]byte(`{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1e99,"-Inf"]}]}}`))
	f.Add([]byte(`{"status":"success","data":{"resultType":"scalar","result":[1]}}`))
	f.Add([]byte(`{"status":"success","data":{"resultType":"vector","result":[null,{"histogram":[1,{"buckets":[[]]}]}]}}`))
	f.Add([]byte(`{"status":"error","errorType":"bad_data","error":"x"}`))
	var body []byte
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write(body) }))
	f.Cleanup(s.Close)
	c, err := New(Config{Server: remote.Server{URL: s.URL}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		body = b
		got, err := c.Query(t.Context(), "x", noon)
		if err != nil && pitwall.KindOf(err) == pitwall.Internal {
			t.Errorf("not worded: %v", err)
		}
		for _, s := range got {
			if len(s.T) != len(s.V) || len(s.T) == 0 || s.Labels == nil {
				t.Errorf("%+v", s)
			}
		}
	})
}
