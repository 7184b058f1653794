package engine

import (
	"strings"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/store/metrics"
)

// TestKPIsAreReadBesideTheDayBefore asks a real metrics store: two cohorts, one
// of which lost half its orders, a query that is wrong, and one that finds nothing.
func TestKPIsAreReadBesideTheDayBefore(t *testing.T) {
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	clock := now.Add(-25 * time.Hour)
	store, err := metrics.Open(t.TempDir(), metrics.Options{Now: func() time.Time { return clock }})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	add := func(from time.Time, web, app float64) {
		clock = from.Add(time.Hour)
		for cohort, v := range map[string]float64{"web": web, "app": app} {
			s := pitwall.Series{Labels: map[string]string{"__name__": "orders_per_minute", "channel": cohort}}
			for at := from; at.Before(clock); at = at.Add(15 * time.Second) {
				s.T, s.V = append(s.T, at.UnixMilli()), append(s.V, v)
			}
			if err := store.AppendSeries(t.Context(), []pitwall.Series{s}); err != nil {
				t.Fatal(err)
			}
		}
	}
	add(now.Add(-25*time.Hour), 40, 10)
	add(now.Add(-time.Hour), 20, 10)
	e := &Engine{c: Config{Metrics: store, Now: func() time.Time { return now }, KPIs: []pitwall.KPI{
		{Name: "orders", Query: "sum by (channel) (orders_per_minute)", Unit: "orders/min"},
		{Name: "abandoned", Query: "sum by (", Less: true},
		{Name: "refunds", Query: "refunds", Service: "billing"},
	}}}
	got := e.KPIs(t.Context())
	if len(got) != 4 {
		t.Fatalf("%d readings: %+v", len(got), got)
	}
	web, app := got[0], got[1]
	if change, ok := web.Change(); web.Cohort["channel"] != "web" || !ok || change != -0.5 || !web.Worse() || web.WasN < 20 || web.IsN < 20 {
		t.Errorf("web: %+v", web)
	}
	if change, ok := app.Change(); app.Cohort["channel"] != "app" || !ok || change != 0 || app.Worse() {
		t.Errorf("app: %+v", app)
	}
	if !strings.Contains(got[2].Trouble, "unclosed") {
		t.Errorf("a query that is wrong: %+v", got[2])
	}
	if got[3].Trouble == "" || got[3].IsN != 0 {
		t.Errorf("a query that finds nothing: %+v", got[3])
	}
	if _, ok := got[3].Change(); ok {
		t.Error("no data has a change")
	}
	for _, r := range e.impactOnKPIs(t.Context(), "checkout", now.Add(-30*time.Minute)) {
		if r.KPI.Name == "refunds" {
			t.Error("a KPI of billing is asked for checkout's trouble")
		}
	}
}
