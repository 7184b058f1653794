package playbook

import (
	"cmp"
	"slices"

	"github.com/pitwall/pitwall"
)

// Match gives the playbooks that fit a hypothesis, most specific first: the one
// written for fewer classes, then for fewer kinds of change, then the one that
// stands first in the catalogue. A playbook that asks for a kind of change does
// not fit a hypothesis without one.
func Match(books []pitwall.Playbook, h pitwall.Hypothesis) []pitwall.Playbook {
	var fit []pitwall.Playbook
	for _, b := range books {
		if fits(b.Match, h) {
			fit = append(fit, b)
		}
	}
	slices.SortStableFunc(fit, func(a, b pitwall.Playbook) int {
		return cmp.Or(
			cmp.Compare(breadth(len(a.Match.Classes)), breadth(len(b.Match.Classes))),
			cmp.Compare(breadth(len(a.Match.ChangeKinds)), breadth(len(b.Match.ChangeKinds))),
		)
	})
	return fit
}

func fits(m pitwall.PlaybookMatch, h pitwall.Hypothesis) bool {
	if len(m.Classes) > 0 && !slices.Contains(m.Classes, h.Class) {
		return false
	}
	if len(m.ChangeKinds) == 0 {
		return true
	}
	return h.Change != nil && slices.Contains(m.ChangeKinds, h.Change.Kind)
}

// breadth is how many things a list lets in; an empty list lets in everything.
func breadth(n int) int {
	if n == 0 {
		return 1 << 20
	}
	return n
}
