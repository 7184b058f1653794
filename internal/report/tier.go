package report

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

// Condition says in words when a tier fires.
func Condition(t pitwall.BurnTier) string {
	of := map[pitwall.BudgetOf]string{pitwall.OfDay: "the day's", pitwall.OfPeriod: "the period's", pitwall.OfRemaining: "the remaining"}[t.Of]
	of = orWord(of, "the")
	text := ""
	switch t.When {
	case pitwall.WhenSpent:
		text = fmt.Sprintf("%s of %s budget spent", Percent(t.Percent/100), of)
		if t.Long > 0 && t.Of != pitwall.OfDay {
			text += " within " + Span(t.Long)
		}
	case pitwall.WhenExhaustion:
		text = fmt.Sprintf("%s budget ends within %s at the pace of %s", of, Span(t.Within), Span(t.Long))
	case pitwall.WhenRemaining:
		if t.Percent <= 0 {
			text = "has overspent the budget of a whole window"
			break
		}
		text = fmt.Sprintf("has less than %s of a whole window's budget left", Percent(t.Percent/100))
	case pitwall.WhenProjected:
		text = fmt.Sprintf("%s of %s budget will be spent by its end", Percent(t.Percent/100), of)
	case pitwall.WhenTrafficLost:
		text = fmt.Sprintf("no events for %s where some are expected", Span(t.Short))
	default:
		text = fmt.Sprintf("burns more than %s over %s", Times(t.Factor), Span(t.Long))
		if t.Short > 0 && t.Short != t.Long {
			text += " and over " + Span(t.Short)
		}
	}
	if t.For > 0 {
		text += ", for " + Span(t.For)
	}
	return text
}

func tierLimit(t pitwall.BurnTier) string {
	switch t.When {
	case pitwall.WhenSpent, pitwall.WhenProjected, pitwall.WhenRemaining:
		return Percent(t.Percent / 100)
	case pitwall.WhenExhaustion:
		return Span(t.Within)
	case pitwall.WhenTrafficLost:
		return "0 events"
	}
	return Times(t.Factor)
}

func tierThen(t pitwall.BurnTier) string {
	var list []string
	if t.OpensPlan {
		list = append(list, "opens a plan")
	}
	switch t.Halt {
	case pitwall.HaltAll:
		list = append(list, "halts deploys but fixes")
	case pitwall.HaltRisky:
		list = append(list, "halts risky deploys")
	}
	return strings.Join(list, ", ")
}

// fewEvents says what keeps a handful of events from waking anybody.
func fewEvents(s pitwall.SLO) []Fact {
	facts := []Fact{}
	for _, t := range s.Tiers {
		if t.Action != pitwall.ActionPage || t.When != "" && t.When != pitwall.WhenBurn {
			continue
		}
		limit := t.Factor * (1 - float64(s.Target))
		if limit <= 0 {
			continue
		}
		facts = append(facts, Fact{Label: t.Name, Value: fmt.Sprintf("at least %d bad, and so many by chance less likely than %s; below %.0f events in %s a single failure exceeds the limit and does not page",
			max(1, t.MinBad), Percent(cmp.Or(t.Alpha, 0.01)), 1/limit, Span(t.Long))})
	}
	return facts
}

// DetectionTable says how fast which burn is noticed; nil without rows.
func DetectionTable(rows []pitwall.Detection) *TableView {
	if len(rows) == 0 {
		return nil
	}
	t := &TableView{Columns: []string{"burn rate", "first tier", "noticed after", "quiet again after", "spent by then", "a full budget ends in"}, Numeric: []bool{true, false, true, true, true, true}}
	for _, r := range rows {
		row := []string{Times(r.BurnRate), "none", "–", "–", "–", "never"}
		if r.EndsIn > 0 {
			row[5] = Span(r.EndsIn)
		}
		if r.Tier != "" {
			row[1], row[2], row[3], row[4] = r.Tier, Span(r.Detect), Span(r.Reset), Percent(float64(r.Spent))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// CorrectionOf words a correction.
func CorrectionOf(c pitwall.Correction) CorrectionRow {
	r := CorrectionRow{Correction: c, Scope: "every objective", Span: Span(c.Period.Duration()), State: "left out"}
	switch {
	case c.SLO != "":
		r.Scope = string(c.SLO)
	case c.Service != "":
		r.Scope = "every objective of " + string(c.Service)
	}
	if c.Revoked != nil {
		r.State = "revoked by " + c.Revoked.By + ": " + c.Revoked.Reason
	}
	return r
}

func elapsed(b pitwall.ErrorBudget) float64 {
	if w := b.Window.Duration(); w > 0 && b.Window.To.After(b.At) {
		return float64(b.At.Sub(b.Window.From)) / float64(w)
	}
	return float64(b.Coverage)
}

// waiting says how much longer the longest burn tier needs to see.
func waiting(in SLOInput) *Waiting {
	var longest time.Duration
	for _, t := range in.SLO.Tiers {
		if t.When == "" || t.When == pitwall.WhenBurn {
			longest = max(longest, t.Long)
		}
	}
	if in.Seen <= 0 || in.Seen >= longest {
		return nil
	}
	return &Waiting{Text: fmt.Sprintf("%s of the %s its slowest tier needs", Span(in.Seen.Truncate(time.Second)), Span(longest)), Share: float64(in.Seen) / float64(longest)}
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
