package engine

import (
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/objectives"
	"github.com/pitwall/pitwall/internal/slo"
	"github.com/pitwall/pitwall/internal/store/metrics"
)

// truthRow is a row of testdata/budget-truth.csv, which is a copy of the SLO
// bench's table of our own: exact counts and the budget that they spend.
type truthRow struct {
	name       string
	objective  float64
	window     time.Duration
	bad, total uint64
	spent      float64
}

func truthRows(t *testing.T) (rows []truthRow) {
	t.Helper()
	f, err := os.Open("testdata/budget-truth.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all[1:] {
		number := func(i int) float64 {
			v, err := strconv.ParseFloat(c[i], 64)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		rows = append(rows, truthRow{c[0], number(1), time.Duration(number(2) * 24 * float64(time.Hour)), uint64(number(3)), uint64(number(4)), number(6)})
	}
	return rows
}

// traffic is how many requests a second a scenario has at a moment after its
// begin, and how many of them fail.
func (r truthRow) traffic(at time.Duration) (rate, failing float64) {
	hour := at.Hours() - 24*math.Floor(at.Hours()/24)
	day := int(at.Hours() / 24)
	dayAndNight := 1.0
	if hour >= 8 && hour < 20 {
		dayAndNight = 100
	}
	outage := func(d int, h float64) bool { return day == d && hour >= h && hour < h+1 }
	share := func(yes bool) float64 {
		if yes {
			return 0.05
		}
		return 0
	}
	switch r.name {
	case "night-1h-5pct":
		return dayAndNight, dayAndNight * share(outage(15, 2))
	case "peak-1h-5pct":
		return dayAndNight, dayAndNight * share(outage(15, 12))
	case "flat-1h-5pct":
		return 50, 50 * share(outage(15, 2))
	case "error-series-appears-day29":
		return 50, 50 * share(outage(29, 0))
	case "idle-10min-no-errors":
		if day == 15 && hour >= 2 && hour < 2+1.0/6 {
			return 0, 0
		}
		return 50, 0
	}
	return 10, 0 // whose errors are series of their own
}

// samples are what a scrape every 30 s sees, of a process that has run before.
func (r truthRow) samples(begin time.Time) []pitwall.Series {
	label := func(code string) map[string]string {
		return map[string]string{"__name__": "http_requests_total", "job": r.name, "instance": "10.0.0.1:80", "code": code}
	}
	good, bad := pitwall.Series{Labels: label("200")}, pitwall.Series{Labels: label("500")}
	const every = 30 * time.Second
	g, b := 1e6, 0.0
	late := r.name == "error-series-appears-day29"
	for at := time.Duration(0); at <= r.window; at += every {
		if at > 0 {
			rate, failing := r.traffic(at - every)
			g, b = g+(rate-failing)*every.Seconds(), b+failing*every.Seconds()
		}
		t := begin.Add(at).UnixMilli()
		whole := math.Floor(b + 1e-9)
		good.T, good.V = append(good.T, t), append(good.V, math.Round(g+b-whole))
		if !late || whole > 0 {
			bad.T, bad.V = append(bad.T, t), append(bad.V, whole)
		}
	}
	if r.name != "60-new-error-series-value-1" {
		return []pitwall.Series{good, bad}
	}
	list := []pitwall.Series{good}
	for i := range 60 {
		one := pitwall.Series{Labels: label("500")}
		one.Labels["request"] = strconv.Itoa(i)
		from := time.Duration(i/3+1) * 10 * time.Minute // three at a time
		for at := from; at <= from+2*time.Minute; at += every {
			one.T, one.V = append(one.T, begin.Add(at).UnixMilli()), append(one.V, 1)
		}
		list = append(list, one)
	}
	return list
}

// TestBudgetTruth follows six scenarios through the whole path: samples into a
// real store, the collector, the ledger, the budget. Where others weigh every
// five minutes the same, or see no series that is born, the spent budget here is
// that of the events.
func TestBudgetTruth(t *testing.T) {
	begin := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	var slos []pitwall.SLO
	now := begin.Add(30 * 24 * time.Hour)
	store := openMetrics(t, now.Add(time.Minute))
	var history []pitwall.Series
	for _, r := range truthRows(t) {
		history = append(history, r.samples(now.Add(-r.window))...)
		slos = append(slos, truthSLOs(t, r)...)
	}
	appendInOrder(t, store, history)
	ledger := slo.NewLedger(slos, time.Minute)
	k := NewCollector(CollectConfig{SLOs: slos, Ledger: ledger, Samples: store, Metrics: store, Settle: 30 * time.Second,
		Slice: 24 * time.Hour, Now: func() time.Time { return now.Add(30 * time.Second) }})
	rounds := 1
	for ; k.Round(t.Context()); rounds++ {
	}
	if rounds != 30 {
		t.Errorf("%d rounds, want one for each day of history", rounds)
	}
	for _, r := range truthRows(t) {
		for _, s := range slos {
			if s.Service != pitwall.ServiceName(r.name) {
				continue
			}
			b := ledger.Budget(s, now)
			if !b.Known || math.Abs(float64(b.Spent)-r.spent) > 1e-6 || b.Counts.Bad != r.bad || b.Counts.Total() != r.total {
				t.Errorf("%s: spent %v, %d of %d (known %v); want %v, %d of %d", s.Name, b.Spent, b.Counts.Bad, b.Counts.Total(), b.Known, r.spent, r.bad, r.total)
			}
			if b.Coverage < 1-10/43200.-1e-9 { // ten idle minutes
				t.Errorf("%s: coverage %v", s.Name, float64(b.Coverage))
			}
		}
	}
	if h := k.Health(); len(h) != 1 || !h[0].Up || h[0].Accepted == 0 || h[0].Message != "" {
		t.Errorf("health %+v", h)
	}
}

// openMetrics opens a real store whose clock stands still.
func openMetrics(t testing.TB, now time.Time) *metrics.Store {
	t.Helper()
	s, err := metrics.Open(t.TempDir(), metrics.Options{Retention: 40 * 24 * time.Hour, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// appendInOrder appends an hour of all series at a time, as time goes by.
func appendInOrder(t testing.TB, store *metrics.Store, all []pitwall.Series) {
	t.Helper()
	next := make([]int, len(all))
	for {
		first := int64(math.MaxInt64)
		for k, s := range all {
			if next[k] < len(s.T) {
				first = min(first, s.T[next[k]])
			}
		}
		if first == math.MaxInt64 {
			return
		}
		var batch []pitwall.Series
		for k, s := range all {
			end := next[k]
			for end < len(s.T) && s.T[end] < first+time.Hour.Milliseconds() {
				end++
			}
			if end > next[k] {
				batch = append(batch, pitwall.Series{Labels: s.Labels, T: s.T[next[k]:end], V: s.V[next[k]:end]})
			}
			next[k] = end
		}
		if err := store.AppendSeries(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
}

// truthSLOs says the same objective in three ways, as OpenSLO.
func truthSLOs(t *testing.T, r truthRow) []pitwall.SLO {
	t.Helper()
	all, failed := fmt.Sprintf(`http_requests_total{job=%q}`, r.name), fmt.Sprintf(`http_requests_total{job=%q,code=~"5.."}`, r.name)
	fine := fmt.Sprintf(`http_requests_total{job=%q,code!~"5.."}`, r.name)
	query := func(text string) string {
		return "{metricSource: {type: Prometheus, spec: {query: '" + text + "'}}}"
	}
	var text strings.Builder
	for _, way := range []struct{ name, metric string }{
		{"bad", "counter: true, bad: " + query("sum(rate("+failed+"[5m]))") + ", total: " + query("sum(rate("+all+"[5m]))")},
		{"good", "counter: true, good: " + query("sum("+fine+")") + ", total: " + query("sum("+all+")")},
		{"ratio", "rawType: failure, raw: " + query("1 - sum(rate("+fine+"[5m])) / sum(rate("+all+"[5m]))")},
	} {
		fmt.Fprintf(&text, `---
apiVersion: openslo/v1
kind: SLO
metadata: {name: %s-%s}
spec:
  service: %s
  indicator: {metadata: {name: requests}, spec: {ratioMetric: {%s}}}
  timeWindow: [{duration: %dh, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{displayName: all, target: %v}]
`, r.name, way.name, r.name, way.metric, int(r.window/time.Hour), r.objective)
	}
	set, err := objectives.Parse(objectives.Options{}, objectives.File{Name: r.name + ".yaml", Data: []byte(text.String())})
	if err != nil || len(set.SLOs) != 3 {
		t.Fatalf("%d objectives, %v", len(set.SLOs), err)
	}
	return set.SLOs
}
