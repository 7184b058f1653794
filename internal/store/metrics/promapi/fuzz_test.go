package promapi

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
)

// FuzzRequest sends any path and any form. Whatever comes, the answer is JSON
// in Prometheus' shape, never a defect of ours.
func FuzzRequest(f *testing.F) {
	for _, e := range querySet() {
		f.Add(e.path, e.params.Encode())
	}
	f.Add("label/%ff/values", "match[]=%ff")
	f.Add("query", "query=%zz;a=b&timeout=-1&time=-inf")
	c, _ := small(f)
	c.Engine = promql.NewEngine(promql.EngineOpts{
		MaxSamples: 10_000, Timeout: 50 * time.Millisecond, LookbackDelta: time.Minute, EnableAtModifier: true, EnableNegativeOffset: true,
		NoStepSubqueryIntervalFn: func(int64) int64 { return 15_000 }, Parser: parser.NewParser(parser.Options{}),
	})
	a := mustNew(f, c)
	f.Fuzz(func(t *testing.T, path, form string) {
		u := &url.URL{Path: "/api/v1/" + path}
		if strings.Contains(u.EscapedPath(), "//") || strings.Contains(path, ".") {
			return // the mux cleans these by a redirect of its own
		}
		for _, r := range []*http.Request{
			{Method: http.MethodGet, URL: &url.URL{Path: u.Path, RawQuery: form}, Body: http.NoBody, Header: http.Header{}},
			httptest.NewRequest(http.MethodPost, "/api/v1/query", strings.NewReader(form)),
		} {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			w := httptest.NewRecorder()
			a.ServeHTTP(w, r)
			if w.Code == http.StatusNoContent {
				continue
			}
			var got struct{ Status, ErrorType, Error string }
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
				t.Fatalf("%s %q gives %d %.300s: %v", path, form, w.Code, w.Body, err)
			}
			if (got.Status == "success") != (w.Code == http.StatusOK) || got.Status == "error" && (got.Error == "" || got.ErrorType == "internal") {
				t.Errorf("%s %q gives %d %.300s", path, form, w.Code, w.Body)
			}
		}
	})
}
