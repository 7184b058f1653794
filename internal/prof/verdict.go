package prof

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/pitwall/pitwall"
)

// A function that cannot be told from noise is worth a sentence only from this
// change and this p on.
const (
	suspiciousFactor = 1.15
	suspiciousP      = 0.1
)

// verdict says, when nothing is named, what could have hidden: the smallest
// visible change of a function of 5 % of the profile, and the one function that
// more windows would most likely settle. "Nothing named" is then never read as
// "nothing changed".
func (c *comparison) verdict(rows []row) []string {
	var tested []row
	for _, r := range rows {
		if r.Significant {
			return nil
		}
		if r.tested {
			tested = append(tested, r)
		}
	}
	if !c.tested {
		return nil
	}
	if len(tested) == 0 {
		return []string{fmt.Sprintf("inconclusive: no function has the %.0f observations a test needs; record longer or more windows", c.o.MinSamples)}
	}
	count := len(tested)
	out := []string{c.sight(tested)}
	suspects := slices.DeleteFunc(tested, func(r row) bool {
		return r.P > suspiciousP || math.Abs(r.effect) < math.Log(suspiciousFactor)
	})
	if len(suspects) == 0 {
		return out
	}
	r := slices.MinFunc(suspects, func(a, b row) int { // the service's own code first
		return cmp.Or(cmp.Compare(library(a), library(b)), cmp.Compare(a.P, b.P), cmp.Compare(a.Name, b.Name))
	})
	return append(out, fmt.Sprintf("inconclusive: %s moved by %+.0f %% per unit of work (p %.3f), which one of %d tests shows by chance; about %d more windows a side would decide", r.Name, 100*(math.Exp(r.effect)-1), r.P, count, c.moreWindows(r, count)))
}

func library(r row) int {
	if isUser(r.Name) {
		return 0
	}
	return 1
}

// What a comparison should be able to see: a function of a twentieth of the
// profile that grows by 30 %.
const (
	seenPart = 0.05
	seenRise = 0.3
	moreMost = 100_000 // windows; where nothing was sampled any number would do
)

// least is the smallest visible change of a function of seenPart, as a share of
// the profile, and how many windows a side are missing to see it grow by
// seenRise: the smallest visible change falls with the root of the windows.
func (c *comparison) least(tested []row) (change float64, more int) {
	before, after := c.observations()
	change = MDE(seenPart, min(before, after), c.dispersion(tested), len(tested))
	windows := float64(c.windows())
	return change, int(math.Ceil(min(moreMost, max(0, windows*math.Pow(change/(seenPart*seenRise), 2)-windows))))
}

func (c *comparison) observations() (before, after float64) {
	return sum(c.total[:c.base]) / c.quantum, sum(c.total[c.base:]) / c.quantum
}

// windows is how many the shorter side has.
func (c *comparison) windows() int { return min(c.base, len(c.profiles)-c.base) }

// reach says how far these windows can see.
func (c *comparison) reach(rows []row) Sight {
	s := Sight{Before: c.base, After: len(c.profiles) - c.base}
	tested := slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return !r.tested })
	before, after := c.observations()
	switch all := before + after; {
	case len(tested) > 0:
		_, s.More = c.least(tested)
	case all > 0: // a function of seenPart has to reach the observations of a test
		s.More = max(1, int(min(moreMost, float64(c.windows())*(c.o.MinSamples/(seenPart*all)-1))))
	default:
		s.More = moreMost
	}
	return s
}

// sight words what these windows can and cannot show.
func (c *comparison) sight(tested []row) string {
	before, after := c.observations()
	least, more := c.least(tested)
	text := fmt.Sprintf("nothing is named; with %.0f observations before and %.0f after, a function of 5 %% of the profile is seen only once it moves by about %.1f points", before, after, 100*least)
	if more > 0 {
		text += fmt.Sprintf("; to see it grow by 30 %%, about %d more windows a side are needed", more)
	}
	return text
}

// moreWindows is how many windows a side are missing for the effect seen to be
// found with the usual power. The standard error falls with the root of the
// windows, so the distance from no effect, here p as a normal quantile, grows
// with it.
func (c *comparison) moreWindows(r row, tests int) int {
	need := detectable(tests) / distuv.UnitNormal.Quantile(1-r.P/2)
	perSide := 2 / (1/float64(c.base) + 1/float64(len(c.profiles)-c.base))
	return max(1, int(math.Ceil(perSide*need*need-perSide)))
}

// dispersion is by how much windows of one side vary more than independent
// sampling would make them: the median over functions of the variance of the
// rate over what a Poisson count of that mean has.
func (c *comparison) dispersion(rows []row) float64 {
	var phis []float64
	for _, r := range rows {
		for _, side := range [][2]int{{0, c.base}, {c.base, len(c.profiles)}} {
			rates, weights := r.rates[side[0]:side[1]], c.weight[side[0]:side[1]]
			inverse := 0.0
			for _, w := range weights {
				inverse += 1 / w / float64(len(weights))
			}
			if m := mean(rates); m > 0 && len(rates) > 1 {
				phis = append(phis, stat.Variance(rates, nil)/(m*c.quantum*inverse))
			}
		}
	}
	return median(phis)
}

// CPUPerRequest is the whole CPU time per request of windows with a request
// count, in seconds; N is the number of requests, so it is unknown without any.
func CPUPerRequest(windows []pitwall.ProfileWindow) (pitwall.Measure, error) {
	m := pitwall.Measure{Unit: pitwall.UnitCPUPerReq}
	folded, err := Fold(windows)
	if err != nil {
		return m, err
	}
	total := 0.0
	for _, w := range folded {
		if w.Requests > 0 {
			total += w.Total
			m.N += w.Requests
		}
	}
	if m.N > 0 {
		m.Value = total / float64(m.N)
	}
	return m, nil
}
