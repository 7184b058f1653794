package httpd

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/pitwall/pitwall"
)

// counters are what the door counts of itself.
type counters struct {
	status  [6]atomic.Uint64 // by hundreds; 0 holds what was never written
	streams atomic.Int64
}

func (c *counters) answered(status int) {
	if status == 0 {
		status = http.StatusOK
	}
	c.status[min(status/100, 5)].Add(1)
}

// ready says whether plans and budgets can be answered for.
func (s *server) ready(w http.ResponseWriter, r *http.Request) {
	if _, err := s.statusView(r.Context()); err != nil {
		plain(w, http.StatusServiceUnavailable, "not ready: "+err.Error())
		return
	}
	plain(w, http.StatusOK, "ready")
}

// metrics tells of Pitwall itself in Prometheus' text format.
func (s *server) metrics(w http.ResponseWriter, r *http.Request) {
	var b strings.Builder
	family := func(name, kind, help string) { fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind) }
	family("pitwall_http_responses_total", "counter", "Answers by class of status.")
	for i := 1; i < len(s.count.status); i++ {
		fmt.Fprintf(&b, "pitwall_http_responses_total{class=\"%dxx\"} %d\n", i, s.count.status[i].Load())
	}
	family("pitwall_event_streams", "gauge", "Open streams of events.")
	fmt.Fprintf(&b, "pitwall_event_streams %d\n", s.count.streams.Load())
	if plans, err := s.Engine.Plans(r.Context()); err == nil {
		s.planMetrics(&b, plans, family)
	}
	if budgets, err := s.Engine.Budgets(r.Context()); err == nil {
		budgetMetrics(&b, budgets, family)
	}
	family("pitwall_source_up", "gauge", "1 when a source answers.")
	for _, h := range s.Engine.Health() {
		up := 0
		if h.Up {
			up = 1
		}
		fmt.Fprintf(&b, "pitwall_source_up{source=%s} %d\n", quote(h.Name), up)
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = w.Write([]byte(b.String())) // the scraper may be gone
}

func (s *server) planMetrics(b *strings.Builder, plans []pitwall.Plan, family func(name, kind, help string)) {
	byState := map[pitwall.State]int{}
	last := uint64(0)
	for _, p := range plans {
		byState[p.State]++
		last = max(last, p.Seq)
	}
	family("pitwall_plans", "gauge", "Plans by state.")
	states := make([]pitwall.State, 0, len(byState))
	for st := range byState {
		states = append(states, st)
	}
	slices.Sort(states)
	for _, st := range states {
		fmt.Fprintf(b, "pitwall_plans{state=%s} %d\n", quote(string(st)), byState[st])
	}
	family("pitwall_plan_last_sequence", "gauge", "Newest event of any plan.")
	fmt.Fprintf(b, "pitwall_plan_last_sequence %d\n", last)
}

// budgetMetrics leaves out what is not known: an absent sample is honest, a
// zero is not.
func budgetMetrics(b *strings.Builder, budgets []pitwall.ErrorBudget, family func(name, kind, help string)) {
	family("pitwall_slo_budget_remaining_ratio", "gauge", "Share of the error budget left; negative once overspent.")
	for _, x := range budgets {
		if x.Known {
			fmt.Fprintf(b, "pitwall_slo_budget_remaining_ratio{slo=%s} %g\n", quote(string(x.SLO)), float64(x.Remaining()))
		}
	}
	family("pitwall_slo_burn_rate", "gauge", "How many times faster than allowed the budget is spent now.")
	for _, x := range budgets {
		if x.BurnKnown {
			fmt.Fprintf(b, "pitwall_slo_burn_rate{slo=%s} %g\n", quote(string(x.SLO)), x.BurnRate)
		}
	}
}

// quote makes a label value of the text format.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}
