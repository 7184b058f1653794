package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

// askedWhat names what is asked about: "p99 latency of checkout POST /checkout".
func askedWhat(r pitwall.Regression) string {
	what := string(r.Signal)
	switch r.Signal {
	case pitwall.SignalLatency:
		what = "latency"
		switch {
		case r.Metric != "":
			what = r.Metric + " latency"
		case r.Before.Known() && r.After.Known():
			what = "p99 latency" // what these numbers are unless stated
		}
	case pitwall.SignalErrors:
		what = "error ratio"
	case pitwall.SignalEvents:
		what = "share of bad events"
	case pitwall.SignalAny, "":
		what = "latency or errors"
	}
	return what + " of " + orWord(where(r.Service, r.Operation), "an unnamed service")
}

func question(d pitwall.Diagnosis) QuestionView {
	r := d.Regression
	v := QuestionView{Service: r.Service, Operation: r.Operation, Signal: r.Signal, Onset: r.Onset, Baseline: d.Baseline, Window: d.Window}
	what, known := askedWhat(r), r.Before.Known() && r.After.Known()
	switch {
	case known && !calm(d):
		v.Text = fmt.Sprintf("Why did %s go from %s to %s", what, Measured(r.Before), Measured(r.After))
		if !r.Onset.At.IsZero() {
			v.Text += " at " + clock(r.Onset.At, time.UTC) + " UTC"
		}
		v.Text += "?"
	case !d.Window.IsZero():
		v.Text = fmt.Sprintf("Did %s get worse between %s and %s UTC, and why?", what, clock(d.Window.From, time.UTC), clock(d.Window.To, time.UTC))
	default:
		v.Text = fmt.Sprintf("Did %s get worse, and why?", what)
	}
	v.Facts = []Fact{{Label: "service", Value: orWord(string(r.Service), "not stated")}, {Label: "operation", Value: orWord(r.Operation, "all of the service")},
		{Label: "signal", Value: orWord(string(r.Signal), "any")}}
	if known {
		v.Facts = append(v.Facts, Fact{Label: "moved", Value: arrow(r.Before, r.After)})
	}
	v.Facts = append(v.Facts, Fact{Label: "began", Value: beganText(r.Onset)}, Fact{Label: "baseline", Value: periodText(d.Baseline)}, Fact{Label: "now", Value: periodText(d.Window)})
	if r.SLO != "" {
		v.Facts = append(v.Facts, Fact{Label: "objective", Value: string(r.SLO)})
	}
	return v
}

func beganText(o pitwall.Onset) string {
	switch {
	case o.At.IsZero():
		return "not determined"
	case o.Earliest.Before(o.Latest):
		return fmt.Sprintf("%s UTC, surely between %s and %s", clock(o.At, time.UTC), clock(o.Earliest, time.UTC), clock(o.Latest, time.UTC))
	}
	return clock(o.At, time.UTC) + " UTC"
}

// mostBars is how many places a waterfall shows; a person reads no more.
const mostBars = 12

// foldBars joins the smallest places into one, so that the bars still sum.
func foldBars(d pitwall.Diagnosis) pitwall.Diagnosis {
	if len(d.Waterfall) <= mostBars {
		return d
	}
	bySize := slices.Clone(d.Waterfall)
	slices.SortStableFunc(bySize, func(a, b pitwall.Contribution) int { return cmp.Compare(math.Abs(b.Delta), math.Abs(a.Delta)) })
	least := math.Abs(bySize[mostBars-2].Delta)
	kept, rest, n := []pitwall.Contribution{}, pitwall.Contribution{}, 0
	for _, c := range d.Waterfall {
		if math.Abs(c.Delta) >= least && len(kept) < mostBars-1 {
			kept = append(kept, c)
			continue
		}
		rest.Before, rest.After, rest.Delta, n = rest.Before+c.Before, rest.After+c.After, rest.Delta+c.Delta, n+1
	}
	rest.Operation, rest.Part = fmt.Sprintf("%d smaller places", n), "together"
	d.Waterfall = append(kept, rest)
	return d
}

// calm says that nothing was seen to move.
func calm(d pitwall.Diagnosis) bool {
	return d.Verdict == pitwall.DiagnosisNone && len(d.Hypotheses) == 0 && countChecks(d.Checks, pitwall.OutcomeHit) == 0
}

// gaps says of every part that is empty why it is. The check of that name knows
// best; otherwise the record has no such part.
func gaps(v DiagnosisView, d pitwall.Diagnosis) []Gap {
	out := []Gap{}
	quiet := calm(d)
	add := func(empty bool, g Gap, check, whenCalm string) {
		if !empty {
			return
		}
		switch said := checkSaid(d.Checks, check); {
		case said != "":
			g.Why = said
		case quiet && whenCalm != "":
			g.Why = whenCalm
		}
		out = append(out, g)
	}
	time := "The added time was not taken apart: that needs traces of both periods."
	if d.Regression.Signal == pitwall.SignalErrors {
		time = "The question is about failures, so no time is taken apart."
	}
	add(len(v.Checks) == 0, Gap{"checks", "What was looked at", "This record lists no checks, so what was looked at is not known."}, "", "")
	add(len(v.Hypotheses) == 0, Gap{"hypotheses", "Hypotheses", "Nothing that was looked at explains it, so nothing is claimed."}, "", "Nothing moved, so there is nothing to explain.")
	add(v.Waterfall == nil, Gap{"waterfall", "Where the time went", time}, "localise", "Nothing moved, so there is no added time to take apart.")
	add(len(v.Contrasts) == 0, Gap{"contrasts", "What slow requests share", "No attribute that slow requests share and typical ones do not is recorded."}, "contrast", "Nothing moved, so no slow requests were held against typical ones.")
	add(v.Flame == nil, Gap{"flame", "Profile", "No profiles of both periods were compared."}, "profile", "")
	add(v.Traces == nil, Gap{"traces", "A slow request beside a typical one", "No single requests were kept to be looked at."}, "", "Nothing moved, so no single request was kept.")
	add(len(v.Changes) == 0, Gap{"changes", "What changed", "No change is recorded in the periods that were compared."}, "changes", "")
	add(len(v.Charts) == 0, Gap{"charts", "Charts", "No chart was kept."}, "", "")
	return out
}

// checkSaid gives what the check whose name holds word said; one that looked
// before one that was skipped.
func checkSaid(list []pitwall.Check, word string) string {
	said := ""
	for _, c := range list {
		if word == "" || !strings.Contains(c.Name, word) {
			continue
		}
		switch c.Outcome {
		case pitwall.OutcomeClear, pitwall.OutcomeHit:
			return fmt.Sprintf("Check %s: %s", c.Name, sentenceEnd(c.Reason))
		case pitwall.OutcomeError:
			said = fmt.Sprintf("Check %s did not finish: %s", c.Name, sentenceEnd(c.Reason))
		default:
			said = orWord(said, fmt.Sprintf("Check %s was skipped: %s", c.Name, sentenceEnd(c.Reason)))
		}
	}
	return said
}

// ruledOut says of everything that may look guilty why it is not named: weaker
// hypotheses, changes that are not blamed, and checks that were clear.
func ruledOut(tried []int, d pitwall.Diagnosis) []RuledOut {
	out := []RuledOut{}
	named := d.Verdict == pitwall.DiagnosisLikely || d.Verdict == pitwall.DiagnosisConfirmed
	for i, h := range d.Hypotheses {
		if i == 0 && named && !slices.Contains(tried, h.Rank) {
			continue
		}
		out = append(out, RuledOut{Kind: "hypothesis", What: sentenceEnd(h.Claim), Because: whyNot(h, d.Hypotheses[0], slices.Contains(tried, h.Rank))})
	}
	for _, c := range d.Changes {
		if !c.Blamed {
			out = append(out, RuledOut{Kind: "change", What: upperFirst(changeLine(c.Change)) + ".", Because: sentenceEnd(upperFirst(orWord(c.Why, "no reason is recorded")))})
		}
	}
	for _, c := range d.Checks {
		if c.Outcome == pitwall.OutcomeClear {
			out = append(out, RuledOut{Kind: "check", What: orWord(c.Question, c.Name), Because: sentenceEnd(upperFirst(c.Reason))})
		}
	}
	return out
}

func whyNot(h, first pitwall.Hypothesis, tried bool) string {
	switch {
	case tried:
		return "It was tried, and undoing it did not help."
	case len(h.Against) > 0:
		var parts []string
		for _, e := range h.Against {
			parts = append(parts, sentenceEnd(upperFirst(e.Claim)))
		}
		return strings.Join(parts, " ")
	case h.Rank == first.Rank:
		return fmt.Sprintf("Nothing speaks against it, but a score of %.2f is not enough to name it.", h.Score)
	}
	return fmt.Sprintf("Nothing speaks against it, but less speaks for it: a score of %.2f, the first has %.2f.", h.Score, first.Score)
}
