package prof

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/pitwall/pitwall"
)

// FamilyWindow is one profile window folded: what each family and each function
// cost in it, in seconds (of CPU or of waiting) or bytes.
type FamilyWindow struct {
	Period   pitwall.Period
	Version  pitwall.Version
	Instance string
	Requests int64 // 0: unknown
	Total    float64
	// Families are exclusive and add up to Total.
	Families map[Family]float64
	// Functions are by name. A function's Cumulative counts each stack it
	// stands in once, however often it recurs in it.
	Functions map[string]Cost
}

// Cost is what a function costs alone, and together with all it calls.
type Cost struct{ Self, Cumulative float64 }

// Fold reads windows of one service and type and folds each.
func Fold(windows []pitwall.ProfileWindow) ([]FamilyWindow, error) {
	parsed, err := parseAll(windows)
	if err != nil {
		return nil, err
	}
	out := make([]FamilyWindow, len(windows))
	for i, w := range windows {
		out[i] = fold(parsed[i])
		out[i].Period, out[i].Version, out[i].Instance, out[i].Requests = w.Period, w.Version, w.Instance, w.Requests
	}
	return out, nil
}

// PerRequest gives what each family costs per request over all windows, dearest
// first, as the Before side of frame deltas; a baseline keeps it. Windows
// without a request count are left out; when none has one it is Inconclusive.
func PerRequest(windows []pitwall.ProfileWindow) ([]pitwall.FrameDelta, error) {
	folded, err := Fold(windows)
	if err != nil {
		return nil, err
	}
	sums, total, requests := map[Family]float64{}, 0.0, int64(0)
	for _, w := range folded {
		if w.Requests <= 0 {
			continue
		}
		requests += w.Requests
		total += w.Total
		for f, v := range w.Families {
			sums[f] += v
		}
	}
	if requests == 0 {
		e := pitwall.Errorf(pitwall.Inconclusive, "folding profiles", "none of %d windows has a request count", len(windows))
		e.Hint = "requests are counted from server spans; check that the service sends traces"
		return nil, e
	}
	var out []pitwall.FrameDelta
	for f, v := range sums {
		out = append(out, pitwall.FrameDelta{Name: string(f), Before: v / float64(requests), ShareBefore: share(v, total), P: 1})
	}
	slices.SortFunc(out, func(a, b pitwall.FrameDelta) int {
		return cmp.Or(cmp.Compare(b.Before, a.Before), cmp.Compare(a.Name, b.Name))
	})
	return out, nil
}

func share(v, total float64) pitwall.Ratio {
	if total == 0 {
		return 0
	}
	return pitwall.Ratio(v / total)
}

// parseAll parses windows of one type.
func parseAll(windows []pitwall.ProfileWindow) ([]*Profile, error) {
	out := make([]*Profile, len(windows))
	for i, w := range windows {
		if w.Type != windows[0].Type {
			return nil, invalid(fmt.Errorf("a %s window among %s windows", w.Type, windows[0].Type))
		}
		p, err := Parse(w.Data, w.Type)
		if err != nil {
			return nil, fmt.Errorf("reading %s window of %s %s at %s: %w", w.Type, w.Service, w.Version, w.Period.From.UTC().Format("15:04:05"), err)
		}
		out[i] = p
	}
	return out, nil
}

func fold(p *Profile) FamilyWindow {
	w := FamilyWindow{Families: map[Family]float64{}, Functions: map[string]Cost{}}
	seen := map[string]bool{}
	for _, s := range p.Stacks {
		w.Total += s.Value
		w.Families[FamilyOf(s.Frames)] += s.Value
		clear(seen)
		for i, f := range s.Frames {
			c := w.Functions[f]
			if i == 0 {
				c.Self += s.Value
			}
			if !seen[f] {
				seen[f] = true
				c.Cumulative += s.Value
			}
			w.Functions[f] = c
		}
	}
	return w
}
