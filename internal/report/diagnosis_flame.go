package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/pitwall/pitwall"
)

// FlameBox is one frame of the differential flame graph. X and W are shares of
// the width as it is now, XBefore and WBefore as it was in the baseline; Heat is
// what the frame grew by as a share of the greatest growth, in [-1,1].
type FlameBox struct {
	Name    string  `json:"name"`
	Depth   int     `json:"depth"`
	Before  string  `json:"before"` // per request, with all it calls
	After   string  `json:"after"`
	Change  string  `json:"change"`
	X       float64 `json:"x"`
	W       float64 `json:"w"`
	XBefore float64 `json:"x_before"`
	WBefore float64 `json:"w_before"`
	Heat    float64 `json:"heat"`
	Tone    Tone    `json:"tone"`
}

// noteworthy is the part of the greatest growth from which a frame is coloured;
// below it every frame of a noisy profile would be.
const noteworthy = 0.05

// flameBoxes lays a tree out for both sides. Children never reach beyond their
// parent: where their sum exceeds it, which sampling can do, they are shrunk.
func flameBoxes(tree []pitwall.FlameNode, u pitwall.Unit) []FlameBox {
	n := len(tree)
	boxes, parent, stack := make([]FlameBox, n), make([]int, n), []int{}
	before, after := make([]float64, n), make([]float64, n)
	most := 0.0
	for i, f := range tree {
		depth := min(max(0, f.Depth), len(stack))
		stack = stack[:depth]
		parent[i] = -1
		if depth > 0 {
			parent[i] = stack[depth-1]
		}
		stack = append(stack, i)
		before[i], after[i] = known(f.Before), known(f.After)
		most = math.Max(most, math.Abs(after[i]-before[i]))
		boxes[i] = FlameBox{Name: f.Name, Depth: depth, Before: perRequest(before[i], u), After: perRequest(after[i], u), Change: grew(before[i], after[i]), Tone: ToneNone}
	}
	x, w := layOut(after, parent)
	xb, wb := layOut(before, parent)
	for i := range boxes {
		b := &boxes[i]
		b.X, b.W, b.XBefore, b.WBefore = x[i], w[i], xb[i], wb[i]
		if most > 0 {
			b.Heat = (after[i] - before[i]) / most
		}
		switch {
		case b.Heat > noteworthy:
			b.Tone = ToneWarn
		case b.Heat < -noteworthy:
			b.Tone = ToneOK
		}
	}
	return boxes
}

// worthTelling is by what factor all of a profile must have grown to be told
// where no family did: the diagnosis names growth from the same factor.
const worthTelling = 1.5

// wholeCost is what a request costs in all, by the roots of the tree.
func wholeCost(f pitwall.FlameDiff) (before, after float64) {
	for _, n := range f.Tree {
		if n.Depth <= 0 {
			before, after = before+known(n.Before), after+known(n.After)
		}
	}
	return before, after
}

// flameTotal words it.
func flameTotal(f pitwall.FlameDiff) string {
	before, after := wholeCost(f)
	if before+after == 0 {
		return ""
	}
	return perRequest(before, f.Unit) + " → " + perRequest(after, f.Unit) + " (" + grew(before, after) + ")"
}

func known(v float64) float64 {
	if !finite(v) || v < 0 {
		return 0
	}
	return v
}

// grew words a change: "new", "gone", "−33.0 %", "×2.1".
func grew(before, after float64) string {
	switch {
	case before == 0 && after == 0:
		return "nothing"
	case before == 0:
		return "new"
	case after == 0:
		return "gone"
	}
	return Change(after/before - 1)
}

// layOut gives every node its place; parents come before their children.
func layOut(values []float64, parent []int) (x, w []float64) {
	n := len(values)
	x, w = make([]float64, n), make([]float64, n)
	within := make([]float64, n+1) // sum of children; the last is that of the roots
	slot := func(i int) int {
		if parent[i] < 0 {
			return n
		}
		return parent[i]
	}
	for i, v := range values {
		within[slot(i)] += v
	}
	next := make([]float64, n+1)
	for i, v := range values {
		p := slot(i)
		left, width, whole := 0.0, 1.0, within[n]
		if p < n {
			left, width, whole = x[p], w[p], math.Max(values[p], within[p])
		}
		if whole > 0 {
			w[i] = width * v / whole
		}
		x[i] = left + next[p]
		next[p] += w[i]
	}
	return x, w
}

// flame shows the profile that a diagnosis compared. It is that of the first
// hypothesis where that one has any; another's says whose is missing.
func flame(d pitwall.Diagnosis) *FlameView {
	f := d.Flame
	if f == nil || len(f.Families)+len(f.Frames)+len(f.Tree) == 0 {
		return nil
	}
	v := &FlameView{Title: fmt.Sprintf("%s profile of %s, per request: baseline and now", strings.ToUpper(string(f.Type)), f.Service)}
	if len(d.Hypotheses) > 0 && d.Hypotheses[0].Service != f.Service {
		v.Title += fmt.Sprintf(" (%s has none)", orWord(string(d.Hypotheses[0].Service), "the first hypothesis"))
	}
	v.Families, v.Frames = frameRows(f.Families, f.Unit), frameRows(f.Frames, f.Unit)
	v.Tree, v.Total, v.Warnings = flameBoxes(f.Tree, f.Unit), flameTotal(*f), f.Warnings
	for _, r := range v.Families {
		if r.Significant {
			v.Summary = fmt.Sprintf("%s moved most: %s → %s per request.", upperFirst(r.Name), r.Before, r.After)
			break
		}
	}
	switch {
	case v.Summary != "":
	case len(f.Families) == 0:
		v.Summary = "Functions only: this profile was not sorted into families."
	default:
		v.Summary = "No family of frames moved beyond noise."
		if before, after := wholeCost(*f); before > 0 && after > before*worthTelling {
			v.Summary = fmt.Sprintf("No family stands out alone; all of it grew by %s.", Percent(after/before-1))
		}
	}
	return v
}

func frameRows(list []pitwall.FrameDelta, u pitwall.Unit) []FrameRow {
	sorted := slices.Clone(list)
	slices.SortStableFunc(sorted, func(a, b pitwall.FrameDelta) int {
		da, db := math.Abs(a.After-a.Before), math.Abs(b.After-b.Before)
		switch {
		case da > db:
			return -1
		case da < db:
			return 1
		}
		return 0
	})
	widest := 0.0
	for _, f := range sorted {
		widest = math.Max(widest, math.Max(f.Before, f.After))
	}
	if widest == 0 {
		widest = 1
	}
	rows := make([]FrameRow, 0, len(sorted))
	for _, f := range sorted {
		r := FrameRow{Name: f.Name, Before: perRequest(f.Before, u), After: perRequest(f.After, u), Change: same, P: PValue(f.P),
			ShareAfter: Percent(float64(f.ShareAfter)), Was: clamp01(f.Before / widest), Is: clamp01(f.After / widest),
			Significant: f.Significant, Tone: ToneNone}
		if f.Significant {
			r.Tone = ToneOK
			if f.After > f.Before {
				r.Tone = ToneWarn
			}
			r.Change = "new"
			if f.Before > 0 {
				r.Change = Change(f.After/f.Before - 1)
			}
		}
		rows = append(rows, r)
	}
	return rows
}

// perRequest prints a profile value without repeating "per request".
func perRequest(v float64, u pitwall.Unit) string {
	switch u {
	case pitwall.UnitCPUPerReq:
		return Seconds(v)
	case pitwall.UnitBytesPerReq:
		return bytesText(v)
	}
	return Value(v, u)
}
