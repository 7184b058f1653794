package httpd_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/httpd"
	"github.com/pitwall/pitwall/internal/report"
	"github.com/pitwall/pitwall/internal/report/storybook"
)

// bookDiagnosing answers questions from the storybook.
func bookDiagnosing(book *storybook.Engine) httpd.Diagnosing {
	return httpd.Diagnosing{Ask: func(ctx context.Context, q httpd.AskDiagnosis) (pitwall.Diagnosis, error) {
		return book.Diagnose(ctx, q.Service, q.Say)
	}}
}

func minutes(n int) string {
	return storybook.Zero().Add(time.Duration(n) * time.Minute).Format(time.RFC3339)
}

func askedAbout(service string) string {
	return "service=" + service + "&from=" + minutes(8) + "&to=" + minutes(13)
}

func TestDiagnosisOfPlan(t *testing.T) {
	srv, _ := serve(t, nil)
	for path, want := range map[string]string{
		"/api/v1/plans/PIP-1/diagnosis":                    `"schema":"pitwall.diagnosis-view/1"`,
		"/api/v1/plans/PIP-1/diagnosis/export":             "# Diagnosis: p99 latency of checkout",
		"/api/v1/plans/PIP-1/diagnosis/export?format=json": `"plan": "PIP-1"`,
		"/api/v1/plans/PIP-1/diagnosis/export?format=html": "Not the cause, because",
		"/plans/PIP-1/diagnosis.html":                      "Where the extra 684 ms went",
		"/plans/PIP-1/diagnosis":                           `href="/plans/PIP-1/diagnosis.html"`,
		"/diagnose?service=a%22%3E%3Cb":                    `href="/diagnose.html?service=a%22%3E%3Cb"`,
	} {
		res, body := ask(t, "GET", srv.URL+path, "", nil)
		if res.StatusCode != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %d without %q: %.300s", path, res.StatusCode, want, body)
		}
		if csp := res.Header.Get("Content-Security-Policy"); csp == "" || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: policy %q", path, csp)
		}
	}
	for _, path := range []string{"/api/v1/plans/PIP-4/diagnosis", "/plans/PIP-4/diagnosis.html", "/api/v1/plans/PIP-999/diagnosis"} { // PIP-4 was just opened
		if res, body := ask(t, "GET", srv.URL+path, "", nil); res.StatusCode != 404 {
			t.Errorf("%s: %d %s", path, res.StatusCode, body)
		}
	}
	if _, body := ask(t, "GET", srv.URL+"/api/v1/plans/PIP-4/diagnosis", "", nil); !strings.Contains(body, "has no diagnosis yet") {
		t.Errorf("a plan without a diagnosis: %s", body)
	}
}

func TestAskedByHand(t *testing.T) {
	srv, _ := serve(t, func(c *httpd.Config) { c.Diagnosing = bookDiagnosing(storybook.NewEngine(clock)) })
	q := askedAbout("edge")
	for path, want := range map[string]string{
		"/api/v1/diagnose?" + q:                       "Nothing differs from baseline beyond noise",
		"/api/v1/diagnose/export?" + q:                "**No cause found**",
		"/api/v1/diagnose/export?format=html&" + q:    "<!doctype html>",
		"/api/v1/diagnose/export?format=json&" + q:    `"verdict": "none"`,
		"/api/v1/diagnose/progress?" + q:              `"state":"none"`,
		"/diagnose.html?" + q:                         "Here is what we looked at",
		"/api/v1/diagnose?service=checkout&since=10m": "Why did p99 latency",
	} {
		if res, body := ask(t, "GET", srv.URL+path, "", nil); res.StatusCode != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %d without %q: %.300s", path, res.StatusCode, want, body)
		}
	}
	body := fmt.Sprintf(`{"service":"search","from":%q,"to":%q}`, minutes(8), minutes(13))
	if res, text := ask(t, "POST", srv.URL+"/api/v1/diagnose", body, nil); res.StatusCode != 200 || !strings.Contains(text, "search-index") {
		t.Errorf("as a body: %d %.200s", res.StatusCode, text)
	}
}

// TestWhatMayBeAsked: a question that cannot be answered is told what is wrong.
func TestWhatMayBeAsked(t *testing.T) {
	srv, _ := serve(t, func(c *httpd.Config) { c.Diagnosing = bookDiagnosing(storybook.NewEngine(clock)) })
	f := func(query string, status int, want string) {
		t.Helper()
		for _, path := range []string{"/api/v1/diagnose?", "/diagnose.html?"} {
			res, body := ask(t, "GET", srv.URL+path+query, "", nil)
			if res.StatusCode != status || !strings.Contains(body, want) {
				t.Errorf("%s%s: %d %s, want %d and %q", path, query, res.StatusCode, body, status, want)
			}
		}
	}
	f("", 422, "of which service")
	f("service=nobody&from="+minutes(8)+"&to="+minutes(13), 404, "no span and no metric of service nobody")
	f("service=edge&from="+minutes(13)+"&to="+minutes(8), 422, "does not come before")
	f("service=edge&from="+minutes(8)+"&to="+minutes(90), 422, "future")
	f("service=edge&from="+minutes(8)+"&to="+minutes(13)+"&baseline_from="+minutes(7)+"&baseline_to="+minutes(9), 422, "end before the window begins")
	f("service=edge&from="+minutes(8)+"&to="+minutes(13)+"&baseline_from="+minutes(7)+"&baseline_to="+minutes(6), 422, "ends before it begins")
	f("service=edge&from="+minutes(-6000)+"&to="+minutes(13), 422, "1 s to 6 h")
	f("service=edge&from="+minutes(8)+"&to="+storybook.Zero().Add(8*time.Minute+900*time.Millisecond).Format(time.RFC3339Nano), 422, "1 s to 6 h")
	f("service=edge&from="+minutes(8)+"&to="+minutes(90), 422, "end it now or earlier")
	if res, body := ask(t, "GET", srv.URL+"/diagnose.html?signal=mood&"+askedAbout("edge"), "", nil); res.StatusCode != 422 || !strings.Contains(body, "no signal") {
		t.Errorf("signal=mood answers %d %s", res.StatusCode, body)
	}
	if res, _ := ask(t, "GET", srv.URL+"/diagnose.html?service=edge&from=yesterday", "", nil); res.StatusCode != 422 {
		t.Errorf("from=yesterday answers %d", res.StatusCode)
	}
	none, _ := serve(t, nil)
	if res, body := ask(t, "GET", none.URL+"/api/v1/diagnose?"+askedAbout("edge"), "", nil); res.StatusCode != 404 || !strings.Contains(body, "diagnoses plans only") {
		t.Errorf("without one who answers: %d %s", res.StatusCode, body)
	}
}

// TestBaselineIsFilledIn: without a baseline it is as long as the window, right
// before it; what the engine is asked is what the view says was asked.
func TestBaselineIsFilledIn(t *testing.T) {
	got := make(chan httpd.AskDiagnosis, 1)
	srv, _ := serve(t, func(c *httpd.Config) {
		c.Diagnosing.Ask = func(_ context.Context, q httpd.AskDiagnosis) (pitwall.Diagnosis, error) {
			got <- q
			return pitwall.Diagnosis{Verdict: pitwall.DiagnosisNone}, nil
		}
	})
	_, body := ask(t, "GET", srv.URL+"/api/v1/diagnose?"+askedAbout("edge")+"&operation="+url.QueryEscape("GET /catalog")+"&signal=errors", "", nil)
	q := <-got
	if q.Baseline.To != q.Window.From || q.Baseline.Duration() != 5*time.Minute || q.Signal != pitwall.SignalErrors || q.Operation != "GET /catalog" {
		t.Errorf("asked %+v", q)
	}
	var v report.DiagnosisView
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatal(err)
	}
	if v.Question.Window != q.Window || v.Question.Baseline != q.Baseline || v.Question.Operation != q.Operation || !strings.Contains(v.Links.App, "operation=GET+%2Fcatalog") {
		t.Errorf("told %+v, %s", v.Question, v.Links.App)
	}
}

// slow is an engine whose answers wait until they are let go.
type slow struct {
	asked, stopped atomic.Int32
	let            chan struct{}
}

func (s *slow) ask(ctx context.Context, q httpd.AskDiagnosis) (pitwall.Diagnosis, error) {
	s.asked.Add(1)
	q.Say("reading the spans of the baseline")
	select {
	case <-s.let:
		return pitwall.Diagnosis{Verdict: pitwall.DiagnosisNone, Summary: "answer for " + string(q.Service)}, nil
	case <-ctx.Done():
		s.stopped.Add(1)
		return pitwall.Diagnosis{}, ctx.Err()
	}
}

func until(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(15 * time.Second); !f(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(what + " did not happen within 15 s")
		}
	}
}

// TestOneQuestionOneWork: the same question is worked on once, however many ask;
// its answer stands a while; when all who waited are gone the work stops.
func TestOneQuestionOneWork(t *testing.T) {
	s := &slow{let: make(chan struct{})}
	srv, _ := serve(t, func(c *httpd.Config) { c.Diagnosing.Ask = s.ask })
	answers := make(chan string, 3)
	get := func(ctx context.Context, service string) {
		req, err := http.NewRequestWithContext(ctx, "GET", srv.URL+"/api/v1/diagnose?"+askedAbout(service), nil)
		if err != nil {
			t.Error(err)
			return
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			answers <- "gone"
			return
		}
		defer res.Body.Close()
		var v report.DiagnosisView
		if err := json.NewDecoder(res.Body).Decode(&v); err != nil {
			t.Error(err)
		}
		answers <- v.Detail
	}
	state := func(service string) string {
		_, body := ask(t, "GET", srv.URL+"/api/v1/diagnose/progress?"+askedAbout(service), "", nil)
		return body
	}
	go get(t.Context(), "edge")
	until(t, "the work on edge", func() bool { return strings.Contains(state("edge"), "reading the spans of the baseline") })
	go get(t.Context(), "edge")

	// Of two more, one has room and one waits; who leaves stops the work.
	gone, leave := context.WithCancel(t.Context())
	go get(gone, "auth")
	until(t, "the work on auth", func() bool { return strings.Contains(state("auth"), `"running"`) })
	waits, tire := context.WithCancel(t.Context())
	go get(waits, "orders")
	until(t, "orders waiting", func() bool { return strings.Contains(state("orders"), `"waiting"`) })
	tire()
	if got := <-answers; got != "gone" {
		t.Errorf("who left got %q", got)
	}
	until(t, "orders being given up", func() bool { return strings.Contains(state("orders"), `"none"`) })
	leave()
	if got := <-answers; got != "gone" {
		t.Errorf("who left got %q", got)
	}
	until(t, "the work on auth stopping", func() bool { return s.stopped.Load() == 1 })
	close(s.let)
	for range 2 {
		if got := <-answers; got != "Answer for edge." {
			t.Errorf("answered %q", got)
		}
	}
	ask(t, "GET", srv.URL+"/api/v1/diagnose/export?"+askedAbout("edge"), "", nil)
	if n := s.asked.Load(); n != 2 { // edge and auth; orders never began
		t.Errorf("worked %d times", n)
	}
}

// TestDefectInDiagnosis: the work runs outside of any request, so a panic in it
// must not end the process, and a trouble is not kept as an answer.
func TestDefectInDiagnosis(t *testing.T) {
	var times atomic.Int32
	srv, _ := serve(t, func(c *httpd.Config) {
		c.Diagnosing.Ask = func(context.Context, httpd.AskDiagnosis) (pitwall.Diagnosis, error) {
			if times.Add(1) == 1 {
				panic("a defect")
			}
			return pitwall.Diagnosis{Verdict: pitwall.DiagnosisNone}, nil
		}
	})
	url := srv.URL + "/api/v1/diagnose?" + askedAbout("edge")
	if res, body := ask(t, "GET", url, "", nil); res.StatusCode != 500 || strings.Contains(body, "a defect\"") || !strings.Contains(body, `"internal"`) {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	if res, body := ask(t, "GET", url, "", nil); res.StatusCode != 200 {
		t.Errorf("asked again: %d %s", res.StatusCode, body)
	}
}
