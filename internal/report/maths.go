package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/pitwall/pitwall"
)

// mathsOf words the arithmetic of one number: enough to compute it by hand.
func mathsOf(title string, m pitwall.Maths) *Maths {
	at := m.At
	out := &Maths{Title: title, Formula: m.Formula, Query: m.Query}
	if !at.IsZero() {
		out.At = &at
	}
	if m.Good+m.Bad > 0 {
		out.Lines = append(out.Lines, eventsOf(m)...)
	}
	for _, t := range m.Terms {
		out.Lines = append(out.Lines, Fact{Label: t.Name, Value: Value(t.Value, t.Unit)})
	}
	if !m.Period.IsZero() {
		out.Lines = append(out.Lines, Fact{Label: "window", Value: periodText(m.Period)})
	}
	if m.Note != "" {
		out.Lines = append(out.Lines, Fact{Label: "mind", Value: m.Note})
	}
	return out
}

// eventsOf are the good and bad events of a number, but for what its terms say
// again: bad, of events or of slices.
func eventsOf(m pitwall.Maths) []Fact {
	good, bad := Fact{Label: "good", Value: Count(int64(m.Good))}, Fact{Label: "bad", Value: Count(int64(m.Bad))}
	i := slices.IndexFunc(m.Terms, func(t pitwall.Term) bool { return t.Name == "bad" })
	switch {
	case i < 0:
		return []Fact{good, bad}
	case math.Abs(m.Terms[i].Value-float64(m.Bad)) < 1:
		return []Fact{good}
	}
	return nil
}

// beside finds the arithmetic of another number of a budget; nil: it has none.
func beside(b pitwall.ErrorBudget, of, title string) *Maths {
	for _, m := range b.Maths.More {
		if m.Of == of {
			return mathsOf(title, m)
		}
	}
	return nil
}

// BudgetMaths shows how a budget was computed.
func BudgetMaths(b pitwall.ErrorBudget) *Maths {
	m := b.Maths
	if m.Formula == "" {
		m.Formula = "spent = bad / ((1 − target) × total)"
	}
	m.Good, m.Bad = 0, 0 // told below, with what is allowed
	out := mathsOf("Error budget of "+string(b.SLO), m)
	at := b.At
	out.At = &at
	allowed := (1 - float64(b.Target)) * float64(b.Counts.Total())
	facts := []Fact{
		{Label: "target", Value: Percent(float64(b.Target))},
		{Label: "good", Value: Count(int64(b.Counts.Good))},
		{Label: "bad", Value: Count(int64(b.Counts.Bad))},
	}
	plain := b.Slices == nil && len(m.Terms) < 3 // occurrences of one objective
	if plain && b.Known {
		facts = append(facts, Fact{Label: "allowed bad", Value: number(allowed)},
			Fact{Label: "spent", Value: fmt.Sprintf("%s / %s = %s", Count(int64(b.Counts.Bad)), number(allowed), Percent(float64(b.Spent)))})
	}
	for _, f := range out.Lines {
		if f.Label != "target" && (f.Label != "spent" || len(facts) < 5) {
			facts = append(facts, f)
		}
	}
	switch {
	case !b.Known:
		facts = append(facts, Fact{Label: "spent", Value: noData})
	case !plain:
		facts = append(facts, Fact{Label: "spent", Value: Percent(float64(b.Spent))})
	}
	out.Lines = append(facts, Fact{Label: "steps with data", Value: Percent(float64(b.Coverage))})
	return out
}

// TierMaths shows the arithmetic of one tier.
func TierMaths(t pitwall.TierState) *Maths {
	side := func(c pitwall.Counts, rate float64) string {
		return fmt.Sprintf("%s bad of %s: %s", Count(int64(c.Bad)), Count(int64(c.Total())), Times(rate))
	}
	m := &Maths{Title: "Tier " + t.Tier.Name, Formula: orWord(t.Expr, "burn = (bad / total) / (1 − target), over both windows")}
	if t.Tier.Long > 0 {
		m.Lines = append(m.Lines, Fact{Label: "long, " + Span(t.Tier.Long), Value: side(t.Long, t.LongRate)})
	}
	if t.Tier.Short > 0 {
		m.Lines = append(m.Lines, Fact{Label: "short, " + Span(t.Tier.Short), Value: side(t.Short, t.ShortRate)})
	}
	m.Lines = append(m.Lines, Fact{Label: "fires when it", Value: Condition(t.Tier)})
	if t.Tier.MinBad > 0 {
		m.Lines = append(m.Lines, Fact{Label: "fewest bad", Value: Count(int64(t.Tier.MinBad))})
	}
	if t.P != nil {
		m.Lines = append(m.Lines, Fact{Label: "chance of that at the limit", Value: strings.TrimPrefix(PValue(*t.P), "p=")})
	}
	if t.Held != "" {
		m.Lines = append(m.Lines, Fact{Label: "held back", Value: t.Held})
	}
	m.Lines = append(m.Lines, Fact{Label: "asks for", Value: string(t.Tier.Action)})
	return m
}
