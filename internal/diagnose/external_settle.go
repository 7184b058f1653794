package diagnose

import (
	"cmp"
	"slices"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose/blame"
)

// settle orders what measurements, words and checks of the outside found, and
// blames changes: an explanation from outside that stands against the changes,
// then what is spoken of at the origin, then who added most.
func (x *inquiry) settle(list []*finding) []*finding {
	x.attribute(list)
	for _, f := range list {
		if f.external && f.blamed != nil {
			f.external, f.level = false, 0 // somebody changed just that
		}
		x.reclass(f)
	}
	best := 0
	for _, f := range list {
		if !f.external && f.blamed != nil {
			best = max(best, f.blamed.strength)
		}
	}
	slices.SortStableFunc(list, func(a, b *finding) int {
		return cmp.Or(cmp.Compare(tier(a, best), tier(b, best)), cmp.Compare(b.level, a.level), cmp.Compare(b.proof(), a.proof()))
	})
	for i, f := range list {
		if i > 0 && f.blamed != nil && f.blamed.strength < touchStrong {
			f.blamed = nil // a guess below a guess helps nobody
		}
	}
	if len(list) > 0 && list[0].external {
		for _, f := range list {
			f.blamed = nil // what came from outside, no change did
		}
	}
	return list
}

// proof is how strongly a change touches what a finding is about; what is less
// than strong does not decide between places.
func (f *finding) proof() int {
	if f.blamed == nil || f.blamed.strength < touchStrong {
		return 0
	}
	return f.blamed.strength
}

// tier is the place of a finding among the others, the least first. best is
// the strength of the strongest change that is blamed for anything.
func tier(f *finding, best int) int {
	switch {
	case f.external && f.level >= isSo && best < touchNamed, f.external && best < touchStrong:
		return 0
	case f.blamed != nil && f.blamed.strength >= touchOperation:
		return 1
	case f.check == checkWords && f.weak == "":
		return 2
	case f.external:
		return 4
	}
	return 3
}

// reclass lets the mechanism that is blamed choose between classes that are
// spoken of as clearly: a pool that is made smaller and waited for is no matter
// of the database behind it.
func (x *inquiry) reclass(f *finding) {
	if f.blamed == nil || f.blamed.strength < touchStrong || f.external {
		return
	}
	r := x.look().reads[f.blamed.change.ID]
	causes := func(c pitwall.Bottleneck) blame.Force {
		best := blame.Cannot
		for _, t := range r.Touches {
			best = max(best, t.Causes(c))
		}
		return best
	}
	if causes(f.class) == blame.Typical {
		return
	}
	for _, s := range f.seen {
		if s.weight >= f.seen[0].weight && causes(s.class) == blame.Typical {
			f.class = s.class
			return
		}
	}
}
