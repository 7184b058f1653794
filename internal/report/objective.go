package report

import (
	"fmt"
	"strings"

	"github.com/pitwall/pitwall"
)

// Objective says an objective in one phrase: "99 % of POST /checkout of checkout
// within 500 ms, over 30 d".
func Objective(s pitwall.SLO) string {
	if s.Name == "" {
		return ""
	}
	return Percent(float64(s.Target)) + " of " + promise(s) + ", " + WindowText(s)
}

// promise is what the good ones of an objective do.
func promise(s pitwall.SLO) string {
	what := strings.TrimSpace(s.SLI.Operation + " of " + string(s.SLI.Service))
	if s.SLI.Operation == "" {
		what = "requests of " + string(s.SLI.Service)
	}
	text := ""
	switch q := s.SLI.Query; {
	case s.SLI.Kind == pitwall.SLIComposite && s.SLI.Composite != nil:
		return fmt.Sprintf("%s (%s)", orWord(s.DisplayName, string(s.Name)), composed(*s.SLI.Composite))
	case s.SLI.Kind == pitwall.SLILatency:
		text = what + " within " + Seconds(s.SLI.Threshold.Seconds())
	case s.SLI.Kind == pitwall.SLIValue && q != nil:
		text = fmt.Sprintf("samples of %s %s %s", orWord(s.DisplayName, string(s.Name)), sign(q.Op), number(q.Limit))
	case s.SLI.Kind == pitwall.SLIEvents, s.SLI.Kind == pitwall.SLIRatio:
		text = "events of " + orWord(s.DisplayName, string(s.Name)) + " good"
	default:
		text = what + " without failing"
	}
	if s.Slices != nil && s.Budgeting == pitwall.Timeslices {
		return fmt.Sprintf("slices of %s in which %s of %s", Span(s.Slices.Length), Percent(float64(s.Slices.Target)), text)
	}
	return text
}

func composed(c pitwall.Composite) string {
	var names []string
	for _, m := range c.Members {
		names = append(names, string(m.SLO))
	}
	switch c.Method {
	case pitwall.CompositeJourney:
		return "all of " + strings.Join(names, " → ")
	case pitwall.CompositeSlices:
		return "a slice is bad if one is: " + strings.Join(names, ", ")
	}
	return "weighted: " + strings.Join(names, ", ")
}

func sign(c pitwall.Compare) string {
	switch c {
	case pitwall.Less:
		return "<"
	case pitwall.LessEqual:
		return "≤"
	case pitwall.Greater:
		return ">"
	case pitwall.GreaterEqual:
		return "≥"
	}
	return "?"
}

// WindowText says over what an objective is kept: "over 30 d", "each month
// (Europe/Berlin)".
func WindowText(s pitwall.SLO) string {
	c := s.Calendar
	switch {
	case c == nil:
		return "over " + Span(s.Window)
	case c.Count == 1:
		return fmt.Sprintf("each %s (%s)", c.Unit, c.Zone)
	}
	return fmt.Sprintf("every %d %ss (%s)", c.Count, c.Unit, c.Zone)
}

// CountedFrom says what an objective is counted from.
func CountedFrom(s pitwall.SLO) string {
	switch q := s.SLI.Query; {
	case s.SLI.Kind == pitwall.SLIComposite:
		return "other objectives"
	case q == nil:
		return "spans, each as it comes in"
	case s.SLI.Kind == pitwall.SLIValue:
		return "samples of a metric"
	case s.SLI.Kind == pitwall.SLIRatio:
		return "a ratio for each step"
	}
	return "increments of counters"
}
