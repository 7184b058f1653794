//go:build e2e

package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/golang/snappy"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/prompb"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/report"
)

// scrapeEvery is how far apart the samples of the histories are.
const scrapeEvery = 30 * time.Second

// jobSLO is an objective of 99.9 % over six hours, on the requests of a job.
func jobSLO(job string) string {
	return fmt.Sprintf(`---
apiVersion: openslo/v1
kind: SLO
metadata: {name: %[1]s, annotations: {pitwall.dev/unreachable-tiers: drop}}
spec:
  service: shop
  budgetingMethod: Occurrences
  timeWindow: [{duration: 6h, isRolling: true}]
  indicator:
    metadata: {name: %[1]s}
    spec:
      ratioMetric:
        counter: true
        bad: {metricSource: {type: Prometheus, spec: {query: 'http_requests_total{job="%[1]s",code="500"}'}}}
        total: {metricSource: {type: Prometheus, spec: {query: 'http_requests_total{job="%[1]s"}'}}}
  objectives: [{target: 0.999}]
`, job)
}

// counter is a series of a job: what it grows by in each of its scrapes.
type counter struct {
	job, code, request string
	begin              int // the scrape in which it is first seen
	first              int // what it is then
	grows              []int
}

// past are the samples of a history that began five hours ago, in the order of
// their scrapes, as a shipper would have sent them.
func past(counters []counter, begin time.Time) [][]prompb.TimeSeries {
	const perRequest = 40 // scrapes
	var requests [][]prompb.TimeSeries
	for from := 0; ; from += perRequest {
		var request []prompb.TimeSeries
		for _, c := range counters {
			var samples []prompb.Sample
			v := c.first
			for i := 0; i <= len(c.grows); i++ {
				if at := c.begin + i; at >= from && at < from+perRequest {
					samples = append(samples, prompb.Sample{Timestamp: begin.Add(time.Duration(at) * scrapeEvery).UnixMilli(), Value: float64(v)})
				}
				if i < len(c.grows) {
					v += c.grows[i]
				}
			}
			if samples != nil {
				request = append(request, seriesOf(c.job, c.code, c.request, samples...))
			}
		}
		if request == nil {
			return requests
		}
		requests = append(requests, request)
	}
}

func seriesOf(job, code, request string, samples ...prompb.Sample) prompb.TimeSeries {
	s := prompb.TimeSeries{Samples: samples}
	for _, l := range [][2]string{{"__name__", "http_requests_total"}, {"code", code}, {"instance", "10.0.0.1:80"}, {"job", job}, {"request", request}} {
		if l[1] != "" {
			s.Labels = append(s.Labels, prompb.Label{Name: l[0], Value: l[1]})
		}
	}
	return s
}

// remoteWrite sends series as a Prometheus does.
func remoteWrite(t *testing.T, server string, series []prompb.TimeSeries) {
	t.Helper()
	raw, err := (&prompb.WriteRequest{Timeseries: series}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server+"/prometheus/api/v1/write", bytes.NewReader(snappy.Encode(nil, raw)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	req.Header.Set("Content-Encoding", "snappy")
	req.Header.Set("X-Prometheus-Remote-Write-Version", "0.1.0")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if said, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusNoContent {
		t.Fatalf("status %d: %s", res.StatusCode, said)
	}
}

func repeated(n, v int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = v
	}
	return list
}

// truth is what a job's budget must say.
type truth struct {
	counters []counter
	good     uint64
	bad      uint64
	spent    float64
}

// truths are scenarios with a window of six hours: 600 scrapes within it.
func truths() map[string]truth {
	// As in the published table, where increase() sees no error at all.
	births := truth{good: 216_000, bad: 60, spent: 0.27770063871146905}
	births.counters = []counter{{job: "births", code: "200", first: 1_000_000, grows: repeated(600, 360)}}
	for i := range 60 {
		births.counters = append(births.counters, counter{job: "births", code: "500", request: strconv.Itoa(i), begin: 20 + i/3*20, first: 1, grows: repeated(4, 0)})
	}
	// Ten minutes without a request: 0/0 is neither good nor bad.
	idle := truth{good: 580 * 1500, counters: []counter{
		{job: "idle", code: "200", first: 5_000, grows: append(append(repeated(300, 1500), repeated(20, 0)...), repeated(280, 1500)...)},
		{job: "idle", code: "500", grows: repeated(600, 0)}}}
	// An hour at night with one request a second fails by a tenth: the mean of
	// ratios would call it as bad as one by day, with a hundred a second.
	night := truth{good: 240*30 + 360*3000 - 120*3, bad: 120 * 3, counters: []counter{
		{job: "night", code: "200", grows: append(append(repeated(120, 27), repeated(120, 30)...), repeated(360, 3000)...)},
		{job: "night", code: "500", grows: append(repeated(120, 3), repeated(480, 0)...)}}}
	night.spent = float64(night.bad) / (0.001 * float64(night.good+night.bad))
	return map[string]truth{"births": births, "idle": idle, "night": night}
}

func (s *serving) view(name string) (report.SLOView, error) {
	var v report.SLOView
	said := run(s.t, "slo", "view", name, "-o", "json", "--server="+s.page)
	if said.code != 0 {
		return v, fmt.Errorf("%s%s", said.out, said.errout)
	}
	return v, json.Unmarshal([]byte(said.out), &v)
}

// wantBudget waits for an objective's budget to be exactly so.
func (s *serving) wantBudget(name string, want truth) {
	s.t.Helper()
	eventually(s.t, func() string {
		v, err := s.view(name)
		switch b := v.Budget; {
		case err != nil:
			return err.Error()
		case !b.Known || b.Counts != (pitwall.Counts{Good: want.good, Bad: want.bad}) || !(math.Abs(float64(b.Spent)-want.spent) <= 1e-6):
			return fmt.Sprintf("%s: known %t, %+v, spent %v, want %d good, %d bad, spent %v; %s", name, b.Known, b.Counts, b.Spent, want.good, want.bad, want.spent, v.Problem)
		}
		return ""
	})
}

// TestBudgetTruthThroughTheWholeProcess: histories that others get wrong are
// written by remote write, Pitwall is killed, and starts again with objectives on
// them: what each has spent is exact. Then sixty errors that are a new series
// each come in live, and are sixty.
func TestBudgetTruthThroughTheWholeProcess(t *testing.T) {
	t.Parallel()
	const conf = "ledger_step: 10s\nengine: {tick: 500ms, settle: 3s}\n"
	p := newServing(t, map[string]string{"pitwall.yaml": conf})
	begin := time.Now().Add(-330 * time.Minute).Truncate(time.Minute)
	objectives := jobSLO("live")
	var all []counter
	for job, truth := range truths() {
		all, objectives = append(all, truth.counters...), objectives+jobSLO(job)
	}
	for _, request := range past(all, begin) {
		remoteWrite(t, p.page, request)
	}
	p.kill()
	p.write(map[string]string{"slo.yaml": objectives})
	p.configure(conf + "slos: [slo.yaml]\n")
	p.start()
	for job, truth := range truths() {
		p.wantBudget(job, truth)
	}
	live := truth{good: 800, bad: 60, spent: 60 / (0.001 * 860)}
	for i := range 9 {
		now := prompb.Sample{Timestamp: time.Now().UnixMilli(), Value: float64(1_000_000 + 100*i)}
		request := []prompb.TimeSeries{seriesOf("live", "200", "", now)}
		now.Value = 1
		for born := range max(0, min(i-2, 4)) * 15 { // fifteen more each time, and those before again
			request = append(request, seriesOf("live", "500", strconv.Itoa(born), now))
		}
		remoteWrite(t, p.page, request)
		time.Sleep(300 * time.Millisecond)
	}
	p.wantBudget("live", live)
}

// TestCorrectionOutlivesKill: what a correction takes out of a budget stays out
// over a SIGKILL, and counts again, to the event, when it is revoked.
func TestCorrectionOutlivesKill(t *testing.T) {
	t.Parallel()
	p := newServing(t, map[string]string{"slo.yaml": shopSLO, "pitwall.yaml": "slos: [slo.yaml]\nledger_step: 1s\nengine: {tick: 500ms, settle: 1s}\n"})
	begin := time.Now().Add(-2 * time.Minute).Truncate(time.Second)
	var spans []any
	for i := range 600 { // ten a second for a minute; of each of ten seconds, five failed
		span := spanJSON(i+1, begin.Add(time.Duration(i)*100*time.Millisecond))
		if i >= 200 && i < 300 && i%2 == 0 {
			span["status"] = map[string]any{"code": 2}
		}
		spans = append(spans, span)
	}
	if err := sendUntilTaken(p.otlp+"/v1/traces", encoded(map[string]any{"resourceSpans": []any{map[string]any{"resource": resourceOf("shop"), "scopeSpans": []any{map[string]any{"spans": spans}}}}})); err != nil {
		t.Fatal(err)
	}
	whole := truth{good: 550, bad: 50, spent: 50 / (0.001 * 600)}
	corrected := truth{good: 500}
	p.wantBudget("shop-up", whole)

	server := "--server=" + p.page
	correct := []string{"slo", "correct", "--slo", "shop-up", "--from", begin.Add(20 * time.Second).Format(time.RFC3339), "--to", begin.Add(30 * time.Second).Format(time.RFC3339), "--reason", "the database moved", server}
	run(t, append(correct, "--dry-run")...).wants(t, 0, "would be left out")
	p.wantBudget("shop-up", whole)
	run(t, correct...).wants(t, 0, "COR-1", "left out")
	p.wantBudget("shop-up", corrected)
	restart(p)
	p.wantBudget("shop-up", corrected)
	run(t, "slo", "corrections", server).wants(t, 0, "COR-1", "the database moved", "ann")
	if v, err := p.view("shop-up"); err != nil || len(v.Corrections) != 1 || v.Budget.Corrected != 10*time.Second {
		t.Errorf("the page does not show it: %+v, corrected %s, %v", v.Corrections, v.Budget.Corrected, err)
	}

	run(t, "slo", "uncorrect", "COR-1", "--reason", "it was another database", server).wants(t, 0, "counts again")
	p.wantBudget("shop-up", whole)
	restart(p)
	p.wantBudget("shop-up", whole)
	run(t, "slo", "uncorrect", "COR-1", "--reason", "again", server).wants(t, exitUsage, "was revoked by ann")
	run(t, "record", "verify", server).wants(t, 0, "intact: ")
	var record bytes.Buffer
	record.WriteString(run(t, "record", "export", server).out)
	var kinds []string
	for line := range bytes.Lines(record.Bytes()) {
		var e struct{ Type, Actor string }
		if err := json.Unmarshal(line, &e); err == nil && (e.Type == string(pitwall.EventCorrected) || e.Type == string(pitwall.EventUncorrected)) {
			kinds = append(kinds, e.Actor+" "+e.Type)
		}
	}
	if diff := cmp.Diff([]string{"ann " + string(pitwall.EventCorrected), "ann " + string(pitwall.EventUncorrected)}, kinds); diff != "" {
		t.Errorf("the record (-want +got):\n%s", diff)
	}
}
