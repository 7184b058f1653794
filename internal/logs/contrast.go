package logs

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/stats"
)

// ChangeKind says how a pattern's rate changed.
type ChangeKind string

// The kinds of change.
const (
	New      ChangeKind = "new" // never before, and not by chance
	Grew     ChangeKind = "grew"
	Shrank   ChangeKind = "shrank"
	Vanished ChangeKind = "vanished"
	Same     ChangeKind = "same"    // no difference beyond chance
	TooFew   ChangeKind = "too-few" // not even all on one side would be beyond chance
)

// PatternChange compares one pattern of one service between two periods.
type PatternChange struct {
	Kind     ChangeKind          `json:"kind"`
	IDs      []string            `json:"ids"` // of the patterns counted together: several when rare ones were alike
	Service  pitwall.ServiceName `json:"service"`
	Severity pitwall.LogSeverity `json:"severity"` // the highest seen
	Template string              `json:"template"`
	Example  string              `json:"example"`
	Before   pitwall.Measure     `json:"before"` // records per second, n the records
	After    pitwall.Measure     `json:"after"`
	Ratio    pitwall.Measure     `json:"ratio"` // of the rates; half a record is added on both sides
	P        float64             `json:"p"`     // two-sided, before the control of false findings
	First    time.Time           `json:"first"` // in either period
	Last     time.Time           `json:"last"`
}

// Named says whether the change is a finding.
func (c PatternChange) Named() bool { return c.Kind != Same && c.Kind != TooFew }

// Comparison is two sets of patterns, as LogReader.LogPatterns gives them, with
// how long each was counted.
type Comparison struct {
	Before, After       []pitwall.LogPattern
	BeforeFor, AfterFor time.Duration
	// Phi is how much more a pattern's counts per minute vary than independent
	// records would (stats.CountDispersion), by pattern id; below 1 and missing
	// mean 1. One failing request often writes ten lines: then it is 10.
	Phi map[string]float64
}

const (
	falseShare = 0.05 // of findings that may be false, on average
	errorShare = 0.9  // of that allowance, what patterns at error severity have
	leastRatio = 1.25 // a smaller change is not worth a name, however certain
	confidence = 0.95 // of intervals
	tooFewP    = 0.01 // a pattern is tested if it can reach this p at all
)

// Contrast tells which patterns are new, grew, shrank or vanished: findings
// first, errors before the rest and new before grown, then by how many more
// records a second there are. Patterns are counted over all versions of a
// service, so that a deploy compares old with new. Nothing is compared when a
// period has no length.
//
// The test is exact: given n records of a pattern in both periods, those in the
// second are binomial with the share of time it has. Benjamini and Hochberg's
// procedure keeps false findings to 5 %, with most of the allowance given to
// errors, which are few and matter most (weights as in Genovese, Roeder and
// Wasserman 2006).
func Contrast(before, after []pitwall.LogPattern, beforeFor, afterFor time.Duration) []PatternChange {
	return Comparison{Before: before, After: after, BeforeFor: beforeFor, AfterFor: afterFor}.Changes()
}

// Changes is Contrast with the dispersion of each pattern taken into account.
func (c Comparison) Changes() []PatternChange {
	if c.BeforeFor <= 0 || c.AfterFor <= 0 {
		return nil
	}
	t := test{share: c.AfterFor.Seconds() / (c.BeforeFor.Seconds() + c.AfterFor.Seconds()), before: c.BeforeFor, after: c.AfterFor}
	groups := c.groups()
	for i := range groups {
		groups[i].p, groups[i].tested = t.p(&groups[i])
	}
	groups = mergeRare(groups)
	for i := range groups {
		groups[i].p, groups[i].tested = t.p(&groups[i])
	}
	limit := discoveries(groups)
	changes := make([]PatternChange, len(groups))
	for i := range groups {
		changes[i] = t.change(&groups[i], limit)
	}
	slices.SortFunc(changes, compare)
	return changes
}

// test is what all groups are tested with.
type test struct {
	share         float64 // of both periods, what the second is
	before, after time.Duration
}

// p is the two-sided p-value of a group. With dispersion phi n records count as
// n/phi. tested is false when it could not be small whatever the records did,
// which their number alone decides.
func (t test) p(g *group) (p float64, tested bool) {
	after := int64(math.Round(float64(g.after) / g.phi))
	n := after + int64(math.Round(float64(g.before)/g.phi))
	if 2*math.Pow(min(t.share, 1-t.share), float64(n)) > tooFewP {
		return 1, false
	}
	return stats.BinomialP(after, n, t.share), true
}

// discoveries weighs the groups and gives the largest weighted p that is a
// finding, or -1.
func discoveries(groups []group) float64 {
	errors, rest := 0.0, 0.0
	for _, g := range groups {
		switch {
		case g.tested && g.severity >= pitwall.SeverityError:
			errors++
		case g.tested:
			rest++
		}
	}
	tests := errors + rest
	errorWeight, restWeight := 1.0, 1.0
	if rest > 0 && errors > 0 && errors < errorShare*tests {
		errorWeight, restWeight = errorShare*tests/errors, (1-errorShare)*tests/rest
	}
	var ps []float64
	for i := range groups {
		g := &groups[i]
		g.weighted = g.p / restWeight
		if g.severity >= pitwall.SeverityError {
			g.weighted = g.p / errorWeight
		}
		if g.tested {
			ps = append(ps, g.weighted)
		}
	}
	slices.Sort(ps)
	for i := len(ps) - 1; i >= 0; i-- {
		if ps[i] <= falseShare*float64(i+1)/tests {
			return ps[i]
		}
	}
	return -1
}

// change words a group as a finding, or as none.
func (t test) change(g *group, limit float64) PatternChange {
	ratio := stats.ShareRatio(t.hits(g.before, t.before), t.hits(g.after, t.after), g.phi, confidence)
	c := PatternChange{
		IDs: g.ids, Service: g.service, Severity: g.severity, Template: g.template, Example: g.example,
		Before: rate(g.before, t.before, g.phi), After: rate(g.after, t.after, g.phi),
		Ratio: pitwall.Measure{
			Value: math.Exp(ratio.Value), Low: math.Exp(ratio.Low), High: math.Exp(ratio.High), Unit: pitwall.UnitTimes, N: g.before + g.after,
		},
		P: g.p, First: g.first, Last: g.last,
	}
	switch {
	case !g.tested:
		c.Kind = TooFew
	case g.weighted > limit || math.Abs(ratio.Value) < math.Log(leastRatio):
		c.Kind = Same
	case g.before == 0:
		c.Kind = New
	case g.after == 0:
		c.Kind = Vanished
	case ratio.Value > 0:
		c.Kind = Grew
	default:
		c.Kind = Shrank
	}
	return c
}

// hits takes a period as so many nanoseconds, in each of which a record may
// come: then shares are rates.
func (t test) hits(n int64, d time.Duration) stats.Share {
	return stats.Share{Hits: n, Trials: int64(d)}
}

// rate is records per second with the score interval.
func rate(n int64, d time.Duration, phi float64) pitwall.Measure {
	second := float64(time.Second)
	low, high := stats.Wilson(int64(math.Round(float64(n)/phi)), int64(float64(d)/phi), confidence)
	return pitwall.Measure{Value: float64(n) / d.Seconds(), Low: low * second, High: high * second, Unit: pitwall.UnitPerSecond, N: n}
}

// compare puts findings first, errors before warnings before the rest, new
// before grown before gone, then the greatest difference.
func compare(x, y PatternChange) int {
	excess := func(c PatternChange) float64 { return math.Abs(c.After.Value - c.Before.Value) }
	return cmp.Or(
		cmp.Compare(rank(x), rank(y)), cmp.Compare(excess(y), excess(x)),
		cmp.Compare(x.Service, y.Service), cmp.Compare(x.Template, y.Template), cmp.Compare(y.Severity, x.Severity),
	)
}

func rank(c PatternChange) int {
	severity := 2
	switch {
	case c.Severity >= pitwall.SeverityError:
		severity = 0
	case c.Severity >= pitwall.SeverityWarn:
		severity = 1
	}
	switch c.Kind {
	case New:
		return 4*severity + 0
	case Grew:
		return 4*severity + 1
	case Vanished:
		return 4*severity + 2
	case Shrank:
		return 4*severity + 3
	case Same:
		return 12
	default:
		return 13
	}
}
