package promapi

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/storage"

	"github.com/pitwall/pitwall/internal/store/metrics"
)

// small is a store with a handful of series, one of them with names that are
// no plain words.
func small(t testing.TB) (Config, *metrics.Store) {
	t.Helper()
	dir := t.TempDir()
	db := openDB(t, dir)
	app := db.Appender(context.Background())
	for _, ls := range []labels.Labels{
		labels.FromStrings("__name__", "up", "job", "a"), labels.FromStrings("__name__", "up", "job", "b"),
		labels.FromStrings("__name__", "http.requests", "http.route", "/cart", "job", "a"),
	} {
		if _, err := app.Append(0, ls, start.UnixMilli(), 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(app.Commit(), db.Close()); err != nil {
		t.Fatal(err)
	}
	s, err := metrics.Open(dir, metrics.Options{Now: func() time.Time { return start }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return Config{Queryable: s.Queryable(), Engine: s.Engine(), Head: s.HeadStats, Now: func() time.Time { return start }}, s
}

func mustNew(t testing.TB, c Config) *API {
	t.Helper()
	a, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// get asks and gives status and body.
func get(a http.Handler, target string) (int, string) {
	w := httptest.NewRecorder()
	a.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
	return w.Code, w.Body.String()
}

func TestNewRefuses(t *testing.T) {
	c, _ := small(t)
	without := c
	without.Engine = nil
	negative := c
	negative.Wait = -1
	for name, bad := range map[string]Config{"nothing": {}, "no engine": without, "negative": negative} {
		if _, err := New(bad); err == nil {
			t.Errorf("%s: an API was made", name)
		}
	}
}

func TestUTF8Names(t *testing.T) {
	c, _ := small(t)
	a := mustNew(t, c)
	for target, want := range map[string]string{
		"/api/v1/label/U__http_2e_route/values":                               `{"status":"success","data":["/cart"]}`,
		"/api/v1/label/http.route/values":                                     `{"status":"success","data":["/cart"]}`,
		"/api/v1/labels?match[]=" + url.QueryEscape(`{"http.requests"}`):      `{"status":"success","data":["__name__","http.route","job"]}`,
		"/api/v1/query?query=" + url.QueryEscape(`sum({"http.requests"})`):    `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1772366400,"1"]}]}}`,
		"/api/v1/label/U__bad_zz_escape/values":                               `{"status":"success","data":[]}`,
		"/api/v1/series?match[]=" + url.QueryEscape(`{"http.route"="/cart"}`): `{"status":"success","data":[{"__name__":"http.requests","http.route":"/cart","job":"a"}]}`,
	} {
		if code, body := get(a, target); code != http.StatusOK || body != want {
			t.Errorf("%s\n\tgives %d %s\n\twant  200 %s", target, code, body, want)
		}
	}
	if code, body := get(a, "/api/v1/label/%ff/values"); code != http.StatusBadRequest {
		t.Errorf("a name that is no UTF-8 gives %d %s", code, body)
	}
}

func TestBounds(t *testing.T) {
	c, _ := small(t)
	c.MaxList = 1
	a := mustNew(t, c)
	ask := func(q string) string { return "/api/v1/query?query=" + url.QueryEscape(q) }
	double := "up"
	for range 40 {
		double = `label_replace(` + double + `, "job", ("$1$1"), "job", "(.*)")`
	}
	join := `label_join(up, "job", "", ` + strings.Repeat(`"job", `, 8) + `"job")`
	join = `label_join(` + join + `, "job", "", ` + strings.Repeat(`"job", `, 8) + `"job")`
	for target, want := range map[string]string{
		ask(double): "labels too long",
		ask(join):   "labels too long",
		ask(`label_replace(up, "a", "` + strings.Repeat("x", maxText+1) + `", "", "")`):   "labels too long",
		ask(`up{job="` + strings.Repeat("x", maxQuery) + `"}`):                            "longer than",
		ask(strings.Repeat("-", maxTokens+1) + "up"):                                      "words and signs",
		ask(strings.Repeat("(", maxNesting+1) + "up" + strings.Repeat(")", maxNesting+1)): "nested deeper",
		"/api/v1/series?" + strings.Repeat("match[]=up&", maxSelectors+1):                 "more than 500 times",
		"/api/v1/labels?match[]=" + strings.Repeat("x", maxQuery+1):                       "longer than",
		"/api/v1/query_range?query=up&start=0&end=11001&step=1":                           "11000 points",
		"/api/v1/query?query=up&time=NaN":                                                 "out of range",
		"/api/v1/query?query=up&time=1e300":                                               "out of range",
		"/api/v1/query?query=up&timeout=1e300":                                            "out of range",
		"/api/v1/query?query=up%zz":                                                       "reading the form",
	} {
		code, body := get(a, target)
		var e struct{ Status, ErrorType, Error string }
		if err := json.Unmarshal([]byte(body), &e); err != nil {
			t.Fatalf("%.80s: %v", target, err)
		}
		if code != http.StatusBadRequest || e.Status != "error" || e.ErrorType != "bad_data" || !strings.Contains(e.Error, want) {
			t.Errorf("%.80s\n\tgives %d %.200s\n\twant  400 with %q", target, code, body, want)
		}
	}
	// At the bound itself it still works.
	if code, body := get(a, ask(`label_join(label_replace(up, "a", "$1-$2", "job", "(.)(.*)"), "b", "/", "a", "job", "a")`)); code != http.StatusOK {
		t.Errorf("a modest relabelling gives %d %s", code, body)
	}
	if code, body := get(a, "/api/v1/query_range?query=up&start=0&end=11000&step=1"); code != http.StatusOK {
		t.Errorf("11,000 points give %d %.200s", code, body)
	}
	for _, target := range []string{"/api/v1/labels", "/api/v1/label/job/values", "/api/v1/label/job/values?match[]=up&match[]=%7Bjob=%22a%22%7D", "/api/v1/series?match[]=up", "/api/v1/series?match[]=up&match[]=%7Bjob=%22a%22%7D"} {
		code, body := get(a, target)
		var got struct {
			Data     []any
			Warnings []string
		}
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Fatal(err)
		}
		if code != http.StatusOK || len(got.Data) != 1 || len(got.Warnings) != 1 {
			t.Errorf("%s: %d %s, want one element and a warning", target, code, body)
		}
	}
}

func TestLargeBody(t *testing.T) {
	c, _ := small(t)
	s := httptest.NewServer(mustNew(t, c))
	defer s.Close()
	resp, err := http.PostForm(s.URL+"/api/v1/query", url.Values{"query": {strings.Repeat("x", maxBody)}})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), "larger than") {
		t.Errorf("a body over the bound gives %d %.200s", resp.StatusCode, body)
	}
}

func TestMethodsAndPaths(t *testing.T) {
	c, _ := small(t)
	a := mustNew(t, c)
	for _, x := range []struct {
		method, target string
		code           int
		has            string
	}{
		{"HEAD", "/api/v1/query?query=up", 200, ""},
		{"HEAD", "/-/ready", 200, ""},
		{"GET", "/-/healthy", 200, "healthy"},
		{"PUT", "/api/v1/query?query=up", 404, "not_found"},
		{"POST", "/api/v1/admin/tsdb/delete_series?match[]=up", 404, "not_found"},
		{"GET", "/api/v1/status/config", 404, "not_found"},
		{"DELETE", "/api/v1/series?match[]=up", 404, "not_found"},
		{"GET", "/api/v1/query_exemplars?query=1", 204, ""},
		{"GET", "/elsewhere", 404, ""},
	} {
		w := httptest.NewRecorder()
		a.ServeHTTP(w, httptest.NewRequest(x.method, x.target, nil))
		if w.Code != x.code || !strings.Contains(w.Body.String(), x.has) {
			t.Errorf("%s %s gives %d %s, want %d with %q", x.method, x.target, w.Code, w.Body, x.code, x.has)
		}
		if h := w.Header().Get("Access-Control-Allow-Origin"); h != "" {
			t.Errorf("%s lets %s read", x.target, h)
		}
	}
}

func TestNotReady(t *testing.T) {
	c, s := small(t)
	c.Ready = func() error { return errors.New("reading the log back") }
	a := mustNew(t, c)
	if code, body := get(a, "/-/ready"); code != http.StatusServiceUnavailable || !strings.Contains(body, "reading the log back") {
		t.Errorf("not ready gives %d %s", code, body)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{"query?query=up", "query?query=1%2B1", "query_range?query=up&start=0&end=1&step=1", "labels", "label/job/values", "series?match[]=up", "status/tsdb"} {
		w := httptest.NewRecorder()
		a.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/v1/"+target, nil))
		if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), `"errorType":"unavailable"`) || w.Header().Get("Retry-After") == "" {
			t.Errorf("%s on a closed store gives %d %s", target, w.Code, w.Body)
		}
	}
}

// TestCloseWaits: a store does not close under a query.
func TestCloseWaits(t *testing.T) {
	_, s := small(t)
	q, err := s.Queryable().Querier(0, start.UnixMilli())
	if err != nil {
		t.Fatal(err)
	}
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	time.Sleep(20 * time.Millisecond)
	select {
	case <-closed:
		t.Error("the store closed under an open querier")
	default:
	}
	names, _, err := q.LabelNames(context.Background(), nil)
	if err != nil || len(names) == 0 {
		t.Errorf("while the store waits to close: %v, %v", names, err)
	}
	if err := errors.Join(q.Close(), q.Close(), <-closed); err != nil {
		t.Error(err)
	}
}

func TestHeadStats(t *testing.T) {
	c, _ := small(t)
	code, body := get(mustNew(t, c), "/api/v1/status/tsdb?limit=1")
	want := `{"status":"success","data":{"headStats":{"numSeries":3,"numLabelPairs":5,"chunkCount":3,"minTime":1772366400000,"maxTime":1772366400000},` +
		`"seriesCountByMetricName":[{"name":"up","value":2}],"labelValueCountByLabelName":`
	if code != http.StatusOK || !strings.HasPrefix(body, want) {
		t.Errorf("%d %s\nwant %s...", code, body, want)
	}
	for _, bad := range []string{"0", "x", "10001"} {
		if code, body := get(mustNew(t, c), "/api/v1/status/tsdb?limit="+bad); code != http.StatusBadRequest {
			t.Errorf("limit %s gives %d %s", bad, code, body)
		}
	}
}

// wild is an engine that does what no engine should.
type wild struct {
	promql.QueryEngine
	do func(ctx context.Context) *promql.Result
}

func (e wild) NewInstantQuery(ctx context.Context, q storage.Queryable, o promql.QueryOpts, s string, at time.Time) (promql.Query, error) {
	query, err := e.QueryEngine.NewInstantQuery(ctx, q, o, s, at)
	return wildQuery{query, e.do}, err
}

type wildQuery struct {
	promql.Query
	do func(ctx context.Context) *promql.Result
}

func (q wildQuery) Exec(ctx context.Context) *promql.Result { return q.do(ctx) }

func TestDefectsOfTheEngine(t *testing.T) {
	c, _ := small(t)
	var log bytes.Buffer
	c.Logger = slog.New(slog.NewTextHandler(&log, nil))
	inner := c.Engine
	divide := func(n int) (err error) {
		defer func() { err, _ = recover().(error) }()
		return fmt.Errorf("%d", 1/n)
	}
	for name, do := range map[string]func(context.Context) *promql.Result{
		"panic": func(context.Context) *promql.Result { panic("out of its mind") },
		"runtime error": func(context.Context) *promql.Result {
			return &promql.Result{Err: fmt.Errorf("unexpected error: %w", divide(0))}
		},
		"storage": func(context.Context) *promql.Result {
			return &promql.Result{Err: promql.ErrStorage{Err: io.ErrUnexpectedEOF}}
		},
	} {
		c.Engine = wild{inner, do}
		a := mustNew(t, c)
		code, body := get(a, "/api/v1/query?query=up")
		if code != http.StatusInternalServerError || !strings.Contains(body, `"errorType":"internal"`) || strings.Contains(body, "out of its mind") {
			t.Errorf("%s gives %d %s", name, code, body)
		}
		if len(a.slots) != 0 {
			t.Errorf("%s leaves a slot taken", name)
		}
	}
	if !strings.Contains(log.String(), "out of its mind") {
		t.Errorf("the log says nothing of the panic: %s", log.String())
	}
}

func TestTooManyAtOnce(t *testing.T) {
	c, _ := small(t)
	c.Concurrency, c.Wait = 1, 20*time.Millisecond
	running := make(chan struct{})
	c.Engine = wild{c.Engine, func(ctx context.Context) *promql.Result {
		close(running)
		<-ctx.Done()
		return &promql.Result{Err: promql.ErrQueryCanceled("query execution")}
	}}
	a := mustNew(t, c)
	ctx, hangUp := context.WithCancel(context.Background())
	first := make(chan *httptest.ResponseRecorder)
	go func() {
		w := httptest.NewRecorder()
		a.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/v1/query?query=up", nil).WithContext(ctx))
		first <- w
	}()
	<-running
	for _, target := range []string{"/api/v1/query?query=up", "/api/v1/labels"} {
		if code, body := get(a, target); code != http.StatusServiceUnavailable || !strings.Contains(body, `"errorType":"timeout"`) {
			t.Errorf("%s beside a running query gives %d %s", target, code, body)
		}
	}
	hangUp()
	if w := <-first; w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), `"errorType":"canceled"`) {
		t.Errorf("a query whose client went away gives %d %s", w.Code, w.Body)
	}
	if code, _ := get(a, "/api/v1/labels"); code != http.StatusOK {
		t.Errorf("after it has ended: %d", code)
	}
}

func TestGzip(t *testing.T) {
	c, _ := small(t)
	a := mustNew(t, c)
	// More than one buffer, so that the answer is sent in pieces.
	target := "/api/v1/query_range?query=" + url.QueryEscape(`label_replace(vector(time()), "x", "`+strings.Repeat("é", 500)+`", "", "")`) + "&start=0&end=10000&step=1"
	code, plainBody := get(a, target)
	if code != http.StatusOK || len(plainBody) < 2*flushAt || !json.Valid([]byte(plainBody)) {
		t.Fatalf("%d, %d bytes", code, len(plainBody))
	}
	for header, zipped := range map[string]bool{"gzip": true, "br, gzip;q=0.5": true, "gzip;q=0": false, "deflate": false, "": false, "GZIP": true, "gzip;q=x": false} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, target, nil)
		r.Header.Set("Accept-Encoding", header)
		a.ServeHTTP(w, r)
		if got := w.Header().Get("Content-Encoding") == "gzip"; got != zipped {
			t.Errorf("%q: compressed %v, want %v", header, got, zipped)
			continue
		}
		body := w.Body.Bytes()
		if zipped {
			z, err := gzip.NewReader(w.Body)
			if err != nil {
				t.Fatal(err)
			}
			if body, err = io.ReadAll(z); err != nil {
				t.Fatal(err)
			}
		}
		if string(body) != plainBody {
			t.Errorf("%q: another body", header)
		}
	}
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/api/v1/query?query=1", nil)
	r.Header.Set("Accept-Encoding", "gzip")
	a.ServeHTTP(w, r)
	if w.Header().Get("Content-Encoding") != "" || w.Header().Get("Content-Length") == "" {
		t.Errorf("a short answer has the header %v", w.Header())
	}
}

func TestTargetsAndMetadata(t *testing.T) {
	c, _ := small(t)
	c.Targets = func() []Target {
		return []Target{{
			Job: "shop", URL: "http://me:secret@10.0.0.1:8080/metrics?x=1", Labels: map[string]string{"job": "shop"}, Health: "down", LastError: "refused",
			LastScrape: start, Took: 1500 * time.Millisecond, Interval: 15 * time.Second, Timeout: 10 * time.Second,
		}}
	}
	c.Metadata = func() []Metadata {
		return []Metadata{{"up", "gauge", "Is it there?", ""}, {"up", "gauge", "Is it there?", ""}, {"up", "unknown", "", ""}, {"size_bytes", "gauge", "How big", "bytes"}}
	}
	a := mustNew(t, c)
	for target, want := range map[string]string{
		"targets": `{"status":"success","data":{"activeTargets":[{"discoveredLabels":{},"labels":{"job":"shop"},"scrapePool":"shop",` +
			`"scrapeUrl":"http://10.0.0.1:8080/metrics?x=1","globalUrl":"http://10.0.0.1:8080/metrics?x=1","lastError":"refused",` +
			`"lastScrape":"2026-03-01T12:00:00Z","lastScrapeDuration":1.5,"health":"down","scrapeInterval":"15s","scrapeTimeout":"10s"}],"droppedTargets":[],"droppedTargetCounts":{}}}`,
		"targets?state=dropped":       `{"status":"success","data":{"activeTargets":[],"droppedTargets":[],"droppedTargetCounts":{}}}`,
		"targets?scrapePool=other":    `{"status":"success","data":{"activeTargets":[],"droppedTargets":[],"droppedTargetCounts":{}}}`,
		"metadata?metric=up":          `{"status":"success","data":{"up":[{"type":"gauge","help":"Is it there?","unit":""},{"type":"unknown","help":"","unit":""}]}}`,
		"metadata?limit=1":            `{"status":"success","data":{"up":[{"type":"gauge","help":"Is it there?","unit":""},{"type":"unknown","help":"","unit":""}]}}`,
		"metadata?limit_per_metric=1": `{"status":"success","data":{"size_bytes":[{"type":"gauge","help":"How big","unit":"bytes"}],"up":[{"type":"gauge","help":"Is it there?","unit":""}]}}`,
		"metadata?metric=x":           `{"status":"success","data":{}}`,
		"status/flags":                `{"status":"success","data":{}}`,
		"metadata?limit=0":            `{"status":"success","data":{}}`,
	} {
		if code, body := get(a, "/api/v1/"+target); code != http.StatusOK || body != want {
			t.Errorf("%s\n\tgives %d %s\n\twant  200 %s", target, code, body, want)
		}
	}
}

// TestVersion: what buildinfo says is what go.mod has; Prometheus 3.15.0 is
// module version 0.315.0.
func TestVersion(t *testing.T) {
	mod, err := os.ReadFile("../../../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`prometheus/prometheus v0\.(\d)(\d+)\.(\d+)`).FindStringSubmatch(string(mod))
	if m == nil {
		t.Fatal("go.mod does not name Prometheus")
	}
	if want := strings.TrimLeft(m[1], "0") + "." + strings.TrimPrefix(m[2], "0") + "." + m[3]; speaks != want {
		t.Errorf("buildinfo says %s, go.mod has %s", speaks, want)
	}
}

// TestNotesAreBounded: a query with very many warnings does not answer with all.
func TestNotesAreBounded(t *testing.T) {
	c, _ := small(t)
	a := mustNew(t, c)
	var parts []string
	for i := range 30 {
		parts = append(parts, fmt.Sprintf("quantile(%d, up)", i+2))
	}
	_, body := get(a, "/api/v1/query?query="+url.QueryEscape(strings.Join(parts, " or ")))
	var got struct{ Warnings []string }
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(maxNotes+1, len(got.Warnings)); diff != "" || got.Warnings[maxNotes] != "20 more left out" {
		t.Errorf("warnings %q", got.Warnings)
	}
}
