package canary

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/stats"
)

// sides are the requests of one guardrail by arm, with those of no arm counted.
type sides struct {
	control, treatment []request
	none, both         int
	intervals          []interval
}

func sidesOf(in Input, a arms, g pitwall.Guardrail) sides {
	list := a.requests(in, g.Service, g.Operation)
	s := sides{intervals: intervals(in, list)}
	for _, r := range list {
		switch r.arm {
		case armControl:
			s.control = append(s.control, r)
		case armTreatment:
			s.treatment = append(s.treatment, r)
		case armBoth:
			s.both++
		case armNone:
			s.none++
		}
	}
	return s
}

// judgeRow compares the arms on one guardrail.
func judgeRow(in Input, a arms, g pitwall.Guardrail) pitwall.Comparison {
	s := sidesOf(in, a, g)
	row := pitwall.Comparison{
		Name: g.Name, Service: g.Service, Operation: g.Operation, Goal: g.Goal,
		Limit: limit(g), Query: query(in, g), P: 1, Verdict: pitwall.Undecided,
	}
	var e stats.Evidence
	if g.Metric == metricErr {
		e = compareFailures(in.Settings, g, s, &row)
	} else {
		e = compareLatency(in.Settings, g, s, &row)
	}
	if in.Weight >= 100 {
		row.Verdict, row.Pass, row.Why = pitwall.NoData, true, "no control is left at 100 %"
		return row
	}
	if len(s.control) == 0 || len(s.treatment) == 0 {
		missing(in, g, s, &row)
		return row
	}
	alpha := in.Settings.Alpha / float64(len(in.Guardrails)*in.Settings.Steps)
	conclude(in, g, judgement{evidence: e, alpha: alpha, sides: s}, &row)
	if g.Metric != metricErr {
		row.Why += unanswered(s)
	}
	row.Why += armless(s)
	return row
}

// compareLatency compares how long answers took. A request that failed never
// had one and counts as slower than all that had: a version that fails at once
// is not quick, and one that answers where the other fails is not slow. The
// measures are of what was answered.
func compareLatency(set Settings, g pitwall.Guardrail, s sides, row *pitwall.Comparison) stats.Evidence {
	control, treatment := answered(s.control), answered(s.treatment)
	slices.Sort(control)
	slices.Sort(treatment)
	row.Control, row.Treatment = p99(control), p99(treatment)
	if r, ok := stats.QuantileRatio(control, treatment, 0.99, 0.95); ok {
		row.Change, row.ChangeLow, row.ChangeHigh = r.Change()
	}
	test := stats.NewTailTest(float64(g.Margin), set.Phi)
	for _, i := range s.intervals {
		test.Observe(waits(i.control), waits(i.treatment))
	}
	return test.Evidence()
}

func p99(sorted []float64) pitwall.Measure {
	m := pitwall.Measure{Unit: pitwall.UnitSeconds, N: int64(len(sorted))}
	if m.N > 0 {
		m.Value = stats.Quantile(sorted, 0.99)
		m.Low, m.High, _ = stats.QuantileInterval(sorted, 0.99, 0.95)
	}
	return m
}

func compareFailures(set Settings, g pitwall.Guardrail, s sides, row *pitwall.Comparison) stats.Evidence {
	control, treatment := failures(s.control), failures(s.treatment)
	row.Control, row.Treatment = ratio(control), ratio(treatment)
	test := stats.NewShareTest(float64(g.Margin), set.Phi)
	for _, i := range s.intervals {
		test.Observe(failures(i.control), failures(i.treatment))
	}
	if control.Hits+treatment.Hits > 0 && control.Trials > 0 && treatment.Trials > 0 {
		row.Change, _, _ = stats.ShareRatio(control, treatment, 1, 0.95).Change()
		low, high := test.Bounds(0.05)
		row.ChangeLow, row.ChangeHigh = low-1, high-1
	}
	return test.Evidence()
}

func ratio(s stats.Share) pitwall.Measure {
	m := pitwall.Measure{Unit: pitwall.UnitRatio, N: s.Trials}
	if s.Trials > 0 {
		m.Value = float64(s.Hits) / float64(s.Trials)
		m.Low, m.High = stats.Wilson(s.Hits, s.Trials, 0.95)
	}
	return m
}

// missing words a row that lacks an arm. What must get better, and what is
// measured on the same operation, blocks; a neighbour that does not meet the
// changed service has nothing to compare and blocks nothing.
func missing(in Input, g pitwall.Guardrail, s sides, row *pitwall.Comparison) {
	row.Verdict = pitwall.NoData
	if headline(in, g) {
		row.NeedMore = int64(in.Settings.MinRequests - len(s.treatment))
		row.Why = fmt.Sprintf("%d requests on %s and %d on %s; no data never promotes", len(s.control), in.Control, len(s.treatment), in.Treatment) + armless(s)
		return
	}
	row.Pass = true
	switch {
	case s.none+s.both+len(s.control)+len(s.treatment) == 0:
		row.Why = "no requests in this step; not judged"
	case len(s.control)+len(s.treatment) == 0:
		row.Why = fmt.Sprintf("none of its %d requests meets exactly one version of %s, so it has no arms; not judged", s.none+s.both, in.Service)
	default:
		row.Why = fmt.Sprintf("only one arm has requests (%d on %s, %d on %s); not judged", len(s.control), in.Control, len(s.treatment), in.Treatment)
	}
}

// headline says whether a guardrail is about the operation the change is for:
// one that must get better or, if none must, the first guardrail's.
func headline(in Input, g pitwall.Guardrail) bool {
	same := func(o pitwall.Guardrail) bool { return o.Service == g.Service && o.Operation == g.Operation }
	better := func(o pitwall.Guardrail) bool { return o.Goal == goalBetter }
	if !slices.ContainsFunc(in.Guardrails, better) {
		return same(in.Guardrails[0])
	}
	return slices.ContainsFunc(in.Guardrails, func(o pitwall.Guardrail) bool { return better(o) && same(o) })
}

type judgement struct {
	evidence stats.Evidence
	alpha    float64
	sides    sides
}

// conclude gives verdict, pass and words to a row with both arms.
func conclude(in Input, g pitwall.Guardrail, j judgement, row *pitwall.Comparison) {
	e, need := j.evidence, math.Log(1/j.alpha)
	toward := e.Worse
	if g.Goal == goalBetter {
		toward = e.Better
	}
	switch {
	case e.Worse >= need:
		toward, row.Verdict = e.Worse, pitwall.Worse
	case e.Better >= need:
		toward, row.Verdict = e.Better, pitwall.Better
	case e.Same(j.alpha) && within(g.Margin, *row):
		row.Verdict = pitwall.Same
	}
	row.EValue, row.P = stats.EValue(toward), stats.AnytimeP(toward)
	n := min(len(j.sides.control), len(j.sides.treatment))
	short := int64(max(0, minimum(in, g)-n))
	if row.Verdict == pitwall.Worse {
		row.Why = fmt.Sprintf("proven worse beyond %s (e-value %.3g ≥ %.3g): %s → %s", g.Margin, row.EValue, 1/j.alpha, words(row.Control), words(row.Treatment))
		if e.Better >= need {
			row.Why += "; another part of the distribution is better, but some requests pay for it"
		}
		return
	}
	if g.Goal == goalBetter {
		concludeBetter(g, j, short, row)
		return
	}
	concludeNotWorse(in, g, short, row)
}

// within says whether the whole interval of the change lies inside the margin.
func within(margin pitwall.Ratio, row pitwall.Comparison) bool {
	m := float64(margin)
	return row.ChangeLow >= 1/(1+m)-1 && row.ChangeHigh <= m
}

func concludeBetter(g pitwall.Guardrail, j judgement, short int64, row *pitwall.Comparison) {
	row.Pass = row.Verdict == pitwall.Better && short == 0
	row.NeedMore = short
	switch {
	case row.Pass:
		row.Why = fmt.Sprintf("proven better (e-value %.3g ≥ %.3g): %s → %s", row.EValue, 1/j.alpha, words(row.Control), words(row.Treatment))
	case row.Verdict == pitwall.Better:
		row.Why = fmt.Sprintf("better so far, but %d more requests are wanted before it counts", short)
	case row.Verdict == pitwall.Same:
		row.NeedMore = max(short, expected(j))
		row.Why = fmt.Sprintf("the same as the control within %s, so not better so far", g.Margin)
	default:
		row.NeedMore = max(short, expected(j))
		row.Why = fmt.Sprintf("not yet proven better (e-value %.3g of %.3g): about %d more requests on the treatment", row.EValue, 1/j.alpha, row.NeedMore)
	}
}

func concludeNotWorse(in Input, g pitwall.Guardrail, short int64, row *pitwall.Comparison) {
	row.Pass = short == 0
	switch {
	case row.Pass && row.Verdict == pitwall.Undecided:
		row.Why = "not proven worse; not proven the same either"
	case row.Pass:
		row.Why = fmt.Sprintf("proven %s (margin %s)", row.Verdict, g.Margin)
	case !headline(in, g) && hopeless(in, min(row.Control.N, row.Treatment.N), minimum(in, g)):
		row.Pass = true
		row.Why = fmt.Sprintf("not proven worse on %d requests; its traffic is too small to reach %d within the step", row.Treatment.N, minimum(in, g))
	default:
		row.NeedMore = short
		row.Why = fmt.Sprintf("not proven worse so far; %d more requests are wanted", short)
	}
}

// minimum is the fewest requests of each arm. A neighbour passes on the absence
// of proof, which five times the waiting would hardly change, while the
// objective burns on.
func minimum(in Input, g pitwall.Guardrail) int {
	if headline(in, g) {
		return in.Settings.MinRequests
	}
	return max(1, in.Settings.MinRequests/5)
}

// hopeless says whether a slow neighbour cannot reach its fewest requests
// before the deadline, even at two standard errors above the pace seen.
func hopeless(in Input, seen int64, wanted int) bool {
	elapsed, whole := in.Period.Duration(), in.Deadline.Sub(in.Period.From)
	if in.Deadline.IsZero() || elapsed < 5*time.Second {
		return false
	}
	atMost := float64(seen) + 2*math.Sqrt(float64(seen)) + 2
	return atMost*float64(whole)/float64(elapsed) < float64(wanted)
}

// expected is how many more treatment requests proof of an improvement should
// take: at the pace of the evidence so far, or, before there is any, for a fix
// that halves the number of requests above the control's p90.
func expected(j judgement) int64 {
	need, have, n := math.Log(1/j.alpha), j.evidence.Better, float64(len(j.sides.treatment))
	if have > 1 {
		return int64(math.Ceil(n * (need - have) / have))
	}
	weight := n / (n + float64(len(j.sides.control)))
	wanted := stats.Power{Control: 0.1, Treatment: 0.05, Weight: weight, Alpha: j.alpha}.TreatmentRequests()
	if math.IsInf(wanted, 0) || math.IsNaN(wanted) {
		return 0
	}
	return int64(math.Ceil(max(wanted-n, wanted/4)))
}

// unanswered tells of the requests that failed, which count as the slowest.
func unanswered(s sides) string {
	control, treatment := failures(s.control), failures(s.treatment)
	if control.Hits+treatment.Hits == 0 {
		return ""
	}
	return fmt.Sprintf("; %d of %d had no answer on the control, %d of %d on the treatment, and count as slower",
		control.Hits, control.Trials, treatment.Hits, treatment.Trials)
}

func armless(s sides) string {
	if s.none+s.both == 0 {
		return ""
	}
	return fmt.Sprintf("; %d requests without either version and %d with both belong to no arm", s.none, s.both)
}

func limit(g pitwall.Guardrail) string {
	what := "p99"
	if g.Metric == metricErr {
		what = "error ratio"
	}
	if g.Goal == goalBetter {
		return fmt.Sprintf("%s proven below control by more than %s", what, g.Margin)
	}
	return fmt.Sprintf("%s ≤ control + %s", what, g.Margin)
}

func query(in Input, g pitwall.Guardrail) string {
	return fmt.Sprintf("server spans of %s %q from %s to %s, by the version of %s in the same trace", g.Service, g.Operation,
		in.Period.From.UTC().Format(time.RFC3339), in.Period.To.UTC().Format(time.RFC3339), in.Service)
}

// words prints a measure the way a person says it.
func words(m pitwall.Measure) string {
	switch {
	case !m.Known():
		return "no data"
	case m.Unit == pitwall.UnitRatio:
		return pitwall.Ratio(m.Value).String()
	case m.Value < 1e-3:
		return strings.TrimSpace(fmt.Sprintf("%.0f µs", m.Value*1e6))
	case m.Value < 1:
		return fmt.Sprintf("%.0f ms", m.Value*1e3)
	}
	return fmt.Sprintf("%.2f s", m.Value)
}
