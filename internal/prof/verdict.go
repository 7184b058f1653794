package prof

import (
	"cmp"
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/pitwall/pitwall"
)

// Answer is what a comparison comes to.
type Answer string

// The answers. "Same" is said only where a change that matters would have been
// seen; where it would not, the answer is inconclusive.
const (
	Changed      Answer = "changed"
	Same         Answer = "same"
	Inconclusive Answer = "inconclusive"
	NoData       Answer = "no-data"
)

// Verdict is the answer of a comparison, and how far it can be relied on.
type Verdict struct {
	Answer Answer `json:"answer"`
	Text   string `json:"text"` // one or two sentences with the numbers
	// Grew says that a function, a family or the whole costs more than before.
	Grew bool `json:"grew"`
	// More is about how many more windows a side the answer needs: to settle
	// Suspect, or to see a change that matters. 0 when none are needed.
	More int `json:"more_windows"`
	// Suspect is the function that moved most surely and yet could have by
	// chance; empty: none did.
	Suspect string `json:"suspect,omitempty"`
}

// Sight is how far a comparison could see. "Nothing named" says that nothing
// changed only as far as this.
type Sight struct {
	Before int `json:"windows_before"` // windows compared on each side
	After  int `json:"windows_after"`
	// Observations of each side: samples of CPU, waits, allocations.
	ObservedBefore float64 `json:"observed_before"`
	ObservedAfter  float64 `json:"observed_after"`
	// Least is the smallest change that would have been seen with probability
	// 0.8, of a function that is Part of the profile: a share of that function's
	// cost, so 0.5 is half as much again. +Inf without a test is left out.
	Part  float64 `json:"part"`
	Least float64 `json:"least,omitempty"`
	// Dispersion is by how much windows vary more than independent samples would.
	Dispersion float64 `json:"dispersion,omitempty"`
	Tests      int     `json:"tests"` // nodes tested
	// More is about how many more windows a side would show such a function grow
	// by as much as matters (see Options); 0: these would have.
	More int `json:"more_windows"`
}

const (
	moreMost    = 100_000 // windows; where nothing was sampled any number would do
	suspiciousQ = 0.5     // false discovery rate: a suspect is at least as likely real as not
	suspiciousP = 0.1
)

// reach says how far these windows can see.
func (c *comparison) reach(functions []row) Sight {
	s := Sight{Before: c.base, After: len(c.total) - c.base, Part: c.o.Part}
	s.ObservedBefore, s.ObservedAfter = sum(c.total[:c.base])/c.quantum, sum(c.total[c.base:])/c.quantum
	for _, r := range functions {
		if r.tested {
			s.Tests++
		}
	}
	windows := float64(min(s.Before, s.After))
	all := s.ObservedBefore + s.ObservedAfter
	switch {
	case s.Tests > 0 && min(s.ObservedBefore, s.ObservedAfter) > 0:
		s.Dispersion = c.prior.scale
		s.Least = MDE(s.Part, min(s.ObservedBefore, s.ObservedAfter), s.Dispersion, s.Tests) / s.Part
		// The smallest visible change falls with the root of the windows.
		s.More = more(windows*math.Pow(s.Least/c.o.Rise, 2) - windows)
	case all > 0: // such a function has to reach the observations of a test
		s.More = max(1, more(windows*(c.o.MinSamples/(s.Part*all)-1)))
	default:
		s.More = moreMost
	}
	return s
}

// more rounds a number of windows up.
func more(windows float64) int {
	return int(math.Ceil(min(moreMost, max(0, windows))))
}

// conclude words the answer.
func (c *comparison) conclude(d Comparison, functions []row) Verdict {
	s := d.Sight
	switch {
	case s.ObservedBefore+s.ObservedAfter == 0:
		return Verdict{Answer: NoData, More: s.More, Text: fmt.Sprintf("no data: not one observation in %d windows before and %d after", s.Before, s.After)}
	case !c.tested:
		return Verdict{Answer: Inconclusive, More: max(1, c.o.MinWindows-min(s.Before, s.After)), Text: fmt.Sprintf(
			"inconclusive: %d windows before and %d after are too few for a test; at least %d a side are needed, 8 are good", s.Before, s.After, c.o.MinWindows)}
	case s.Tests == 0:
		return Verdict{Answer: Inconclusive, More: s.More, Text: fmt.Sprintf(
			"inconclusive: no function has the %.0f observations a test needs; about %s a side, or longer ones", c.o.MinSamples, moreWindows(s.More))}
	}
	if v, ok := c.changed(d); ok {
		return v
	}
	v := Verdict{Answer: Same, More: s.More}
	if r := c.suspect(functions); r != nil {
		v.Answer, v.Suspect, v.More = Inconclusive, r.Name, max(1, c.settles(*r, s.Tests))
		v.Text = fmt.Sprintf("inconclusive: %s moved by %+.0f %% (%s), which one of %d functions may do by chance; %s a side would settle it. %s",
			r.Name, 100*(math.Exp(r.effect)-1), pText(c.doubt(*r)), s.Tests, moreWindows(v.More), c.sight(s))
		return v
	}
	if s.More > 0 {
		v.Answer = Inconclusive
		v.Text = fmt.Sprintf("inconclusive: nothing stands out, but %s a side are needed to see a function of %.0f %% of the profile grow by %.0f %%. %s",
			moreWindows(s.More), 100*s.Part, 100*c.o.Rise, c.sight(s))
		return v
	}
	v.Text = "same: nothing stands out. " + c.sight(s)
	return v
}

func moreWindows(n int) string {
	switch {
	case n >= moreMost:
		return "far more windows than anybody would record"
	case n == 1:
		return "1 more window"
	}
	return fmt.Sprintf("%d more windows", n)
}

// changed is the verdict when something is named; ok is false when nothing is.
func (c *comparison) changed(d Comparison) (v Verdict, ok bool) {
	v = Verdict{Answer: Changed}
	var list []string
	for _, f := range d.Frames {
		if f.Significant {
			v.Grew = v.Grew || f.After > f.Before
			list = append(list, f.Name)
		}
	}
	families := 0
	for _, f := range d.Families {
		if f.Significant {
			families++
			v.Grew = v.Grew || f.After > f.Before
			if len(list) == 0 {
				list = append(list, "the family "+f.Name)
			}
		}
	}
	whole := c.whole.Significant
	v.Grew = v.Grew || whole && c.whole.change() > 0
	switch {
	case len(list) > 0:
		v.Text = fmt.Sprintf("changed: %s first, of %d named. %s", list[0], max(len(list), families), c.sight(d.Sight))
	case whole:
		v.Text = c.allAlike() + " " + c.sight(d.Sight)
	default:
		return v, false
	}
	return v, true
}

// allAlike words a change of the whole in which no function is named.
func (c *comparison) allAlike() string {
	by, p := 100*(math.Exp(c.whole.effect)-1), pText(c.whole.P)
	if by < 0 {
		return fmt.Sprintf("changed: everything costs %.0f %% less (%s), and no single function stands out: a less busy machine, or requests that bring less to do.", -by, p)
	}
	return fmt.Sprintf("changed: everything costs %.0f %% more (%s), and no single function stands out: a busier machine, or requests that bring more to do.", by, p)
}

// pText prints a p with as many digits as mean anything.
func pText(p float64) string {
	if p < 0.001 {
		return "p < 0.001"
	}
	return fmt.Sprintf("p %.3f", p)
}

// sight words what these windows can and cannot show.
func (c *comparison) sight(s Sight) string {
	return fmt.Sprintf("With %.0f observations before and %.0f after, a function of %.0f %% of the profile is seen once it moves by %.0f %%.",
		s.ObservedBefore, s.ObservedAfter, 100*s.Part, 100*s.Least)
}

// suspect is the tested function that more windows would most likely settle,
// the service's own first; nil when none is suspicious.
func (c *comparison) suspect(functions []row) *row {
	var ps []float64
	for _, r := range functions {
		if r.tested {
			ps = append(ps, c.doubt(r))
		}
	}
	limit := min(suspiciousP, discoveries(ps, suspiciousQ))
	var best *row
	for i := range functions {
		r := &functions[i]
		if !r.tested || c.doubt(*r) > limit {
			continue
		}
		if best == nil || cmp.Or(cmp.Compare(library(*r), library(*best)), cmp.Compare(c.doubt(*r), c.doubt(*best)), cmp.Compare(r.Name, best.Name)) < 0 {
			best = r
		}
	}
	return best
}

// doubt is the p of a row that counts: of CPU, it must be more of the whole too.
func (c *comparison) doubt(r row) float64 {
	if c.kind == pitwall.ProfileCPU {
		return max(r.P, r.share.p)
	}
	return r.P
}

func library(r row) int {
	if isUser(r.Name) {
		return 0
	}
	return 1
}

// settles is how many windows a side are missing for the effect seen to be
// found with the usual power: the distance from no effect, here p as a normal
// quantile, grows with the root of the windows.
func (c *comparison) settles(r row, tests int) int {
	need := detectable(tests) / distuv.UnitNormal.Quantile(1-c.doubt(r)/2)
	perSide := 2 / (1/float64(c.base) + 1/float64(len(c.total)-c.base))
	return more(perSide*need*need - perSide)
}
