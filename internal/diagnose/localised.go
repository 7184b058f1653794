package diagnose

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose/excess"
	"github.com/pitwall/pitwall/internal/diagnose/fold"
)

// The checks of measurements alone: whether there is anything to explain, and
// who added it.
const (
	checkIndicator     = "indicator"
	checkContributions = "contributions"
)

// accounts shares the increase of the indicator out, once, and hands its
// numbers to the words that are told of every diagnosis.
func (x *inquiry) accounts() *excess.Account {
	if x.sums != nil {
		return x.sums
	}
	q := excess.Question{
		Service: x.q.headline().Service, Signal: x.q.Regression.Signal, Metric: x.q.Alarm.Metric,
		Baseline: x.q.Baseline, Window: x.q.Window,
	}
	a := excess.Localise(x.answers[idMeasured].Measured, x.answers[idTopology].Topology, q, x.look().moves)
	x.sums = &a
	if a.Gate.State == excess.Worse && a.Increase > 0 {
		shift := fold.Shift{
			Before: a.Gate.Before, After: a.Gate.Before + a.Increase, N0: int64(a.Gate.N0), N1: int64(a.Gate.N1), Known: true, Beyond: true,
		}
		if x.errors = a.Failures; x.errors {
			x.failed = shift
		} else {
			x.latency = shift
		}
	}
	return x.sums
}

// indicatorMoved is the gate: a cause of nothing is not looked for.
func indicatorMoved(x *inquiry) result {
	a := x.accounts()
	switch a.Gate.State {
	case excess.Unknown:
		return skipped(a.Gate.Reason)
	case excess.Still:
		return clear(x.tellGate())
	}
	// A hit without a finding: it says that there is a question, not an answer.
	return result{outcome: pitwall.OutcomeHit, reason: x.tellGate(), evidence: []pitwall.Evidence{x.gateEvidence()}}
}

// tellGate says the judgement with value, limit and number.
func (x *inquiry) tellGate() string {
	g := x.accounts().Gate
	word := x.inUnit()
	what := fmt.Sprintf("%s of %s", x.indicator(), g.Service)
	rows := fmt.Sprintf("n=%d → %d rows", g.N0, g.N1)
	if g.State == excess.Still {
		if !math.IsNaN(g.P) && g.P <= 1.0/20 {
			return fmt.Sprintf("%s has bad rows, but what they add is no more than chance does to as few (up to %s; %s)", what, word(g.Chance), rows)
		}
		return fmt.Sprintf("%s was at most %s off what is normal, and up to %s is (%s)", what, word(math.Max(0, g.Value)), word(g.Limit), rows)
	}
	s := fmt.Sprintf("%s %s → %s since %s (%s)", what, word(g.Before), word(g.After), clock(g.Onset.At), rows)
	switch {
	case g.Witness != "":
		s += fmt.Sprintf("; alone that would prove nothing, but %s added more in these rows than ever before", g.Witness)
	case !math.IsNaN(g.P):
		s += fmt.Sprintf("; %s of %d normal windows as long had as much", percent(g.P), g.Windows)
	}
	return s
}

// indicator names what was judged.
func (x *inquiry) indicator() string {
	a := x.accounts()
	switch {
	case a.Failures:
		return "the share of failures"
	case strings.HasSuffix(a.Gate.Metric, "latency_seconds") && a.Gate.Stat == "avg":
		return "the mean latency"
	case strings.HasSuffix(a.Gate.Metric, "latency_seconds"):
		return a.Gate.Stat + " of the latency"
	}
	return seriesName(excess.Move{Metric: a.Gate.Metric, Stat: a.Gate.Stat})
}

// inUnit words a number of the indicator.
func (x *inquiry) inUnit() func(float64) string {
	a := x.accounts()
	if a.Failures {
		return percent
	}
	return amountOf(excess.Move{Metric: a.Gate.Metric, Stat: a.Gate.Stat})
}

func (x *inquiry) gateEvidence() pitwall.Evidence {
	g := x.accounts().Gate
	e := pitwall.Evidence{Check: checkIndicator, Service: g.Service, Claim: x.tellGate()}
	e.Before, e.After = fold.Shift{Before: g.Before, After: g.After, N0: int64(g.N0), N1: int64(g.N1), Known: true}.Measures(x.unit())
	return e
}

func (x *inquiry) unit() pitwall.Unit {
	if x.accounts().Failures {
		return pitwall.UnitRatio
	}
	return pitwall.UnitSeconds
}

// tellsLeast is the share of the increase below which a component is no
// candidate: a tenth, as for places that requests were followed to.
const tellsLeast = leastShare

// addedBy makes a finding of every component that added something.
func addedBy(x *inquiry) result {
	a := x.accounts()
	switch {
	case a.Gate.State == excess.Unknown:
		return skipped(a.Gate.Reason)
	case a.Gate.State == excess.Still:
		return clear("there is nothing to share out")
	case len(a.Shares) == 0:
		return clear(cmp.Or(a.Missing, "nothing stands out of its own normal variation"))
	}
	var found []*finding
	for i, s := range a.Shares {
		if len(found) == mostHypotheses || i >= 3 && s.Share < tellsLeast {
			break
		}
		found = append(found, x.shareFinding(s))
	}
	r := hits(found, "")
	if a.Missing != "" {
		r.reason = fmt.Sprintf("%s, so what moved is told in the order of time: %s", a.Missing, r.reason)
	}
	return r
}

// shareFinding words one component's part.
func (x *inquiry) shareFinding(s excess.Share) *finding {
	f := &finding{
		check: checkContributions, class: x.symptom(), at: fold.Operation{Service: s.Service}, explained: s.Explained,
		failures: x.errors, share: min(1, s.Share),
	}
	a := x.accounts()
	if a.Failures {
		f.class = pitwall.BottleneckErrors
	} else if a.Method == excess.ByAccount {
		f.class = pitwall.BottleneckLatency
	}
	if a.Method == excess.ByOnset {
		f.weak = "only the order of time speaks for it"
		f.claim = fmt.Sprintf("%s moved first of what is measured: %s", s.Service, wordMove(s.Moved[0]))
	} else {
		f.claim = x.tellShare(s)
		f.shift = fold.Shift{Before: s.Before, After: s.After, N0: int64(a.Gate.N0), N1: int64(a.Gate.N1), Known: !math.IsNaN(s.Before + s.After), Beyond: true}
	}
	e := pitwall.Evidence{Check: checkContributions, Service: s.Service, Claim: f.claim}
	if f.shift.Known {
		e.Before, e.After = f.shift.Measures(x.unit())
		f.signal.Before, f.signal.After = e.Before, e.After
	}
	f.evidence = append(f.evidence, e)
	for _, m := range s.Moved[:min(3, len(s.Moved))] {
		f.evidence = append(f.evidence, seriesEvidence(checkContributions, m))
	}
	f.signal.Service = s.Service
	f.signal.Name, f.signal.Field = fmt.Sprintf("mean latency of %s", s.Service), "duration"
	if x.errors {
		f.signal.Name, f.signal.Field = fmt.Sprintf("share of failures of %s", s.Service), "errors"
	}
	f.disproof = fmt.Sprintf("If %s is back to normal", s.Service) + troubleStays
	return f
}

// tellShare says what a component added: "payments takes 210 ms → 504 ms a
// call; its own part is 58 ms of 60 ms that a request of web takes longer".
func (x *inquiry) tellShare(s excess.Share) string {
	a, word := x.accounts(), x.inUnit()
	part := fmt.Sprintf("%s of %s that a request of %s takes longer", word(s.Explained), word(a.Increase), a.Gate.Service)
	if a.Failures {
		part = fmt.Sprintf("%s of %s of the requests of %s that fail besides", word(s.Explained), word(a.Increase), a.Gate.Service)
	}
	if s.Root {
		return fmt.Sprintf("%s adds itself, or calls what is not measured: %s are in none of its callees", s.Service, part)
	}
	switch {
	case math.IsNaN(s.Before) || math.IsNaN(s.After):
		return fmt.Sprintf("%s adds %s", s.Service, part)
	case a.Failures:
		return fmt.Sprintf("%s fails in %s of its calls; its own part is %s", s.Service, between(word, s), part)
	}
	return fmt.Sprintf("%s takes %s a call; its own part is %s", s.Service, between(word, s), part)
}

func between(word func(float64) string, s excess.Share) string {
	return word(s.Before) + " → " + word(s.After)
}

// located joins what was said of a component with what it added: sums say
// where, words say of which kind. What only moved, at a component that added
// nothing, is an effect and stands behind.
func (x *inquiry) located(list []*finding) []*finding {
	a := x.accounts()
	if a.Method != excess.ByAccount || len(a.Shares) == 0 {
		return list
	}
	var sums, rest []*finding
	for _, f := range list {
		if f.check == checkContributions {
			sums = append(sums, f)
		}
	}
	for _, f := range list {
		switch i := slices.IndexFunc(sums, func(s *finding) bool { return x.same(s.at.Service, f.at.Service) }); {
		case f.check == checkContributions:
		case f.check == checkUpstream && f.at.Service != x.q.headline().Service && len(sums) > 0 && !x.same(sums[0].at.Service, f.at.Service):
			// a provider that moved too; another added more
		case f.check != checkWords || i < 0 && f.weak == "":
			rest = append(rest, f)
		case i < 0 || f.weak != "":
			// a symptom without a sum says nothing that the sums do not
		default:
			s := sums[i]
			f.at, f.share, f.explained, f.shift, f.failures = s.at, s.share, s.explained, s.shift, s.failures
			f.evidence = append(slices.Clone(s.evidence[:1]), f.evidence...)
			sums[i] = f
		}
	}
	return append(sums, rest...)
}

// same says that two names are views of one component.
func (x *inquiry) same(a, b pitwall.ServiceName) bool {
	of := func(s pitwall.ServiceName) string {
		for _, c := range x.answers[idTopology].Topology.Services {
			if c.Name == s && c.Component != "" {
				return c.Component
			}
		}
		return string(s)
	}
	return a == b || of(a) == of(b)
}

// shared turns the account into bars; with what is unexplained they sum to the
// increase. Bars are seconds, so failures have none.
func (x *inquiry) shared() (bars []pitwall.Contribution, unexplained float64) {
	a := x.accounts()
	if a.Failures || a.Method != excess.ByAccount || a.Gate.State != excess.Worse {
		return nil, 0
	}
	for _, s := range a.Shares {
		before := s.Before * s.Calls0
		if math.IsNaN(before) {
			before = 0
		}
		bars = append(bars, pitwall.Contribution{
			Service: s.Service, Part: string(partSelf), Before: before, After: before + s.Explained, Delta: s.Explained,
		})
	}
	return bars, a.Unexplained
}

// calm says that there is nothing to explain: the indicator did what it always
// does, and no alert brought a number that says otherwise.
func (x *inquiry) calm() bool {
	return x.accounts().Gate.State == excess.Still && x.q.Alarm.Observed == 0 && x.q.Alarm.Threshold == 0
}
