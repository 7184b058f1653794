package objectives

import (
	"math"
	"slices"
	"strconv"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/objectives/openslo"
	"github.com/pitwall/pitwall/internal/strict"
)

// composite reads an object whose objectives bring their own indicators: each
// becomes a member, and the object becomes what they add up to. Members only
// inform about their burn; the composite is what pages.
func (r *reader) composite(it item, base pitwall.SLO, goals []openslo.Field) []pitwall.SLO {
	method := pitwall.CompositeWeighted
	if a := it.Annotation(AnnotComposite); a.Has() {
		known := []string{string(pitwall.CompositeWeighted), string(pitwall.CompositeJourney), string(pitwall.CompositeSlices)}
		method = pitwall.CompositeMethod(a.Text())
		if !slices.Contains(known, a.Text()) {
			r.wrong(it.Object, a, "one of weighted, journey, slices", "annotation %s is %q%s", AnnotComposite, a.Text(), strict.Nearest(a.Text(), known))
		}
	}
	if method == pitwall.CompositeSlices && base.Budgeting != pitwall.Timeslices {
		r.wrong(it.Object, it.Annotation(AnnotComposite), "write budgetingMethod: Timeslices", "a composite of slices needs slices")
	}
	whole := base
	whole.SLI = pitwall.SLI{Kind: pitwall.SLIComposite, Service: base.Service, Composite: &pitwall.Composite{Method: method},
		Standard: it.Annotation(AnnotStandard).Text()}
	names := r.names(it, goals)
	if len(goals) == 1 {
		names[0] += "-0" // the composite has the name itself
	}
	var members []pitwall.SLO
	for i, goal := range goals {
		m := base
		m.Name, m.PartOf = pitwall.SLOName(names[i]), base.Name
		m.DisplayName, m.Description = goal.Get("displayName").Text(), ""
		r.goal(it, &m, goal, goal)
		weight, ok := goal.Get("compositeWeight").Number()
		if !ok {
			weight = 1
		}
		whole.SLI.Composite.Members = append(whole.SLI.Composite.Members, pitwall.Member{SLO: m.Name, Weight: weight})
		if whole.Slices == nil {
			whole.Slices = m.Slices
		}
		members = append(members, m)
	}
	whole.Target = r.wholeTarget(it, method, members, whole.SLI.Composite.Members)
	r.tiers(it, &whole)
	for i := range members {
		members[i].Preset = whole.Preset
		members[i].Tiers = informing(whole.Tiers)
	}
	return append([]pitwall.SLO{whole}, members...)
}

// wholeTarget is what a composite as a whole must reach. If it is not given:
// weighted, the mean of the members' targets by weight; a journey, their
// product; slices, the lowest of them.
func (r *reader) wholeTarget(it item, method pitwall.CompositeMethod, members []pitwall.SLO, weights []pitwall.Member) pitwall.Ratio {
	if a := it.Annotation(AnnotTarget); a.Has() {
		v, err := strconv.ParseFloat(a.Text(), 64)
		if err != nil || !(v > 0 && v < 1) {
			r.wrong(it.Object, a, "a ratio in quotes, such as \"0.999\"", "annotation %s is %q", AnnotTarget, a.Text())
		}
		return pitwall.Ratio(v)
	}
	product, lowest, sum, all := 1.0, 1.0, 0.0, 0.0
	for i, m := range members {
		t := float64(m.Target)
		product, lowest = product*t, min(lowest, t)
		sum, all = sum+weights[i].Weight*t, all+weights[i].Weight
	}
	v := sum / all
	switch method {
	case pitwall.CompositeJourney:
		v = product
	case pitwall.CompositeSlices:
		v = lowest
	}
	return pitwall.Ratio(math.Round(v*1e9) / 1e9) // a decimal that a person can print
}

// informing keeps the burn tiers of a composite for its members, which inform
// and do nothing else.
func informing(tiers []pitwall.BurnTier) []pitwall.BurnTier {
	var list []pitwall.BurnTier
	for _, t := range tiers {
		if cond(t) != pitwall.WhenBurn {
			continue
		}
		t.Action, t.OpensPlan, t.Halt = pitwall.ActionInform, false, pitwall.HaltNone
		list = append(list, t)
	}
	return list
}
