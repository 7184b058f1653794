package report_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/report"
)

// TestSpentLineLeavesOutCorrections: a step that a correction takes out spends
// nothing, and the line ends at the number of the tile.
func TestSpentLineLeavesOutCorrections(t *testing.T) {
	from := time.Date(2026, 3, 2, 14, 0, 0, 0, time.UTC)
	now := from.Add(4 * time.Minute)
	step := func(i int) pitwall.LedgerStep {
		return pitwall.LedgerStep{SLO: "a", Start: from.Add(time.Duration(i) * time.Minute).Unix(), Counts: pitwall.Counts{Good: 90, Bad: 10}}
	}
	over := pitwall.Period{From: from.Add(time.Minute), To: from.Add(3 * time.Minute)}
	spent := func(c ...pitwall.Correction) []float64 {
		v := report.SLODetail(report.SLOInput{SLO: pitwall.SLO{Name: "a", Target: 0.9, Window: time.Hour}, Step: time.Minute, Period: pitwall.Period{From: from, To: now},
			Budget: pitwall.ErrorBudget{SLO: "a", At: now, Target: 0.9, Known: true, Spent: 0.5, Counts: pitwall.Counts{Good: 180, Bad: 20}, Window: pitwall.Period{From: now.Add(-time.Hour), To: now}},
			Steps:  []pitwall.LedgerStep{step(0), step(1), step(2), step(3)}, Corrections: c}, report.Options{Now: now})
		var list []float64
		for _, x := range v.Charts[1].Series[0].V {
			list = append(list, *x)
		}
		return list
	}
	if diff := cmp.Diff([]float64{0.25, 0.25, 0.25, 0.5}, spent(pitwall.Correction{Period: over})); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]float64{-0.25, 0, 0.25, 0.5}, spent(pitwall.Correction{Period: over, Revoked: &pitwall.Revoked{}})); diff != "" {
		t.Errorf("a revoked one still counts: %s", diff)
	}
}
