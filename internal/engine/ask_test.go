package engine

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose"
)

// patterns answers with what was counted in a period that begins at a minute.
type patterns map[int][]pitwall.LogPattern

func (p patterns) Logs(context.Context, pitwall.LogQuery) ([]pitwall.LogRecord, error) {
	return nil, nil
}

func (p patterns) LogPatterns(_ context.Context, q pitwall.LogQuery) ([]pitwall.LogPattern, error) {
	return p[q.Period.From.Minute()], nil
}

// TestLogMovesAreOfOneLength: counts of a baseline twice as long are halved.
func TestLogMovesAreOfOneLength(t *testing.T) {
	at := func(min int) time.Time { return time.Date(2026, 6, 20, 10, min, 0, 0, time.UTC) }
	store := patterns{
		0: {{Service: "cart", Template: "slow <*>", Severity: pitwall.SeverityInfo, Count: 40}},
		20: {{Service: "cart", Template: "slow <*>", Severity: pitwall.SeverityInfo, Count: 30, Example: "slow 3"},
			{Service: "db", Template: "disk full", Severity: pitwall.SeverityError, Count: 2}},
	}
	got, err := lines{store}.LogMoves(t.Context(), pitwall.Period{From: at(0), To: at(20)}, pitwall.Period{From: at(20), To: at(30)})
	if err != nil {
		t.Fatal(err)
	}
	want := []pitwall.LogMove{
		{Service: "cart", Template: "slow <*>", Severity: pitwall.SeverityInfo, Before: 20, After: 30},
		{Service: "db", Template: "disk full", Severity: pitwall.SeverityError, After: 2, Bad: true},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

type totals []pitwall.OperationTotals

func (t totals) Operations(context.Context, pitwall.OperationQuery) ([]pitwall.OperationTotals, error) {
	return t, nil
}

// TestWhoCallsWhom: a peer that sends no spans of its own is outside.
func TestWhoCallsWhom(t *testing.T) {
	got, err := edges{totals{
		{Service: "web", Kind: pitwall.SpanClient, Peer: "cart"}, {Service: "web", Kind: pitwall.SpanServer},
		{Service: "cart", Kind: pitwall.SpanClient, Peer: "bank"}, {Service: "cart", Kind: pitwall.SpanClient, Peer: "bank", Operation: "again"},
	}}.Topology(t.Context(), pitwall.Period{})
	if err != nil {
		t.Fatal(err)
	}
	want := pitwall.Topology{
		Services: []pitwall.Component{{Name: "bank", Kind: pitwall.ComponentExternal}, {Name: "cart", Kind: pitwall.ComponentService}, {Name: "web", Kind: pitwall.ComponentService}},
		Calls:    []pitwall.Call{{From: "cart", To: "bank"}, {From: "web", To: "cart"}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestNobodyToAsk: a diagnosis without any source ends, says that it cannot
// know, and why, for every check.
func TestNobodyToAsk(t *testing.T) {
	var said []string
	s := Sources{Say: func(words string) { said = append(said, words) }}
	at := time.Date(2026, 6, 20, 10, 0, 0, 0, time.UTC)
	d, err := s.Diagnose(t.Context(), diagnose.Question{
		Regression: pitwall.Regression{Service: "cart", Signal: pitwall.SignalAny},
		Baseline:   pitwall.Period{From: at, To: at.Add(time.Hour)}, Window: pitwall.Period{From: at.Add(time.Hour), To: at.Add(2 * time.Hour)},
	})
	if err != nil || d.Verdict != pitwall.DiagnosisInconclusive || len(d.Hypotheses) > 0 {
		t.Errorf("got %s %q, %v", d.Verdict, d.Summary, err)
	}
	for _, c := range d.Checks {
		if c.Outcome == pitwall.OutcomeHit || c.Reason == "" {
			t.Errorf("%s: %s %q", c.Name, c.Outcome, c.Reason)
		}
	}
	if all := strings.Join(said, "\n"); !strings.Contains(all, "reading spans of cart from 10:00:00") {
		t.Errorf("nobody was told what is being done:\n%s", all)
	}
}
