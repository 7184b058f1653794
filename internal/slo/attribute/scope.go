package attribute

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/stats"
)

const (
	// None is the value of what does not tell the dimension.
	None = "(none)"
	// Other is the value of everything after the first Top.
	Other = "(other)"
	// DefaultTop is how many values are named unless asked otherwise.
	DefaultTop = 10

	confidence = 0.95
	formula    = "of bad = bad of the value / bad told apart (95 % by Wilson); excess = bad − bad told apart × its share of the events; " +
		"spent = budget spent × bad of the value / bad of the window"
)

// Scope is whose budget is told apart, and when.
type Scope struct {
	SLO pitwall.SLO
	// Budget is the objective's, over its window: what Spent is a share of.
	Budget pitwall.ErrorBudget
	// Period is what is looked at; zero: the budget's window.
	Period pitwall.Period
	// Ledger is what the ledger counted in Period; zero: the budget's counts,
	// if Period is zero too.
	Ledger pitwall.Counts
	Top    int // values that are named; 0: DefaultTop
}

func (s Scope) period() pitwall.Period {
	if s.Period.IsZero() {
		return s.Budget.Window
	}
	return s.Period
}

func (s Scope) ledger() pitwall.Counts {
	if s.Period.IsZero() && s.Ledger.Total() == 0 {
		return s.Budget.Counts
	}
	return s.Ledger
}

// part is what one value counts. Of a source that is coarse the bad events are
// only known to lie between low and high.
type part struct {
	value     string
	counts    pitwall.Counts
	low, high uint64
}

// exact makes parts of counts that are known.
func exact(by map[string]pitwall.Counts) []part {
	parts := make([]part, 0, len(by))
	for value, c := range by {
		parts = append(parts, part{value: value, counts: c, low: c.Bad, high: c.Bad})
	}
	return parts
}

// attribution words parts as shares: the most bad events first, what is beyond
// the first Top in one, in last place.
func (s Scope) attribution(dimension string, parts []part, notes ...string) pitwall.Attribution {
	a := pitwall.Attribution{SLO: s.SLO.Name, Dimension: dimension, Period: s.period(), Shares: []pitwall.Share{},
		Maths: pitwall.Maths{Formula: formula, Period: s.period(), Query: s.Budget.Maths.Query, At: s.Budget.At}}
	parts = s.fold(parts)
	var all part
	for _, p := range parts {
		all.counts, all.low, all.high = all.counts.Add(p.counts), all.low+p.low, all.high+p.high
	}
	for _, p := range parts {
		a.Shares = append(a.Shares, s.share(p, all))
	}
	a.Maths.Good, a.Maths.Bad = all.counts.Good, all.counts.Bad
	note := ""
	a.Covered, note = s.covered(all.counts.Bad)
	if s.SLO.Budgeting == pitwall.Timeslices || s.SLO.Budgeting == pitwall.RatioTimeslices {
		notes = append(notes, "the budget counts slices of time; spent is shared out by bad events")
	}
	for _, n := range append(notes, note) {
		if n != "" && a.Note != "" {
			a.Note += "; "
		}
		a.Note += n
	}
	return a
}

// fold sorts parts and puts those after the first Top into one.
func (s Scope) fold(parts []part) []part {
	parts = slices.Clone(parts)
	slices.SortFunc(parts, func(a, b part) int {
		return cmp.Or(cmp.Compare(b.counts.Bad, a.counts.Bad), cmp.Compare(b.counts.Total(), a.counts.Total()), cmp.Compare(a.value, b.value))
	})
	top := s.Top
	if top <= 0 {
		top = DefaultTop
	}
	if len(parts) <= top+1 { // a rest of one has its own name
		return parts
	}
	rest := part{value: Other}
	for _, p := range parts[top:] {
		rest.counts, rest.low, rest.high = rest.counts.Add(p.counts), rest.low+p.low, rest.high+p.high
	}
	return append(parts[:top], rest)
}

// share is one value beside all of them. Where the bad events are known only
// within bounds, the interval goes from the least the value can have, all
// others having the most, to the reverse.
func (s Scope) share(p, all part) pitwall.Share {
	out := pitwall.Share{Value: p.value, Counts: p.counts}
	if all.counts.Bad > 0 {
		out.OfBad = pitwall.Ratio(float64(p.counts.Bad) / float64(all.counts.Bad))
	}
	low, _ := stats.Wilson(int64(p.low), int64(p.low+all.high-p.high), confidence)
	_, high := stats.Wilson(int64(p.high), int64(p.high+all.low-p.low), confidence)
	out.OfBadLow, out.OfBadHigh = pitwall.Ratio(low), pitwall.Ratio(high)
	if total := all.counts.Total(); total > 0 {
		out.Excess = float64(p.counts.Bad) - float64(all.counts.Bad)*float64(p.counts.Total())/float64(total)
	}
	if bad := s.Budget.Counts.Bad; bad > 0 && s.Budget.Known {
		out.Spent = s.Budget.Spent * pitwall.Ratio(float64(p.counts.Bad)/float64(bad))
	}
	return out
}

// covered is the share of the ledger's bad events that is told apart.
func (s Scope) covered(bad uint64) (pitwall.Ratio, string) {
	known := s.ledger().Bad
	switch {
	case known == 0 && bad == 0:
		return 1, "nothing bad was counted"
	case known == 0:
		return 0, fmt.Sprintf("the ledger counts nothing bad, yet %d bad events are told apart: they lie in a correction, or came too late to count", bad)
	case bad > known:
		return 1, fmt.Sprintf("%d bad events are told apart, %d are in the ledger: the rest lies in a correction, or came too late to count", bad, known)
	}
	share := pitwall.Ratio(float64(bad) / float64(known))
	if bad < known {
		return share, fmt.Sprintf("of %d bad events %d are not told apart", known, known-bad)
	}
	return share, ""
}

// named keeps a value from being taken for one of ours.
func named(value string) string {
	switch value {
	case "":
		return None
	case None, Other:
		return strconv.Quote(value)
	}
	return value
}

// settle chooses bad events within every part's bounds so that they add up to
// what the ledger knows, or as near as the bounds let them: every part goes the
// same share of its way from low to high.
func settle(parts []part, known uint64) {
	var low, high uint64
	for _, p := range parts {
		low, high = low+p.low, high+p.high
	}
	known = min(max(known, low), high)
	if high == low {
		return
	}
	way := float64(known-low) / float64(high-low)
	carry := 0.0 // what rounding has left over, so that the sum is exact
	given := low
	for i := range parts {
		p := &parts[i]
		want := way*float64(p.high-p.low) + carry
		more := min(uint64(max(0, math.Round(want))), p.high-p.low, known-given)
		carry = want - float64(more)
		given += more
		p.counts = pitwall.Counts{Good: p.counts.Total() - p.low - more, Bad: p.low + more}
	}
	for i := range parts { // and what binary fractions still owe
		p := &parts[i]
		more := min(known-given, p.high-p.counts.Bad)
		given += more
		p.counts.Good, p.counts.Bad = p.counts.Good-more, p.counts.Bad+more
	}
}
